"""Tables of versions: each row a value and when it was made public; which of them are news, given what is held.

A version that says what was in force then becomes nothing, one that says otherwise a correction, and one that says that
there is no value any more a retraction. Rows may stand in any order: they are sorted in a private SQLite database,
which keeps what does not fit its cache in a temporary file and goes when it is closed.
"""

from __future__ import annotations

import marshal
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

from timeline.errors import Conflict, Refused
from timeline.events import Event
from timeline.maps import Stated
from timeline.snapshots import RETRACTED, alike, identity, made, said
from timeline.temporal import EPOCH, format_instant, parse_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from timeline.snapshots import Placed, Read

    Version = tuple[datetime, Stated]
    Said = Mapping[str, Any]

CACHE_KIB = 32_768
"""Memory that the sorting may take before it goes to disk."""

UNREPORTED = "no longer reported"
"""Why a fact was taken back whose table has no value for it any more."""

_MICROSECOND = timedelta(microseconds=1)


class Versions:
    """What tables state, in order of when it was made public; within an instant in the order of the tables."""

    def __init__(self, sorter: sqlite3.Connection, stated: Iterable[Stated]) -> None:
        """Take in and sort what tables state."""
        sorter.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        sorter.execute("CREATE TABLE version (known INTEGER, number INTEGER, fact TEXT, stated BLOB)")
        sorter.executemany("INSERT INTO version VALUES (?, ?, ?, ?)", _stored(stated))
        self._sorter = sorter

    def __iter__(self) -> Iterator[Version]:
        """Yield each version with its instant, the earliest first."""
        for known, stored in self._sorter.execute("SELECT known, stated FROM version ORDER BY known, number"):
            yield EPOCH + known * _MICROSECOND, Stated(*marshal.loads(stored))  # noqa: S302  written by `_stored`

    def __len__(self) -> int:
        """Return how many versions there are."""
        return int(self._sorter.execute("SELECT count(*) FROM version").fetchone()[0])

    @property
    def last(self) -> datetime | None:
        """When the newest version was made public; None where there is none."""
        known = self._sorter.execute("SELECT max(known) FROM version").fetchone()[0]
        return None if known is None else EPOCH + known * _MICROSECOND

    def facts(self) -> list[str]:
        """Return the facts that the versions are of."""
        return [fact for (fact,) in self._sorter.execute("SELECT DISTINCT fact FROM version")]


@contextmanager
def ordered(stated: Iterable[Stated]) -> Iterator[Versions]:
    """Hold what tables state in order; refused is what does not say when it was made public."""
    with closing(sqlite3.connect("", check_same_thread=False)) as sorter:
        yield Versions(sorter, stated)


def _stored(stated: Iterable[Stated]) -> Iterator[tuple[int, int, str, bytes]]:
    for number, one in zip(count(), stated, strict=False):
        if one.known is None:
            message = "the row does not say when it was made public"
            raise Refused(message, remedy='Give `known` in the map, as known = "{version}"', place=one.place)
        if one.seen:
            message = "the map leaves the first day to be found by looking, which a table of versions does not allow"
            raise Refused(message, remedy='Give `valid` in the map, as valid = "{period}"', place=one.place)
        try:
            known = parse_known(one.known)
        except Refused as error:
            error.place = replace(one.place, field="known")
            raise
        yield (known - EPOCH) // _MICROSECOND, number, identity(one), marshal.dumps(tuple(one))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a log holds of the facts that a table is about.

    `versions` (known, fact, whether the source itself said so, canonical line) come in order of `known` and then of
    position. `newest` is when each fact
    that is held was reported last, and `read` the instant up to which all that the source said has been read.
    """

    versions: Iterable[tuple[datetime, str, bool, str]]
    newest: Mapping[str, datetime]
    read: datetime | None = None

    def settled(self, fact: str) -> datetime | None:
        """Return the instant up to which no version of a fact can come in between any more; None for a new fact."""
        newest = self.newest.get(fact)
        return newest and max(newest, self.read or newest)


def revisions(stated: Iterable[tuple[datetime, Stated]], held: Recorded, read: Read) -> Iterator[Placed]:
    """Yield the events of a table of versions: each value that differs from the one in force at its `known`.

    Stated values come in order of `known`. No news is what repeats the source's own version before, and what the log
    holds of that very instant, whatever people have corrected since. Another value before a fact is settled is a
    Conflict: versions that only repeated the one before were left out, and what they said would silently change.
    """
    course = _Course(held, read)
    for known, one in stated:
        course.advance(known)
        event = course.news(one, known)
        if event is not None:
            yield one.place, event


class _Course:
    """What is in force of each fact while a table is walked through in order of knowledge."""

    def __init__(self, held: Recorded, read: Read) -> None:
        """Begin before the first version."""
        self._held, self._read = held, read
        self._earlier = iter(held.versions)
        self._upcoming = next(self._earlier, None)
        self._logged: dict[str, tuple[datetime, list[str]]] = {}  # the versions of the log at their last instant so far
        self._told: dict[str, Said | None] = {}  # what the source itself said last
        self._own: set[str] = set()  # facts of which that is in force
        self._last: dict[str, datetime] = {}

    def advance(self, known: datetime) -> None:
        """Go on to an instant: what the log holds by then is in force."""
        while self._upcoming is not None and self._upcoming[0] <= known:
            at, fact, own, content = self._upcoming
            logged = self._logged.get(fact)
            self._logged[fact] = (at, [*logged[1], content] if logged and logged[0] == at else [content])
            if own:
                self._told[fact] = _said(content)
                self._own.add(fact)
            else:
                self._own.discard(fact)
            self._upcoming = next(self._earlier, None)

    def news(self, one: Stated, known: datetime) -> Event | None:
        """Return the event that a version of the table amounts to; None where it says nothing new."""
        fact = identity(one)
        event = None
        if fact not in self._told or not _alike(one.fields, self._told[fact], one.tolerance):
            event = self._event(one, fact, known)
            self._told[fact] = one.fields
        if event is not None:
            _in_order(one, fact, known, self._last.get(fact), self._held.settled(fact))
            self._own.add(fact)
        self._last[fact] = known
        return event

    def _event(self, one: Stated, fact: str, known: datetime) -> Event | None:
        """Return the event of a version that says otherwise than the source did before, unless the log says so too."""
        own = fact in self._own
        at, contents = self._logged.get(fact, (None, []))
        before = self._told[fact] if own else _said(contents[-1]) if contents else None
        if one.fields is None:
            event = None if before is None else Event(action="retract", fact=fact, known=known, reason=UNREPORTED)
        elif not own and before is not None and alike(one.fields, before, one.tolerance):
            event = None
        else:
            action = "correct" if own or contents or fact in self._held.newest else "assert"
            event = made(self._read, one.place, one.fields, action=action, fact=fact, known=known)
        if event is None or not contents:
            return event
        line = said(event.fields()) if event.valid else None
        there = contents if at == known else [] if own or before is None else contents[-1:]
        return None if any(_alike(line, _said(content), one.tolerance) for content in there) else event


def _alike(one: Said | None, other: Said | None, tolerance: float) -> bool:
    return one is other if one is None or other is None else alike(one, other, tolerance)


def _said(content: str) -> Said | None:
    """Return what a line of the log says; None for a retraction."""
    return None if content.startswith(RETRACTED) else said(orjson.loads(content))


def _in_order(one: Stated, fact: str, known: datetime, last: datetime | None, settled: datetime | None) -> None:
    """Refuse a value that contradicts one of the same instant, or comes before what is settled."""
    if last == known:
        message = f"{fact!r} is stated twice for {format_instant(known)}, with different values"
        raise Refused(message, remedy="Keep the one that was published", place=one.place)
    if settled is not None and known < settled:
        message = f"{fact!r} has another value at {format_instant(known)}, and was read up to {format_instant(settled)}"
        remedy = "Import the whole table into a timeline of its own, or correct that version by hand"
        raise Conflict(message, remedy=remedy, place=one.place)
