"""What commands share: the settings in force, an open timeline, and the options that several of them take."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timeline import settings
from timeline.cli.output import form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.app import Timeline
    from timeline.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The options of all commands, as given."""

    database_url: str | None = None
    home: Path | None = None
    timeline: str | None = None


def settings_of(ctx: typer.Context) -> settings.Settings:
    """Return the settings in force for a command."""
    flags = ctx.find_object(Flags) or Flags()
    given = {"database_url": flags.database_url, "home": flags.home, "timeline": flags.timeline}
    return settings.load(given)


def form_of(ctx: typer.Context, explicit: str | None) -> str:
    """Return the form in which a command prints; refuses one that does not exist."""
    given = None if explicit is None else settings.SETTINGS["output"](explicit, Path(), "--output")
    return form(given, settings_of(ctx).output)


@contextmanager
def opened(ctx: typer.Context) -> Iterator[Timeline]:
    """Open the timeline that the settings name."""
    from timeline import opening  # noqa: PLC0415

    with opening.opened(settings_of(ctx)) as line:
        yield line


def vocabulary_of(ctx: typer.Context) -> Vocabulary:
    """Return the kinds and views, which needs no database."""
    from timeline import vocabulary  # noqa: PLC0415

    return vocabulary.load(settings_of(ctx).plugins)


def completed_views(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the views that a beginning may mean, each with what it is about."""
    words = vocabulary_of(ctx).views.values()
    return [(view.name, view.about) for view in words if view.name.startswith(incomplete)]


def _kinds(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    words = vocabulary_of(ctx).kinds.values()
    return [(kind.name, kind.about) for kind in words if kind.name.startswith(incomplete)]


def _forms(incomplete: str) -> list[str]:
    return [name for name in settings.FORMATS if name.startswith(incomplete)]


_TIME = "When"
View = Annotated[
    str, typer.Argument(help="The view to ask, such as sanctions or deliveries.", autocompletion=completed_views)
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="|".join(settings.FORMATS),
        help="How to print; a table on a terminal, JSON Lines in a pipe unless TIMELINE_OUTPUT says otherwise.",
        autocompletion=_forms,
    ),
]
On = Annotated[str | None, typer.Option(metavar="DAY", help="What held on this day.", rich_help_panel=_TIME)]
Known = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="From what was public by then; a day counts whole.", rich_help_panel=_TIME),
]
Recorded = Annotated[
    str | None,
    typer.Option(
        metavar="N|DATE", help="From what this store had recorded by this position or time.", rich_help_panel=_TIME
    ),
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Sets --on and --known.", rich_help_panel=_TIME)
]
BasisToken = Annotated[
    str | None, typer.Option(metavar="TOKEN", help="The basis of an earlier answer.", rich_help_panel=_TIME)
]
_WHO = "Who is believed"
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHO",
        help="Nothing but events of this publisher:NAME, document:ID, speaker:NAME or modality:WORD.",
        rich_help_panel=_WHO,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(metavar="WHO", help="As if the events of this one had never been recorded.", rich_help_panel=_WHO),
]
OfKind = Annotated[str | None, typer.Option("--kind", help="Only facts of this kind.", autocompletion=_kinds)]
