"""What cannot be read or folded, held against a transcription of its rule: wherever it counts, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st
from laws import oracle
from laws.histories import DAYS, START, histories, tried
from laws.test_difference_laws import ASKED, KEYS, Asked, chosen, log_of, side_of, told_entry
from laws.test_rule_laws import VIEW

from timeline.causes import Side, causes
from timeline.difference import Change
from timeline.fold import Projection, Row, row
from timeline.planes import planes
from timeline.reading import Reading
from timeline.transitions import transitions

if TYPE_CHECKING:
    from datetime import date, datetime

    from laws.oracle import Told
    from laws.test_difference_laws import History

    from timeline.events import Entry, Event
    from timeline.fold import State
    from timeline.transitions import Axis

FAULTS = st.dictionaries(st.integers(1, 12), st.sampled_from(["current", "keys", "fold", "present"]), max_size=5)
EVERY_KEY = [*KEYS, *(f"?{fact}" for fact in "fgh")]


@dataclass(frozen=True)
class Faulty:
    """The view of the laws, which fails in a part of it at some positions."""

    faults: dict[int, str]

    def fail(self, part: str, event: Event) -> None:
        """Fail where that part fails of an event."""
        position = cast("Entry", event).position
        if self.faults.get(position) == part:
            message = f"{part} {position}"
            raise ValueError(message)

    def reading(self) -> Reading:
        """Return what reads a log by this view."""

        def current(entry: Entry) -> Entry:
            self.fail("current", entry)
            return entry

        return Reading.of(self.view(), current)

    def view(self) -> Projection:
        """Return the view."""

        def keys(event: Event) -> Any:  # noqa: ANN401
            self.fail("keys", event)
            return VIEW.keys(event)

        def fold(state: State | None, entry: Entry) -> State:
            self.fail("fold", entry)
            spoilt = (state or {}).get("spoilt") or (entry if self.faults.get(entry.position) == "present" else None)
            return {**VIEW.fold(state, entry), "spoilt": spoilt}

        def present(state: State, on: date) -> State:
            if state["spoilt"]:
                self.fail("present", state["spoilt"])
            return VIEW.present(state, on)

        return replace(VIEW, keys=keys, fold=fold, present=present)

    def expected(self, log: list[Told], key: str, on: date, known: datetime, recorded: int) -> dict[str, Any] | None:
        """Return what is compared of a row, by brute force."""
        reached = [told for told in log if told.position <= recorded and told.known <= known]
        held = oracle.effective(log, on, known, recorded)
        facts = [told for told in held if key in self.keys_of(told, reached)]
        if not facts:
            return None
        failing = [(told.position, self.faults.get(told.position)) for told in facts if told.position in self.faults]
        first = next((one for one in failing if one[1] != "present"), next(iter(failing), None))
        if first is not None:
            return {"stuck": f"ValueError: {first[1]} {first[0]}", "facts": [told.fact for told in facts]}
        certain = all(told.bounds and told.bounds[1] <= on <= told.bounds[2] for told in facts)
        due = facts[-1].line["data"]["due"]
        state = {"values": [told.line["data"]["value"] for told in facts], "overdue": on.isoformat() > due}
        return {
            "state": state,
            "certainty": "certain" if certain else "possible",
            "facts": [told.fact for told in facts],
        }

    def reads(self, log: list[Told], key: str, recorded: int, on: date, known: datetime) -> object:
        """Return what is the same wherever a row reaches."""
        found = self.expected(log, key, on, known, recorded)
        return found and found.get("state", found)

    def ever_stuck(self, log: list[Told]) -> set[str]:
        """Return the keys that are stuck on some day, as known at some instant."""
        bounds = {day for told in log for day in told.bounds or ()}
        days = bounds | {day + oracle.DAY for day in bounds if day < oracle.FUTURE}
        points = [(day, told.known) for day in days for told in log]
        rows = ((key, self.expected(log, key, *point, len(log))) for key in EVERY_KEY for point in points)
        return {key for key, found in rows if found and "stuck" in found}

    def keys_of(self, told: Told, reached: list[Told]) -> set[str]:
        """Return the keys of an event; one that cannot be told its own has those of the versions before it."""
        if self._is_read(told):
            return {oracle.key(told)}
        before = [one for one in reached if one.fact == told.fact and one.position < told.position and one.bounds]
        named = {oracle.key(one) for one in before if one.known <= told.known and self._is_read(one)}
        return {f"?{told.fact}"} | named

    def _is_read(self, told: Told) -> bool:
        return self.faults.get(told.position) not in {"keys", "current"}


def compared(found: Row | None) -> dict[str, Any] | None:
    """Return what is compared of a row."""
    if found is None:
        return None
    said = {"state": found.state, "certainty": found.certainty} if found.stuck is None else {"stuck": found.stuck}
    return said | {"facts": list(found.facts)}


def _read(reading: Reading, side: Side) -> Side:
    return replace(side, versions={fact: reading.entries(held) for fact, held in side.versions.items()})


@tried(400)
@given(history=histories(), faults=FAULTS, asked=ASKED)
def test_a_row_is_stuck_where_what_fails_counts(history: History, faults: dict[int, str], asked: Asked) -> None:
    """Every other row is what it is without, and reaches as far as it can be folded."""
    log, faulty = chosen(log_of(history), asked), Faulty(faults)
    on, known, recorded = asked.basis
    reached = [told for told in log if told.position <= recorded and told.known <= known]
    versions = map(told_entry, sorted(reached, key=attrgetter("fact", "position")))
    reading = faulty.reading()
    found = {key: row(reading.view, key, plane, on, known) for key, plane in planes(reading, versions)}
    for key in EVERY_KEY:
        assert compared(found.get(key)) == faulty.expected(log, key, *asked.basis)
    for told in filter(None, found.values()):
        if told.stuck is None:
            reach = oracle.reach(reached, on, known, partial(faulty.reads, log, told.key, recorded))
            days = {name: day and day.isoformat() for name in ("since", "until") if [day := getattr(told, name)]}
            assert days | {"known_since": told.known_since} == reach


@tried(300)
@given(history=histories(), faults=FAULTS, asked=ASKED, key=st.sampled_from(EVERY_KEY))
def test_transitions_joined_are_the_rows_where_some_fail(
    history: History, faults: dict[int, str], asked: Asked, key: str
) -> None:
    """Up to any instant, position or day, the last change gives the row there, with what caused it."""
    log, reading, faulty = log_of(history), Faulty(faults).reading(), Faulty(faults)
    side = _read(reading, side_of(log, asked))
    readings: dict[Axis, dict[Any, Asked]] = {
        "known": {told.known: replace(asked, known=told.known) for told in log if told.known <= asked.known},
        "recorded": {number: replace(asked, recorded=number) for number in range(1, min(asked.recorded, len(log)) + 1)},
        "on": {day: replace(asked, on=day) for number in range(-40, 140) for day in [START + number * oracle.DAY]},
    }
    for over, points in readings.items():
        found = list(transitions(reading.view, key, side.versions, side.basis, over))
        for transition in found:
            assert transition.causes
            assert transition.change.fields
        for point, there in points.items():
            so_far = [transition.change.after for transition in found if transition.at <= point]
            said = compared(so_far[-1] if so_far else None)
            expected = faulty.expected(chosen(log, asked), key, *there.basis)
            said, expected = (one and {**one, "facts": []} for one in (said, expected))  # others may say the same
            assert said == expected


@tried(300)
@given(history=histories(), faults=FAULTS, one=ASKED, other=ASKED, on=DAYS)
def test_what_makes_a_key_stuck_or_frees_it_has_a_cause(
    history: History, faults: dict[int, str], one: Asked, other: Asked, on: date
) -> None:
    """On one day and whoever is believed, an event of a fact behind either row is named."""
    log, reading = log_of(history), Faulty(faults).reading()
    there = [replace(one, on=on), replace(other, on=on, left_out=one.left_out)]
    sides = [_read(reading, side_of(log, asked)) for asked in there]
    for key in EVERY_KEY:
        before, after = (side.row(reading.view, key) for side in sides)
        change = Change(key, before, after)
        if change.stuck and change.fields:
            assert causes(reading.view, change, *sides)
