"""Ranges of positions: the rows that each has, as the log folds into them and as they are stored, counted and hashed.

A row belongs to the position of the newest event behind it: of the versions of its facts that are in force when its
period begins, the one recorded last. So a range has the rows to which its events gave their form. Whatever is recorded
later about other keys, its count and hash stay as they are. What is recorded later about a key that its events have may
change them: it ends a row, cuts its days, tells otherwise since when it reads so, or brings back what was said before.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING

from timeline.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from timeline.fold import Span
    from timeline.stretches import Period

    Placed = tuple[str, int]

NOWHERE = 0
"""The position of rows with a fact that the log does not have in force there."""

MOST = 10_000
"""Ranges that are told apart: each takes some memory."""

_KNOWN_FROM = attrgetter("known_from")


@dataclass(frozen=True, slots=True)
class Range:
    """The rows stored that belong to some positions; `hash` is over them in order of key and line.

    `told` has the count and the hash of what the log folds into, None where these are the same rows.
    """

    first: int
    last: int
    rows: int
    hash: str
    told: tuple[int, str] | None


def placing(plane: Iterable[Span]) -> Callable[[Period], int]:
    """Return what tells the position that a row belongs to, from the spans of all facts that ever had its key."""
    spans: dict[str, list[Span]] = {}
    for span in plane:
        spans.setdefault(span.entry.fact, []).append(span)

    def position(period: Period) -> int:
        known, newest = period.known_from, NOWHERE
        for fact in period.content.facts:
            versions = spans.get(fact, ())
            at = bisect_right(versions, known, key=_KNOWN_FROM) - 1
            if at < 0 or not versions[at].in_force(known):
                return NOWHERE
            newest = max(newest, versions[at].entry.position)
        return newest

    return position


class Tally:
    """Lines counted and hashed as they pass."""

    def __init__(self) -> None:
        """Begin with none."""
        self.rows = 0
        self._digest = sha256()

    def add(self, lines: Sequence[str]) -> None:
        """Take in some lines."""
        self.rows += len(lines)
        self._digest.update("".join(lines).encode())

    def copy(self) -> Tally:
        """Return another one, as far as this one is."""
        other = Tally()
        other.rows, other._digest = self.rows, self._digest.copy()
        return other

    @property
    def hash(self) -> str:
        """Return the hash of all lines so far."""
        return self._digest.hexdigest()


class _Sides:
    """What is stored of a range and what the log folds into: one tally, up to the first difference."""

    def __init__(self) -> None:
        self.stored = Tally()
        self.told: Tally | None = None

    def add(self, told: Sequence[str], stored: Sequence[str]) -> None:
        """Take in the lines of a key from both sides."""
        if self.told is None and told != stored:
            self.told = self.stored.copy()
        self.stored.add(stored)
        if self.told is not None:
            self.told.add(told)


class Ranges:
    """The positions of a log up to the last, so many to a range or all in one; rows are taken in key by key."""

    def __init__(self, last: int, by: int | None = None) -> None:
        """Begin without a row; Refused where the ranges would be none, or too many."""
        if by is not None and by < 1:
            message = f"a range has 1 position or more, not {by}"
            raise Refused(message, remedy="Say how many: --by 100000")
        self._last, self._by = last, by or max(last, 1)
        number = -(-last // self._by)
        if number > MOST:
            message = f"{last:,} positions make {number:,} ranges of {by:,}, more than {MOST:,}"
            raise Refused(message, remedy=f"Take longer ones: --by {-(-last // MOST)}")
        self._sides = {number: _Sides() for number in range(number)}

    def add(self, told: Sequence[Placed], stored: Sequence[Placed]) -> None:
        """Take in the rows of a key, as the log folds into them and as they are stored, both in order of line."""
        ours = self._parted(told)
        theirs = ours if stored is told else self._parted(stored)
        for number in ours.keys() | theirs.keys():
            self._sides.setdefault(number, _Sides()).add(ours.get(number, []), theirs.get(number, []))

    def _parted(self, placed: Iterable[Placed]) -> dict[int, list[str]]:
        """Return lines by the number of their range; that of NOWHERE is before the first."""
        parted: dict[int, list[str]] = {}
        for line, position in placed:
            parted.setdefault((position - 1) // self._by, []).append(line)
        return parted

    def found(self) -> tuple[Range, ...]:
        """Return all ranges from position 1 on; before them NOWHERE, if any row belongs there."""
        return tuple(self._range(number, sides) for number, sides in sorted(self._sides.items()))

    def _range(self, number: int, sides: _Sides) -> Range:
        first, last = number * self._by + 1, min((number + 1) * self._by, self._last)
        if number < 0:
            first = last = NOWHERE
        told = None if sides.told is None else (sides.told.rows, sides.told.hash)
        return Range(first, last, sides.stored.rows, sides.stored.hash, told)
