"""Snapshots and tables of versions: what becomes an event, of which days, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from unit.makers_snapshots import FIRST, SECOND, THIRD, Held, listed, told

from timeline.errors import Place, Refused
from timeline.snapshots import GONE, Look, alike
from timeline.temporal import parse_known


def test_a_first_look_adds_everything_from_its_day() -> None:
    """The list says who is on it now; since when, nobody saw."""
    held = Held()
    assert told(held.look(FIRST, listed("a"), listed("b"))) == [
        ("assert", "s/a", "2023-03-01/.."),
        ("assert", "s/b", "2023-03-01/.."),
    ]
    assert held.counted() == (2, 0, 0, 0)


def test_a_list_that_reads_as_before_says_nothing() -> None:
    """No event is born, whatever the order of the rows."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b", details={"x": 1, "y": ["p", "q"]}))
    assert held.look(SECOND, listed("b", details={"y": ["p", "q"], "x": 1.0}), listed("a")) == []
    assert held.counted() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "day, since",
    [
        ("2023-03-01T12:00Z", "2023-03-01/.."),
        ("2023-03-02", "2023-03-02/.."),
        ("2023-03-03", "[2023-03-02..2023-03-03]/.."),
        ("2023-03-05T23:59Z", "[2023-03-02..2023-03-05]/.."),
    ],
)
def test_what_is_new_came_between_two_looks(day: str, since: str) -> None:
    """Whoever was not there on the day of the last look came on a later day, up to this one."""
    held = Held()
    held.look(FIRST, listed("a"))
    (new,) = held.look(day, listed("a"), listed("b"))
    assert told([new]) == [("assert", "s/b", since)]
    assert new.known == parse_known(day)


@pytest.mark.parametrize(
    "day, until",
    [
        ("2023-03-02", "2023-02-01/2023-03-01"),
        ("2023-03-01T12:00Z", "2023-02-01/2023-02-28"),
        ("2023-03-05", "2023-02-01/[2023-03-01..2023-03-04]"),
    ],
)
def test_what_is_gone_ended_between_two_looks(day: str, until: str) -> None:
    """It was there on the day of the last look, and not on this one; the event says how that is known."""
    held = Held()
    held.look("2023-02-01", listed("a"), listed("b", program="P"))
    held.look(FIRST, listed("a"), listed("b", program="P"))
    (gone,) = held.look(day, listed("a"))
    assert told([gone]) == [("correct", "s/b", until)]
    assert (gone.reason, gone.time) == (GONE, {"method": "inferred", "note": GONE})
    assert gone.data == {"list": "L", "name": "b", "program": "P"}
    assert held.counted() == (0, 0, 1, 0)
    assert held.look("2023-04-01", listed("a")) == []


def test_an_entry_of_part_of_a_day_is_taken_back() -> None:
    """Days count whole: of what came and went on one day nothing remains."""
    held = Held()
    held.look("2023-03-01T08:00Z", listed("a"))
    held.look("2023-03-01T12:00Z", listed("a"), listed("b"))
    assert told(held.look("2023-03-01T18:00Z", listed("a"))) == [("retract", "s/b", None)]
    held = Held()
    held.look(FIRST, listed("a"))
    held.look("2023-03-05T08:00Z", listed("a"), listed("b"))
    assert told(held.look("2023-03-05T12:00Z", listed("a"))) == [("retract", "s/b", None)]


def test_who_is_back_begins_anew() -> None:
    """The world changed: the old stay remains, the new one is a fact of its own, named for the day it was seen."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.look(SECOND, listed("a"))
    assert told(held.look("2023-03-09", listed("a"), listed("b"))) == [
        ("assert", "s/b@2023-03-09", "[2023-03-06..2023-03-09]/..")
    ]
    assert held.counted() == (0, 0, 0, 1)
    assert told(held.look("2023-03-10", listed("a"))) == [
        ("correct", "s/b@2023-03-09", "[2023-03-06..2023-03-09]/2023-03-09")
    ]
    assert told(held.look("2023-03-12", listed("b"), listed("a")))[0][1] == "s/b@2023-03-12"


def test_an_amended_entry_keeps_its_first_day() -> None:
    """The source words the entry otherwise from this look on: a correction of the same fact, over its whole stay."""
    held = Held()
    held.look(FIRST, listed("a", program="P"))
    (amended,) = held.look(SECOND, listed("a", program=["P", "Q"]))
    assert told([amended]) == [("correct", "s/a", "2023-03-01/..")]
    assert amended.data["program"] == ["P", "Q"]
    (without,) = held.look(THIRD, listed("a"))
    assert "program" not in without.data
    assert held.counted() == (0, 1, 0, 0)


def test_numbers_are_compared_as_decimals_within_the_tolerance() -> None:
    """Noise in the last digit is no amendment; true is not 1, and a text is not a number."""
    held = Held()
    held.look(FIRST, listed("a", details={"v": 3.3815746709521317}))
    assert held.look(SECOND, listed("a", tolerance=1e-12, details={"v": 3.381574670952132})) == []
    assert len(held.look(SECOND, listed("a", details={"v": 3.381574670952132}))) == 1
    assert not alike({"v": 1}, {"v": True}, 0.5)
    assert not alike({"v": 1}, {"v": "1"}, 0.5)
    assert alike([100], [101], 0.01)
    assert not alike([100], [102], 0.01)
    assert not alike({"v": 1}, {"v": 1, "w": 2}, 0.5)
    assert not alike([1], [1, 1], 0.5)


def test_a_voice_is_part_of_what_is_said() -> None:
    """Who says it now is somebody else: an amendment."""
    held = Held()
    held.look(FIRST, listed("a", said_by=["X"]))
    assert held.look(SECOND, listed("a", said_by=["X"])) == []
    assert len(held.look(THIRD, listed("a", said_by=["Y"]))) == 1


def test_absence_may_retract_or_mean_nothing() -> None:
    """As the caller says; what was retracted and is back is a new fact as well."""
    held = Held(absent="retract")
    held.look(FIRST, listed("a"), listed("b"))
    (gone,) = held.look(SECOND, listed("a"))
    assert (gone.action, gone.fact, gone.reason) == ("retract", "s/b", GONE)
    assert told(held.look(THIRD, listed("a"), listed("b"))) == [("assert", "s/b@2023-03-06", "2023-03-06/..")]
    held = Held(absent="ignore", max_removed=0.0)
    held.look(FIRST, listed("a"), listed("b"))
    assert held.look(SECOND, listed("a")) == []
    assert held.look(THIRD, listed("a"), listed("b")) == []


@pytest.mark.parametrize(
    "valid, until",
    [
        ("2020/..", "2020/[2023-03-01..2023-03-04]"),
        ("2020/2030", "2020/[2023-03-01..2023-03-04]"),
        ("2023-03", "2023-03-01/[2023-03-01..2023-03-04]"),
        ("unknown", "/[2023-03-01..2023-03-04]"),
        ("../..", "../[2023-03-01..2023-03-04]"),
        ("2024/..", None),
    ],
)
def test_an_entry_that_the_source_dates_is_cut_off(valid: str, until: str | None) -> None:
    """Its own beginning stays, its end is that of the list; what was yet to begin is taken back."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b", valid=valid))
    assert told(held.look(SECOND, listed("a"))) == [("correct" if until else "retract", "s/b", until)]


def test_an_entry_that_had_ended_by_itself_is_not_gone() -> None:
    """A list that drops what is over removes nothing, however much of it that is."""
    held = Held(max_removed=0.1)
    held.look(FIRST, listed("a"), listed("b", valid="2020/2021"), listed("c", valid="2023-03-04"))
    assert held.look(SECOND, listed("a")) == []
    assert held.counted() == (0, 0, 0, 0)


def test_more_removed_than_the_share_is_a_fault_of_the_feed() -> None:
    """Half of the entries are gone where a third may be; at the share itself it is taken."""
    held = Held(max_removed=1 / 3)
    held.look(FIRST, *map(listed, "abcdef"))
    with pytest.raises(Refused, match="3 of 6 entries are gone, more than 33%") as caught:
        held.look(SECOND, *map(listed, "abc"))
    assert "--max-removed 0.50" in caught.value.remedy
    assert len(held.look(SECOND, *map(listed, "abcd"))) == 2


def test_what_the_list_never_had_is_nobodys_entry() -> None:
    """Others' facts under its name do not end and are not counted; one that the list then has becomes its own."""
    held = Held(max_removed=0.0)
    held.look(FIRST, listed("a"))
    held.by_hand("s/note", "2023-03-02", name="n", valid="2020/..")
    assert held.look(SECOND, listed("a")) == []
    assert told(held.look(THIRD, listed("a"), listed("note"))) == [("assert", "s/note", "2020/..")]
    assert held.counted() == (1, 0, 0, 0)
    with pytest.raises(Refused, match="1 of 2 entries"):
        held.look("2023-03-07", listed("a"))


def test_another_reading_of_an_instant_is_as_precise_as_the_first() -> None:
    """The look before is the one at an earlier instant, whatever was read at this one and displaced."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.look(SECOND, listed("a"), listed("b"), listed("c"))
    held.before = parse_known(FIRST)
    assert told(held.look(SECOND, listed("b"))) == [
        ("correct", "s/a", "2023-03-01/[2023-03-01..2023-03-04]"),
        ("retract", "s/c", None),
    ]
    held.before = parse_known(FIRST)
    assert told(held.look(SECOND, listed("a"), listed("b"))) == [("correct", "s/a", "2023-03-01/..")]


@pytest.mark.parametrize("share, gone", [(0.29, 29), (0.57, 57), (0.58, 58), (1 / 3, 33), (0.07, 7)])
def test_the_share_itself_is_taken(share: float, gone: int) -> None:
    """As written: 29 of 100 are 0.29, though no binary number is."""
    held = Held(max_removed=share)
    names = [f"{number:03}" for number in range(100)]
    held.look(FIRST, *map(listed, names))
    with pytest.raises(Refused):
        held.look(SECOND, *map(listed, names[gone + 1 :]))
    assert len(held.look(SECOND, *map(listed, names[gone:]))) == gone


@pytest.mark.parametrize("odd", ["\ud800", 1 << 60, 1 << 70, 10**400])
def test_what_no_line_can_hold_is_refused_where_it_stands(odd: object) -> None:
    """A lone surrogate or a number that JSON would round, new or in place of what was there."""
    held = Held()
    held.look(FIRST, listed("a", details={"v": 1}))
    for name in ("a", "b"):
        with pytest.raises(Refused) as caught:
            held.look(SECOND, listed(name, 7, tolerance=0.1, details={"v": odd}))
        assert (caught.value.place.line, caught.value.place.field) == (7, "data")


def test_an_empty_list_is_a_fault_of_the_feed() -> None:
    """Rows without a value state nothing, and nobody is gone for it."""
    held = Held()
    held.look(FIRST, listed("a"))
    for stated in ([], [listed("a")._replace(fields=None)]):
        with pytest.raises(Refused, match="the list is empty"):
            held.look(SECOND, *stated)


def test_an_identity_stands_once_in_a_list() -> None:
    """The second of two rows is refused with its line, and the line of the first is named."""
    with pytest.raises(Refused, match="stands in line 3 already") as caught:
        Held().look(FIRST, listed("a", 3), listed("b", 4), listed("a", 7))
    assert caught.value.place.line == 7


@pytest.mark.parametrize("fact", [None, "a@2023-03-01", "x" * 101])
def test_an_identity_can_be_told_from_others(fact: str | None) -> None:
    """None, one like that of a later spell and one that leaves no room to name a spell are refused."""
    with pytest.raises(Refused) as caught:
        Held().look(FIRST, listed("a", 5, fact=fact))
    assert caught.value.place.line == 5


def test_what_the_border_refuses_names_the_row() -> None:
    """A field that does not satisfy the kind is told with file, line and field."""
    with pytest.raises(Refused) as caught:
        Held().look(FIRST, listed("a"), listed("b", 9, program=3))
    assert caught.value.place == Place("list.csv", 9, "data.program")


def test_the_day_of_a_look_is_that_in_utc() -> None:
    """An evening in New York is the next day."""
    look = Look(source="s", known=datetime.fromisoformat("2023-03-04T20:00:00-05:00"))
    assert (look.seen, look.known.astimezone(UTC).day) == ("2023-03-05", 5)
