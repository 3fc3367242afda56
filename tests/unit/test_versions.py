"""Tables of versions: which of them are news, in whatever order they stand."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from unit.makers_views import KIND

from timeline import border
from timeline.errors import Conflict, Place, Refused
from timeline.events import Event, canonical
from timeline.maps import Stated
from timeline.versions import UNREPORTED, Recorded, ordered, revisions

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST, SECOND, THIRD = "2023-03-01", "2023-03-05", "2023-03-06"


def read(fields: Any) -> Event:  # noqa: ANN401
    """Return the event of a fact line, without any document."""
    return border.event(fields, KIND.__getitem__, lambda _: None)


def version(known: str | None, value: float | None, line: int = 1, fact: str = "f", tolerance: float = 0.0) -> Stated:
    """Return a row of a table of versions: a measured value, or none."""
    data = {"measure": "m", "value": value}
    fields = {"kind": "observation", "subject": "x", "valid": "2020", "data": data}
    return Stated("table.csv", line, fact, None if value is None else fields, known, tolerance, False)


def revised(*table: Stated, held: Iterable[Event] = (), read_up_to: datetime | None = None) -> list[Event]:
    """Return the events of a table, given what is held."""
    lines = [(event.known, event.fact, True, canonical(event.fields()).decode()) for event in held]
    newest = {event.fact: event.known for event in held}
    with ordered(table) as versions:
        log = Recorded(sorted(lines, key=lambda one: one[0]), newest, read_up_to)
        return [event for _, event in revisions(versions, log, read)]


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
        with pytest.raises(Conflict, match="was read up to 2021-04-01") as caught:
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
