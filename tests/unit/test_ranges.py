"""Ranges of positions by hand: where rows belong, and what is told of each range."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from makers import entry, retraction

from timeline.errors import Refused
from timeline.fold import spans
from timeline.periods import periods
from timeline.ranges import MOST, NOWHERE, Range, Ranges, placing
from timeline.temporal import parse_known
from timeline.views.observations import OBSERVATIONS

if TYPE_CHECKING:
    from timeline.events import Entry

KEY = "delhi/rain"


def _placed(*facts: list[Entry]) -> list[tuple[str, int, tuple[str, ...]]]:
    """Return the rows of a key as the day they are known from, the position they belong to, and their facts."""
    plane = [span for versions in facts for span in spans(versions)]
    position = placing(plane)
    found = periods(OBSERVATIONS, KEY, plane)
    return sorted((f"{row.known_from:%m-%d}", position(row), row.content.facts) for row in found)


def _hash(*lines: str) -> str:
    return sha256("".join(lines).encode()).hexdigest()


def test_a_row_belongs_to_the_newest_event_behind_it() -> None:
    """Of all versions in force the one recorded last, whenever each was known."""
    more = {"measure": "rain", "value": 4}
    one = [entry(1, fact="f", known="2024-01-01"), entry(4, fact="f", known="2024-03-01", action="correct", data=more)]
    other = [entry(2, fact="g", known="2024-02-01")]
    assert _placed(one) == [("01-01", 1, ("f",)), ("03-01", 4, ("f",))]
    assert _placed(one, other) == [("01-01", 1, ("f",)), ("02-01", 2, ("f", "g")), ("03-01", 4, ("g", "f"))]


def test_a_correction_that_says_the_same_leaves_a_row_where_it_is() -> None:
    """The row goes on, and belongs to the version that was in force when it began."""
    versions = [entry(1, fact="f", known="2024-01-01"), entry(2, fact="f", known="2024-02-01", action="correct")]
    assert _placed(versions) == [("01-01", 1, ("f",))]


def test_a_retraction_brings_back_rows_of_older_events() -> None:
    """They belong where those do: the retraction is behind none of what is left."""
    other = [entry(2, fact="g", known="2024-02-01"), retraction(3, "g", "2024-03-01")]
    placed = _placed([entry(1, fact="f", known="2024-01-01")], other)
    assert placed == [("01-01", 1, ("f",)), ("02-01", 2, ("f", "g")), ("03-01", 1, ("f",))]


def test_a_row_of_facts_that_are_not_in_force_belongs_nowhere() -> None:
    """Neither before a fact was known, nor while it is retracted, nor with one that the log does not have."""
    plane = spans([entry(1, fact="f", known="2024-01-01"), retraction(2, "f", "2024-02-01")])
    (row,) = periods(OBSERVATIONS, KEY, plane)
    known = [row._replace(known_from=parse_known(day)) for day in ("2023-12-31", "2024-01-15", "2024-02-01")]
    assert list(map(placing(plane), known)) == [NOWHERE, 1, NOWHERE]
    strange = row._replace(content=row.content._replace(facts=("f", "no such fact")))
    assert placing(plane)(strange) == NOWHERE
    assert placing([])(row) == NOWHERE


def test_every_range_is_told_with_what_it_has() -> None:
    """Those without a row too; the last one ends with the log."""
    ranges = Ranges(7, 3)
    for lines in ([("a", 1), ("b", 7)], [("c", 3)]):
        ranges.add(lines, lines)
    assert ranges.found() == (
        Range(1, 3, 2, _hash("a", "c"), None),
        Range(4, 6, 0, _hash(), None),
        Range(7, 7, 1, _hash("b"), None),
    )
    assert Ranges(0).found() == Ranges(0, 5).found() == ()
    assert Ranges(7).found() == Ranges(7, 100).found() == (Range(1, 7, 0, _hash(), None),)


def test_a_range_that_differs_is_told_from_both_sides() -> None:
    """With all its rows, those of before and of after the difference; the other ranges are the same."""
    ranges = Ranges(4, 2)
    same, rest = [("a", 1), ("b", 3)], [("e", 2), ("f", 4)]
    ranges.add(same, same)
    ranges.add([("c", 1), ("d", 4)], [("d", 4), ("x", NOWHERE)])
    ranges.add(rest, rest)
    assert ranges.found() == (
        Range(NOWHERE, NOWHERE, 1, _hash("x"), (0, _hash())),
        Range(1, 2, 2, _hash("a", "e"), (3, _hash("a", "c", "e"))),
        Range(3, 4, 3, _hash("b", "d", "f"), None),
    )


def test_ranges_that_cannot_be_told_are_refused() -> None:
    """Those of no position, and more than there is memory for; the remedy can be typed."""
    for by in (0, -1):
        with pytest.raises(Refused, match=f"a range has 1 position or more, not {by}"):
            Ranges(5, by)
    assert len(Ranges(MOST, 1).found()) == MOST
    with pytest.raises(Refused, match="20,001 positions make 20,001 ranges of 1, more than 10,000") as raised:
        Ranges(2 * MOST + 1, 1)
    assert raised.value.remedy == "Take longer ones: --by 3"
