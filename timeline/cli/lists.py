"""Commands about lists that are looked at again and again: sync and sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, write
from timeline.cli.records import counted
from timeline.cli.session import Output, form_of, opened

if TYPE_CHECKING:
    from timeline.runs import Run

app = typer.Typer()

_SOURCE = ("source", "runs", "refused", "first_known", "last_known", "rows")
_COUNTS = ("added", "amended", "removed", "returned")
_RUN = ("run", "form", "known", "recorded", "outcome", "file", "rows", *_COUNTS, "first", "last", "reason")


@app.command(epilog=epilog("timeline sync sdn.csv --source ofac --known 2024-05-03 --map ofac.toml", 2, 4, 5))
def sync(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="LIST", help="The whole list, as it read then.")],
    *,
    source: Annotated[str, typer.Option(metavar="NAME", help="The list that it is a snapshot of.")],
    known: Annotated[str, typer.Option(metavar="DATE", help="When the list read so; a day counts from its start.")],
    map_: Annotated[Path, typer.Option("--map", metavar="FILE.toml", help="How its rows become facts.")],
    absent: Annotated[
        str | None,
        typer.Option(metavar="end|retract|ignore", help="What becomes of entries that are gone; else as the map says."),
    ] = None,
    max_removed: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Refuse a list that lacks more than this share; else as the map says."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but keep it.")] = False,
) -> None:
    """Record what was added, amended and removed since the last snapshot of a list."""
    with opened(ctx) as line:
        run = line.sync(
            path, source=source, known=known, map=map_, absent=absent, max_removed=max_removed, dry_run=dry_run
        )
    _tell(run, dry_run=dry_run)


@app.command(epilog=epilog("timeline sources ofac -o table", 2, 3, 4))
def sources(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Every look at this source, instead of all sources.")] = None,
    *,
    output: Output = None,
) -> None:
    """Print the lists that were looked at, or every look at one of them, refused ones too."""
    shape = form_of(ctx, output)
    with opened(ctx) as line:
        if name is None:
            found = Printed(name="sources", rows=[one.to_dict() for one in line.sources()], columns=_SOURCE)
        else:
            rows = [{column: fields[column] for column in _RUN} for fields in (r.to_dict() for r in line.runs(name))]
            found = Printed(name="runs", rows=rows, header={"source": name}, columns=_RUN)
    if not write(found, shape):
        say("no sources")


def _tell(run: Run, *, dry_run: bool) -> None:
    """Say what a look found."""
    at = f", recorded at {run.first}{f'-{run.last}' if run.last != run.first else ''}" if run.first else ""
    found = ", ".join(f"{getattr(run, name):,} {name}" for name in _COUNTS if getattr(run, name)) or "unchanged"
    say(f"{counted(run.rows, 'row')}, {found}{', nothing kept' if dry_run else at}: run {run.run} of {run.source}")
