"""What differs, why, and who is to blame, held against a second transcription of the rule, without a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import permutations
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from laws import oracle
from laws.histories import DAYS, START, bases, histories, tried
from laws.test_rule_laws import VIEW
from makers import entry

from timeline.basis import Basis
from timeline.blame import blame
from timeline.causes import Cause, Side, causes, counts, folded
from timeline.difference import Change, changes
from timeline.transitions import transitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from laws.oracle import Told

    from timeline.events import Entry
    from timeline.fold import Row
    from timeline.transitions import Axis

    History = list[list[Told]]

KEYS = [f"{subject}/{measure}" for subject in "ab" for measure in "mn"]


@dataclass(frozen=True)
class Asked:
    """A basis as a generator made it, with the events that the choice of who is believed leaves out."""

    on: date
    known: datetime
    recorded: int
    left_out: frozenset[int]

    @property
    def basis(self) -> tuple[date, datetime, int]:
        """Return the three coordinates."""
        return self.on, self.known, self.recorded


CHOICES: st.SearchStrategy[frozenset[int]] = st.one_of(
    st.just(frozenset()), st.frozensets(st.integers(1, 9), max_size=3)
)
ASKED = st.builds(lambda basis, left_out: Asked(basis[0], basis[1], basis[2], left_out), bases, CHOICES)
SEVERAL = st.lists(ASKED, min_size=4, max_size=4)


def log_of(history: History) -> list[Told]:
    """Return the events of a history in the order in which they were recorded."""
    return [told for batch in history for told in batch]


def told_entry(told: Told) -> Entry:
    """Return an event as the log holds it."""
    empty: dict[str, Any] = {} if told.bounds else {"kind": "", "subject": "", "data": {}, "valid": None}
    return entry(told.position, **(told.line | empty))


def side_of(log: list[Told], asked: Asked) -> Side:
    """Return the reading of a log at a basis."""
    on, known, recorded = asked.basis
    versions: dict[str, list[Entry]] = {}
    for told in chosen(log, asked):
        versions.setdefault(told.fact, []).append(told_entry(told))
    return Side.of(Basis(timeline="law", on=on, known=known, recorded=recorded, link=""), versions)


def chosen(log: list[Told], asked: Asked) -> list[Told]:
    """Return the events that the choice of a basis lets through."""
    return [told for told in log if told.position not in asked.left_out]


def _rows(side: Side) -> list[Row]:
    return [row for key in KEYS if (row := side.row(VIEW, key))]


def _expected(log: list[Told], key: str, asked: Asked) -> dict[str, Any] | None:
    """Return what is compared of a row, by brute force."""
    believed = chosen(log, asked)
    state = oracle.state(believed, key, *asked.basis)
    bounds = [told.bounds for told in oracle.effective(believed, *asked.basis) if oracle.key(told) == key]
    certain = all(held and held[1] <= asked.on <= held[2] for held in bounds)
    return state and {"state": state, "certainty": "certain" if certain else "possible", "disputed": False}


def _compared(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {name: getattr(row, name) for name in ("state", "certainty", "disputed")}


def _compare(log: list[Told], asked: list[Asked]) -> Iterator[tuple[Side, Side, Asked, list[Change]]]:
    """Yield each of several readings with each other one, the second as it was asked, and what changed."""
    sides = [(reading, side_of(log, reading)) for reading in asked]
    rows = [_rows(side) for _, side in sides]
    for (here, (_, before)), (there, (second, after)) in permutations(enumerate(sides), 2):
        yield before, after, second, list(changes(rows[here], rows[there]))


@tried(300)
@given(history=histories(), one=ASKED, other=ASKED)
def test_the_difference_is_that_of_two_readings(history: History, one: Asked, other: Asked) -> None:
    """What changes is what two folds by brute force do not have in common, with every field that differs."""
    log = log_of(history)
    found = list(changes(_rows(side_of(log, one)), _rows(side_of(log, other))))
    pairs = {key: (_expected(log, key, one), _expected(log, key, other)) for key in KEYS}
    assert {change.key: (_compared(change.before), _compared(change.after)) for change in found} == {
        key: pair for key, pair in pairs.items() if pair[0] != pair[1]
    }
    for change in found:
        flat = [row and {**row["state"], **row} for row in pairs[change.key]]
        both = {
            name: tuple(row and row[name] for row in flat) for name in ("values", "overdue", "certainty", "disputed")
        }
        assert change.fields == {name: pair for name, pair in both.items() if pair[0] != pair[1]}


@tried(300)
@given(history=histories(), asked=SEVERAL)
def test_the_causes_explain_the_change(history: History, asked: list[Asked]) -> None:
    """With nothing but what the causes name put in its place, the first reading becomes the second."""
    log = log_of(history)
    for before, after, second, found in _compare(log, asked):
        for change in found:
            why = causes(VIEW, change, before, after)
            assert why
            versions = {fact: before.latest(fact) for fact in change.facts} | _put(why)
            behind = [held for held in versions.values() if held and counts(VIEW, change.key, held, second.on)]
            expected = _expected(log, change.key, second)
            state = folded(VIEW, behind)
            assert (state and VIEW.present(state, second.on)) == (expected and expected["state"])
            certain = all(held.valid and held.valid.certain(second.on) for held in behind)
            assert expected is None or expected["certainty"] == ("certain" if certain else "possible")


def _put(why: list[Cause]) -> dict[str, Entry | None]:
    """Return the versions that causes put in force: a day its own, an event that is undone what it had displaced."""
    days = {cause.entry.fact: cause.entry for cause in why if cause.turn}
    undone = {cause.entry.fact: cause.displaced for cause in why if cause.undone and not cause.turn}
    return days | undone | {cause.entry.fact: cause.entry for cause in why if not cause.undone and not cause.turn}


@tried(300)
@given(history=histories(), asked=SEVERAL)
def test_every_cause_is_what_it_is_called(history: History, asked: list[Asked]) -> None:
    """An event that causes a change is believed on one side only, and for the reason that its cause names."""
    for before, after, _, found in _compare(log_of(history), asked):
        for change in found:
            for cause in causes(VIEW, change, before, after):
                _check(cause, before, after)


def _check(cause: Cause, before: Side, after: Side) -> None:
    mine, without = (before, after) if cause.undone else (after, before)
    if cause.turn:
        assert before.basis.on != after.basis.on
        assert (cause.cause, cause.undone) == ("day", after.basis.on < before.basis.on)
        return
    fact, known, position = cause.entry.fact, cause.entry.known, cause.entry.position
    assert position in [held.position for held in mine.versions[fact]]
    assert position not in [held.position for held in without.versions.get(fact, ())]
    recorded = known <= without.basis.known and position > without.basis.recorded
    assert cause.missing == ("known" if known > without.basis.known else "recorded" if recorded else "choice")
    assert (cause.cause == "choice") == (cause.missing == "choice")
    if cause.cause != "choice":
        assert (cause.cause == "retraction") == (cause.entry.action == "retract")
    if cause.cause in {"news", "late-found document"}:
        assert cause.displaced is None
    if cause.cause in {"misreading", "source correction"}:
        assert cause.displaced is not None
        assert (cause.cause == "misreading") == (cause.displaced.known == known)


@tried(300)
@given(history=histories(), on=DAYS, one=ASKED, other=ASKED)
def test_the_way_back_undoes_what_the_way_there_did(history: History, on: date, one: Asked, other: Asked) -> None:
    """On one day, comparing the other way round has the same causes, each undone where it was not."""
    there = [replace(one, on=on), replace(other, on=on)]
    pairs: list[set[tuple[object, ...]]] = []
    for before, after, _, found in _compare(log_of(history), there):
        told = [(change.key, cause) for change in found for cause in causes(VIEW, change, before, after)]
        turned = bool(pairs)
        pairs.append({(key, c.entry.position, c.cause, c.undone != turned, c.missing) for key, c in told})
    assert pairs[0] == pairs[1]


@tried(300)
@given(history=histories(), asked=ASKED)
def test_what_is_blamed_yields_the_field(history: History, asked: Asked) -> None:
    """The events blamed for a field, folded alone, give its very value; without any one of them they do not."""
    side = side_of(log_of(history), asked)
    for row in _rows(side):
        found = blame(VIEW, row.key, side)
        assert {one.field: one.value for one in found} == row.state
        for one in found:
            behind = [one.entry, *one.others]
            assert _field(behind, one.field, asked.on) == one.value
            for left_out in behind if len(behind) > 1 else ():
                rest = [held for held in behind if held is not left_out]
                assert _field(rest, one.field, asked.on) != one.value


def _field(entries: list[Entry], name: str, on: date) -> object:
    state = folded(VIEW, entries)
    return state and VIEW.present(state, on)[name]


@tried(300)
@given(history=histories(), asked=ASKED, key=st.sampled_from(KEYS))
def test_transitions_joined_are_the_rows_at_every_point(history: History, asked: Asked, key: str) -> None:
    """Up to any instant, position or day, the last change gives the row that brute force gives there."""
    log = log_of(history)
    side = side_of(log, asked)
    readings: dict[Axis, dict[Any, Asked]] = {
        "known": {told.known: replace(asked, known=told.known) for told in log if told.known <= asked.known},
        "recorded": {number: replace(asked, recorded=number) for number in range(1, min(asked.recorded, len(log)) + 1)},
        "on": {day: replace(asked, on=day) for number in range(-40, 140) for day in [START + number * oracle.DAY]},
    }
    for over, points in readings.items():
        found = list(transitions(VIEW, key, side.versions, side.basis, over))
        assert all(transition.causes for transition in found)
        for point, reading in points.items():
            so_far = [transition.change.after for transition in found if transition.at <= point]
            assert _compared(so_far[-1] if so_far else None) == _expected(log, key, reading)
