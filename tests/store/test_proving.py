"""Proofs by ranges of positions: what was changed by hand is found where it belongs, and nothing else differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from makers import line

from timeline.app import Timeline
from timeline.errors import Refused

if TYPE_CHECKING:
    from timeline.proving import Proof
    from timeline.ranges import Range

SIZE, BY = 40, 10
INSERTED = """INSERT INTO {rows} (key, days, known, state, certain, disputed, facts, joined_before, joined_after)
    SELECT key, '[1990-01-01,1990-02-01)', known, state, certain, disputed, '{{nobody}}', false, false
    FROM {rows} WHERE key = 's15/rain'"""


@pytest.fixture
def rainy(opened: Timeline) -> Timeline:
    """Return a timeline with rain in many places, one by one, and the view of it stored."""
    opened.record([line(fact=f"f{n}", subject=f"s{n:02}") for n in range(1, SIZE + 1)])
    opened.rebuild("observations")
    return opened


def proof(line: Timeline, by: int | None = BY) -> Proof:
    """Return the proof of the view by ranges."""
    return line.views.verify(line.vocabulary.view("observations"), by)


def tamper(line: Timeline, statement: str) -> None:
    """Change what is stored by hand."""
    with line.engine.connect() as connection:
        connection.exec_driver_sql(statement.format(rows=line.views.stored()["observations"].rows))
        connection.commit()


def by_last(ranges: tuple[Range, ...]) -> dict[int, Range]:
    """Return ranges by their last positions."""
    return {part.last: part for part in ranges}


def test_ranges_part_the_rows(rainy: Timeline) -> None:
    """One after the other from the first position to the last, each with the rows of its events."""
    found = proof(rainy)
    assert [(part.first, part.last, part.rows) for part in found.ranges] == [
        (1, 10, 10),
        (11, 20, 10),
        (21, 30, 10),
        (31, 40, 10),
    ]
    assert len({part.hash for part in found.ranges}) == 4
    assert (found.difference, found.rows) == (None, SIZE)
    whole = proof(rainy, None)
    assert (whole.hash, whole.rows, whole.keys) == (found.hash, SIZE, SIZE)
    assert [(part.first, part.last, part.hash) for part in whole.ranges] == [(1, SIZE, whole.hash)]


@pytest.mark.parametrize(
    "statement, key, position, differing",
    [
        ("UPDATE {rows} SET state = '{{}}' WHERE key = 's15/rain'", "s15/rain", 15, {20: (10, 10)}),
        ("DELETE FROM {rows} WHERE key = 's15/rain'", "s15/rain", 15, {20: (9, 10)}),
        ("DELETE FROM {rows} WHERE key IN ('s15/rain', 's35/rain')", "s15/rain", 15, {20: (9, 10), 40: (9, 10)}),
        ("UPDATE {rows} SET key = 's/rain' WHERE key = 's15/rain'", "s/rain", 0, {0: (1, 0), 20: (9, 10)}),
        (INSERTED, "s15/rain", 0, {0: (1, 0)}),
    ],
    ids=["updated", "deleted", "deleted twice", "another key", "inserted"],
)
def test_what_was_changed_by_hand_is_found_in_its_range(
    rainy: Timeline, statement: str, key: str, position: int, differing: dict[int, tuple[int, int]]
) -> None:
    """All ranges that differ are told, with the count of both sides; the others have the hash that they had."""
    before = proof(rainy)
    tamper(rainy, statement)
    after = proof(rainy)
    assert after.difference is not None
    assert after.difference.startswith(f"{key} at position {position}: the log folds into")
    assert {part.last: (part.rows, part.told[0]) for part in after.ranges if part.told} == differing
    assert sum(part.rows for part in after.ranges) == after.rows
    honest = by_last(before.ranges)
    for part in after.ranges:
        if part.told is None:
            assert part == honest[part.last]
        elif part.last in honest:
            assert part.told[1] == honest[part.last].hash != part.hash
    rainy.rebuild("observations")
    assert proof(rainy) == before


def test_what_is_recorded_later_of_other_keys_leaves_a_range_as_it_is(rainy: Timeline) -> None:
    """Of the keys of its events it does not: they end rows, or bring older ones back."""
    before = by_last(proof(rainy).ranges)
    rainy.record([line(fact=f"late-{n}", subject=f"s{n:02}") for n in range(SIZE + 1, 2 * SIZE)])
    after = by_last(proof(rainy).ranges)
    assert [after[last] for last in before] == list(before.values())
    rainy.correct([{"fact": "f15", "set": {"value": 4}, "known": "2024-02-01", "reason": "restated"}])
    rainy.record([{"action": "retract", "fact": "f35", "known": "2024-02-01", "reason": "withdrawn"}])
    corrected = by_last(proof(rainy).ranges)
    assert [last for last in before if corrected[last] == before[last]] == [10, 30]
    assert (corrected[20].rows, corrected[20].told) == (10, None)  # the row of before is as long known as it was


def test_two_stores_of_the_same_events_have_the_same_ranges(rainy: Timeline, other: Timeline) -> None:
    """However far each has recorded: a range that is full on both is the same, the last one of one is not."""
    other.record([line(fact=f"f{n}", subject=f"s{n:02}") for n in range(1, 26)])
    other.rebuild("observations")
    here, there = proof(rainy).ranges, proof(other).ranges
    assert there[:2] == here[:2]
    assert (there[2].last, there[2].rows) == (25, 5)
    assert there[2].hash != here[2].hash


def test_an_empty_log_has_no_range_and_bad_ones_are_refused(opened: Timeline) -> None:
    """What is refused is refused before anything is folded."""
    opened.create()
    opened.rebuild("observations")
    assert proof(opened).ranges == ()
    with pytest.raises(Refused, match="a range has 1 position or more, not 0"):
        proof(opened, 0)


def test_rows_of_a_stuck_key_are_a_difference(rainy: Timeline) -> None:
    """It has none: what is left of it would be served."""
    tamper(
        rainy,
        "INSERT INTO timeline.stuck_keys SELECT timeline, model, 's15/rain', position, 'spoilt'"
        " FROM timeline.read_models WHERE serving",
    )
    found = proof(rainy)
    assert str(found.difference).startswith(
        "s15/rain at position 0: the log folds into no such row, stored is s15/rain"
    )
    tamper(rainy, "DELETE FROM {rows} WHERE key = 's15/rain'")
    assert proof(rainy).difference is None
