"""Reading as far as can be: what stands in for an event that cannot be read, by hand."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from makers import entry

from timeline.fold import Unread, Unreadable, row
from timeline.reading import Reading
from timeline.views.observations import OBSERVATIONS

if TYPE_CHECKING:
    from timeline.events import Entry

BAD = 666


def _current(event: Entry) -> Entry:
    if event.data["value"] == BAD:
        message = "nobody can read this"
        raise ValueError(message)
    return replace(event, data={**event.data, "unit": "mm"})


READING = Reading.of(OBSERVATIONS, _current)


def _version(position: int, known: str, value: int = 3, **fields: str) -> Entry:
    data = {"measure": "rain", "value": value}
    return entry(position, fact="f", action="correct" if position > 1 else "assert", known=known, data=data, **fields)


def test_an_event_that_cannot_be_read_has_the_keys_of_the_versions_before_it() -> None:
    """Before it in both: what was recorded later, or known later, was not there for whoever read it then."""
    versions = [
        _version(1, "2024-01-01", subject="agra"),
        _version(2, "2024-03-01", subject="pune"),
        _version(3, "2024-02-01", BAD),
        _version(4, "2024-01-15", subject="goa"),
    ]
    unread = READING.entries(versions)[2]
    assert isinstance(unread, Unread)
    assert unread.failed == "ValueError: nobody can read this"
    assert READING.view.keys_of(unread) == ["?f", "agra/rain"]
    keys, spans = READING.laid_out(versions)
    assert keys == {"?f", "agra/rain", "pune/rain", "goa/rain"}
    assert [type(span.entry) is Unread for span in spans] == [False, False, True, False]
    assert pickle.loads(pickle.dumps(unread)) == unread  # noqa: S301
    with pytest.raises(Unreadable, match="ValueError: nobody can read this"):
        READING.view.fold(None, unread)


def test_what_is_never_in_force_is_not_read() -> None:
    """A misreading that was read again, and what is left of it is brought up to date."""
    keys, (span,) = READING.laid_out([_version(1, "2024-01-01", BAD), _version(2, "2024-01-01", 4)])
    assert (keys, span.entry.data["value"], span.entry.data["unit"]) == ({"delhi/rain"}, 4, "mm")


def test_a_row_is_known_no_longer_than_since_it_can_be_folded() -> None:
    """What the same source said before, in the same words, lies beyond what cannot be folded."""
    versions = [_version(1, "2024-01-01", 4), _version(2, "2024-02-01", BAD), _version(3, "2024-03-01", 4)]
    _, plane = READING.laid_out(versions)
    found = row(READING.view, "delhi/rain", plane, date(2023, 12, 10), versions[2].known)
    assert found is not None
    assert (found.stuck, found.known_since) == (None, versions[2].known)
