"""Commands that write: init, import, export."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import say
from timeline.cli.session import opened, settings_of
from timeline.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from timeline.append import Receipt
    from timeline.recording import Item

app = typer.Typer()

QUIET_SECONDS = 2
"""Time that passes before progress is shown at all."""

LINE_SECONDS = 10
"""Time between lines of progress where there is no terminal."""

SHOWN = 50
"""Bad lines that are told one by one; all of them are counted."""


@app.command(epilog=epilog("timeline --database-url postgresql://localhost/news init", 2, 4))
def init(ctx: typer.Context) -> None:
    """Make the database ready for this program, or upgrade it; nothing happens where it is."""
    say(f"{make_ready(ctx)} for the timeline {settings_of(ctx).timeline!r}")
    say("→ timeline import FILE… records facts; timeline demo shows what can be asked")


def make_ready(ctx: typer.Context) -> str:
    """Make or upgrade the database and the timeline, and return a sentence that says so."""
    from timeline import database, opening  # noqa: PLC0415

    given = settings_of(ctx)
    with opening.address(given) as url:
        database.upgrade(url)
        with opening.opened(replace(given, database_url=url)) as line:
            line.create()
            line.publish()
        status = database.status(url)
    where = f"the database {status.database}" if given.database_url else f"the embedded database in {given.home}"
    return f"{where} is ready at revision {status.revision}"


@app.command("import", epilog=epilog("timeline import seeds/ --dry-run", 1, 2, 4, 5))
def import_(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="FILE…", help="Files or folders; - for standard input.")],
    *,
    map_: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE.toml", help="Read tables: CSV, TSV, JSON Lines, Parquet, as this map says."
        ),
    ] = None,
    revise: Annotated[bool, typer.Option("--revise", help="Make corrections of what differs from the log.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Record the good lines, report the bad.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but keep it.")] = False,
) -> None:
    """Record the facts and documents of files and folders: all of them or, at the first bad one, none."""
    versions = map_ if revise else None
    if versions and skip_bad:
        raise Refused("a version left out would change what the later ones correct", remedy="Leave out --skip-bad")
    reading = _reading(paths, map_)
    with opened(ctx) as line, progress() as told:
        if versions:
            receipt = line.revise(paths, versions, dry_run=dry_run, progress=told)
        else:
            receipt = line.record(reading, revise=revise, skip_bad=skip_bad, dry_run=dry_run, progress=told)
    tell(receipt, dry_run=dry_run)
    if receipt.bad:
        raise typer.Exit(1)


def _reading(paths: list[str], map_: Path | None) -> Iterable[Item]:
    """Return what files and folders state; with a map, what tables do."""
    from timeline import exchange, maps  # noqa: PLC0415

    return exchange.read(*paths) if map_ is None else maps.lines(maps.load(map_), paths)


@app.command(epilog=epilog("timeline export news-2024/", 2, 3, 4))
def export(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="A new folder for facts.jsonl and documents/.")] = None,
) -> None:
    """Print all events as JSON Lines, or write them with their documents into a folder that import reads back."""
    from timeline import exporting  # noqa: PLC0415

    with opened(ctx) as line:
        if folder is not None:
            count = exporting.write(folder, line.export(), line.documents())
            say(f"{counted(count, 'event')} and their documents in {folder}")
            return
        for text in line.export():
            sys.stdout.buffer.write(text + b"\n")


def tell(receipt: Receipt, *, dry_run: bool = False) -> None:
    """Say what a recording did: each bad line first, the counts last."""
    for bad in receipt.bad[:SHOWN]:
        say(str(bad))
    if len(receipt.bad) > SHOWN:
        say(f"… and {len(receipt.bad) - SHOWN:,} more")
    at = f" at {receipt.first}-{receipt.last}" if receipt.recorded > 1 else f" at {receipt.first}"
    at = at if receipt.recorded and not dry_run else ""
    counts = [f"{counted(receipt.recorded, 'event')} {'would be ' if dry_run else ''}recorded{at}"]
    counts += [f"{counted(receipt.documents, 'document')}"] if receipt.documents else []
    counts += [f"{counted(receipt.duplicates, 'duplicate')}"] if receipt.duplicates else []
    counts += [f"{len(receipt.bad):,} bad"] if receipt.bad else []
    say(", ".join(counts))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "event"), counted(2000, "event")
    ('1 event', '2,000 events')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@contextmanager
def progress() -> Iterator[Callable[[int], None]]:
    """Yield what is told how many lines are done: a moving bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (BarColumn(), TextColumn("{task.completed:,} lines, {task.speed:,.0f} a second"), TimeElapsedColumn())
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=False) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done: bar.update(task, completed=done, visible=time.monotonic() - begun > QUIET_SECONDS)


class _Lines:
    """Progress as plain lines on stderr."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told >= LINE_SECONDS:
            self._told = now
            say(f"{done:,} lines, {done / (now - self._begun):,.0f} a second")
