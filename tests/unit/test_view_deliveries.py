"""What was delivered, what is pending, and plans that are overdue but never done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.makers_views import keys, shown, told

if TYPE_CHECKING:
    from timeline.events import Entry

PARTIES = {"item": "S-400", "supplier": "Russia", "recipient": "India", "subject": "s-400-india"}
EARLY_2024 = "2024-01~/2024-04~"
AIR_FORCE, AMBASSADOR = "Indian Air Force", "Denis Alipov"


def event(what: str, by: str = "Reuters", **fields: Any) -> Entry:  # noqa: ANN401
    """Return a claim about the deliveries of S-400 to India."""
    return told(f"delivery.{what}", by, **(PARTIES | fields))


def contract(**fields: Any) -> Entry:  # noqa: ANN401
    """Return the contract of October 2018 for five squadrons."""
    usual = {"quantity": 5, "unit": "squadron", "valid": "2018-10", "known": "2018-10-31"}
    return event("ordered", "press", **(usual | fields))


def plan(by: str = AMBASSADOR, **fields: Any) -> Entry:  # noqa: ANN401
    """Return a plan for the delivery."""
    usual = {"due": EARLY_2024, "valid": "2023-12-26/..", "known": "2023-12-26", "modality": "expected"}
    return event("scheduled", by, **{name: item for name, item in (usual | fields).items() if item is not None})


def delivery(ordinal: int | None, by: str = "Reuters", **fields: Any) -> Entry:  # noqa: ANN401
    """Return the report of one squadron delivered."""
    usual: dict[str, Any] = {"quantity": 1, "unit": "squadron", "valid": "2021-12"}
    return event("made", by, **(usual | ({"ordinal": ordinal} if ordinal else {}) | fields))


TESTIMONY = event("delayed", AIR_FORCE, missed="2023", valid="2023-03-21/..", known="2023-03-21")
THREE = (
    delivery(1, valid="2021-12"),
    delivery(2, valid="2022-04", by="press"),
    delivery(3, valid="[2022-04..2023-03-24]", known="2023-03-24"),
)
FOLLOW_UPS = (contract(), *THREE, TESTIMONY)
RESCHEDULED = {"valid": "2025-06-27/..", "known": "2025-06-27", "due": None, "replaces": "[..2023]"}
STAGES = [{"ordinal": 4, "due": "2026"}, {"ordinal": 5, "due": "2027"}]


def test_an_order_is_its_own_row() -> None:
    """The key of a delivery is its subject."""
    assert keys("deliveries", contract()) == ["s-400-india"]


def test_the_article_alone_confirms_no_delivery() -> None:
    """A plan of five batteries delivers nothing, and it is overdue once its last possible day is past."""
    alone = plan(quantity=5, unit="battery")
    row = shown("deliveries", alone, on="2024-04-30")
    assert row["status"] == "planned"
    assert row["delivered"] == {"value": 0, "unit": "battery"}
    assert row["planned"] == row["pending"] == {"value": 5, "unit": "battery"}
    assert (row["due"], row["due_by"], row["overdue"]) == (EARLY_2024, "2024-04-30", False)
    late = shown("deliveries", alone, on="2024-05-01")
    assert (late["overdue"], late["overdue_since"], late["delivered"]["value"]) == (True, "2024-05-01", 0)
    assert late["planned_by"] == [AMBASSADOR]


def test_three_of_five_with_the_reports_of_2023() -> None:
    """All is counted in the unit of the order, and the plan is disputed by the testimony."""
    row = shown("deliveries", *FOLLOW_UPS, plan(quantity=5, unit="battery"))
    assert row["status"] == "partly_delivered"
    assert row["ordered"] == {"value": 5, "unit": "squadron"}
    assert row["delivered"] == {"value": 3, "unit": "squadron"}
    assert row["pending"] == {"value": 2, "unit": "squadron"}
    sides = {side["value"]: side["said_by"] for side in row["disputes"]["schedule"]}
    assert sides == {"kept": [AMBASSADOR], "delayed": [AIR_FORCE]}
    assert list(row["disputes"]) == ["schedule"]


def test_past_its_date_the_plan_is_overdue_with_two_pending() -> None:
    """No plan is ever counted as done."""
    row = shown("deliveries", *FOLLOW_UPS, plan(), on="2024-06-01")
    assert (row["overdue"], row["overdue_since"]) == (True, "2024-05-01")
    assert (row["delivered"]["value"], row["pending"]["value"]) == (3, 2)


def test_a_plan_that_admits_the_delay_ends_the_dispute() -> None:
    """What replaces an earlier date agrees with the report of delay and settles all earlier plans."""
    earlier = plan(), plan("press", due="[..2023]", valid="2018-10/..", known="2018-10-31")
    row = shown("deliveries", *FOLLOW_UPS, *earlier, plan("India", stages=STAGES, **RESCHEDULED), on="2025-07-01")
    assert "disputes" not in row
    assert [(stage["ordinal"], stage["due"]) for stage in row["stages"]] == [(4, "2026"), (5, "2027")]
    assert "due" not in row
    assert row["overdue"] is False
    assert len(row["claims"]) == 8


def test_who_says_kept_after_the_delay_was_admitted_disputes_it() -> None:
    """A plan settles what came before it and nothing that comes after."""
    admitted = plan("India", stages=STAGES, **RESCHEDULED)
    again = plan(due="2025", valid="2025-08-01/..", known="2025-08-01")
    assert "schedule" in shown("deliveries", TESTIMONY, admitted, again, on="2025-08-02")["disputes"]


def test_a_stage_is_overdue_until_it_is_delivered() -> None:
    """Each stage has its own due date; the row is overdue while any stage is."""
    staged = plan("India", stages=STAGES, **RESCHEDULED)
    late = shown("deliveries", contract(), *THREE, staged, on="2027-06-01")
    assert [stage["overdue"] for stage in late["stages"]] == [True, False]
    assert (late["overdue"], late["overdue_since"]) == (True, "2027-01-01")
    fourth = delivery(4, valid="2026-11", known="2026-12-01")
    done = shown("deliveries", contract(), *THREE, staged, fourth, on="2027-06-01")
    assert (done["overdue"], done["delivered"]["value"]) == (False, 4)


def test_a_plan_moved_by_the_same_or_another_voice_is_no_dispute_about_the_date() -> None:
    """A later plan moves the date; two dates announced at once cannot both hold."""
    august = plan(due="[..2024]", valid="2023-08-28/..", known="2023-08-28")
    assert "disputes" not in shown("deliveries", august, plan("press"))
    assert list(shown("deliveries", plan(), plan("press", due="2026"))["disputes"]) == ["due"]


def test_the_same_voice_has_changed_its_story() -> None:
    """Who reported a delay and now has a plan that is kept contradicts only itself."""
    assert "disputes" not in shown("deliveries", TESTIMONY, plan(AIR_FORCE))


def test_a_denied_delay_is_a_schedule_kept() -> None:
    """Denying a delay disputes the report of it."""
    denied = event("delayed", AMBASSADOR, valid="2023-04-01/..", known="2023-04-01", modality="denied")
    sides = shown("deliveries", TESTIMONY, denied)["disputes"]["schedule"]
    assert [side["value"] for side in sides] == ["kept", "delayed"]


@pytest.mark.parametrize("marks", [{"modality": "expected"}, {"modality": "opinion"}, {"polarity": "negated"}], ids=str)
def test_only_facts_are_delivered(marks: dict[str, str]) -> None:
    """An expected delivery, an opinion and a denial are claims in the row and nothing that arrived."""
    row = shown("deliveries", contract(), delivery(1, **marks))
    assert row["delivered"]["value"] == 0
    assert len(row["claims"]) == 2


def test_a_delivery_reported_twice_is_counted_once() -> None:
    """By its ordinal, or where it may be the same by day and quantity and another voice tells it."""
    row = shown("deliveries", contract(), delivery(1), delivery(1, by="press", valid="2022"), delivery(None, by="AFP"))
    assert row["delivered"]["value"] == 1
    apart = shown("deliveries", contract(), delivery(None), delivery(None, valid="2022-03"), delivery(None, by="AFP"))
    assert apart["delivered"]["value"] == 2


def test_a_running_total_counts_what_was_not_reported_one_by_one() -> None:
    """To have "the third" of single pieces makes three; a stated total goes before a smaller sum."""
    assert shown("deliveries", contract(), delivery(3))["delivered"]["value"] == 3
    assert shown("deliveries", contract(), delivery(None, total=4))["delivered"]["value"] == 4
    batch = delivery(2, quantity=10, unit="missile")
    assert shown("deliveries", contract(quantity=50, unit="missile"), batch)["delivered"]["value"] == 10


def test_doubt_about_numbers_is_carried_on() -> None:
    """At least three delivered of five leaves at most two pending."""
    row = shown("deliveries", contract(), delivery(None, quantity=3, comparator="at_least"))
    assert row["delivered"] == {"value": 3, "unit": "squadron", "comparator": "at_least"}
    assert row["pending"] == {"value": 2, "unit": "squadron", "comparator": "at_most"}


def test_units_that_differ_are_not_subtracted() -> None:
    """What was delivered in another unit than ordered is shown, and nothing is said to be pending."""
    row = shown("deliveries", contract(), delivery(None, quantity=6, unit="battery"))
    assert row["delivered"] == {"value": 6, "unit": "battery"}
    assert "pending" not in row


def test_totals_by_different_voices_may_grow_but_not_shrink() -> None:
    """Two delivered, then three, is news; three, then two, is a dispute."""
    early = {"valid": "2022-05-01/..", "known": "2022-05-01"}
    late = {"valid": "2023-05-01/..", "known": "2023-05-01"}
    two, three = delivery(None, by="A", total=2, **early), delivery(None, by="B", total=3, **late)
    assert "disputes" not in shown("deliveries", two, three)
    shrunk = shown("deliveries", delivery(None, by="A", total=3, **early), delivery(None, by="B", total=2, **late))
    assert list(shrunk["disputes"]) == ["delivered"]


def test_a_denied_delivery_is_disputed_until_it_is_overtaken() -> None:
    """Denied after it was reported, a delivery is in dispute; denied before, it has simply come since."""
    made = delivery(1, valid="2021-12-15")
    after = delivery(1, by="A", polarity="negated", valid="2022-02-01", known="2022-02-01")
    before = delivery(1, by="A", polarity="negated", valid="2021-11-01", known="2021-11-01")
    assert "delivered" in shown("deliveries", made, after)["disputes"]
    assert "disputes" not in shown("deliveries", made, before)


def test_a_complete_order_is_never_overdue() -> None:
    """Once nothing is pending, the due date has done its work."""
    row = shown("deliveries", contract(quantity=3), *THREE, plan(), on="2024-06-01")
    assert (row["status"], row["pending"]["value"], row["overdue"]) == ("delivered", 0, False)


def test_a_cancelled_order_is_shown_as_such_and_is_never_overdue() -> None:
    """What was cancelled is not pending: all of it, or the quantity that the source names."""
    cancel = {"valid": "2024-02-01", "known": "2024-02-01"}
    row = shown("deliveries", *FOLLOW_UPS, plan(), event("cancelled", **cancel), on="2024-06-01")
    assert (row["status"], row["cancelled"]["value"], row["pending"]["value"]) == ("cancelled", 2, 0)
    assert row["overdue"] is False
    some = event("cancelled", quantity=1, unit="squadron", **cancel)
    part = shown("deliveries", *FOLLOW_UPS, plan(), some, on="2024-06-01")
    assert (part["status"], part["pending"]["value"], part["overdue"]) == ("partly_delivered", 1, True)


def test_a_cancelled_plan_is_no_longer_overdue_even_if_nobody_said_how_much() -> None:
    """Where neither order nor plan has a quantity, the cancellation is of everything."""
    gone = event("cancelled", valid="2024-02-01", known="2024-02-01")
    row = shown("deliveries", plan(), gone, on="2024-06-01")
    assert (row["status"], row["overdue"]) == ("cancelled", False)


def test_the_price_of_an_order_has_its_currency_and_comparator() -> None:
    """The value of an order is a number like any other."""
    row = shown("deliveries", contract(value=5_430_000_000, currency="USD", value_comparator="about"))
    assert row["price"] == {"value": 5_430_000_000, "unit": "USD", "comparator": "about"}


@pytest.mark.parametrize(
    "events, status",
    [
        ([contract()], "ordered"),
        ([TESTIMONY], "delayed"),
        ([delivery(1, modality="expected")], "planned"),
        ([plan(modality="opinion")], "unconfirmed"),
        ([delivery(1)], "delivered"),
    ],
)
def test_the_status_says_how_far_an_order_has_come(events: list[Entry], status: str) -> None:
    """From a rumour to the last piece, each status follows from what is claimed as fact or plan."""
    assert shown("deliveries", *events)["status"] == status


def test_an_opinion_is_no_plan() -> None:
    """What somebody thinks will happen sets no due date and disputes nothing."""
    row = shown("deliveries", TESTIMONY, plan(modality="opinion"))
    assert "due" not in row
    assert "disputes" not in row
