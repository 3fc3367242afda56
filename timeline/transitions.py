"""How a row came to be what it is: its successive readings along one axis, with the causes of each change.

Few facts change between neighbouring points of an axis. The facts behind the row are followed from point to point, and
only where they say something else is the row read, from the facts near its day, and asked for its causes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Literal, cast

from timeline.causes import Cause, Side, causes, counts, folded, latest
from timeline.difference import Change
from timeline.events import canonical
from timeline.fold import in_order, row, said, spans
from timeline.temporal import OPEN_FUTURE, OPEN_PAST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from timeline.basis import Basis
    from timeline.events import Entry
    from timeline.fold import Projection, Row, Span, State
    from timeline.temporal import Valid

    Versions = Mapping[str, Sequence[Entry]]
    Point = datetime | int | date

Axis = Literal["known", "recorded", "on"]

_DAY = timedelta(days=1)
_DAWN = datetime.min.replace(tzinfo=UTC)
_NEAR, _WIDER = 2, 8
"""How many cuts to either side of a day a row is read from at first, and how many times as many if it reaches on."""
_KEPT = 16
"""How many of the states shown last are kept: neighbouring rows share theirs."""


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
    say the same are one: made one after the other, the changes up to any point give the row there. Where the projection
    cannot fold it, the row is stuck.
    """
    view, last = _Shown(view).projection(), Side.of(basis, versions)
    rows = _rows(view, key, last, over)
    before = replace(basis, recorded=0) if over == "recorded" else replace(basis, known=_DAWN)
    saying, old, read = b"", None, before
    for step in _days(view, key, last) if over == "on" else _told(view, key, last, over):
        after = _at(basis, over, step.at)
        now = saying if step.steady else _saying(view, step.behind, after.on)
        if now != saying:
            change = Change(key, old if read is before else rows(before), rows(after))
            concerned = {fact: last.versions[fact] for fact in step.facts}
            why = causes(view, change, Side.of(before, concerned), Side.of(after, concerned))
            yield Transition(step.at, change, tuple(why))
            saying, old, read = now, change.after, after
        before = after


def _at(basis: Basis, over: Axis, point: Point) -> Basis:
    moved: dict[str, Any] = {over: point}
    return replace(basis, **moved)


def _saying(view: Projection, behind: Sequence[Entry], on: date) -> bytes:
    """Return what the row of some facts says on a day, in the form in which it is compared; nothing where none is."""
    try:
        state = folded(view, behind)
        if state is None:
            return b""
        shown = view.present(state, on)
        if shown is None:
            return b""
        certain = all(_valid(entry).certain(on) for entry in behind)
        return canonical({"state": shown, "certain": certain, "disputed": bool(view.disputed(shown))})
    except Exception as error:  # noqa: BLE001  a projection may raise anything at all
        return said(error).encode()


@dataclass(frozen=True, slots=True)
class _Step:
    """A point of an axis: what is behind the row, and the facts that may make it differ from the point before.

    `steady` says that the same is behind it as before, on the same day.
    """

    at: Point
    behind: Sequence[Entry]
    facts: Iterable[str]
    steady: bool = False


@dataclass(slots=True)
class _Behind:
    """The facts behind a row, followed from point to point; `entries` are in the order of folding."""

    view: Projection
    key: str
    held: dict[str, Entry] = field(default_factory=dict)
    entries: Sequence[Entry] = ()

    def follow(self, believed: Iterable[Entry], on: date) -> bool:
        """Take the versions to believe of some facts, on a day, and return whether that changed anything."""
        moved = False
        for entry in believed:
            new = entry if counts(self.view, self.key, entry, on) else None
            if self.held.pop(entry.fact, None) is not new:
                moved = True
            if new:
                self.held[entry.fact] = new
        if moved:
            self.entries = in_order(self.held.values())
        return moved


def _told(view: Projection, key: str, last: Side, over: Axis) -> Iterator[_Step]:
    """Yield the instants at which events became known, or the positions at which they were recorded, in order."""
    place = attrgetter("known" if over == "known" else "position")
    behind = _Behind(view, key)
    believed: dict[str, Entry] = {}
    for at, told in groupby(sorted((entry for held in last.versions.values() for entry in held), key=place), place):
        facts = {}
        for entry in told:
            held = latest([entry, believed[entry.fact]] if entry.fact in believed else [entry])
            facts[entry.fact] = believed[entry.fact] = cast("Entry", held)
        moved = behind.follow(facts.values(), last.basis.on)
        yield _Step(at, behind.entries, facts, steady=not moved)


def _days(view: Projection, key: str, last: Side) -> Iterator[_Step]:
    """Yield, in order, the first day there is and all on which facts, their certainty or their state may change."""
    concerned: dict[date, list[Entry]] = {OPEN_PAST: []}
    for entry in last.in_force(view, key):
        for day in _edges(_valid(entry)):
            concerned.setdefault(day, []).append(entry)
    behind = _Behind(view, key)
    for day, following in pairwise([*sorted(concerned), OPEN_FUTURE]):
        stay = behind.entries
        if behind.follow(concerned[day], day):
            stay = [entry for entry in stay if entry.fact in behind.held]
        facts = [entry.fact for entry in concerned[day]]
        turned = day in _turns(view, stay)
        yield _Step(day, behind.entries, dict.fromkeys([*facts, *behind.held]) if turned else facts)
        for turn in sorted({turn for turn in _turns(view, behind.entries) if day < turn < following}):
            yield _Step(turn, behind.entries, behind.held)


def _edges(valid: Valid) -> set[date]:
    """Return the days from which a fact may hold, surely does, may not any more and surely does not."""
    behind = {last + _DAY for last in (valid.last_lo, valid.last_hi) if last != OPEN_FUTURE}
    return {valid.first_lo, valid.first_hi} | behind


def _turns(view: Projection, behind: Sequence[Entry]) -> Sequence[date]:
    try:
        state = folded(view, behind)
        return () if state is None else tuple(view.turns_of(state))
    except Exception:  # noqa: BLE001  a projection may raise anything at all: such a row is stuck
        return ()


def _rows(view: Projection, key: str, last: Side, over: Axis) -> Callable[[Basis], Row | None]:
    """Return what reads the row at a point; how knowledge is laid out differs from point to point of recording only."""
    plane = _Plane(view, key, [span for held in last.versions.values() for span in spans(held)])

    def read(basis: Basis) -> Row | None:
        if over == "recorded":
            return Side.of(basis, last.versions).row(view, key)
        return plane.row(basis.on, basis.known)

    return read


class _Plane:
    """The spans of a key by day: a row that does not reach far is read from those near its day."""

    def __init__(self, view: Projection, key: str, plane: Iterable[Span]) -> None:
        """Lay out the spans by the first day and the last on which each may hold."""
        self._view, self._key = view, key
        valids = ((_valid(span.entry), span) for span in plane if view.takes(span.entry, key))
        self._spans = sorted(((valid.first_lo, valid.last_hi, span) for valid, span in valids), key=itemgetter(0))
        self._firsts = [first for first, _, _ in self._spans]
        self._cuts = sorted({OPEN_PAST, OPEN_FUTURE, *(day for laid in self._spans for day in laid[:2])})

    def row(self, on: date, known: datetime) -> Row | None:
        """Return the row on a day as known at an instant.

        It is right as soon as it ends within the days that it was read from: what holds on those is all there.
        """
        at, reach = bisect_right(self._cuts, on), _NEAR
        while True:
            low, high = self._cuts[max(at - reach, 0)], self._cuts[min(at + reach, len(self._cuts) - 1)]
            found = row(self._view, self._key, self._between(low, high), on, known)
            if found is None or found.stuck is not None or (_begins(found, low) and _ends(found, high)):
                return found
            reach *= _WIDER

    def _between(self, low: date, high: date) -> list[Span]:
        some = self._spans[: bisect_right(self._firsts, high)]
        return [span for _, last, span in some if last >= low]


def _begins(found: Row, low: date) -> bool:
    return low == OPEN_PAST or (found.since is not None and found.since > low)


def _ends(found: Row, high: date) -> bool:
    return high == OPEN_FUTURE or (found.until is not None and found.until < high)


class _Shown:
    """A view that keeps what it showed last, so that neighbouring rows do not fold and present the same facts again."""

    def __init__(self, view: Projection) -> None:
        """Begin with nothing."""
        self._view = view
        self._kept: dict[tuple[int, ...], _State] = {}

    def projection(self) -> Projection:
        """Return the view; its states are chains of facts, which are folded when they are asked for something."""
        return replace(self._view, fold=_chained, present=self._present, turns=lambda state: self._state(state).turns)

    def _present(self, chain: State, on: date) -> State:
        state = self._state(chain)
        at = bisect_right(state.turns, on)
        if at not in state.shown:
            state.shown[at] = self._view.present(state.folded, on)
        return state.shown[at]

    def _state(self, chain: State) -> _State:
        """Return the state of a chain; one that goes on from a state that is kept is folded from there."""
        entries = _unchained(chain)
        name = tuple(entry.position for entry in entries)
        found = self._kept.pop(name, None)
        if found is None:
            start = self._kept.get(name[:-1])
            state = self._view.fold(start.folded, entries[-1]) if start else folded(self._view, entries)
            found = _State(cast("State", state), sorted(set(self._view.turns_of(cast("State", state)))))
        self._kept[name] = found
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return found


@dataclass(frozen=True, slots=True)
class _State:
    """A folded state, the days on which it turns, and what it shows between them, by how many have passed."""

    folded: State
    turns: Sequence[date]
    shown: dict[int, State] = field(default_factory=dict)


def _chained(state: State | None, entry: Entry) -> State:
    return {"before": state, "entry": entry}


def _unchained(chain: State | None) -> list[Entry]:
    entries = []
    while chain is not None:
        entries.append(chain["entry"])
        chain = chain["before"]
    return entries[::-1]


def _valid(entry: Entry) -> Valid:
    return cast("Valid", entry.valid)
