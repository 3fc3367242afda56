"""Histories in which much happens on few days, and the periods that they come to, told by brute force.

The oracle lays out what a key reads on every day at every instant at which anything was learnt, and draws the periods
around what is the same. It knows the rule alone, and nothing of how periods are walked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from hypothesis import strategies as st
from laws import oracle
from laws.oracle import DAY, FUTURE, PAST, Told
from makers import entry, retraction

from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from timeline.events import Entry

START = date(2023, 1, 1)
WINDOW = [START + number * DAY for number in range(-2, 17)]
"""All days of the histories, and two more on either side, on which nothing changes any more."""
DAYS = st.integers(0, 13).map(lambda number: START + number * DAY)
DAWN = datetime(2023, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 7).map(lambda number: DAWN + number * timedelta(days=1))
MOMENT = timedelta(microseconds=1)
KEYS = ("a/m", "b/m")
SHAPES: dict[str, Callable[[date, date], tuple[date, date, date, date]]] = {
    "{0}": lambda first, _: (first, first, first, first),
    "{0}/..": lambda first, _: (first, first, FUTURE, FUTURE),
    "{0}/{1}": lambda first, last: (first, first, last, last),
    "[{0}..{1}]": lambda first, last: (first, last, first, last),
    "[{0}..{1}]/..": lambda first, last: (first, last, FUTURE, FUTURE),
    "../{0}": lambda first, _: (PAST, PAST, first, first),
    "{0}/": lambda first, _: (first, first, first, FUTURE),
    "unknown": lambda *_: (PAST, FUTURE, PAST, FUTURE),
    "../..": lambda *_: (PAST, PAST, FUTURE, FUTURE),
}
"""Shapes of valid time by their text, with the bounds of each."""


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> list[Told]:
    """Return events about few facts on few days, so that they touch, cover and displace one another."""
    names = "fghij"[: draw(st.integers(1, 5))]
    log: list[Told] = []
    for _ in range(draw(st.integers(1, most))):
        told = _told(draw, draw(st.sampled_from(names)), log)
        if all(told.line != other.line for other in log):
            log.append(told)
    return log


def _told(draw: st.DrawFn, fact: str, log: list[Told]) -> Told:
    known, seen = draw(INSTANTS), any(told.fact == fact for told in log)
    line: dict[str, Any] = {"action": "assert", "fact": fact, "known": format_instant(known)}
    if seen:
        line["action"] = draw(st.sampled_from(["correct", "correct", "correct", "retract"]))
    if line["action"] == "retract":
        return Told(line | {"reason": "withdrawn"}, known, None, len(log) + 1)
    first, last = sorted([draw(DAYS), draw(DAYS)])
    text, bounds = draw(st.sampled_from(list(SHAPES.items())))
    data = {"measure": "m", "value": draw(st.integers(0, 1)), "due": draw(DAYS).isoformat()}
    named = {"kind": "law.stated", "subject": draw(st.sampled_from("aab")), "data": data}
    return Told(line | named | {"valid": text.format(first, last)}, known, bounds(first, last), len(log) + 1)


def distinct(log: list[Told]) -> list[Told]:
    """Return the events with known times that differ, in the order that they had."""
    order = sorted(range(len(log)), key=lambda number: (log[number].known, number))
    places = {number: log[number].known + place * timedelta(minutes=1) for place, number in enumerate(order)}
    return [
        Told(told.line | {"known": format_instant(places[number])}, places[number], told.bounds, told.position)
        for number, told in enumerate(log)
    ]


def entries(log: Iterable[Told]) -> dict[str, list[Entry]]:
    """Return the events as the log of the program holds them, by fact."""
    found: dict[str, list[Entry]] = {}
    for told in log:
        line = {name: value for name, value in told.line.items() if name != "reason"}
        found.setdefault(told.fact, []).append(
            entry(told.position, **line)
            if told.bounds
            else retraction(told.position, told.fact, str(told.line["known"]))
        )
    return found


# The oracle


class Reading(NamedTuple):
    """What a key reads on a day: its state, its facts, and the days on which every fact surely holds."""

    said: bytes
    facts: tuple[str, ...]
    certain: tuple[date, date] | None


@dataclass
class Plane:
    """What a key reads on each day of the window at each instant; `last` says that only the last value is shown."""

    log: list[Told]
    key: str
    last: bool = False
    _readings: dict[tuple[date, datetime], Reading | None] = field(default_factory=dict)

    @property
    def news(self) -> list[datetime]:
        """Return the instants at which anything was learnt."""
        return sorted({told.known for told in self.log})

    def at(self, on: date, known: datetime) -> Reading | None:
        """Return what is read on a day as known at an instant."""
        if (on, known) not in self._readings:
            self._readings[on, known] = self._read(on, known)
        return self._readings[on, known]

    def _read(self, on: date, known: datetime) -> Reading | None:
        state = oracle.state(self.log, self.key, on, known, len(self.log))
        if state is None:
            return None
        facts = [e for e in oracle.effective(self.log, on, known, len(self.log)) if oracle.key(e) == self.key]
        state["values"] = state["values"][-1:] if self.last else state["values"]
        bounds = [told.bounds for told in facts if told.bounds]
        first, last = max(bound[1] for bound in bounds), min(bound[2] for bound in bounds)
        surely = (first, last) if first <= last and first < FUTURE and last > PAST else None
        return Reading(_said(state), tuple(told.fact for told in facts), surely)

    def row(self, on: date, known: datetime) -> dict[str, Any] | None:
        """Return all that a row says."""
        here = self.at(on, known)
        if here is None:
            return None
        certain = here.certain is not None and here.certain[0] <= on <= here.certain[1]
        return {
            "state": orjson.loads(here.said),
            "facts": here.facts,
            "certainty": "certain" if certain else "possible",
            "since": self._reach(on, known, -1),
            "until": self._reach(on, known, 1),
            "known_since": self.known_since(on, known),
        }

    def _reach(self, on: date, known: datetime, step: int) -> date | None:
        day = on
        while WINDOW[0] <= day + step * DAY <= WINDOW[-1]:
            if not self.same(day + step * DAY, known, on, known):
                return day
            day += step * DAY
        return None

    def same(self, on: date, known: datetime, other: date, then: datetime) -> bool:
        """Return whether the state is the same at two points."""
        one, two = self.at(on, known), self.at(other, then)
        return one is not None and two is not None and one.said == two.said

    def known_since(self, on: date, known: datetime) -> datetime:
        """Return the instant from which the state has been the same on a day."""
        since = known
        for instant in reversed([instant for instant in self.news if instant <= known]):
            if not self.same(on, instant, on, known):
                break
            since = instant
        return since

    def periods(self) -> set[tuple[Any, ...]]:
        """Return the periods: days that read the same, over the instants at which exactly these did."""
        found: set[tuple[Any, ...]] = set()
        begun: dict[tuple[date | None, date | None, Reading], datetime] = {}
        for instant in self.news:
            runs = set(self._runs(instant))
            found |= {(*run, begun.pop(run), instant) for run in begun.keys() - runs}
            begun |= dict.fromkeys(runs - begun.keys(), instant)
        return found | {(*run, since, None) for run, since in begun.items()}

    def _runs(self, known: datetime) -> Iterable[tuple[date | None, date | None, Reading]]:
        """Yield the stretches of days that read the same at an instant, open ones without a bound."""
        cuts = [day for day in WINDOW[1:] if self.at(day - DAY, known) != self.at(day, known)]
        for first, behind in pairwise([None, *cuts, None]):
            reading = self.at(first or WINDOW[0], known)
            if reading is not None:
                yield first, behind - DAY if behind else None, reading


def _said(state: Any) -> bytes:  # noqa: ANN401  any JSON
    return orjson.dumps(state, option=orjson.OPT_SORT_KEYS)
