"""Commands that compare: diff, blame, history and replay."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, tell_basis, write, write_lines
from timeline.cli.session import AsOf, BasisToken, Known, On, Only, Output, Recorded, View, Without, form_of, opened

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from timeline.comparing import Comparison, Course, Explained

app = typer.Typer()

_CHANGE = ("key", "change", "fields", "before", "after")
_FIELD = ("key", "change", "field", "from", "to")

From = Annotated[
    str, typer.Option("--from", metavar="BASIS", help="A token, now, a day, or parts: known=2023-12-31,recorded=70.")
]
To = Annotated[str, typer.Option("--to", metavar="BASIS", help="The other basis, written in the same way.")]
OnlyKey = Annotated[str | None, typer.Argument(help="Only the row of this key.")]
Why = Annotated[bool, typer.Option("--why", help="Say what caused each change: who said what, when and where.")]
Stat = Annotated[bool, typer.Option("--stat", help="Only count the changes.")]
NameOnly = Annotated[bool, typer.Option("--name-only", help="Only name the keys that changed.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="End with 1 where anything changed.")]


@app.command(epilog=epilog("timeline diff deliveries --from known=2023-12-25 --on 2024-06-01 --why", 1, 2, 3, 4))
def diff(  # noqa: PLR0913  each is an option of the command line
    ctx: typer.Context,
    view: View,
    key: OnlyKey = None,
    *,
    from_: From,
    to: To = "now",
    on: On = None,
    known: Known = None,
    recorded: Recorded = None,
    only: Only = None,
    without: Without = None,
    why: Why = False,
    stat: Stat = False,
    name_only: NameOnly = False,
    exit_code: ExitCode = False,
    output: Output = None,
) -> None:
    """Print what changed in a view from one basis to another; --on, --known and --recorded are what both share."""
    shape = form_of(ctx, output)
    shared = {"on": on, "known": known, "recorded": recorded, "only": only, "without": without}
    with opened(ctx) as line:
        comparison = line.diff(view, from_, to, key=key, why=why, **shared)
        counts = _print(comparison, shape, stat=stat, name_only=name_only)
    _tell(comparison, counts)
    if exit_code and counts.total():
        raise typer.Exit(1)


@app.command(epilog=epilog("timeline replay deliveries --recorded 71 --against now --why", 1, 2, 3, 4))
def replay(  # noqa: PLR0913
    ctx: typer.Context,
    view: Annotated[str | None, typer.Argument(help="The view to fold again; all of them without it.")] = None,
    key: OnlyKey = None,
    *,
    with_: Annotated[
        Path | None, typer.Option("--with", metavar="FILE.py", help="Fold with the projection in this file.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="BASIS", help="Compare with what is answered there; else at the same basis.")
    ] = None,
    on: On = None,
    known: Known = None,
    recorded: Recorded = None,
    as_of: AsOf = None,
    basis: BasisToken = None,
    only: Only = None,
    without: Without = None,
    why: Why = False,
    stat: Stat = False,
    name_only: NameOnly = False,
    exit_code: ExitCode = False,
    output: Output = None,
) -> None:
    """Fold the log again from its beginning to any basis, and print how that differs from what is answered."""
    from timeline import vocabulary  # noqa: PLC0415

    shape = form_of(ctx, output)
    question = {"on": on, "known": known, "recorded": recorded, "as_of": as_of, "basis": basis}
    believed = {"only": only, "without": without}
    differing = 0
    with opened(ctx) as line:
        for name in [view] if view else sorted(line.vocabulary.views):
            projection = vocabulary.projection(name, with_) if with_ else None
            comparison = line.replay(
                name, projection=projection, against=against, key=key, why=why, **question, **believed
            )
            counts = _print(comparison, shape, stat=stat, name_only=name_only)
            _tell(comparison, counts, tokens=view is not None)
            differing += counts.total()
    if exit_code and differing:
        raise typer.Exit(1)


@app.command(epilog=epilog("timeline blame deliveries s-400-india --on 2024-06-01 --known 2023-12-31", 2, 3, 4))
def blame(  # noqa: PLR0913
    ctx: typer.Context,
    view: View,
    key: Annotated[str, typer.Argument(help="The row's key.")],
    *,
    on: On = None,
    known: Known = None,
    recorded: Recorded = None,
    as_of: AsOf = None,
    basis: BasisToken = None,
    only: Only = None,
    without: Without = None,
    output: Output = None,
) -> None:
    """Print, for each field of a row, who set it, in which document and words, and what that displaced."""
    shape = form_of(ctx, output)
    question = {"on": on, "known": known, "recorded": recorded, "as_of": as_of, "basis": basis}
    with opened(ctx) as line:
        origin = line.blame(view, key, **question, only=only, without=without)
    if shape == "table":
        from timeline.telling import credited  # noqa: PLC0415

        write_lines(credited(origin.fields, origin.documents))
    else:
        write(Printed(name="fields", rows=origin.rows(), header=origin.header()), shape)
    tell_basis(origin.basis)


@app.command(epilog=epilog("timeline history deliveries s-400-india --on 2024-06-01", 2, 3, 4))
def history(  # noqa: PLR0913
    ctx: typer.Context,
    view: View,
    key: Annotated[str, typer.Argument(help="The row's key.")],
    *,
    over: Annotated[Literal["known", "recorded", "on"], typer.Option(help="Along which axis.")] = "known",
    on: On = None,
    known: Known = None,
    recorded: Recorded = None,
    as_of: AsOf = None,
    basis: BasisToken = None,
    only: Only = None,
    without: Without = None,
    output: Output = None,
) -> None:
    """Print how a row came to be what it is: each change of it along one axis, and what caused it."""
    shape = form_of(ctx, output)
    question = {"on": on, "known": known, "recorded": recorded, "as_of": as_of, "basis": basis}
    with opened(ctx) as line:
        course = line.history(view, key, over=over, **question, only=only, without=without)
    if shape == "table":
        write_lines(_course(course))
    else:
        columns = ("at", *_CHANGE)
        write(Printed(name="transitions", rows=course.rows(), header=course.header(), columns=columns), shape)
    if not course.transitions:
        say(f"no row {key} in {view}")
    tell_basis(course.basis)


def _print(comparison: Comparison, shape: str, *, stat: bool, name_only: bool) -> Counter[str]:
    """Print the changes in full, by name or counted, and return how many there are of each sort."""
    counts: Counter[str] = Counter()
    with closing(_counted(comparison.changes, counts)) as changes:
        _write(changes, comparison.header(), shape, stat=stat, name_only=name_only)
    return counts


def _write(changes: Iterator[Explained], header: dict[str, Any], shape: str, *, stat: bool, name_only: bool) -> None:
    """Print changes in the form that was asked for."""
    if stat:
        write(
            Printed(name="counts", rows=_statistics(changes), header=header, columns=("change", "field", "rows")), shape
        )
    elif name_only:
        names = ({"key": found.change.key, "change": found.change.change} for found in changes)
        write(Printed(name="keys", rows=names, header=header, columns=("key", "change")), shape)
    elif shape == "table":
        write_lines(line for found in changes for line in _told(found))
    elif shape in ("csv", "md"):
        fields = (row for found in changes for row in _fields(found))
        write(Printed(name="fields", rows=fields, header=header, columns=_FIELD), shape)
    else:
        rows = (found.to_dict() for found in changes)
        write(Printed(name="changes", rows=rows, header=header, columns=_CHANGE), shape)


def _counted(changes: Generator[Explained, None, None], counts: Counter[str]) -> Generator[Explained, None, None]:
    with closing(changes):  # what is read no further shall let go of its connection at once
        for found in changes:
            counts[found.change.change] += 1
            yield found


def _statistics(changes: Iterable[Explained]) -> list[dict[str, Any]]:
    """Return how many rows were added, are gone or changed and, of those that changed, in which fields."""
    counts: Counter[tuple[str, str]] = Counter()
    for found in changes:
        counts[found.change.change, ""] += 1
        if found.change.change == "changed":
            counts.update({("changed", path.partition(".")[0]) for path in found.change.fields})
    return [
        {"change": change, "field": field or None, "rows": number} for (change, field), number in sorted(counts.items())
    ]


def _fields(found: Explained) -> Iterator[dict[str, Any]]:
    """Yield a row for each field that differs, for forms that are made of columns."""
    causes = [f"{cause.cause}: {cause.entry.fact} at {cause.entry.position}" for cause in found.causes or ()]
    why = {} if found.causes is None else {"why": "; ".join(causes)}
    for path, (before, after) in found.change.fields.items():
        row = {"key": found.change.key, "change": found.change.change, "field": path, "from": before, "to": after}
        yield row | why


def _told(found: Explained) -> Iterator[str]:
    from timeline.telling import told  # noqa: PLC0415

    yield from told(found.change, found.causes or (), found.documents)
    if found.causes == ():
        yield "  by another projection: no event makes the difference"
    yield ""


def _course(course: Course) -> Iterator[str]:
    from timeline.comparing import point  # noqa: PLC0415

    for at, found in course.transitions:
        yield f"{course.over} {point(at)}"
        yield from (f"  {line}" if line else "" for line in _told(found))


def _tell(comparison: Comparison, counts: Counter[str], *, tokens: bool = True) -> None:
    """Say how much changed and, of one view, between which bases."""
    view = comparison.after.view
    found = ", ".join(f"{counts[name]:,} {name}" for name in ("added", "gone", "changed") if counts[name])
    say(f"{view}: {found or 'nothing differs'}")
    for side, basis in (("from", comparison.before), ("to", comparison.after)) if tokens else ():
        say(f"{side} {basis.token}")
