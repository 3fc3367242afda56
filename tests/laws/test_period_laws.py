"""The periods of a key: what a row reads at any basis, and the same ones in whatever order and portions events come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import crowded
from laws.crowded import KEYS, MOMENT, WINDOW, Plane, Reading, distinct, histories
from laws.histories import tried
from laws.test_rule_laws import VIEW

from timeline.fold import spans
from timeline.following import differing
from timeline.periods import FUTURE, PAST, Region, periods, reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from laws.oracle import Told

    from timeline.events import Entry
    from timeline.fold import Projection, Span, State
    from timeline.stretches import Period


def _last(state: State, on: date) -> State:
    return {"values": state["values"][-1:], "overdue": on.isoformat() > state["due"]}


VIEWS = {False: VIEW, True: replace(VIEW, name="last", present=_last)}
"""The view of the laws, and one that shows the last value only, so that other facts are often in the same state."""


def plane(log: Iterable[Told]) -> list[Span]:
    """Return the spans of all facts of a log."""
    return [span for versions in crowded.entries(log).values() for span in spans(versions)]


def of(view: Projection, key: str, log: Iterable[Told]) -> set[Period]:
    """Return the periods of a key, all at once."""
    found = list(periods(view, key, plane(log)))
    assert len(found) == len(set(found))
    return set(found)


def day(number: int, *, behind: bool = False) -> date | None:
    """Return a counted day, None where it stands for an open end."""
    return None if number in {PAST, FUTURE} else date.fromordinal(number - behind)


def told(period: Period) -> tuple[Any, ...]:
    """Return a period as the oracle tells it."""
    first, last = period.content.certain
    certain = (date.fromordinal(first), date.fromordinal(last - (last != FUTURE))) if last else None
    reading = Reading(period.content.said.encode(), period.content.facts, certain)
    days = day(period.first), day(period.behind, behind=True)
    return (*days, reading, period.known_from, period.known_to)


def days_of(period: Period) -> list[date]:
    """Return the days of a period, of open ones those within the window."""
    return [on for on in WINDOW if period.first <= on.toordinal() < period.behind]


@tried(400)
@given(log=histories(), last=st.booleans())
def test_periods_are_what_reads_the_same(log: list[Told], last: bool) -> None:  # noqa: FBT001  drawn by hypothesis
    """Each is a stretch of days that read the same, over just the instants at which this stretch stood: no other is."""
    for key in KEYS:
        found = of(VIEWS[last], key, log)
        assert sorted(map(told, found), key=repr) == sorted(Plane(log, key, last).periods(), key=repr)


def _holds(period: Period, on: int, known: datetime) -> bool:
    until = period.known_to
    return period.first <= on < period.behind and period.known_from <= known and (until is None or known < until)


def _edge(found: set[Period], period: Period, known: datetime, side: int) -> int:
    """Return how far the state reaches to a side, going from period to period as long as they are joined."""
    while period.joined[side]:
        on = (period.first - 1, period.behind)[side]
        beside = [other for other in found if _holds(other, on, known) and other.content.said == period.content.said]
        if not beside:
            break
        (period,) = beside
    return (period.first, period.behind)[side]


def _known_since(found: set[Period], period: Period, on: int) -> datetime:
    """Return since when the state has been so on a day: what the period says, else what those before it say."""
    while period.known_since is None:
        earlier = [p for p in found if p.known_to == period.known_from and p.first <= on < p.behind]
        if not earlier or earlier[0].content.said != period.content.said:
            return period.known_from
        (period,) = earlier
    return period.known_since


@tried(300)
@given(log=histories(), last=st.booleans())
def test_a_period_says_all_of_a_row(log: list[Told], last: bool) -> None:  # noqa: FBT001
    """On every day, at every instant, just before and just after it: one period has what the row says, or none has."""
    for key in KEYS:
        found, expected = of(VIEWS[last], key, log), Plane(log, key, last)
        for known in chain.from_iterable((at - MOMENT, at, at + MOMENT) for at in expected.news):
            for on in WINDOW:
                row = expected.row(on, known)
                here = [period for period in found if _holds(period, on.toordinal(), known)]
                assert len(here) == (row is not None)
                assert [_row(found, period, on, known) for period in here] == ([row] if row else [])


def _row(found: set[Period], period: Period, on: date, known: datetime) -> dict[str, Any]:
    first, behind = period.content.certain
    return {
        "state": orjson.loads(period.content.state),
        "facts": period.content.facts,
        "certainty": "certain" if first <= on.toordinal() < behind else "possible",
        "since": day(_edge(found, period, known, 0)),
        "until": day(_edge(found, period, known, 1), behind=True),
        "known_since": _known_since(found, period, on.toordinal()),
    }


@tried(200)
@given(log=histories(), last=st.booleans())
def test_a_period_knows_of_itself_what_is_the_same_on_all_its_days(log: list[Told], last: bool) -> None:  # noqa: FBT001
    """`known_since` is there exactly where its days agree, `joined` exactly where a neighbour ever was in its state."""
    for key in KEYS:
        expected = Plane(log, key, last)
        for period in of(VIEWS[last], key, log):
            since = {expected.known_since(on, period.known_from) for on in days_of(period)}
            assert {period.known_since} == (since if len(since) == 1 else {None})
            stood = [at for at in expected.news if _holds(period, days_of(period)[0].toordinal(), at)]
            inner = days_of(period)[0], days_of(period)[-1]
            outer = date.fromordinal(max(period.first - 1, PAST)), date.fromordinal(min(period.behind, FUTURE))
            assert period.joined == tuple(
                other in WINDOW and any(expected.same(other, at, on, at) for at in stood)
                for on, other in zip(inner, outer, strict=True)
            )


@tried(150)
@given(log=histories(), last=st.booleans(), data=st.data())
def test_the_order_of_arrival_does_not_change_the_periods(log: list[Told], last: bool, data: st.DataObject) -> None:  # noqa: FBT001
    """With distinct known times the periods are the same ones, whatever was recorded first."""
    log = distinct(log)
    other = [replace(event, position=at) for at, event in enumerate(data.draw(st.permutations(log)), start=1)]
    for key in KEYS:
        assert of(VIEWS[last], key, log) == of(VIEWS[last], key, other)


# Following, a region at a time


def _region(view: Projection, key: str, before: Mapping[str, list[Entry]], after: Mapping[str, list[Entry]]) -> Region:
    """Return the region that some events change."""
    changed = [
        span
        for fact, versions in after.items()
        for span in differing(spans(before.get(fact, [])), spans(versions))
        if view.takes(span.entry, key)
    ]
    reaches = [reach(span.entry) for span in changed] or [(0, 0)]
    known = min((span.known_from for span in changed), default=crowded.DAWN)
    return Region(min(first for first, _ in reaches), max(behind for _, behind in reaches), known)


def _followed(view: Projection, key: str, held: set[Period], log: list[Told], count: int) -> set[Period]:
    """Return the periods of a log from those that its first `count` events had."""
    after = crowded.entries(log)
    region = _region(view, key, crowded.entries(log[:count]), after)
    if not region.behind:
        return held
    while (wider := region.widened(held)) != region:
        region = wider
    touching = {period for period in held if region.touches(period)}
    firsts, behinds = {period.first for period in touching}, {period.behind for period in touching}
    beside = [p for p in held - touching if p.behind in firsts or p.first in behinds]
    near = [span for versions in after.values() if _near(view, key, versions, region) for span in spans(versions)]
    return (held - touching) | set(periods(view, key, near, region, [*touching, *beside]))


def _near(view: Projection, key: str, versions: Iterable[Entry], region: Region) -> bool:
    """Return whether any version of a fact reaches into a region."""
    reaches = [reach(e) for e in versions if e.kind in view.kinds and key in view.keys(e)]
    return any(first < region.behind and behind > region.first for first, behind in reaches)


@tried(500)
@given(log=histories(), last=st.booleans(), data=st.data())
def test_following_in_portions_gives_the_same_periods(log: list[Told], last: bool, data: st.DataObject) -> None:  # noqa: FBT001
    """However the events are cut into portions: after each, the periods are those of all events so far at once."""
    view = VIEWS[last]
    cuts = sorted({*data.draw(st.sets(st.integers(0, len(log)), max_size=5)), 0, len(log)})
    for key in KEYS:
        held: set[Period] = set()
        for begun, ended in pairwise(cuts):
            held = _followed(view, key, held, log[:ended], begun)
            assert held == of(view, key, log[:ended])


@pytest.mark.parametrize("last", [False, True])
def test_a_key_without_facts_has_no_period(last: bool) -> None:  # noqa: FBT001
    """Nothing known is no row."""
    assert of(VIEWS[last], "a/m", []) == set()
