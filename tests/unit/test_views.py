"""What the built-in views show, and the laws that all of them obey."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.makers_views import KIND, VIEW, folded, keys, shown, told

from timeline.fold import in_order
from timeline.kinds import DESCRIBED
from timeline.views import BUILTIN

if TYPE_CHECKING:
    from timeline.events import Entry
    from timeline.fold import Projection

ONE_DAY = timedelta(days=1)
TERM: dict[str, Any] = {
    "title": "Programme for Military Technical Cooperation",
    "parties": ["India", "Russia"],
    "term": "2021/2031",
}
SHARE: dict[str, Any] = {
    "measure": "share",
    "value": 45,
    "unit": "percent",
    "flow": "import",
    "of": "arms",
    "partner": "Russia",
}
FIGURE: dict[str, Any] = {"measure": "turnover", "value": 50, "unit": "bn USD", "comparator": "over"}
MONEY: dict[str, Any] = {
    "parties": ["India", "Russia"],
    "amount": 1_000_000_000,
    "currency": "USD",
    "comparator": "over",
}


def test_agreements_follow_their_term() -> None:
    """Signed before, in force during and expired after the term; possibly where the term is not precise."""
    signed = told("agreement.signed", valid="2020-12-06", known="2020-12-06", **TERM)
    said = {day: shown("agreements", signed, on=day)["status"] for day in ("2020-12-31", "2021-06-01", "2022-01-01")}
    assert said == {"2020-12-31": "signed", "2021-06-01": "possibly_in_force", "2022-01-01": "in_force"}
    assert shown("agreements", signed, on="2031-12-31")["status"] == "possibly_in_force"
    assert shown("agreements", signed, on="2032-01-01")["status"] == "expired"


def test_an_agreement_without_a_term_is_in_force_while_somebody_says_so() -> None:
    """A fact of force says enough; one that has ended is over, whatever its term."""
    without = {name: item for name, item in TERM.items() if name != "term"}
    signed, in_force = told("agreement.signed", **without), told("agreement.in_force", valid="2023-02/..", **without)
    assert shown("agreements", signed)["status"] == "signed"
    assert shown("agreements", signed, in_force)["status"] == "in_force"
    ended = told("agreement.ended", valid="2023-09-01", **TERM)
    assert shown("agreements", signed, in_force, ended)["status"] == "ended"
    assert shown("agreements", told("agreement.signed", modality="expected", **TERM))["status"] == "planned"


def test_two_terms_that_cannot_both_be_are_in_dispute() -> None:
    """The term is judged, the wording of a title is not."""
    other = told("agreement.signed", "AFP", **(TERM | {"term": "2021/2026", "title": "the pact"}))
    assert list(shown("agreements", told("agreement.signed", **TERM), other)["disputes"]) == ["term"]


def test_production_says_how_something_is_made() -> None:
    """Licensed or established, with who is involved."""
    row = shown("production", told("production.licensed", item="T-90", licensor="Russia", licensee="India"))
    assert (row["status"], row["item"], row["licensee"]) == ("licensed", "T-90", "India")


def test_the_key_of_a_figure_is_the_question_that_it_answers() -> None:
    """Measure, flow, goods, partner and period, as far as they are given."""
    event = told("trade.measured", subject="india", period="2018/2022", **SHARE)
    assert keys("trade", event) == ["india/share/import/arms/russia/2018-2022"]
    assert keys("trade", told("trade.measured", subject="india", **FIGURE)) == ["india/turnover"]


def test_figures_come_with_unit_comparator_and_compiler() -> None:
    """A turnover that "crossed 50 bn" stays a number over 50, in its unit."""
    row = shown("trade", told("trade.measured", compiler="SIPRI", **FIGURE))
    assert (row["value"], row["unit"], row["comparator"], row["compiler"]) == (50, "bn USD", "over", "SIPRI")


def test_compilers_that_differ_are_in_dispute_about_the_same_period_only() -> None:
    """45 and 46 per cent of one period cannot both hold; of two periods they can, and so can over 50 and 51."""
    quoted = told("trade.measured", "Sputnik", period="2018/2022", **(SHARE | {"value": 46}))
    measured = told("trade.measured", "SIPRI", period="2018/2022", **SHARE)
    assert list(shown("trade", measured, quoted)["disputes"]) == ["value"]
    assert "disputes" not in shown("trade", told("trade.measured", "SIPRI", period="2017/2021", **SHARE), quoted)
    assert "disputes" not in shown(
        "trade",
        told("trade.measured", "A", **FIGURE),
        told("trade.measured", "B", **(FIGURE | {"value": 51, "comparator": "exactly"})),
    )


def test_a_figure_in_words_is_shown_as_it_is() -> None:
    """Where a source gives no number, its word is the value."""
    assert shown("trade", told("trade.measured", measure="trend", value="on the rise"))["value"] == "on the rise"


def test_payments_are_blocked_or_arranged() -> None:
    """What is stuck stands beside what is being arranged, which is expected and not done."""
    blocked = told("payment.blocked", cause="restrictions", **MONEY)
    arranged = told("payment.arranged", "Lavrov", parties=["India"], what="an alternative", modality="expected")
    row = shown("payments", blocked, arranged)
    assert (row["blocked"], row["cause"], row["modality"]) == (True, "restrictions", "asserted")
    assert row["amount"] == {"value": 1_000_000_000, "unit": "USD", "comparator": "over"}
    assert row["arrangements"] == [{"what": "an alternative", "said_by": ["Lavrov"], "modality": "expected"}]
    assert "blocked" not in shown("payments", arranged)
    assert shown("payments", told("payment.blocked", polarity="negated", **MONEY))["blocked"] is False


def test_an_opinion_is_shown_as_an_opinion() -> None:
    """The stance of a holder on a topic, with its modality."""
    event = told("position.stated", subject="india", topic="The Quad", stance="no alliance", modality="opinion")
    assert keys("positions", event) == ["india/the-quad"]
    row = shown("positions", event)
    assert (row["stance"], row["modality"]) == ("no alliance", "opinion")


def test_visits_and_meetings_are_one_view() -> None:
    """Who met whom; sources that count its days differently are in dispute."""
    made = [told("visit.made", by, visitor="Jaishankar", host="Russia", days=days) for by, days in (("A", 5), ("B", 4))]
    row = shown("visits", *made)
    assert (row["status"], row["days"], list(row["disputes"])) == ("visit", 4, ["days"])
    assert shown("visits", told("meeting.held", participants=["Modi", "Putin"]))["status"] == "meeting"


def observed(value: Any, by: str = "", **fields: Any) -> Entry:  # noqa: ANN401
    """Return an observation of workers."""
    return told("observation", by, measure="Workers", value=value, **fields)


def test_an_observation_is_its_last_value_and_nothing_more() -> None:
    """The state is value, unit and comparator, each only where given; keys are taken as they are written."""
    assert keys("observations", observed(1, subject="India")) == ["India/Workers"]
    assert shown("observations", observed(1), observed(2)) == {"value": 2}
    full = {"unit": "worker", "comparator": "about"}
    assert shown("observations", observed(2_000_000, **full)) == {"value": 2_000_000, **full}
    assert shown("observations", observed(2, polarity="negated")) == {"value": 2, "polarity": "negated"}


def test_observations_in_dispute_say_so() -> None:
    """Only then does the state hold more than its value."""
    assert "disputes" not in shown("observations", observed(2, "A"), observed(2, "B"))
    row = shown("observations", observed(2, "A"), observed(3, "B"))
    assert [side["value"] for side in row["disputes"]["value"]] == [{"value": 3}, {"value": 2}]


DUES = st.sampled_from(
    ["2023-02", "2023-03-05", "[2023-02-01..2023-03-20]", "2023-01~/2023-02~", "2023-02/..", "unknown"]
)
TIMES = st.sampled_from(
    ["2023-01-10/..", "2023-01/2023-03", "[2023-01-05..2023-02-10]", "2023-02", "unknown", "../2023-02-03"]
)
NAMES, NUMBERS = st.sampled_from(["EU", "US", "Russia"]), st.integers(1, 4)
FEW = st.lists(NAMES, min_size=1, max_size=2)
STAGED = st.lists(st.fixed_dictionaries({"ordinal": NUMBERS, "due": DUES}), min_size=1, max_size=2)
UNITS, COMPARATORS = st.sampled_from(["battery", "squadron"]), st.sampled_from(["about", "over", "at_most"])
COUNTED = {"unit": UNITS, "comparator": COMPARATORS}
PARTIES = {"item": st.just("S-400"), "supplier": NAMES, "recipient": NAMES}
TREATY = {"title": NAMES, "parties": FEW}
ACTS = {"round": NUMBERS, "act": NAMES, "proposed": DUES, "adopted": DUES}
TARGET = {"target": st.just("Russia"), "authority": FEW}
BAN = {"target": st.just("Russia"), "authority": FEW, "measure": st.just("asset_freeze")}
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sanction.imposed": (BAN, ACTS),
    "sanction.round_adopted": (TARGET | {"round": st.just(1)}, {"adopted": DUES, "announced": DUES}),
    "sanction.rounds_counted": (TARGET | {"rounds": NUMBERS}, {"comparator": COMPARATORS}),
    "sanction.amended": (BAN | {"change": NAMES}, ACTS),
    "sanction.lifted": (BAN, {"cause": NAMES}),
    "delivery.ordered": (PARTIES | {"quantity": NUMBERS}, COUNTED),
    "delivery.scheduled": (
        PARTIES | {"due": DUES},
        COUNTED | {"quantity": NUMBERS, "stages": STAGED, "replaces": DUES},
    ),
    "delivery.made": (PARTIES | {"quantity": NUMBERS}, COUNTED | {"ordinal": NUMBERS, "total": NUMBERS}),
    "delivery.delayed": (PARTIES, {"missed": DUES}),
    "delivery.cancelled": (PARTIES, {"quantity": NUMBERS, "unit": UNITS}),
    "agreement.signed": (TREATY, {"term": DUES}),
    "agreement.in_force": (TREATY, {"term": DUES}),
    "agreement.ended": (TREATY, {"term": DUES}),
    "production.licensed": ({"item": NAMES, "licensor": NAMES, "licensee": NAMES}, {}),
    "production.established": ({"item": NAMES, "partner": NAMES, "host": NAMES}, {}),
    "trade.measured": ({"measure": st.just("m"), "value": NUMBERS | NAMES}, COUNTED | {"compiler": NAMES}),
    "payment.blocked": ({"parties": FEW}, {"amount": NUMBERS, "comparator": COMPARATORS, "currency": NAMES}),
    "payment.arranged": ({"parties": FEW, "what": NAMES}, {"replaces": NAMES}),
    "position.stated": ({"topic": st.just("t"), "stance": NAMES}, {}),
    "visit.made": ({"visitor": NAMES, "host": NAMES}, {"days": NUMBERS}),
    "meeting.held": ({"participants": FEW}, {"forum": NAMES}),
    "entry.listed": ({"list": NAMES, "name": NAMES}, {"program": NAMES | FEW, "details": st.just({"title": "x"})}),
    "observation": ({"measure": st.just("m"), "value": NUMBERS | NAMES | st.booleans()}, COUNTED),
}


@st.composite
def claim_of(draw: st.DrawFn, view: Projection) -> Entry:
    """Return a random claim of one of the view's kinds."""
    kind = draw(st.sampled_from(sorted(view.kinds)))
    needed, optional = SHAPES[kind]
    data = draw(st.fixed_dictionaries(needed, optional=optional))
    marks = {
        "valid": draw(TIMES),
        "known": draw(st.sampled_from(["2023-01-01", "2023-01-20", "2023-02-20"])),
        "modality": draw(st.sampled_from(["asserted", "asserted", "reported", "expected", "denied", "opinion"])),
        "polarity": draw(st.sampled_from(["affirmed", "affirmed", "negated"])),
    }
    return told(kind, draw(st.sampled_from(["A", "B", "C", ""])), **data, **marks)


some = settings(max_examples=30)
each_view = pytest.mark.parametrize("view", BUILTIN, ids=lambda view: view.name)
DAYS = st.integers(0, 110).map(lambda number: date(2022, 12, 25) + number * ONE_DAY)


@each_view
@some
@given(data=st.data())
def test_a_state_changes_by_the_day_alone_only_where_it_turns(view: Projection, data: st.DataObject) -> None:
    """From one day to the next a view shows the same, but for the days that it names."""
    state = folded(view, *data.draw(st.lists(claim_of(view), min_size=1, max_size=5)))
    day = data.draw(DAYS | st.sampled_from(sorted(view.turns(state))) if list(view.turns(state)) else DAYS)
    if day not in set(view.turns(state)):
        assert view.present(state, day) == view.present(state, day - ONE_DAY)


@each_view
@some
@given(data=st.data())
def test_folding_and_presenting_change_nothing_they_are_given(view: Projection, data: st.DataObject) -> None:
    """States are values: neither the fold nor its presentation touches one, and every state is plain JSON."""
    *before, last = in_order(data.draw(st.lists(claim_of(view), min_size=2, max_size=5)))
    state = folded(view, *before)
    kept = deepcopy(state)
    row = view.present(view.fold(state, last), date(2023, 2, 10))
    view.present(state, date(2023, 2, 10))
    assert state == kept
    assert orjson.loads(orjson.dumps(row)) == row


@each_view
@some
@given(data=st.data())
def test_nothing_is_dropped_and_no_voice_is_in_dispute_with_itself(view: Projection, data: st.DataObject) -> None:
    """A row holds every claim; a dispute has at least two voices."""
    entries = data.draw(st.lists(claim_of(view), min_size=1, max_size=5))
    row = view.present(folded(view, *entries), date(2023, 2, 10))
    if view.name != "observations":
        assert sorted(item["fact"] for item in row["claims"]) == sorted(event.fact for event in entries)
    alone = [event for event in entries if event.voice == "A" and "compiler" not in event.data]
    assert not alone or not view.disputed(view.present(folded(view, *alone), date(2023, 2, 10)))


@each_view
@some
@given(data=st.data())
def test_every_fact_of_a_view_has_its_keys(view: Projection, data: st.DataObject) -> None:
    """Keys are few, differ from one another, and follow from the event alone."""
    event = data.draw(claim_of(view))
    found = list(view.keys(event))
    assert 1 <= len(found) == len(set(found)) <= 2
    assert found == list(view.keys(deepcopy(event)))


def test_every_kind_is_shown_somewhere() -> None:
    """No built-in kind but the one about documents is without a view, and none is in two."""
    shown = sorted(kind for view in BUILTIN for kind in view.kinds)
    assert shown == sorted(KIND.keys() - {DESCRIBED})
    assert list(VIEW) == [view.name for view in BUILTIN]
