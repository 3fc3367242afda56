"""Which claims can both hold, who has changed their story, and what is shown first."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.makers_views import told

from timeline.fold import Projection
from timeline.views import claims
from timeline.views.sayings import Saying, grows, succeeds

DAY = date(2023, 12, 26)
COMPARATORS = ("exactly", "about", "over", "under", "at_least", "at_most")


def figure(value: float | str, comparator: str = "", unit: str = "", **fields: Any) -> Saying:  # noqa: ANN401
    """Return what a claim says of a figure."""
    given: dict[str, Any] = {"measure": "turnover", "value": value, "comparator": comparator, "unit": unit}
    item = claims.claim(told("trade.measured", **{name: part for name, part in given.items() if part != ""}, **fields))
    saying = claims.number_or_word(item, "value")
    assert saying is not None
    return saying


def dated(text: str, read: Any = claims.moment) -> Saying:  # noqa: ANN401
    """Return what a claim says of a date or a term."""
    item = claims.claim(told("agreement.signed", title="Accord", parties=["India"], term=text))
    saying = read(item, "term")
    assert isinstance(saying, Saying)
    return saying


@pytest.mark.parametrize(
    "one, other, both",
    [
        (figure(45), figure(45.0), True),
        (figure(45), figure(46), False),
        (figure(45, "exactly"), figure(45), True),
        (figure(50, "over"), figure(51), True),
        (figure(50, "over"), figure(50), False),
        (figure(50, "at_least"), figure(50), True),
        (figure(50, "over"), figure(50, "under"), False),
        (figure(50, "at_least"), figure(50, "at_most"), True),
        (figure(50, "over"), figure(60, "under"), True),
        (figure(2_000_000, "about"), figure(2_200_000), True),
        (figure(2_000_000, "about"), figure(2_300_000), False),
        (figure(-10, "about"), figure(-9), True),
        (figure(45, unit="percent"), figure(12, unit="USD"), True),
        (figure(3, unit="squadron"), figure(4, unit="Squadrons"), False),
        (figure("Rising"), figure("rising"), True),
        (figure("rising"), figure("falling"), False),
        (figure("rising"), figure(3), True),
        (figure(45, polarity="negated"), figure(45), False),
        (figure(45, modality="denied"), figure(45), False),
        (figure(45, polarity="negated"), figure(46), True),
        (figure(50, "over", polarity="negated"), figure(51), False),
        (figure(45, polarity="negated"), figure(40, "over"), True),
        (figure(45, polarity="negated"), figure(46, polarity="negated"), True),
        (figure(45, modality="expected"), figure(46), True),
        (figure(45, modality="expected"), figure(46, modality="expected"), False),
        (figure(45, modality="opinion"), figure(46, modality="opinion"), True),
    ],
)
def test_numbers_and_words_hold_together_as_their_comparators_allow(one: Saying, other: Saying, *, both: bool) -> None:
    """A comparator is a range, "about" a tenth to either side; other units, plans and opinions are other questions."""
    assert claims.compatible(one, other) is both


@pytest.mark.parametrize(
    "one, other, both",
    [
        (dated("2023-12-18"), dated("2023-12"), True),
        (dated("2023-12-18"), dated("2023-12-19"), False),
        (dated("[..2024]"), dated("2024-01~/2024-04~"), True),
        (dated("[..2023]"), dated("2024-01~/2024-04~"), False),
        (dated("2021/2031", claims.term), dated("2021-12-06/2031", claims.term), True),
        (dated("2021/2031", claims.term), dated("2022/2027", claims.term), False),
    ],
)
def test_dates_hold_together_where_one_day_is_possible_for_both(one: Saying, other: Saying, *, both: bool) -> None:
    """A date is as precise as it is written; a term has two ends that must both fit."""
    assert claims.compatible(one, other) is both


FIGURES = st.builds(
    figure,
    st.integers(0, 5),
    st.sampled_from(["", *COMPARATORS]),
    st.sampled_from(["", "piece"]),
    valid=st.sampled_from(["2023-01-05", "2023-01", "2023-02/..", "unknown"]),
    modality=st.sampled_from(["asserted", "expected", "denied", "opinion"]),
    polarity=st.sampled_from(["affirmed", "negated"]),
)


@given(one=FIGURES, other=FIGURES)
def test_holding_together_has_no_direction(one: Saying, other: Saying) -> None:
    """Whichever claim is looked at first, the verdict is the same."""
    assert claims.compatible(one, other) == claims.compatible(other, one)
    assert succeeds(one, other) == succeeds(other, one)
    assert grows(one, other) == grows(other, one)


@given(st.lists(FIGURES, max_size=5))
def test_who_is_in_dispute_does_not_depend_on_order(sayings: list[Saying]) -> None:
    """The sides of a dispute are the same in whatever order the claims come."""
    there, back = claims.clash(sayings), claims.clash(sayings[::-1])
    assert sorted(side["fact"] for side in there) == sorted(side["fact"] for side in back)


def test_a_running_total_may_grow_but_not_shrink() -> None:
    """A higher count on a later day is news; on the same day, or a lower one later, it is a contradiction."""
    early, late = figure(12, valid="2023-05-01"), figure(13, valid="2023-06-01")
    assert grows(early, late)
    assert not grows(figure(13, valid="2023-05-01"), figure(12, valid="2023-06-01"))
    assert not grows(early, figure(13, valid="2023-05-01"))
    assert grows(figure(13, valid="2023-06/.."), figure(12, valid="2023-06-15"))


def state_of(*entries: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the folded state of entries, in the order given."""
    state: dict[str, Any] | None = None
    for event in entries:
        state = claims.fold(state, event)
    assert state is not None
    return state


def figures(*given: tuple[str, float, str]) -> dict[str, Any]:
    """Return what is presented of figures given by voice, value and known time."""
    present = claims.presenting(numbers=("value",))
    told_ = (told("trade.measured", by, measure="m", value=value, known=known) for by, value, known in given)
    return present(state_of(*told_), DAY)


def test_later_knowledge_is_shown_first() -> None:
    """Of two claims the later known gives the value, whichever was folded last; both are kept."""
    row = figures(("A", 50, "2023-06-02"), ("B", 60, "2023-06-01"))
    assert row["value"] == {"value": 50}
    assert [item["said_by"] for item in row["claims"]] == [["A"], ["B"]]
    assert [side["said_by"] for side in row["disputes"]["value"]] == [["A"], ["B"]]


def test_of_claims_known_at_the_same_instant_the_one_folded_last_goes_first() -> None:
    """Equal knowledge leaves the order of folding, and a fraction of a second is later than none."""
    assert figures(("A", 50, "2023-06-01"), ("B", 60, "2023-06-01"))["value"] == {"value": 60}
    assert figures(("A", 50, "2023-06-01T00:00:00.5Z"), ("B", 60, "2023-06-01"))["value"] == {"value": 50}


def test_a_voice_that_changes_its_story_is_not_in_dispute_with_itself() -> None:
    """Once a source has come round to what another says, nothing is in dispute."""
    assert "disputes" not in figures(("A", 50, "2023-06-01"), ("A", 60, "2023-06-02"))
    before = (("A", 50, "2023-06-01"), ("B", 60, "2023-06-02"))
    assert "disputes" in figures(*before)
    assert "disputes" not in figures(*before, ("A", 60, "2023-06-03"))


def test_two_compilers_are_two_voices() -> None:
    """One article that quotes two compilers reports a dispute between them."""
    entries = [told("trade.measured", measure="m", value=value, compiler=by) for value, by in ((5, "IMF"), (6, "WTO"))]
    assert len(claims.presenting(numbers=("value",))(state_of(*entries), DAY)["disputes"]["value"]) == 2


def visit(by: str = "Reuters", **fields: Any) -> Any:  # noqa: ANN401
    """Return a claim of a visit."""
    return told("visit.made", by, **({"visitor": "Modi", "host": "Russia"} | fields))


def test_a_denial_is_shown_as_one_and_disputes_what_it_denies() -> None:
    """Facts go before denials; where a voice takes its own claim back, only the denial is left."""
    present = claims.presenting(text=("visitor", "host"))
    contested = present(state_of(visit("A"), visit("B", polarity="negated", known="2023-07-01")), DAY)
    assert contested["modality"] == "asserted"
    assert "polarity" not in contested
    assert [side["value"] for side in contested["disputes"]["polarity"]] == ["negated", "affirmed"]
    taken_back = present(state_of(visit("A"), visit("A", modality="denied", known="2023-07-01")), DAY)
    assert (taken_back["modality"], taken_back["polarity"]) == ("denied", "negated")
    assert "disputes" not in taken_back


def test_a_denial_is_of_facts_and_not_of_plans() -> None:
    """To say that a visit did not take place contradicts no plan of one, and no opinion."""
    present = claims.presenting(text=("visitor",))
    denied = visit("B", polarity="negated")
    for modality in ("expected", "opinion"):
        assert "disputes" not in present(state_of(visit("A", modality=modality), denied), DAY)


def test_facts_go_before_plans_and_plans_before_opinions() -> None:
    """A later plan or opinion never takes the place of a fact, and each is shown as what it is."""
    present = claims.presenting(text=("purpose",))
    fact = visit("A", purpose="talks")
    plan = visit("A", purpose="a summit", modality="expected", known="2023-07-01")
    opinion = visit("B", purpose="a show", modality="opinion", known="2023-08-01")
    assert present(state_of(fact, plan, opinion), DAY)["purpose"] == "talks"
    assert present(state_of(plan, opinion), DAY)["modality"] == "expected"
    assert present(state_of(opinion), DAY)["modality"] == "opinion"


def test_what_nobody_signed_is_said_by_nobody() -> None:
    """A claim without speaker or document has no voice, and two of them are no dispute."""
    assert figures(("", 5, "2023-06-01"), ("", 6, "2023-06-02"))["claims"][0]["said_by"] == []
    assert "disputes" not in figures(("", 5, "2023-06-01"), ("", 6, "2023-06-02"))


def test_folding_leaves_the_state_before_alone() -> None:
    """A fold makes a new state."""
    state = state_of(visit("A"))
    before = deepcopy(state)
    claims.fold(state, visit("B"))
    assert state == before


def test_a_view_of_ones_own_is_a_few_lines() -> None:
    """Fields named, everything else comes with it: first shown, disputes and claims."""
    view = Projection(
        name="figures",
        version=1,
        about="Figures.",
        kinds=frozenset({"trade.measured"}),
        keys=lambda event: (f"{event.subject}/{claims.slug(event.data['measure'])}",),
        fold=claims.fold,
        present=claims.presenting(text=("measure",), numbers=("value",), words=("flow",)),
    )
    entries = [
        told("trade.measured", by, measure="Oil Trade", value=5, flow=way)
        for by, way in (("A", "import"), ("B", "export"))
    ]
    row = view.present(state_of(*entries), DAY)
    assert list(view.keys(entries[0])) == ["delhi/oil-trade"]
    assert list(row) == ["measure", "flow", "value", "modality", "disputes", "claims"]
    assert view.disputed(row)


def test_a_claim_keeps_what_a_reader_asks_for() -> None:
    """Fact, speakers, known time, valid time, modality, polarity and data; what only the views need is left out."""
    row = claims.presenting()(state_of(visit("A", fact="v1")), DAY)
    assert row["claims"] == [
        {
            "fact": "v1",
            "kind": "visit.made",
            "said_by": ["A"],
            "known": "2023-06-01T00:00:00Z",
            "valid": "2023/..",
            "modality": "asserted",
            "polarity": "affirmed",
            "data": {"visitor": "Modi", "host": "Russia"},
        }
    ]
