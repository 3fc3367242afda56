"""Commands that run the stored views: views list, status, rebuild, verify, pause, resume, drop, errors and run."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, write
from timeline.cli.records import LINE_SECONDS, counted
from timeline.cli.session import Output, View, completed_views, form_of, opened
from timeline.errors import NotFound, Outdated, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from timeline.fold import Projection
    from timeline.keeping import Views
    from timeline.rebuilding import Rebuilt

app = typer.Typer(no_args_is_help=True, help="Look after the stored views.")

SHORT = 100
"""Characters of a state that a difference is told with."""

_STATUS = ("view", "version", "state", "position", "lag", "rows", "bytes", "stuck", "updated", "error")
_REBUILT = (
    "view",
    "version",
    "position",
    "events",
    "rows",
    "digest",
    "seconds",
    "events_per_second",
    "compared",
    "differing",
)
_PROOF = ("view", "position", "keys", "rows", "stuck", "hash", "difference")
_RANGE = ("view", "first", "last", "rows", "hash", "difference")
_ERROR = ("view", "key", "position", "reason", "since")
_GRANT = "Ask the database's owner: GRANT timeline_writer TO the login"

Names = Annotated[list[str] | None, typer.Argument(metavar="VIEW…", help="The views.", autocompletion=completed_views)]


@app.command("list", epilog=epilog("timeline views list -o table", 2, 3, 4))
def list_(ctx: typer.Context, *, output: Output = None) -> None:
    """Print the views that there are: what each shows by which key, from which kinds, and whether it is stored."""
    shape = form_of(ctx, output)
    with _opened(ctx) as views:
        stored = views.stored()
        rows = (_listed(view, view.name in stored) for _, view in sorted(views.vocabulary.views.items()))
        write(Printed(name="views", rows=rows), shape)


def _listed(view: Projection, stored: bool) -> dict[str, Any]:  # noqa: FBT001
    named = {"view": view.name, "version": view.version, "about": view.about}
    return {**named, "kinds": sorted(view.kinds), "stored": stored}


@app.command(epilog=epilog("timeline views status -o table", 2, 3, 4))
def status(ctx: typer.Context, names: Names = None, *, output: Output = None) -> None:
    """Print what is stored of each view: how far it is, how far behind the log, and how large."""
    shape = form_of(ctx, output)
    with _opened(ctx) as views:
        rows = views.status()
        for name in {*(names or ())} - {row["view"] for row in rows}:
            views.vocabulary.view(name)
        rows = [row for row in rows if not names or row["view"] in names]
        write(Printed(name="views", rows=rows, columns=_STATUS), shape)


@app.command(epilog=epilog("timeline views rebuild sanctions", 2, 3, 4, 5))
def rebuild(
    ctx: typer.Context,
    names: Names = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Every view that there is.")] = False,
    output: Output = None,
) -> None:
    """Build stored views anew from the log, while the old ones answer, and tell how the two differ."""
    shape = form_of(ctx, output)
    if names and all_:
        raise Refused("--all means every view, and some are named", remedy="Give --all or the names")
    if not names and not all_:
        raise Refused("say which views are to be built anew", remedy="Name them, or give --all")
    with _opened(ctx) as views:
        wanted = _named(views, names or None)
        rows = (_rebuilt(views, view) for view in wanted)
        write(Printed(name="rebuilt", rows=rows, columns=_REBUILT), shape)


def _rebuilt(views: Views, view: Projection) -> dict[str, Any]:
    with building(view.name) as told:
        found = views.rebuild(view, told)
    _tell_differences(found)
    held = views.stored().get(view.name)
    if held is not None and held.paused:
        say(f"{view.name} stays paused\n→ timeline views resume {view.name}")
    fields = {**asdict(found), "seconds": round(found.seconds, 3), "events_per_second": round(found.events_per_second)}
    return {name: fields[name] for name in _REBUILT}


def _tell_differences(found: Rebuilt) -> None:
    for row in found.differences:
        where = "no longer" if row.only_in == "old" else "new"
        state = row.state if len(row.state) <= SHORT else f"{row.state[:SHORT]}…"
        say(f"{where}: {row.key} on {row.days} known {row.known}: {state}")
    if found.compared is not None and found.compared < found.position:
        missing = counted(found.position - found.compared, "event")
        say(f"what was stored of {found.view} lacked {missing}: their keys were not compared")
    if found.differing:
        more = found.differing - len(found.differences)
        rest = f", {more:,} of them not shown" if more else ""
        say(f"{found.view} differs from what was stored in {counted(found.differing, 'row')}{rest}")


@app.command(epilog=epilog("timeline views verify --by 100000", 1, 2, 3, 4))
def verify(
    ctx: typer.Context,
    names: Names = None,
    *,
    by: Annotated[int | None, typer.Option(min=1, metavar="N", help="Print each range of N positions.")] = None,
    output: Output = None,
) -> None:
    """Fold the log again and compare it with what is stored, key by key; name the first difference of each view.

    A row belongs to the position of the newest event behind it. With --by, count and hash of the rows stored are
    printed range by range, to be held against those of another machine, or of another day.
    """
    shape = form_of(ctx, output)
    wrong: list[str] = []
    unproved: list[str] = []
    with _opened(ctx) as views:
        wanted = _named(views, names or views.stored())
        rows = (row for view in wanted for row in _proved(views, view, by, wrong, unproved))
        write(Printed(name="verified", rows=rows, columns=_RANGE if by else _PROOF), shape)
        strange = [] if names else views.strange()
    if strange:
        say(f"{', '.join(strange)}: stored, and not proved: no plug-in that is loaded gives it")
    if wrong:
        say(f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not what the log folds into")
    if wrong:
        say(f"→ timeline views rebuild {' '.join(wrong)}")
    if wrong or unproved or strange:
        raise typer.Exit(1)
    say(f"{counted(len(wanted), 'stored view')} verified" if wanted else "no view is stored")


def _proved(
    views: Views, view: Projection, by: int | None, wrong: list[str], unproved: list[str]
) -> Iterator[dict[str, Any]]:
    try:
        found = views.verify(view, by)
    except Outdated as error:
        unproved.append(view.name)
        say(f"{error.message}\n→ {error.remedy}")
        return
    if found.difference:
        wrong.append(view.name)
        say(f"{view.name}: {found.difference}")
    if found.stuck:
        cannot = "cannot be folded and is not proved" if found.stuck == 1 else "cannot be folded and are not proved"
        say(f"{counted(found.stuck, 'key')} of {view.name} {cannot}: timeline views errors {view.name}")
    if by is None:
        yield {name: getattr(found, name) for name in _PROOF}
        return
    for part in found.ranges:
        told = part.told and f"the log folds into {counted(part.told[0], 'row')}, {part.told[1]}"
        fields = {**asdict(part), "view": view.name, "difference": told}
        yield {name: fields[name] for name in _RANGE}


@app.command(epilog=epilog("timeline views pause sanctions", 2, 3, 4))
def pause(ctx: typer.Context, view: View) -> None:
    """Leave a stored view where it is; questions are then answered from the log, which is right and slower."""
    with _opened(ctx) as views:
        say(f"{view} is paused at {views.pause(view)}: what is asked now is computed from the log")
        say(f"→ timeline views resume {view}")


@app.command(epilog=epilog("timeline views resume sanctions", 2, 3, 4))
def resume(ctx: typer.Context, view: View) -> None:
    """Let a stored view follow the log again, and try the keys once more that could not be folded."""
    with _opened(ctx) as views:
        stuck = views.resume(view)
        say(f"{_standing(views, view)}; {counted(stuck, 'key')} cannot be folded")
    if stuck:
        say(f"→ timeline views errors {view}")


@app.command(epilog=epilog("timeline views drop sanctions", 2, 3, 4))
def drop(ctx: typer.Context, view: View) -> None:
    """Remove what is stored of a view, which appends then need not take along; asked again, it is stored again."""
    with _opened(ctx) as views:
        gone = views.drop(view)
        again = "; the next question stores it again" if view in views.vocabulary.views else ""
        say(f"{view} is not stored any more{again}")
    if not gone:
        say(f"it is still being read or built: when that has ended, remove the rest: timeline views drop {view}")


@app.command(epilog=epilog("timeline views errors sanctions", 1, 2, 3, 4))
def errors(
    ctx: typer.Context,
    view: Annotated[str | None, typer.Argument(help="Only those of this view.", autocompletion=completed_views)] = None,
    *,
    output: Output = None,
) -> None:
    """Print the keys that cannot be folded, each with what its projection said."""
    shape = form_of(ctx, output)
    with _opened(ctx) as views:
        if view is not None and view not in views.strange():
            views.vocabulary.view(view)
        count = write(Printed(name="errors", rows=views.errors(view), columns=_ERROR), shape)
    say(f"{counted(count, 'key')} cannot be folded")
    if count:
        say("→ mend the projection or correct the fact, then: timeline views resume VIEW")
        raise typer.Exit(1)


@app.command(epilog=epilog("timeline views run --once", 2, 3, 4))
def run(
    ctx: typer.Context,
    names: Names = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Catch the views up, and end.")] = False,
) -> None:
    """Store views and keep them up with the log until SIGTERM, which ends it after the step under way, or Ctrl-C.

    Every view is kept where none is named.
    """
    from timeline.readmodels import writable  # noqa: PLC0415

    with _opened(ctx) as views, _until_told() as end:
        with views.engine.connect() as connection:
            if not writable(connection):
                raise Unavailable("this login may read the stored views but not keep them", remedy=_GRANT)
        wanted = _named(views, names or None)
        for name in views.strange():
            say(f"{name} is stored, and no plug-in that is loaded gives it: left as it is")
        try:
            _caught_up(views, wanted, end) if once else _kept_up(views, wanted, end)
        except _EndedError:
            say("ended; what is left is taken up where it stands")


def _caught_up(views: Views, wanted: Sequence[Projection], end: _End) -> None:
    for view in wanted:
        with building(view.name, end) as told:
            done = views.catch_up(view, told)
        lag = None if done else views.lag(view.name, views.head())
        say(f"{lag.found}: left as it is" if lag else _standing(views, view.name))


def _standing(views: Views, name: str) -> str:
    """Return where a view stands, which somebody else may have dropped meanwhile."""
    held = views.stored().get(name)
    return f"{name} is {'paused ' * held.paused}at {held.position}" if held else f"{name} is not stored any more"


def _kept_up(views: Views, wanted: Sequence[Projection], end: _End) -> None:
    from timeline.working import keep_up  # noqa: PLC0415

    def told(_phase: str, _done: int, _all: int) -> None:
        end.stop()

    for name, position in keep_up(views, wanted, lambda: end.told, told):
        say(f"{name} is at {position}")


# Within


class _EndedError(Exception):
    """The worker was told to end while something was being built: all that was done is kept."""


@dataclass(slots=True)
class _End:
    """Whether the worker was told to end."""

    told: bool = False

    def stop(self) -> None:
        """Stop between two steps, where that is asked."""
        if self.told:
            raise _EndedError


@contextmanager
def _until_told() -> Iterator[_End]:
    """Yield what SIGTERM sets; the signal does nothing else meanwhile."""
    end = _End()

    def ended(_signal: int, _frame: object) -> None:
        end.told = True

    before = signal.signal(signal.SIGTERM, ended)
    try:
        yield end
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _opened(ctx: typer.Context) -> Iterator[Views]:
    """Open the stored views of the timeline that the settings name, which is there."""
    from timeline.database import translated  # noqa: PLC0415

    with opened(ctx) as line, translated():
        line.views.head()
        yield line.views


def _named(views: Views, names: Iterable[str] | None) -> list[Projection]:
    """Return views by name, each once: all in order of name where no names are given."""
    if names is None:
        return [view for _, view in sorted(views.vocabulary.views.items())]
    strange = views.strange()
    return [_view(views, name, strange) for name in dict.fromkeys(names)]


def _view(views: Views, name: str, strange: Collection[str]) -> Projection:
    """Return a view by its name; NotFound says so where it is stored by a plug-in that is not loaded."""
    if name in strange:
        message = f"{name} is stored, and no plug-in that is loaded gives it"
        raise NotFound(message, remedy=f"Load it, or run: timeline views drop {name}")
    return views.vocabulary.view(name)


# Progress


@contextmanager
def building(name: str, end: _End | None = None) -> Iterator[Building]:
    """Yield what is told how far the building of a view is; it says so on stderr, and leaves no unfinished line."""
    told = Building(name, end or _End())
    try:
        yield told
    finally:
        told.clear()


def _on_terminal() -> bool:
    return sys.stderr.isatty()


@dataclass(slots=True)
class Building:
    """Progress of a build: one line that changes on a terminal, elsewhere a line now and then."""

    name: str
    end: _End
    moving: bool = field(default_factory=_on_terminal)
    _phase: str = ""
    _begun: float = field(default_factory=time.monotonic)
    _first: int = 0
    _said: float = field(default_factory=time.monotonic)

    def __call__(self, phase: str, done: int, all_: int) -> None:
        """Take note of how much of a phase is done, and say it where that is due."""
        self.end.stop()
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._begun, self._first = phase, now, done
        if self.moving:
            sys.stderr.write(f"\r{self._sentence(done, all_, now)}\x1b[K")
            sys.stderr.flush()
        elif now - self._said >= LINE_SECONDS:
            self._said = now
            say(self._sentence(done, all_, now))

    def clear(self) -> None:
        """Take away the line that changes."""
        if self.moving and self._phase:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _sentence(self, done: int, all_: int, now: float) -> str:
        rate = (done - self._first) / (now - self._begun) if now > self._begun else 0.0
        said = f"{self.name}: {self._phase} {min(done, all_):,} of {counted(all_, 'event')}"
        left = f", {max(all_ - done, 0) / rate:,.0f} s to go" if rate else ""
        return f"{said}, {rate:,.0f} a second{left}" if rate else said
