"""Why a row changed: each cause in each direction of each axis, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from makers import entry, retraction

from timeline.basis import Basis
from timeline.causes import Cause, Side, causes
from timeline.difference import changes
from timeline.fold import Projection, State
from timeline.temporal import parse_instant
from timeline.views.observations import OBSERVATIONS

if TYPE_CHECKING:
    from timeline.events import Entry

KEY = "delhi/rain"


def _at(on: str = "2023-12-10", known: str = "2024-06-01", recorded: int = 9) -> Basis:
    day, instant = date.fromisoformat(on), parse_instant(known)
    return Basis(timeline="t", on=day, known=instant, recorded=recorded, link="")


def _side(basis: Basis, log: list[Entry]) -> Side:
    versions: dict[str, list[Entry]] = {}
    for event in log:
        versions.setdefault(event.fact, []).append(event)
    return Side.of(basis, versions)


def _causes(
    log: list[Entry], before: Basis, after: Basis, view: Projection = OBSERVATIONS, key: str = KEY
) -> list[Cause]:
    return _between(_side(before, log), _side(after, log), view, key)


def _between(before: Side, after: Side, view: Projection = OBSERVATIONS, key: str = KEY) -> list[Cause]:
    rows = [[row] if (row := side.row(view, key)) else [] for side in (before, after)]
    (change,) = changes(*rows)
    return causes(view, change, before, after)


def _told(found: list[Cause]) -> list[tuple[str, int, bool, int | None]]:
    return [(c.cause, c.entry.position, c.undone, c.displaced.position if c.displaced else None) for c in found]


def _observed(position: int, value: int, **fields: Any) -> Entry:  # noqa: ANN401
    return entry(position, **({"fact": "f", "data": {"measure": "rain", "value": value}} | fields))


FIRST = _observed(1, 1, known="2024-01-01")
RESTATED = _observed(2, 2, action="correct", known="2024-03-01")
REREAD = _observed(2, 2, action="correct", known="2024-01-01")
WITHDRAWN = retraction(2, "f", "2024-03-01")
BACKWARDS = pytest.mark.parametrize("backwards", [False, True], ids=["there", "back"])


@BACKWARDS
@pytest.mark.parametrize(
    "log, before, after, cause, missing, displaced",
    [
        ([FIRST], _at(known="2023-12-31"), _at(known="2024-01-01"), "news", "known", None),
        ([FIRST], _at(known="2023-12-31", recorded=0), _at(), "news", "known", None),
        ([FIRST], _at(recorded=0), _at(recorded=1), "late-found document", "recorded", None),
        ([FIRST, RESTATED], _at(known="2024-02-01"), _at(known="2024-04-01"), "source correction", "known", 1),
        ([FIRST, RESTATED], _at(recorded=1), _at(recorded=2), "source correction", "recorded", 1),
        ([FIRST, REREAD], _at(recorded=1), _at(recorded=2), "misreading", "recorded", 1),
        ([FIRST, WITHDRAWN], _at(known="2024-02-01"), _at(known="2024-04-01"), "retraction", "known", 1),
        ([FIRST, WITHDRAWN], _at(recorded=1), _at(recorded=2), "retraction", "recorded", 1),
    ],
)
def test_an_event_is_the_cause_in_both_directions(
    log: list[Entry],
    before: Basis,
    after: Basis,
    cause: str,
    missing: str,
    displaced: int | None,
    backwards: bool,  # noqa: FBT001
) -> None:
    """The same event makes the difference either way; going back it is undone."""
    (found,) = _causes(log, *((after, before) if backwards else (before, after)))
    assert (found.cause, found.missing, found.undone) == (cause, missing, backwards)
    assert (found.entry, found.displaced and found.displaced.position) == (log[-1], displaced)


@BACKWARDS
def test_a_choice_is_a_cause(backwards: bool) -> None:  # noqa: FBT001
    """What is public and recorded, and still not believed on one side, was left out by who is believed."""
    everybody, some = _side(_at(), [FIRST, RESTATED]), _side(_at(), [FIRST])
    assert _told(_between(everybody, some) if backwards else _between(some, everybody)) == [("choice", 2, backwards, 1)]


def test_a_correction_is_news_where_nothing_was_known() -> None:
    """A correction that is the first thing known of a fact corrects nothing for who asks."""
    assert _told(_causes([RESTATED], _at(known="2024-02-01"), _at())) == [("news", 2, False, None)]


def test_a_correction_of_what_was_never_read_is_no_misreading() -> None:
    """Where both the reading and its correction became public in between, the one believed now is the news."""
    assert _told(_causes([FIRST, REREAD], _at(known="2023-12-31"), _at())) == [("news", 2, False, None)]


def test_of_several_corrections_the_one_in_force_is_the_cause() -> None:
    """What was believed for a while in between makes no difference between the ends."""
    third = _observed(3, 3, action="correct", known="2024-04-01")
    assert _told(_causes([FIRST, RESTATED, third], _at(known="2024-01-05"), _at())) == [
        ("source correction", 3, False, 1)
    ]


def test_a_correction_that_arrives_late_displaces_what_was_believed_of_its_own_time() -> None:
    """Recorded last but known in between, it changes what was known then and not what is known now."""
    late = _observed(3, 3, action="correct", known="2024-02-01")
    then = {"known": "2024-02-15"}
    assert _told(_causes([FIRST, RESTATED, late], _at(**then, recorded=2), _at(**then, recorded=3))) == [
        ("source correction", 3, False, 1)
    ]


def test_a_fact_that_is_reinstated_displaces_its_retraction() -> None:
    """The event is a correction, and what it displaced is that the fact had been taken back."""
    again = _observed(3, 1, action="correct", known="2024-04-01")
    log = [FIRST, WITHDRAWN, again]
    assert _told(_causes(log, _at(known="2024-03-15"), _at())) == [("source correction", 3, False, 2)]


def test_on_two_axes_at_once_one_event_is_undone_and_another_comes_in() -> None:
    """Going back in knowledge and on in recording, each side believes something that the other does not."""
    late = _observed(3, 3, action="correct", known="2024-02-01")
    log = [FIRST, RESTATED, late]
    assert _told(_causes(log, _at(known="2024-04-01", recorded=2), _at(known="2024-02-15", recorded=3))) == [
        ("source correction", 3, False, 1),
        ("source correction", 2, True, 1),
    ]


def test_what_a_retraction_keeps_from_another_day_is_told() -> None:
    """Undoing the first version alone would leave the second one, which holds on the day that is gone to."""
    log = [
        _observed(1, 1, known="2024-03-01", valid="2023-12-11"),
        _observed(2, 2, known="2024-01-01", valid="2023-12-10", action="correct"),
        retraction(3, "f", "2024-01-01"),
    ]
    there = _at("2023-12-11", recorded=2)
    assert _told(_causes(log, there, _at("2023-12-10", "2024-02-01"))) == [
        ("retraction", 3, False, 2),
        ("source correction", 1, True, 2),
    ]


def test_a_version_that_counts_only_on_the_day_gone_to_has_come_in() -> None:
    """The day alone would not put it in the place of the one that is undone."""
    log = [
        _observed(1, 1, known="2024-03-01", valid="2023-12-20"),
        _observed(2, 2, known="2024-01-01", valid="2023-12-10", action="correct"),
    ]
    found = _causes(log, _at("2023-12-20", recorded=1), _at("2023-12-10", "2024-02-01"))
    assert [(cause.cause, cause.entry.position, cause.undone) for cause in found] == [
        ("late-found document", 2, False),
        ("day", 1, True),
    ]


def test_a_fact_that_moves_is_the_cause_on_both_keys() -> None:
    """The key that it leaves and the key that it gets have the same event as their cause."""
    moved = _observed(2, 1, action="correct", known="2024-03-01", subject="agra")
    for key in ("delhi/rain", "agra/rain"):
        found = _causes([FIRST, moved], _at(known="2024-02-01"), _at(), key=key)
        assert _told(found) == [("source correction", 2, False, 1)]


def test_a_fact_that_moves_to_another_day_is_the_cause_of_its_end() -> None:
    """A correction that gives a fact other days makes it go from a day that it does not hold on any more."""
    moved = _observed(2, 1, action="correct", known="2024-03-01", valid="2023-11")
    assert _told(_causes([FIRST, moved], _at(known="2024-02-01"), _at())) == [("source correction", 2, False, 1)]


@pytest.mark.parametrize(
    "here, there, turn, day, undone",
    [
        ("2023-11-30", "2023-12-10", "begins", "2023-12-01", False),
        ("2023-12-10", "2023-11-30", "begins", "2023-12-01", True),
        ("2023-12-10", "2024-01-01", "ends", "2023-12-31", False),
        ("2024-01-01", "2023-12-10", "ends", "2023-12-31", True),
    ],
)
def test_a_day_begins_and_ends_facts(here: str, there: str, turn: str, day: str, undone: bool) -> None:  # noqa: FBT001
    """Where nothing was said in between, a fact holds from its first day and until its last, there and back."""
    (found,) = _causes([FIRST], _at(here), _at(there))
    assert (found.cause, found.turn, str(found.day), found.undone) == ("day", turn, day, undone)
    assert (found.missing, found.displaced) == ("", None)


def test_what_became_public_tells_more_than_the_day_on_which_it_began() -> None:
    """Where neither the day nor the knowledge alone would have shown the fact, the news is the cause."""
    before, after = _at("2023-11-30", known="2023-11-30"), _at("2023-12-10", known="2024-01-10")
    assert _told(_causes([FIRST], before, after)) == [("news", 1, False, None)]
    assert _told(_causes([FIRST], after, before)) == [("news", 1, True, None)]


def test_the_end_of_a_fact_is_no_matter_of_what_is_said_of_it_later() -> None:
    """A fact that has ended by the second day has gone with the day, though it was restated in between."""
    (found,) = _causes([FIRST, RESTATED], _at(known="2024-02-01"), _at("2024-01-10"))
    assert (found.cause, found.turn, found.entry) == ("day", "ends", FIRST)


@pytest.mark.parametrize(
    "valid, here, there, turn, day",
    [
        ("2023-12/..", "2023-12-10", "2024-01-10", "certain", "2023-12-31"),
        ("2023/2024-02", "2024-01-31", "2024-02-05", "possible", "2024-02-02"),
    ],
)
def test_a_day_makes_a_fact_certain_or_not(valid: str, here: str, there: str, turn: str, day: str) -> None:
    """A fact whose first or last day is not known exactly is possible before it is certain, and again after."""
    (found,) = _causes([_observed(1, 1, valid=valid)], _at(here), _at(there))
    assert (found.cause, found.turn, str(found.day)) == ("day", turn, day)


def _due(_state: State) -> list[date]:
    return [date.fromisoformat(value) for value in _state["due"]]


PLANS = Projection(
    name="plans",
    version=1,
    about="",
    kinds=frozenset({"observation"}),
    keys=lambda event: [event.subject],
    fold=lambda state, fact: {"due": [*(state["due"] if state else ()), fact.data["value"]]},
    present=lambda state, on: {"late": on >= max(_due(state))},
    turns=_due,
)


@pytest.mark.parametrize("undone", [False, True])
def test_a_date_that_passes_is_the_cause_in_the_fact_that_states_it(undone: bool) -> None:  # noqa: FBT001
    """Of two plans, the one on whose date the row turns is named, with that day; the other is not."""
    log = [_observed(number, 0, fact=f"p{number}", valid="2023/..") for number in (1, 2)]
    log = [entry(e.position, fact=e.fact, valid="2023/..", data={"value": f"2024-0{e.position}-05"}) for e in log]
    here, there = (_at("2024-03-01"), _at("2024-01-01")) if undone else (_at("2024-01-01"), _at("2024-03-01"))
    (found,) = _causes(log, here, there, PLANS, "delhi")
    assert (found.cause, found.turn, str(found.day), found.undone) == ("day", "turns", "2024-02-05", undone)
    assert found.entry.fact == "p2"


def test_causes_come_in_order_of_knowledge() -> None:
    """Who reads them hears first what was public first."""
    log = [_observed(number, number, fact=f"f{number}", known=f"2024-01-0{5 - number}") for number in (1, 2, 3)]
    found = _causes(log, _at(known="2023-12-31"), _at())
    assert [cause.entry.position for cause in found] == [3, 2, 1]


def test_a_fact_that_is_the_same_on_both_sides_is_no_cause() -> None:
    """What held before and holds after as it did is not named."""
    other = _observed(2, 2, fact="g", known="2024-03-01")
    assert _told(_causes([FIRST, other], _at(known="2024-02-01"), _at())) == [("news", 2, False, None)]


def test_a_cause_is_printed_flat_with_its_event() -> None:
    """As JSON a cause says what happened, which event it was, who said it where, and what it displaced."""
    (found,) = _causes([FIRST, RESTATED], _at(known="2024-02-01"), _at())
    printed = found.to_dict()
    assert orjson.loads(orjson.dumps(printed)) == printed
    assert printed == {
        "cause": "source correction",
        "undone": False,
        "missing": "known",
        "turn": None,
        "day": None,
        "fact": "f",
        "event": RESTATED.event,
        "position": 2,
        "known": "2024-03-01T00:00:00Z",
        "recorded": "2024-01-01T00:00:02Z",
        "action": "correct",
        "kind": "observation",
        "subject": "delhi",
        "valid": "2023-12",
        "said_by": [],
        "modality": "asserted",
        "polarity": "affirmed",
        "document": None,
        "quote": None,
        "reason": None,
        "time": None,
        "displaced": FIRST.event,
    }


def test_the_version_beneath_the_one_in_force_is_what_it_superseded() -> None:
    """Without the version that is believed, the one known before it would be; a retraction is a version."""
    side = _side(_at(), [FIRST, WITHDRAWN, _observed(3, 1, action="correct", known="2024-04-01")])
    assert side.superseded("f") == WITHDRAWN
    assert _side(_at(), [FIRST]).superseded("f") is None


def _until_tenth(state: State, on: date) -> State:
    if on >= date(2023, 12, 10):
        message = "too late"
        raise ValueError(message)
    return state


def test_a_day_on_which_a_state_cannot_be_shown_any_more_is_a_cause() -> None:
    """There and back: the fact stays, and what it says fails from a day on."""
    view = replace(OBSERVATIONS, present=_until_tenth, turns=lambda _: [date(2023, 12, 10)])
    for before, after, undone in (("2023-12-05", "2023-12-15", False), ("2023-12-15", "2023-12-05", True)):
        (found,) = _causes([_observed(1, 1, valid="[2023-12-01..2023-12-08]/2024")], _at(before), _at(after), view)
        assert (found.cause, found.turn, found.day, found.undone) == ("day", "turns", date(2023, 12, 10), undone)
