"""The command line. Nothing slow is imported before a command needs it: `--help` is the first thing that people see."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from timeline.cli import changes, corrections, demo, lists, questions, records, sql, upkeep, views
from timeline.cli.frame import Commands, epilog
from timeline.cli.session import Flags

app = typer.Typer(
    name="timeline",
    cls=Commands,
    help="What held on a day, what was known by then, and what was answered then: a store of dated facts.",
    epilog=epilog("timeline demo", 1, 2, 3, 4, 5),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (records, lists, corrections, demo, questions, changes, sql, upkeep):
    app.add_typer(part.app)
app.add_typer(views.app, name="views")
app.add_typer(upkeep.db, name="db")


def _version(wanted: bool) -> None:  # noqa: FBT001  Typer calls it so
    if wanted:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            typer.echo(f"timeline {version('timeline')}")
        except PackageNotFoundError:
            typer.echo("timeline, from a checkout that is not installed")
        raise typer.Exit


@app.callback()
def begin(
    ctx: typer.Context,
    *,
    timeline: Annotated[str | None, typer.Option(metavar="NAME", help="The timeline, instead of main.")] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The Postgres to use, instead of the embedded one.")
    ] = None,
    home: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the embedded Postgres is kept.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Keep the options of all commands for the one that runs."""
    del debug, version  # the frame reads the one, its callback has acted on the other
    ctx.obj = Flags(database_url=database_url, home=home, timeline=timeline)
