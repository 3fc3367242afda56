"""Stretches of days that read the same, followed along knowledge: where they change, a period ends.

At any instant of knowledge a row reads the same over stretches of days. They are moved on from instant to instant by
what begins to read otherwise; days that touch and read the same are one stretch. A stretch that stays as it is, with
just these days, goes on; the others end as periods.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

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
    """Days in a row that read the same, from an instant on; `before` and `after` tell of neighbours in its state."""

    first: int
    behind: int
    content: Content
    since: Since
    known_from: datetime
    outside: bool
    before: bool = False
    after: bool = False

    def until(self, known_to: datetime | None) -> Period:
        """Return the period that ends here."""
        since = self.since[0][1] if len(self.since) == 1 else None
        joined = (self.before, self.after)
        return Period(self.first, self.behind, self.known_from, known_to, self.content, since, joined)

    def since_on(self, first: int, behind: int) -> Since:
        """Return since when some of the days have read so."""
        if len(self.since) == 1:
            return ((first, self.since[0][1]),)
        at = max(bisect_right(self.since, first, key=_FIRST) - 1, 0)
        return tuple((max(day, first), since) for day, since in self.since[at:] if day < behind)

    def part(self, first: int, behind: int, at: datetime) -> _Run:
        """Return some of the days as a run that begins at an instant."""
        return _Run(first, behind, self.content, self.since_on(first, behind), at, self.outside)


class Line:
    """The runs of days that read the same at an instant; moved on, it gives the periods that end there."""

    def __init__(self) -> None:
        """Begin with no day that reads anything."""
        self._firsts: list[int] = []
        self._runs: list[_Run] = []

    def move(self, at: datetime, changes: Sequence[Change]) -> Iterator[Period]:
        """Let days read otherwise from an instant on; return the periods that end there."""
        changed = united([(change[0], change[1]) for change in changes])
        ended: list[_Run] = []
        for first, behind in changed:
            pieces = changes[0][2]
            if len(changes) > 1:
                some = (piece for change in changes if first <= change[0] < behind for piece in change[2])
                pieces = sorted(some, key=_FIRST)
            ended += self._put(at, first, behind, pieces)
        for first, behind in changed:  # only now do all days read as they do from this instant on
            low, high = bisect_left(self._firsts, first), bisect_right(self._firsts, behind)
            _join(self._runs[max(low - 2, 0) : high + 1])
        return (run.until(at) for run in ended)

    def end(self) -> Iterator[Period]:
        """Return the periods that have no end."""
        return (run.until(None) for run in self._runs if not run.outside)

    def _put(self, at: datetime, first: int, behind: int, pieces: Iterable[Piece]) -> list[_Run]:
        """Let the days from one to before another read as pieces; return the runs that end by that."""
        firsts, runs = self._firsts, self._runs
        low, high = bisect_left(firsts, first), bisect_left(firsts, behind)
        low -= low > 0 and runs[low - 1].behind > first
        old = runs[low:high]
        fresh = [_begun(piece, at, old, firsts, low) for piece in pieces]
        if old and old[0].first < first:
            fresh.insert(0, old[0].part(old[0].first, first, at))
        if old and old[-1].behind > behind:
            fresh.append(old[-1].part(behind, old[-1].behind, at))
        if fresh and low and _goes_on(runs[low - 1], fresh[0]):
            low -= 1
            fresh.insert(0, runs[low].part(runs[low].first, runs[low].behind, at))
        if fresh and high < len(runs) and _goes_on(fresh[-1], runs[high]):
            fresh.append(runs[high].part(runs[high].first, runs[high].behind, at))
            high += 1
        stood = dict(zip(firsts[low:high], runs[low:high], strict=True))
        new = [_taken_up(run, stood.get(run.first)) for run in _merged(fresh)]
        kept = {id(run) for run in new}
        ended = [run for run in runs[low:high] if id(run) not in kept and run.known_from < at and not run.outside]
        runs[low:high], firsts[low:high] = new, [run.first for run in new]
        return ended


def _begun(piece: Piece, at: datetime, old: Sequence[_Run], firsts: Sequence[int], low: int) -> _Run:
    """Return the run of a piece, with what is known of since when its days read so: as before, or from now on."""
    first, behind, content, since, outside = piece
    return _Run(first, behind, content, since or _looked_up(piece, at, old, firsts, low), at, outside)


def _looked_up(piece: Piece, at: datetime, old: Sequence[_Run], firsts: Sequence[int], low: int) -> Since:
    """Return since when the days of a piece read so, where `old` are the runs there, which begin at `firsts[low:]`."""
    first, behind, content, _, _ = piece
    since: list[tuple[int, datetime | None]] = []
    day = first
    begin = max(bisect_right(firsts, first, low, low + len(old)) - 1 - low, 0)
    for run in islice(old, begin, None):
        if run.first >= behind:
            break
        if run.behind > day and run.content.said == content.said:
            begins, ends = max(run.first, day), min(run.behind, behind)
            since += [(day, at)] if day < begins else []
            since += run.since_on(begins, ends)
            day = ends
    if day < behind:
        since.append((day, at))
    return _fewest(since) if len(since) > 1 else tuple(since)


def _fewest(since: Iterable[tuple[int, datetime | None]]) -> Since:
    """Return what is known of since when days read so, without what only repeats itself."""
    found: list[tuple[int, datetime | None]] = []
    for step in since:
        if not found or found[-1][1] != step[1]:
            found.append(step)
    return tuple(found)


def _goes_on(before: _Run, after: _Run) -> bool:
    """Return whether two runs touch and read the same."""
    return before.behind == after.first and before.content == after.content


def _merged(fresh: Iterable[_Run]) -> list[_Run]:
    """Return new runs in order of day, those that touch and read the same as one."""
    found: list[_Run] = []
    for run in fresh:
        if found and _goes_on(found[-1], run):
            last = found[-1]
            last.behind, last.outside = run.behind, last.outside and run.outside
            last.since = _fewest([*last.since, *run.since])
        else:
            found.append(run)
    return found


def _taken_up(run: _Run, stood: _Run | None) -> _Run:
    """Return the run that stood on just these days, if it reads the same, else the new one."""
    if stood is not None and stood.behind == run.behind and stood.content == run.content:
        return stood
    return run


def _join(runs: Iterable[_Run]) -> None:
    """Note which neighbours are in the same state, from other facts."""
    for before, after in pairwise(runs):
        if before.behind == after.first and before.content.said == after.content.said:
            before.after = after.before = True
