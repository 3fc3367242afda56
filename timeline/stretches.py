"""Stretches of days that read the same, followed along knowledge: where they change, a period ends.

At any instant of knowledge a row reads the same over stretches of days. They are moved on from instant to instant by
what begins to read otherwise; days that touch and read the same are one stretch. A stretch that stays as it is, with
just these days, goes on; the others end as periods.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Since = tuple[tuple[int, datetime | None], ...]
"""Since when days are in their state: from which day on since which instant."""


class Content(NamedTuple):
    """What a row reads: the presented state as JSON, and the facts behind it.

    `said` is the state in canonical form, by which states are compared. On the days `certain` every fact surely holds.
    """

    said: str
    state: str
    disputed: bool
    certain: tuple[int, int]
    facts: tuple[str, ...]


class Period(NamedTuple):
    """Days, the last excluded, and instants of knowledge (`known_to` None: up to now) over which a row reads the same.

    `known_since` is the instant from which the state has been so on each of these days, None where that differs
    from day to day. `joined` tells whether at some of the instants the state was the same on the day before the first,
    and on the day after the last, from other facts.
    """

    first: int
    behind: int
    known_from: datetime
    known_to: datetime | None
    content: Content
    known_since: datetime | None
    joined: tuple[bool, bool]


class Piece(NamedTuple):
    """Days that begin to read so. `since` None: to be looked up. What lies `outside` only tells what is beside it."""

    first: int
    behind: int
    content: Content
    since: Since | None = None
    outside: bool = False


Change = tuple[int, int, Iterable[Piece]]
"""Days, the last excluded, and all that is read on them from now on."""


_FIRST = itemgetter(0)


def united(reaches: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return stretches of days that neither overlap nor touch, out of any."""
    if len(reaches) == 1:
        return reaches if reaches[0][0] < reaches[0][1] else ()
    found: list[tuple[int, int]] = []
    for first, behind in sorted(reaches):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], behind))
        elif first < behind:
            found.append((first, behind))
    return found


@dataclass(slots=True, eq=False)
class _Run:
    """Days in a row that read the same, from an instant on."""

    first: int
    behind: int
    content: Content
    since: Since
    known_from: datetime
    outside: bool
    joined: list[bool] = field(default_factory=lambda: [False, False])

    def until(self, known_to: datetime | None) -> Period:
        """Return the period that ends here."""
        since = self.since[0][1] if len(self.since) == 1 else None
        joined = (self.joined[0], self.joined[1])
        return Period(self.first, self.behind, self.known_from, known_to, self.content, since, joined)

    def part(self, first: int, behind: int) -> Piece:
        """Return some of the days as a piece."""
        at = max(bisect_right(self.since, first, key=_FIRST) - 1, 0)
        inside = [(max(day, first), since) for day, since in self.since[at:] if day < behind]
        return Piece(first, behind, self.content, tuple(inside), self.outside)


class Line:
    """The runs of days that read the same at an instant; moved on, it yields the periods that end there."""

    def __init__(self) -> None:
        """Begin with no day that reads anything."""
        self._firsts: list[int] = []
        self._runs: list[_Run] = []

    def move(self, at: datetime, changes: Iterable[Change]) -> Iterator[Period]:
        """Let days read otherwise from an instant on; yield the periods that end there."""
        changes = list(changes)
        changed = united([(change[0], change[1]) for change in changes])
        for first, behind in changed:
            pieces = [piece for change in changes if first <= change[0] < behind for piece in change[2]]
            yield from self._put(at, first, behind, sorted(pieces, key=_FIRST) if len(changes) > 1 else pieces)
        for first, behind in changed:  # only now do all days read as they do from this instant on
            low, high = bisect_left(self._firsts, first), bisect_right(self._firsts, behind)
            _join(self._runs[max(low - 2, 0) : high + 1])

    def end(self) -> Iterator[Period]:
        """Yield the periods that have no end."""
        for run in self._runs:
            if not run.outside:
                yield run.until(None)

    def _put(self, at: datetime, first: int, behind: int, pieces: Iterable[Piece]) -> Iterator[Period]:
        low, high = bisect_left(self._firsts, first), bisect_right(self._firsts, behind)
        low -= low > 0 and self._runs[low - 1].behind >= first
        old = self._runs[low:high]
        firsts = self._firsts[low:high]
        fresh = [piece if piece.since else _looked_up(piece, at, old, firsts) for piece in pieces]
        if old and old[0].first < first:
            fresh.insert(0, old[0].part(old[0].first, min(old[0].behind, first)))
        if old and old[-1].behind > behind:
            fresh.append(old[-1].part(max(old[-1].first, behind), old[-1].behind))
        same = {(run.first, run.behind): run for run in old}
        new = [_taken_up(piece, same, at) for piece in _merged(fresh)]
        self._runs[low:high], self._firsts[low:high] = new, [run.first for run in new]
        kept = {id(run) for run in new}
        for run in old:
            if id(run) not in kept and run.known_from < at and not run.outside:
                yield run.until(at)


def _looked_up(piece: Piece, at: datetime, old: Sequence[_Run], firsts: Sequence[int]) -> Piece:
    """Return a piece with what is known of since when its days read so: as before, or from now on."""
    first, behind, content, _, outside = piece
    since: list[tuple[int, datetime | None]] = []
    day = first
    for number in range(max(bisect_right(firsts, first) - 1, 0), len(old)):
        run = old[number]
        if run.first >= behind:
            break
        if run.behind > day and run.content.said == content.said:
            begins, ends = max(run.first, day), min(run.behind, behind)
            since += [(day, at)] if day < begins else []
            since += run.part(begins, ends).since or ()
            day = ends
    if day < behind:
        since.append((day, at))
    return Piece(first, behind, content, _fewest(since) if len(since) > 1 else tuple(since), outside)


def _fewest(since: Iterable[tuple[int, datetime | None]]) -> Since:
    """Return what is known of since when days read so, without what only repeats itself."""
    found: list[tuple[int, datetime | None]] = []
    for step in since:
        if not found or found[-1][1] != step[1]:
            found.append(step)
    return tuple(found)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Return pieces in order of day, those that touch and read the same as one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last is not None and last.behind == piece.first and last.content == piece.content:
            since = _fewest([*cast("Since", last.since), *cast("Since", piece.since)])
            found[-1] = Piece(last.first, piece.behind, last.content, since, last.outside and piece.outside)
        else:
            found.append(piece)
    return found


def _taken_up(piece: Piece, same: dict[tuple[int, int], _Run], at: datetime) -> _Run:
    """Return the run of a piece: the one that stood there, if it reads the same, else one that begins now."""
    run = same.get((piece.first, piece.behind))
    if run is not None and run.content == piece.content:
        return run
    return _Run(piece.first, piece.behind, piece.content, cast("Since", piece.since), at, piece.outside)


def _join(runs: Iterable[_Run]) -> None:
    """Note which neighbours are in the same state, from other facts."""
    for before, after in pairwise(runs):
        if before.behind == after.first and before.content.said == after.content.said:
            before.joined[1] = after.joined[0] = True
