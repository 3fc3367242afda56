"""The plane of one key, cut into periods: the days and the instants of knowledge over which its row reads the same.

A row says the same over stretches of days, and stays so while nothing is learnt. A period is such a stretch together
with the instants over which exactly this stretch stood: its days end where the row reads otherwise, and it ends when
its days or its words change. So the periods of a plane never overlap, leave out only where nothing is known, and are
the same ones in whatever order the events came.

They are found by walking along knowledge, from instant to instant. Only the days that a change is about are folded
anew, and from the nearest fold that can be gone on with: a key with 60 versions of each of 500 days costs 30,000 folds
and has about as many periods. A walk may be kept to a region, between periods that stay as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from operator import is_
from typing import TYPE_CHECKING, NamedTuple, cast

import orjson

from timeline.events import canonical
from timeline.stretches import Content, Line, Period, Piece, united
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from timeline.events import Entry
    from timeline.fold import Projection, Span, State
    from timeline.stretches import Change

    Placed = tuple[int, datetime, int, int, Entry]

PAST, FUTURE = OPEN_PAST.toordinal(), OPEN_FUTURE.toordinal()
"""Days are counted; these two stand for an open end."""

DAWN = datetime.min.replace(tzinfo=UTC)
"""Before anything was known."""

_SOME_DAY = date(2000, 1, 1)


class Region(NamedTuple):
    """The part of a plane in which something may have changed: some days, the last excluded, from an instant on."""

    first: int = PAST
    behind: int = FUTURE
    known: datetime = DAWN

    def touches(self, period: Period) -> bool:
        """Return whether a period reaches into the region or up to it, so that it may grow or shrink."""
        days = period.first <= self.behind and period.behind >= self.first
        return days and (period.known_to is None or period.known_to >= self.known)

    def widened(self, held: Iterable[Period]) -> Region:
        """Return the region with all days of the periods that it touches and that do not say since when they read so.

        Those have to be walked along from the beginning; of the others, what lies outside stays as it is.
        """
        unsure = [period for period in held if period.known_since is None and self.touches(period)]
        if not unsure:
            return self
        first, behind = min(period.first for period in unsure), max(period.behind for period in unsure)
        return Region(min(first, self.first), max(behind, self.behind), DAWN)


WHOLE = Region()
"""All days, and all that was ever known."""


def periods(
    view: Projection, key: str, plane: Iterable[Span], region: Region = WHOLE, held: Sequence[Period] = ()
) -> Iterator[Period]:
    """Yield the periods of a key from the spans of all facts that may hold on days of the region.

    `held` are the periods as they were that touch the region, and those beside them. What is yielded takes the place
    of those that touch it; of these none may be unsure since when it reads so beyond the days of the region.
    """
    taken = [span for span in plane if view.takes(span.entry, key)]
    if len(taken) == 1 and region == WHOLE:
        yield from _alone(view, taken[0])
        return
    steps, fixed = _steps(taken, region.known), _fixed(held, region)
    line, days = Line(), _Days(view, region)
    for at in sorted({*steps, *fixed}):
        changes = fixed.get(at, [])
        if at in steps:
            changes += days.move(*steps[at])
        yield from line.move(at, changes)
    yield from line.end()


def _alone(view: Projection, span: Span) -> Iterator[Period]:
    """Yield the periods of a plane with a single span."""
    placed = _placed(span.entry)
    held = _held([placed], view, _NOTHING)
    shown = [] if held.folded is None else _shown(view, held, placed[0], placed[3])
    if len(shown) == 1:
        first, behind, content, _, _ = shown[0]
        yield Period(first, behind, span.known_from, span.known_to, content, span.known_from, (False, False))
        return
    line = Line()
    yield from line.move(span.known_from, [(placed[0], placed[3], shown)])
    if span.known_to is not None:
        yield from line.move(span.known_to, [(placed[0], placed[3], [])])
    yield from line.end()


def _steps(taken: Iterable[Span], known: datetime) -> dict[datetime, tuple[list[Placed], list[Placed]]]:
    """Return at which instants which entries end and begin to be believed, from an instant on."""
    steps: dict[datetime, tuple[list[Placed], list[Placed]]] = {}
    for span in taken:
        if span.known_to is None or span.known_to > known:
            placed = _placed(span.entry)
            steps.setdefault(max(span.known_from, known), ([], []))[1].append(placed)
            if span.known_to is not None:
                steps.setdefault(span.known_to, ([], []))[0].append(placed)
    return steps


def _fixed(held: Iterable[Period], region: Region) -> dict[datetime, list[Change]]:
    """Return what becomes known outside of the region, and before it, by instant."""
    found: dict[datetime, list[Change]] = {}
    for period in held:
        first, behind, begun, ended = period.first, period.behind, period.known_from, period.known_to
        pieces: list[tuple[int, int, datetime | None]] = [(first, behind, ended)]
        touching = region.touches(period)
        if touching:
            within = max(first, region.first), min(behind, region.behind)
            before = region.known if ended is None else min(ended, region.known)
            pieces = [(first, min(behind, region.first), ended), (max(first, region.behind), behind, ended)]
            pieces += [(*within, before)] if begun < region.known else []
        for begins, ends, until in pieces:
            if begins < ends:
                since = ((begins, period.known_since),)
                piece = Piece(begins, ends, period.content, since, outside=not touching)
                found.setdefault(begun, []).append((begins, ends, [piece]))
                if until is not None:
                    found.setdefault(until, []).append((begins, ends, []))
    return found


# The days at one instant, by the facts that hold on them


class _Held(NamedTuple):
    """The facts that hold on some days in the order of folding, what they fold into, and when all surely hold."""

    entries: list[Placed]
    folded: State | None
    facts: tuple[str, ...]
    certain: tuple[int, int]


_NOTHING = _Held([], None, (), (PAST, FUTURE))


def _held(entries: list[Placed], view: Projection, *near: _Held) -> _Held:
    """Fold some facts, going on from the nearest that were folded already."""
    begun = _NOTHING
    for held in near:
        count = len(held.entries)
        if len(begun.entries) < count <= len(entries) and all(map(is_, held.entries, entries)):
            begun = held
    _, state, facts, (first, behind) = begun
    for placed in entries[len(begun.entries) :]:
        entry = placed[4]
        state, facts = view.fold(state, entry), (*facts, entry.fact)
        valid = _valid(entry)
        begins, ends = _bounds(valid.first_hi, valid.last_lo)
        first, behind = max(first, begins), min(behind, ends)
    return _Held(entries, state, facts, (first, behind))


class _Days:
    """The days of a region, cut where the facts that hold on them change; moved on from instant to instant."""

    def __init__(self, view: Projection, region: Region) -> None:
        """Begin where nothing is known."""
        self._view = view
        self._end = region.behind
        self._cuts = [region.first]
        self._held: list[_Held] = [_NOTHING]

    def move(self, ended: Sequence[Placed], begun: Sequence[Placed]) -> Iterator[Change]:
        """Believe some entries no more and others from now on; yield the days that this is about, with their pieces."""
        gone, added = {placed[2] for placed in ended}, sorted(begun) if len(begun) > 1 else begun
        start, end = self._cuts[0], self._end
        reaches = [(max(placed[0], start), min(placed[3], end)) for placed in (*ended, *begun)]
        changed = united(reaches)
        for first, behind in reaches:
            if first < behind:
                self._cut(first)
                self._cut(behind)
        for first, behind in changed:
            low, high = bisect_left(self._cuts, first), bisect_left(self._cuts, behind)
            pieces: list[Piece] = []
            self._held[low:high] = self._anew(low, high, gone, added)
            for number in range(low, high):
                held = self._held[number]
                if held.folded is not None:
                    upto = self._cuts[number + 1] if number + 1 < len(self._cuts) else end
                    pieces += _shown(self._view, held, self._cuts[number], upto)
            self._uncut(low, high)
            yield first, behind, pieces

    def _cut(self, day: int) -> None:
        at = bisect_left(self._cuts, day)
        if day < self._end and (at == len(self._cuts) or self._cuts[at] != day):
            self._cuts.insert(at, day)
            self._held.insert(at, self._held[at - 1])

    def _uncut(self, low: int, high: int) -> None:
        """Take out the cuts, from one to another, at which the facts do not change any more."""
        for at in range(min(high, len(self._cuts) - 1), max(low, 1) - 1, -1):
            before, here = self._held[at - 1].entries, self._held[at].entries
            if len(before) == len(here) and all(map(is_, before, here)):
                del self._cuts[at], self._held[at]

    def _anew(self, low: int, high: int, gone: set[int], added: Sequence[Placed]) -> Iterator[_Held]:
        """Yield what holds from one cut to another without what has gone, and with what was added."""
        before = self._held[low - 1] if low else _NOTHING
        here: list[Placed] = []
        coming = 0
        for first, old in zip(self._cuts[low:high], self._held[low:high], strict=True):
            while coming < len(added) and added[coming][0] <= first:
                here.append(added[coming])
                coming += 1
            if any(placed[3] <= first for placed in here):
                here = [placed for placed in here if placed[3] > first]
            stay = [placed for placed in old.entries if placed[2] not in gone] if gone else old.entries
            before = _held(sorted(stay + here) if stay and here else stay or here[:], self._view, old, before)
            yield before


def _placed(entry: Entry) -> Placed:
    """Return an entry behind what orders it, its first possible day, knowledge and recording, and behind its last."""
    first, behind = reach(entry)
    return first, entry.known, entry.position, behind, entry


def _shown(view: Projection, held: _Held, first: int, behind: int) -> list[Piece]:
    """Return what some facts show on the days from one to before another: several pieces where the state turns."""
    folded = cast("State", held.folded)
    certain = held.certain if held.certain[0] < held.certain[1] else (0, 0)
    cuts = sorted({day for turn in view.turns_of(folded) if first < (day := turn.toordinal()) < behind})
    pieces = []
    for begins, ends in pairwise((first, *cuts, behind)):
        state = view.present(folded, _a_day(begins, ends))
        if state is not None:  # a view may have nothing to show
            disputed = bool(view.disputed(state))
            pieces.append(
                Piece(
                    begins,
                    ends,
                    Content(canonical(state).decode(), orjson.dumps(state).decode(), disputed, certain, held.facts),
                )
            )
    return pieces


def _a_day(first: int, behind: int) -> date:
    """Return a day out of some, none of those that stand for an open end."""
    if first > PAST:
        return date.fromordinal(first)
    return date.fromordinal(behind - 1) if behind < FUTURE else _SOME_DAY


@lru_cache(maxsize=1 << 14)
def _bounds(first: date, last: date) -> tuple[int, int]:
    """Return days as they are counted, the last excluded: none where the last is not behind the first."""
    return first.toordinal(), _after(last)


def reach(entry: Entry) -> tuple[int, int]:
    """Return the days on which an entry may hold, the last excluded."""
    valid = _valid(entry)
    return _bounds(valid.first_lo, valid.last_hi)


def _after(last: date) -> int:
    return FUTURE if last == OPEN_FUTURE else last.toordinal() + 1


def _valid(entry: Entry) -> Valid:
    return cast("Valid", entry.valid)
