"""Commands that read: ask, facts, log and show."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, spread, tell_basis, write
from timeline.cli.session import (
    AsOf,
    BasisToken,
    Known,
    OfKind,
    On,
    Only,
    Output,
    Recorded,
    View,
    Without,
    form_of,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from timeline.fold import Row

app = typer.Typer()

_ROW = ("key", "state", "certainty", "disputed", "since", "until", "known_since", "facts")
_EVENT = ("action", "fact", "known", "kind", "subject", "data", "valid", "position", "recorded", "event")
_FACT = (*_EVENT, "first", "last", "certainty")


@app.command(epilog=epilog("timeline ask deliveries --on 2024-06-01 --known 2023-12-31", 2, 3, 4))
def ask(  # noqa: PLR0913  each is an option of the command line
    ctx: typer.Context,
    view: View,
    key: Annotated[str | None, typer.Argument(help="Only the row of this key.")] = None,
    *,
    on: On = None,
    known: Known = None,
    recorded: Recorded = None,
    as_of: AsOf = None,
    basis: BasisToken = None,
    only: Only = None,
    without: Without = None,
    where: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help="Only rows with this value.")] = None,
    output: Output = None,
) -> None:
    """Print the rows of a view as they stood on a day, from what was known and recorded by then."""
    from timeline.answers import row_fields  # noqa: PLC0415

    shape = form_of(ctx, output)
    question = {"on": on, "known": known, "recorded": recorded, "as_of": as_of, "basis": basis}
    believed = {"only": only, "without": without}
    with opened(ctx) as line:
        at, rows = line.stream(view, key, where=where or (), **question, **believed)
        header = {"basis": at.to_dict(), "view": at.view, "version": at.version}
        stuck: list[str] = []
        fields = map(row_fields, _noting(rows, stuck))
        count = write(Printed(name="rows", rows=fields, header=header, columns=_ROW), shape)
        lag = None if recorded or basis or only or without else line.views.lag(view, at.recorded)
        others = map(row_fields, line.stream(view, key, basis=at.token)[1] if where and not count else ())
        strange = list(_strange(where or [], others))
    _tell_stored(view, lag and lag.found, len(stuck))
    tell_basis(at)
    if not count:
        _nothing(f"no rows in {view}", {"key": key, "where": " and ".join(where or ())})
    for hint in strange:
        say(hint)


@app.command(epilog=epilog("timeline facts --kind sanction.imposed --as-of 2023-12-26 -o json", 2, 4))
def facts(  # noqa: PLR0913
    ctx: typer.Context,
    *,
    kind: OfKind = None,
    subject: Annotated[str | None, typer.Option(help="Only facts about this subject.")] = None,
    on: On = None,
    known: Known = None,
    recorded: Recorded = None,
    as_of: AsOf = None,
    basis: BasisToken = None,
    only: Only = None,
    without: Without = None,
    output: Output = None,
) -> None:
    """Print the facts that held on a day, from what was known and recorded by then."""
    from timeline.answers import fact_fields  # noqa: PLC0415

    shape = form_of(ctx, output)
    question = {"on": on, "known": known, "recorded": recorded, "as_of": as_of, "basis": basis}
    believed = {"only": only, "without": without}
    with opened(ctx) as line:
        at, found = line.stream_facts(kind=kind, subject=subject, **question, **believed)
        rows = (fact_fields(entry, at.on) for entry in found)
        count = write(Printed(name="facts", rows=rows, header={"basis": at.to_dict()}, columns=_FACT), shape)
    tell_basis(at)
    if not count:
        _nothing("no facts", {"kind": kind, "subject": subject})


@app.command(epilog=epilog("timeline log s-400-india -o table", 2, 3, 4))
def log(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only events of this fact or subject.")] = None,
    *,
    output: Output = None,
) -> None:
    """Print the events of the log in order of recording."""
    from timeline.answers import entry_fields  # noqa: PLC0415

    shape = form_of(ctx, output)
    with opened(ctx) as line:
        count = write(Printed(name="events", rows=map(entry_fields, line.log(name)), columns=_EVENT), shape)
    if not count:
        _nothing("no events", {"fact or subject": name})


@app.command(epilog=epilog("timeline show s400-plan-1", 2, 3, 4))
def show(
    ctx: typer.Context,
    fact: Annotated[str, typer.Argument(help="The fact's identity, as answers print it.")],
    *,
    output: Output = None,
) -> None:
    """Print all versions of a fact: who said it, when it was known and recorded, and the quote in its document."""
    shape = form_of(ctx, output)
    with opened(ctx) as line:
        history = line.show(fact).to_dict()
    versions = history["versions"]
    rows = _for_people(versions) if shape == "table" else versions
    write(Printed(name="versions", rows=rows, header={"fact": history["fact"]}, columns=_EVENT), shape)


def _noting(rows: Iterable[Row], stuck: list[str]) -> Iterator[Row]:
    """Yield rows, and note the keys of those that cannot be folded."""
    for row in rows:
        if row.stuck is not None:
            stuck.append(row.key)
        yield row


def _tell_stored(view: str, lag: str | None, stuck: int) -> None:
    """Say why an answer did not come from what is stored, or is in part that of an earlier position."""
    if lag:
        say(f"{lag}: computed from the log")
    if stuck:
        keys = "key" if stuck == 1 else "keys"
        say(f"{stuck:,} {keys} of {view} cannot be folded: timeline views errors {view}")


LOOKED_AT = 200
"""Rows that are looked at for the fields that a view has."""


def _strange(where: list[str], rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield what to say of fields that no row has, where nothing was found: they may be misspelt."""
    names = {name for row in islice(rows, LOOKED_AT) for name in spread(row)}
    names |= {name.removeprefix("state.") for name in names}
    for field in (text.partition("=")[0] for text in where):
        if names and field not in names and not any(name.startswith(f"{field}.") for name in names):
            near = get_close_matches(field, names, n=1)
            yield f"no row there has a field {field!r}" + (f"; did you mean {near[0]}?" if near else "")


def _for_people(versions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield versions with the quote and its surroundings as one text, the quote between » and «."""
    for version in versions:
        fields = dict(version)
        if fields.get("context"):
            before, quote, after = fields["context"]
            fields["context"] = f"{before}»{quote}«{after}"
        yield fields


def _nothing(what: str, filters: dict[str, str | None]) -> None:
    """Say that an answer is empty, and what may have made it so."""
    given = ", ".join(f"{name} {value}" for name, value in filters.items() if value)
    say(f"{what}{f' for {given}' if given else ''}")
