"""Snapshots and tables of versions: what becomes an event, of which days, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from unit.makers_views import KIND

from timeline import border
from timeline.errors import Conflict, Place, Refused
from timeline.events import Event, canonical
from timeline.maps import Stated
from timeline.snapshots import GONE, Counts, Look, alike, changes
from timeline.temporal import parse_known
from timeline.versions import UNREPORTED, ordered, revisions

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST, SECOND, THIRD = "2023-03-01", "2023-03-05", "2023-03-06"


def read(fields: Any) -> Event:  # noqa: ANN401
    """Return the event of a fact line, without any document."""
    return border.event(fields, KIND.__getitem__, lambda _: None)


def listed(name: str, line: int = 1, tolerance: float = 0.0, **changed: Any) -> Stated:  # noqa: ANN401
    """Return a row that lists somebody; what is no field of a line is data."""
    own = {"valid", "known", "fact", "said_by"}
    data = {"list": "L", "name": name, **{key: value for key, value in changed.items() if key not in own}}
    fields = {"kind": "entry.listed", "subject": name, "data": data, "valid": changed.get("valid", "{seen}/..")}
    fields |= {"said_by": changed["said_by"]} if "said_by" in changed else {}
    return Stated("list.csv", line, changed.get("fact", name), fields, None, tolerance, "{seen}" in fields["valid"])


class Held:
    """What a source holds, look after look, as a log would keep it: the last event of each fact is in force."""

    def __init__(self, **look: Any) -> None:  # noqa: ANN401
        """Begin with nothing, and look in one way."""
        self.lines: dict[str, str] = {}
        self.before: datetime | None = None
        self.how = {"max_removed": 1.0} | look

    def look(self, day: str, *stated: Stated) -> list[Event]:
        """Return the events of a look at a list that reads so."""
        self.counts = Counts()
        look = Look(source="s", known=parse_known(day), before=self.before, **self.how)
        events = [event for _, event in changes(look, stated, self.lines.items(), read, self.counts)]
        self.before = look.known
        for event in events:
            self.lines[event.fact] = canonical(event.fields()).decode()
        return events

    def counted(self) -> tuple[int, int, int, int]:
        """Return how many entries were added, amended, removed and returned at the last look."""
        return self.counts.added, self.counts.amended, self.counts.removed, self.counts.returned


def told(events: Iterable[Event]) -> list[tuple[str, str, str | None]]:
    """Return action, fact and valid time of events."""
    return [(event.action, event.fact, event.valid.text if event.valid else None) for event in events]


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


# Tables of versions


def version(known: str | None, value: float | None, line: int = 1, fact: str = "f", tolerance: float = 0.0) -> Stated:
    """Return a row of a table of versions: a measured value, or none."""
    data = {"measure": "m", "value": value}
    fields = {"kind": "observation", "subject": "x", "valid": "2020", "data": data}
    return Stated("table.csv", line, fact, None if value is None else fields, known, tolerance, False)


def revised(*table: Stated, held: Iterable[Event] = ()) -> list[Event]:
    """Return the events of a table, given what is held."""
    lines = [(event.known, event.fact, canonical(event.fields()).decode()) for event in held]
    newest = {event.fact: event.known for event in held}
    with ordered(table) as versions:
        return [event for _, event in revisions(versions, sorted(lines, key=lambda one: one[0]), newest, read)]


def values(events: Iterable[Event]) -> list[tuple[str, str, Any]]:
    """Return action, day of knowledge and value of events."""
    return [(event.action, f"{event.known:%Y-%m-%d}", event.data.get("value")) for event in events]


TABLE = (version("2021-03-01", 3), version("2021-01-01", 1), version("2021-02-01", 1.0), version("2021-04-01", None))


def test_versions_are_taken_in_the_order_of_knowledge() -> None:
    """Rows may stand in any order; what only repeats is no event, and what has no value any more is taken back."""
    events = revised(*TABLE)
    assert values(events) == [
        ("assert", "2021-01-01", 1),
        ("correct", "2021-03-01", 3),
        ("retract", "2021-04-01", None),
    ]
    assert events[-1].reason == UNREPORTED


def test_a_table_again_says_nothing_new() -> None:
    """Each version is compared with the one in force at its own instant, not with the last."""
    held = revised(*TABLE)
    assert revised(*TABLE, held=held) == []
    assert values(revised(*TABLE, version("2021-05-01", 5), held=held)) == [("correct", "2021-05-01", 5)]


def test_facts_of_a_table_do_not_mix() -> None:
    """Each fact has its own versions."""
    events = revised(version("2021-01-01", 1), version("2021-01-01", 1, fact="g"), version("2021-02-01", 2, fact="g"))
    assert [(event.fact, event.data["value"]) for event in events] == [("f", 1), ("g", 1), ("g", 2)]


def test_noise_within_the_tolerance_is_no_version() -> None:
    """A value printed twice with another last digit is one value."""
    noisy = [version("2021-01-01", 3.3815746709521317), version("2021-02-01", 3.381574670952132, tolerance=1e-9)]
    assert len(revised(*noisy)) == 1


def test_another_value_before_what_is_held_is_a_conflict() -> None:
    """What repeats in between was left out, so that it would silently change; what repeats there is fine."""
    held = revised(*TABLE)
    assert revised(version("2021-01-20", 1), held=held) == []
    for late in (version("2021-01-20", 9, 4), version("2020-12-01", 9, 4), version("2021-03-20", None, 4)):
        with pytest.raises(Conflict, match="is held up to 2021-04-01") as caught:
            revised(late, held=held)
        assert caught.value.place == Place("table.csv", 4)


def test_two_values_of_one_instant_are_refused() -> None:
    """Which of them was published, nobody knows; the same value twice is one."""
    assert len(revised(version("2021-01-01", 1), version("2021-01-01", 1))) == 1
    with pytest.raises(Refused, match="stated twice"):
        revised(version("2021-01-01", 1), version("2021-01-01", 2, 8))


def test_a_version_read_otherwise_corrects_its_own_instant() -> None:
    """After a map was corrected the same row has another value: known as before, so that only the record differs."""
    held = revised(version("2021-01-01", 1))
    assert values(revised(version("2021-01-01", 2), held=held)) == [("correct", "2021-01-01", 2)]


@pytest.mark.parametrize("stated", [version(None, 1), version("soon", 1), version("2021-01-01", 1)._replace(seen=True)])
def test_a_version_says_when_it_was_made_public(stated: Stated) -> None:
    """Without a date, with one that cannot be read, or with a first day that only looks can find, it is refused."""
    with pytest.raises(Refused) as caught:
        revised(stated)
    assert caught.value.place.line == 1


def test_the_day_of_a_look_is_that_in_utc() -> None:
    """An evening in New York is the next day."""
    look = Look(source="s", known=datetime.fromisoformat("2023-03-04T20:00:00-05:00"))
    assert (look.seen, look.known.astimezone(UTC).day) == ("2023-03-05", 5)
