"""How a row came to be what it is: its successive readings along one axis, with the causes of each change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, cast

from timeline.causes import Cause, Side, causes, folded
from timeline.difference import Change, same
from timeline.temporal import OPEN_FUTURE, OPEN_PAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from timeline.basis import Basis
    from timeline.events import Entry
    from timeline.fold import Projection
    from timeline.temporal import Valid

    Versions = Mapping[str, Sequence[Entry]]

Axis = Literal["known", "recorded", "on"]

_DAY = timedelta(days=1)
_DAWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of one row at an instant of knowledge, a position or a day, and what caused it.

    On the axis of days, what has no beginning is added on the first day there is (`OPEN_PAST`).
    """

    at: datetime | int | date
    change: Change
    causes: tuple[Cause, ...]


def transitions(view: Projection, key: str, versions: Versions, basis: Basis, over: Axis) -> Iterator[Transition]:
    """Yield the changes of a row along one axis; the two others stay as the basis has them.

    `known` and `recorded` run up to those of the basis, `on` over all days. `versions` are those of every fact that
    ever had the key, by fact, as far as the choice of the basis lets them through. Readings that follow each other and
    say the same are one: made one after the other, the changes up to any point give the row there.
    """
    start = replace(basis, recorded=0) if over == "recorded" else replace(basis, known=_DAWN)
    before, old = Side(start, {}), None
    for at, after in _sides(view, key, Side.of(basis, versions), over):
        new = after.row(view, key)
        if not same(old, new):
            change = Change(key, old, new)
            yield Transition(at, change, tuple(causes(view, change, before, after)))
        before, old = after, new


def _sides(view: Projection, key: str, last: Side, over: Axis) -> Iterator[tuple[datetime | int | date, Side]]:
    """Yield the points of an axis at which the row may change, in order, each with the reading there."""
    basis, entries = last.basis, [entry for held in last.versions.values() for entry in held]
    if over == "on":
        yield from ((day, last.on(day)) for day in _days(view, key, last))
    elif over == "known":
        for known in sorted({entry.known for entry in entries}):
            yield known, Side.of(replace(basis, known=known), last.versions)
    else:
        for position in sorted(entry.position for entry in entries):
            yield position, Side.of(replace(basis, recorded=position), last.versions)


def _days(view: Projection, key: str, side: Side) -> Iterator[date]:
    """Yield, in order, the first day there is and all on which facts, their certainty or their state may change."""
    days = {OPEN_PAST}
    for valid in (cast("Valid", entry.valid) for entry in side.in_force(view, key)):
        days |= {valid.first_lo, valid.first_hi}
        days |= {last + _DAY for last in (valid.last_lo, valid.last_hi) if last != OPEN_FUTURE}
    for day, behind in pairwise(sorted(days | {OPEN_FUTURE})):
        yield day
        state = folded(view, side.on(day).effective(view, key))
        yield from sorted({turn for turn in (view.turns(state) if state else ()) if day < turn < behind})
