"""Commands of upkeep: doctor, stats, verify, and the database's own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, repeatable, say, write, write_one
from timeline.cli.session import Output, form_of, opened, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.cli.checks import Check

app = typer.Typer()
db = typer.Typer(no_args_is_help=True, help="Look after the database.")


@app.command(epilog=epilog("timeline doctor -o json", 1, 2))
def doctor(ctx: typer.Context, *, output: Output = None) -> None:
    """Check what can go wrong, one thing at a time, and say how to mend it; changes nothing."""
    from timeline.cli.checks import checks  # noqa: PLC0415

    failed: list[str] = []
    shape = form_of(ctx, output)
    given = settings_of(ctx)

    def noted(made: Iterator[Check]) -> Iterator[dict[str, object]]:
        for check in made:
            failed.extend([] if check.passed else [check.check])
            fields = check.fields()
            yield {**fields, "fix": "" if check.passed else repeatable(check.fix)}

    write(Printed(name="checks", rows=noted(checks(given)), header={"settings": given.shown()}), shape)
    if failed:
        say(f"{', '.join(failed)} failed")
        raise typer.Exit(1)


@app.command(epilog=epilog("timeline stats -o json", 2, 3, 4))
def stats(ctx: typer.Context, *, output: Output = None) -> None:
    """Print how much the timeline holds."""
    shape = form_of(ctx, output)
    with opened(ctx) as line:
        write_one(line.stats(), shape)


@app.command(epilog=epilog("timeline verify", 1, 2, 3, 4))
def verify(ctx: typer.Context) -> None:
    """Hash the whole log anew, and name the first event that is not as it was recorded."""
    with opened(ctx) as line:
        say(f"{line.verify()} events are as they were recorded")


@db.command(epilog=epilog("timeline db upgrade", 2, 4))
def upgrade(ctx: typer.Context) -> None:
    """Bring the database to the version of this program; nothing happens where it is."""
    from timeline import database, opening  # noqa: PLC0415

    with opening.address(settings_of(ctx)) as url:
        before = database.status(url).revision
        database.upgrade(url)
        after = database.status(url).revision
    was = "already" if before == after else f"upgraded from {before or 'nothing'}, now"
    say(f"the database is {was} at revision {after}")


@db.command(epilog=epilog("timeline db status", 1, 2, 4))
def status(ctx: typer.Context, *, output: Output = None) -> None:
    """Print what the database is and whether it is of the version of this program."""
    from timeline import database, opening  # noqa: PLC0415

    shape = form_of(ctx, output)
    with opening.address(settings_of(ctx)) as url:
        found = database.status(url)
    write_one({**asdict(found), "current": found.current}, shape)
    if not found.current:
        say("the database is not of this version\n→ timeline db upgrade")
        raise typer.Exit(1)
