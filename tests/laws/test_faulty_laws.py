"""What cannot be read or folded, in a real Postgres: rows that are stored, the log and previews answer alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.histories import bases, histories, tried
from laws.test_difference_laws import log_of
from laws.test_rule_laws import KIND, NOW, NUMBERS, SEEN
from laws.test_stored_laws import forget
from laws.test_stuck_laws import EVERY_KEY, FAULTS, Faulty, compared

from timeline import following
from timeline.app import Timeline
from timeline.database import engine
from timeline.difference import changes
from timeline.errors import NotFound, Refused
from timeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from laws.oracle import Told
    from laws.test_difference_laws import History

    from timeline.events import Entry
    from timeline.fold import Row

    Open = Callable[[Faulty], Timeline]
    Basis = tuple[date, datetime, int]


@dataclass(frozen=True, kw_only=True)
class Failing(Vocabulary):
    """The words of the laws, which fail to bring some events up to date."""

    faulty: Faulty = field(default_factory=lambda: Faulty({}))

    def current(self, entry: Entry) -> Entry:
        """Return an event as its kind is now."""
        self.faulty.fail("current", entry)
        return super().current(entry)


@pytest.fixture(scope="module")
def fresh(shared_database_url: str) -> Iterator[Open]:
    """Open a new timeline with a faulty view each time it is called; what is stored of the one before goes."""
    connections = engine(shared_database_url)
    opened: list[Timeline] = []

    def _open(faulty: Faulty) -> Timeline:
        for line in opened:
            forget(line)
        words = Vocabulary.of([KIND, SEEN], [faulty.view()])
        failing = Failing(kinds=words.kinds, views=words.views, faulty=faulty)
        name = f"faulty-{next(NUMBERS)}"
        opened[:] = [Timeline(engine=connections, name=name, vocabulary=failing, clock=lambda: NOW)]
        opened[0].create()
        return opened[0]

    yield _open
    connections.dispose()


def _check(line: Timeline, faulty: Faulty, log: list[Told], asked: list[Basis]) -> None:
    """Hold the answers of both sources against the law, of the whole view and of each key."""
    for on, known, recorded in asked:
        for question in ({}, {"recorded": min(recorded, len(log))}):
            at: dict[str, Any] = {"on": on, "known": known, **question}
            expected = {
                key: found
                for key in EVERY_KEY
                if (found := faulty.expected(log, key, on, known, question.get("recorded", len(log))))
            }
            assert {row.key: compared(row) for row in line.ask("law", **at).rows} == expected
            for key in EVERY_KEY:
                assert [compared(row) for row in line.ask("law", key, **at).rows] == [
                    found for name, found in expected.items() if name == key
                ]
            assert [*line.replay("law", **at).changes] == []


@pytest.mark.parametrize("few", [0, following.FEW])
@tried(40)
@given(history=histories(), faults=FAULTS, asked=st.lists(bases, min_size=2, max_size=2), data=st.data())
def test_what_is_stored_is_stuck_where_the_law_says(
    fresh: Open,
    few: int,
    history: History,
    faults: dict[int, str],
    asked: list[Basis],
    data: st.DataObject,
) -> None:
    """Whether it was built before, in between, at the end, or twice."""
    faulty = Faulty(faults)
    line, log = fresh(faulty), list["Told"]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(following, "FEW", few)
        for batch in history:
            if data.draw(st.booleans()):
                line.ask("law")
            line.record([told.line for told in batch])
            log += batch
            if data.draw(st.booleans()):
                _check(line, faulty, log, asked[:1])
        _check(line, faulty, log, asked)
        assert line.views.verify(line.vocabulary.view("law")).difference is None
        listed = {error["key"] for error in line.views.errors()}
        assert listed == faulty.ever_stuck(log)
        line.rebuild("law")
        assert {error["key"] for error in line.views.errors()} == listed
        _check(line, faulty, log, asked)
        assert line.views.verify(line.vocabulary.view("law")).difference is None


@tried(100)
@given(
    history=histories(),
    faults=FAULTS,
    asked=bases,
    fact=st.sampled_from("fgh"),
    how=st.sampled_from([{"misread": True}, {"known": "2023-02-01"}, {"misread": True, "retract": True}]),
    value=st.integers(0, 3),
)
def test_a_preview_is_what_comes_of_it(
    fresh: Open,
    history: History,
    faults: dict[int, str],
    asked: Basis,
    fact: str,
    how: dict[str, Any],
    value: int,
) -> None:
    """The rows that it shows are those that differ once it is recorded, stuck ones as well."""
    line, log = fresh(Faulty(faults)), log_of(history)
    for batch in history:
        line.record([told.line for told in batch])
    on, known, _ = asked
    change = {"fact": fact, "reason": "read again", **how}
    correction = change if "retract" in how else {**change, "set": {"data.value": value + 10}}

    def rows() -> dict[Any, list[Row]]:
        points = {(on, known), (NOW.date(), NOW)}
        return {point: list(line.ask("law", on=point[0], known=point[1]).rows) for point in points}

    try:
        preview = line.preview([correction], on=on, known=known)
    except (Refused, NotFound):
        return
    before = rows()
    line.correct([correction], on=on, known=known)
    assert line.stats()["position"] == len(log) + len(preview.events)
    after = rows()
    shown = {(effect.on, effect.known): effect.changes for effect in preview.effects}
    for point in before:
        told = [(change.key, compared(change.before), compared(change.after)) for change in shown.get(point, ())]
        real = changes(before[point], after[point])
        assert told == [(change.key, compared(change.before), compared(change.after)) for change in real]
