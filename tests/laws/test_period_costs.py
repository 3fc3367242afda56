"""What it costs to cut a key into periods: folds are counted, so that a bound holds on any machine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from timeline.events import Entry
from timeline.fold import Projection, Span, State, spans
from timeline.periods import Region, periods
from timeline.temporal import Valid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from timeline.events import Event

DAWN = datetime(2000, 1, 1, tzinfo=UTC)
FIRST = date(1990, 1, 1)
LASTING = 1_500
"""Facts that never end: of N such the rows name N² / 2, so that more of them would measure the writing of lists."""


class Counted:
    """A view that counts how often it folds; its state is small, however many facts there are."""

    def __init__(self) -> None:
        """Begin with no fold."""
        self.folds = 0
        keys, kinds = self._keys, frozenset({"observation"})
        self.view = Projection(name="counted", version=1, about="", kinds=kinds, keys=keys, fold=self._fold)

    def _keys(self, _event: Event) -> list[str]:
        return ["key"]

    def _fold(self, state: State | None, entry: Entry) -> State:
        self.folds += 1
        return {"count": (state["count"] if state else 0) + 1, "last": entry.data["value"]}

    def periods(self, plane: Iterable[Span]) -> int:
        """Return how many periods a plane has."""
        return sum(1 for _ in periods(self.view, "key", plane))


def version(number: int, fact: int, day: int, known: int, *, lasting: bool = False) -> Entry:
    """Return a version of a fact: the day and the instant that it is about are counted."""
    on = (FIRST + timedelta(days=day)).isoformat()
    return Entry(
        position=number,
        recorded=DAWN,
        event="",
        action="assert",
        fact=f"fact-{fact}",
        kind="observation",
        subject="key",
        data={"value": number},
        valid=Valid.parse(f"{on}/.." if lasting else on),
        known=DAWN + timedelta(hours=known),
    )


def lasting(count: int, known: Iterable[int]) -> list[Span]:
    """Return facts that begin on one day after the other and never end, with when each is known."""
    return [
        span
        for number, at in zip(range(count), known, strict=True)
        for span in spans([version(number, number, number, at, lasting=True)])
    ]


def test_as_many_days_as_facts_cost_one_fold_each() -> None:
    """10,000 facts on 10,000 days, each known on its day: a period each."""
    counted = Counted()
    plane = [span for number in range(10_000) for span in spans([version(number, number, number, number)])]
    assert counted.periods(plane) == 10_000
    assert counted.folds <= 3 * 10_000


def test_versions_of_measurements_cost_a_fold_each() -> None:
    """548 days of which each is revised 60 times: a period and a fold for each version, not for each version of all."""
    counted = Counted()
    plane = [
        span for day in range(548) for span in spans(version(turn, day, day, day + 7 * turn) for turn in range(60))
    ]
    assert counted.periods(plane) == 60 * 548
    assert counted.folds <= 1.1 * 60 * 548


def test_what_lasts_is_gone_on_with() -> None:
    """Facts that never end, known in their order: each is folded onto those before it."""
    counted = Counted()
    assert counted.periods(lasting(LASTING, range(LASTING))) == 2 * LASTING - 1
    assert counted.folds <= 3 * LASTING


def test_what_is_learnt_at_once_is_folded_along_the_days() -> None:
    """Facts that never end, all known at one instant: a period a day, and each fact is folded once."""
    counted = Counted()
    assert counted.periods(lasting(LASTING, [0] * LASTING)) == LASTING
    assert counted.folds <= 3 * LASTING


def test_what_is_learnt_backwards_has_all_to_be_folded() -> None:
    """Facts that never end, the latest known first: every row changes each time, and nothing can be gone on with."""
    counted = Counted()
    count = 200
    assert counted.periods(lasting(count, range(count, 0, -1))) == count * (count + 1) / 2
    assert counted.folds <= count * (count + 1) / 2 + count


def test_a_region_costs_what_is_in_it() -> None:
    """One more version of one of 548 days: the others are not folded again, whatever their number."""
    counted = Counted()
    days = {day: [version(turn, day, day, day + 7 * turn) for turn in range(60)] for day in range(548)}
    held = list(periods(counted.view, "key", [span for versions in days.values() for span in spans(versions)]))
    news = version(60, 300, 300, 10_000)
    day = (FIRST + timedelta(days=300)).toordinal()
    region = Region(day, day + 1, news.known)
    near = [period for period in held if region.touches(period)]
    firsts, behinds = {period.first for period in near}, {period.behind for period in near}
    beside = [p for p in held if (p.behind in firsts or p.first in behinds) and p not in near]
    counted.folds = 0
    made = list(periods(counted.view, "key", spans([*days[300], news]), region, [*near, *beside]))
    assert counted.folds == 1
    whole = [span for number, versions in days.items() for span in spans([*versions, *([news] * (number == 300))])]
    assert {*held} - {*near} | {*made} == {*periods(counted.view, "key", whole)}
