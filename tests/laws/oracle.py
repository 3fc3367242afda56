"""The rule of answers, transcribed once more and as plainly as can be, to hold the program against.

Works on what a generator made, never on what the program parsed: the four bounds of each valid time are given beside
its text. Takes every question by brute force: a day at a time, an instant at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Reads = Callable[[date, datetime], object]

DAY = timedelta(days=1)
PAST, FUTURE = date.min, date.max


@dataclass(frozen=True)
class Told:
    """An event as a generator made it, with its bounds, and the position that it must get."""

    line: dict[str, Any]
    known: datetime
    bounds: tuple[date, date, date, date] | None
    position: int = 0

    @property
    def fact(self) -> str:
        """Return the identity of the fact."""
        return str(self.line["fact"])


def effective(log: list[Told], on: date, known: datetime, recorded: int) -> list[Told]:
    """Return the facts that hold on a day, from what was known at an instant and recorded up to a position."""
    latest: dict[str, Told] = {}
    for event in log:
        if event.position <= recorded and event.known <= known:
            held = latest.get(event.fact)
            if held is None or (event.known, event.position) >= (held.known, held.position):
                latest[event.fact] = event
    standing = [event for event in latest.values() if event.line["action"] != "retract"]
    holding = [event for event in standing if event.bounds and event.bounds[0] <= on <= event.bounds[3]]
    return sorted(holding, key=lambda event: (event.bounds[0], event.known, event.position))  # type: ignore[index]


def key(event: Told) -> str:
    """Return the key that the view of the laws gives a fact."""
    return f"{event.line['subject']}/{event.line['data']['measure']}"


def state(log: list[Told], name: str, on: date, known: datetime, recorded: int) -> dict[str, Any] | None:
    """Return the presented state of a key: the values as they are folded, and whether the last is past its due day."""
    facts = [event for event in effective(log, on, known, recorded) if key(event) == name]
    if not facts:
        return None
    due = facts[-1].line["data"]["due"]
    return {"values": [event.line["data"]["value"] for event in facts], "overdue": on.isoformat() > due}


def row(log: list[Told], name: str, on: date, known: datetime, recorded: int) -> dict[str, Any] | None:
    """Return the whole row of a key, or None."""
    here = state(log, name, on, known, recorded)
    if here is None:
        return None
    facts = [event for event in effective(log, on, known, recorded) if key(event) == name]
    certain = all(event.bounds and event.bounds[1] <= on <= event.bounds[2] for event in facts)
    return {
        "key": name,
        "state": here,
        "certainty": "certain" if certain else "possible",
        "disputed": False,
        **reach(log, on, known, lambda day, instant: state(log, name, day, instant, recorded)),
        "facts": [event.fact for event in facts],
    }


def rows(log: list[Told], on: date, known: datetime, recorded: int) -> list[dict[str, Any]]:
    """Return all rows in order of key."""
    names = sorted({key(event) for event in log if event.bounds})
    return [found for name in names if (found := row(log, name, on, known, recorded))]


def reach(log: list[Told], on: date, known: datetime, reads: Reads) -> dict[str, Any]:
    """Return how far what is read on a day as known at an instant goes: `since`, `until` and `known_since`."""
    since, until = (_reach(log, on, step, lambda day: reads(day, known)) for step in (-DAY, DAY))
    return {"since": since, "until": until, "known_since": _known_since(log, known, lambda instant: reads(on, instant))}


def _reach(log: list[Told], on: date, step: timedelta, reads: Callable[[date], object]) -> str | None:
    """Return the last day, going by `step`, on which the state is what it is on `on`; None where it never ends."""
    finite = [day for event in log for day in (*(event.bounds or ()), _due(event)) if day not in {PAST, FUTURE}]
    first, last = min([*finite, on]) - 2 * DAY, max([*finite, on]) + 2 * DAY
    here, day = reads(on), on
    while first <= day + step <= last:
        if reads(day + step) != here:
            return day.isoformat()
        day += step
    return None


def _due(event: Told) -> date:
    return date.fromisoformat(event.line["data"]["due"]) if event.bounds else PAST


def _known_since(log: list[Told], known: datetime, reads: Callable[[datetime], object]) -> datetime:
    """Return the instant from which the state has been what it is, going back from news to news."""
    news = sorted({event.known for event in log if event.known <= known}, reverse=True)
    here, since = reads(known), known
    for instant in news:
        if reads(instant) != here:
            break
        since = instant
    return since
