"""The rule of answers on single facts and keys, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from makers import entry, retraction

from timeline.fold import Projection, Row, State, as_recorded, row, said, spans
from timeline.planes import planes
from timeline.reading import Reading
from timeline.views.observations import OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.events import Entry, Event


def _keys(event: Event) -> list[str]:
    return [event.subject]


def _fold(state: State | None, fact: Entry) -> State:
    return {"values": [*(state or {"values": []})["values"], fact.data["value"]]}


VIEW = Projection(name="v", version=1, about="", kinds=frozenset({"observation"}), keys=_keys, fold=_fold)


def _observed(position: int, value: int, **fields: str) -> Entry:
    return entry(position, data={"measure": "rain", "value": value}, **fields)


def _row(entries: list[list[Entry]], on: str, known: str) -> Row | None:
    plane = [span for versions in entries for span in spans(versions)]
    return row(VIEW, "delhi", plane, date.fromisoformat(on), datetime.fromisoformat(known).replace(tzinfo=UTC))


def test_of_equal_knowledge_the_last_recorded_is_in_force() -> None:
    """Two versions known at one instant: only the one recorded last is ever believed."""
    versions = [_observed(1, 1, fact="f"), _observed(2, 2, fact="f", action="correct")]
    assert [(span.entry.position, span.known_to) for span in spans(versions)] == [(2, None)]


def test_a_late_correction_does_not_displace_newer_knowledge() -> None:
    """A version known earlier but recorded later is believed for its own time only."""
    versions = [
        _observed(1, 1, fact="f", known="2024-02-01"),
        _observed(2, 2, fact="f", action="correct", known="2024-01-01"),
    ]
    laid_out = [
        (span.entry.position, span.known_from.month, span.known_to and span.known_to.month) for span in spans(versions)
    ]
    assert laid_out == [(2, 1, 2), (1, 2, None)]


def test_a_retracted_fact_can_be_reinstated() -> None:
    """Between retraction and reinstatement the fact has no span."""
    versions = [_observed(1, 1, fact="f", known="2024-01-01"), retraction(2, "f", "2024-02-01")]
    versions.append(_observed(3, 1, fact="f", action="correct", known="2024-03-01"))
    assert [(span.known_from.month, span.known_to and span.known_to.month) for span in spans(versions)] == [
        (1, 2),
        (3, None),
    ]


def test_a_row_says_how_far_it_reaches() -> None:
    """The state runs to the days where another fact begins and ends, and back to when it was first known."""
    first = [_observed(1, 1, fact="f", valid="2023-01-01/2023-12-31", known="2024-01-01")]
    other = [_observed(2, 2, fact="g", valid="2023-06-01/2023-06-30", known="2024-02-01")]
    found = _row([first, other], "2023-03-01", "2024-03-01")
    assert found is not None
    assert (found.since, found.until) == (date(2023, 1, 1), date(2023, 5, 31))
    assert found.known_since == datetime(2024, 1, 1, tzinfo=UTC)
    inside = _row([first, other], "2023-06-15", "2024-03-01")
    assert inside is not None
    assert (inside.state, inside.facts) == ({"values": [1, 2]}, ("f", "g"))
    assert inside.known_since == datetime(2024, 2, 1, tzinfo=UTC)


def test_an_open_state_has_no_last_day() -> None:
    """What holds for ever has no `until`; what always held has no `since`."""
    found = _row([[_observed(1, 1, valid="../..")]], "2023-03-01", "2024-03-01")
    assert found is not None
    assert (found.since, found.until, found.certainty) == (None, None, "certain")


def test_equal_neighbours_are_one_stretch() -> None:
    """Two facts that meet and say the same make one state without a break, in days and in knowledge."""
    entries = [[_observed(1, 1, fact="f", valid="2023-01", known="2024-01-01")]]
    entries += [[_observed(2, 1, fact="g", valid="2023-02", known="2024-01-01")]]
    found = _row(entries, "2023-02-10", "2024-03-01")
    assert found is not None
    assert (found.since, found.until) == (date(2023, 1, 1), date(2023, 2, 28))


def test_a_day_on_which_the_state_turns_by_itself_is_a_cut() -> None:
    """What follows from the day alone ends the stretch, if the projection names the day."""
    view = Projection(
        name="v",
        version=1,
        about="",
        kinds=VIEW.kinds,
        keys=_keys,
        fold=_fold,
        present=lambda state, on: {**state, "late": on > date(2023, 3, 31)},
        turns=lambda _: [date(2023, 4, 1)],
    )
    plane = spans([_observed(1, 1, valid="2023")])
    found = row(view, "delhi", plane, date(2023, 2, 1), datetime(2024, 1, 1, tzinfo=UTC))
    assert found is not None
    assert (found.since, found.until) == (date(2023, 1, 1), date(2023, 3, 31))


def test_a_fact_that_moved_to_another_key_leaves_the_first() -> None:
    """Once a correction gives a fact another subject, the old key has no row."""
    moved = [
        _observed(1, 1, fact="f", known="2024-01-01"),
        _observed(2, 1, fact="f", known="2024-02-01", subject="agra"),
    ]
    assert _row([moved], "2023-12-05", "2024-01-15") is not None
    assert _row([moved], "2023-12-05", "2024-02-15") is None


def test_an_uncertain_fact_makes_a_possible_row() -> None:
    """A row is certain only if every fact behind it surely holds."""
    entries = [
        [_observed(1, 1, fact="f", valid="2023-12")],
        [_observed(2, 2, fact="g", valid="[2023-12-01..2023-12-26]")],
    ]
    found = _row(entries, "2023-12-10", "2024-01-01")
    assert found is not None
    assert found.certainty == "possible"


def test_a_long_chain_of_days_is_walked_to_its_end() -> None:
    """Hundreds of meeting facts of one value are one stretch."""
    days = [date(2023, 1, 1) + timedelta(days=number) for number in range(300)]
    entries = [[_observed(number, 1, fact=f"f{number}", valid=day.isoformat())] for number, day in enumerate(days, 1)]
    found = _row(entries, "2023-05-01", "2024-01-01")
    assert found is not None
    assert (found.since, found.until) == (days[0], days[-1])


def test_what_goes_wrong_in_reading_is_no_fault_of_the_view() -> None:
    """A log that cannot be read to its end gives no answer, be it asked to go on past what a view cannot fold."""

    def cut_off() -> Iterator[Entry]:
        yield entry(1)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  it is the very one
        list(planes(Reading.of(OBSERVATIONS, as_recorded), cut_off()))


def test_a_view_may_have_nothing_to_show() -> None:
    """Then there is no row, whatever the view says of a dispute."""
    view = replace(VIEW, present=lambda _state, _on: None)  # type: ignore[arg-type,return-value]
    plane = [span for held in [[_observed(1, 1)]] for span in spans(held)]
    assert row(view, "delhi", plane, date(2023, 12, 10), datetime(2024, 1, 1, tzinfo=UTC)) is None


class _SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_that_says_nothing_is_told_by_its_name() -> None:
    """What it says of itself may fail as well."""
    assert said(_SilentError()) == "_SilentError"
