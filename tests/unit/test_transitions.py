"""How a row came to be what it is, along each axis, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from makers import entry, retraction

from timeline.basis import Basis
from timeline.temporal import OPEN_PAST, format_instant, parse_instant
from timeline.transitions import Axis, Transition, transitions
from timeline.views.deliveries import DELIVERIES
from timeline.views.observations import OBSERVATIONS

if TYPE_CHECKING:
    from timeline.events import Entry

BASIS = Basis(timeline="t", on=date(2023, 12, 10), known=parse_instant("2024-06-01"), recorded=9, link="")


def _along(over: Axis, log: list[Entry], basis: Basis = BASIS) -> list[Transition]:
    versions: dict[str, list[Entry]] = {}
    for event in log:
        versions.setdefault(event.fact, []).append(event)
    return list(transitions(OBSERVATIONS, "delhi/rain", versions, basis, over))


def _values(found: list[Transition]) -> list[int | None]:
    return [row.state["value"] if (row := step.change.after) else None for step in found]


def _observed(position: int, value: int, **fields: Any) -> Entry:  # noqa: ANN401
    return entry(position, **({"fact": "f", "data": {"measure": "rain", "value": value}} | fields))


LOG = [
    _observed(1, 1, known="2024-02-01"),
    _observed(2, 2, action="correct", known="2024-03-01"),
    _observed(3, 3, action="correct", known="2024-01-01"),
    retraction(4, "f", "2024-04-01"),
]


def test_knowledge_is_told_in_the_order_in_which_it_became_public() -> None:
    """However late an event was recorded, it stands where it became known; a retraction ends the row."""
    found = _along("known", LOG)
    days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]
    assert [format_instant(step.at)[:10] for step in found] == days
    assert _values(found) == [3, 1, 2, None]
    assert [cause.cause for step in found for cause in step.causes] == [
        "news",
        "source correction",
        "source correction",
        "retraction",
    ]


def test_recording_is_told_in_the_order_of_positions() -> None:
    """What was recorded without a change of what is believed is passed over."""
    found = _along("recorded", LOG)
    assert [step.at for step in found] == [1, 2, 4]
    assert _values(found) == [1, 2, None]
    assert [cause.cause for step in found for cause in step.causes] == [
        "late-found document",
        "source correction",
        "retraction",
    ]


def test_days_are_told_from_the_first_on_which_a_fact_holds() -> None:
    """A row comes with the first day, changes as facts begin, end and become certain, and goes after the last."""
    log = [_observed(1, 1, valid="2023-01/2023-05-31"), _observed(2, 2, fact="g", valid="2023-03-05")]
    found = _along("on", log)
    assert [str(step.at) for step in found] == ["2023-01-01", "2023-01-31", "2023-03-05", "2023-03-06", "2023-06-01"]
    assert _values(found) == [1, 1, 2, 1, None]
    turns = [cause.turn for step in found for cause in step.causes]
    assert turns == ["begins", "certain", "begins", "ends", "ends"]


def test_what_has_no_beginning_is_there_from_the_first_day() -> None:
    """A fact without a first day is added where days begin."""
    (found,) = _along("on", [_observed(1, 1, valid="../..")])
    assert (found.at, found.change.change, found.causes[0].cause) == (OPEN_PAST, "added", "news")


def test_a_plan_that_is_overdue_is_a_transition_of_days() -> None:
    """The day after the last on which it may be fulfilled the row changes, though nobody said anything."""
    plan = entry(1, kind="delivery.scheduled", modality="expected", valid="2023-01-01/..", data={"due": "2023-02"})
    found = list(transitions(DELIVERIES, "delhi", {plan.fact: [plan]}, BASIS, "on"))
    assert [str(step.at) for step in found] == ["2023-01-01", "2023-03-01"]
    assert found[1].change.fields["overdue"] == (False, True)
    assert [(cause.turn, str(cause.day)) for cause in found[1].causes] == [("turns", "2023-03-01")]


def test_the_other_axes_stay_as_the_basis_has_them() -> None:
    """Along one axis nothing is told that is known, recorded or held beyond the two others."""
    early = Basis(timeline="t", on=BASIS.on, known=parse_instant("2024-02-15"), recorded=2, link="")
    assert _values(_along("known", LOG, early)) == [1]
    assert _values(_along("recorded", LOG, early)) == [1]
    elsewhere = Basis(timeline="t", on=date(2022, 1, 1), known=BASIS.known, recorded=9, link="")
    assert _along("known", LOG, elsewhere) == []


def test_what_says_the_same_again_is_no_transition() -> None:
    """A restatement without a change is passed over, and what follows is caused by its own event alone."""
    same = _observed(2, 1, action="correct", known="2024-03-01", reason="confirmed")
    found = _along("known", [_observed(1, 1), same, _observed(3, 5, action="correct", known="2024-04-01")])
    assert _values(found) == [1, 5]
    assert [(cause.entry.position, cause.displaced and cause.displaced.position) for cause in found[1].causes] == [
        (3, 2)
    ]


def test_a_row_reaches_over_all_facts_that_say_the_same() -> None:
    """However many facts in a row say the same, the row tells its first day and its last."""
    days = [date(2023, 1, 1) + timedelta(days=number) for number in range(60)]
    log = [_observed(at, at // 50, fact=f"f{at}", valid=day.isoformat()) for at, day in enumerate(days, 1)]
    rows = [step.change.after for step in _along("on", log, replace(BASIS, recorded=60))]
    assert [row and (row.state["value"], str(row.since), str(row.until)) for row in rows] == [
        (0, "2023-01-01", "2023-02-18"),
        (1, "2023-02-19", "2023-03-01"),
        None,
    ]


def test_what_a_view_does_not_show_is_no_transition() -> None:
    """And a dispute is one, whatever a view says of it but for nothing."""
    plan = entry(1, fact="f", known="2024-01-01")
    silent = replace(OBSERVATIONS, present=lambda _state, _on: None)  # type: ignore[arg-type,return-value]
    assert list(transitions(silent, "delhi/rain", {"f": [plan]}, BASIS, "known")) == []
    again = entry(2, fact="f", known="2024-02-01", action="correct", data={"measure": "rain", "value": 4})
    some = replace(OBSERVATIONS, disputed=lambda _state: {1})  # type: ignore[arg-type,return-value]
    found = list(transitions(some, "delhi/rain", {"f": [plan, again]}, BASIS, "known"))
    assert [step.change.after.state["value"] for step in found if step.change.after] == [3, 4]
