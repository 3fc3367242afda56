"""The one way into a log.

Lock the timeline's head row, leave out what the log already holds, draw positions, chain the hashes, write, move the
head. While the lock is held nobody else appends to this timeline, so positions have no gaps, follow the order of
commits, and `recorded` rises with them. All of it happens in the caller's transaction: it is committed whole or not
at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from psycopg.types.range import Range
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from timeline.errors import Conflict, Place, Refused
from timeline.events import Document, Event, canonical, chained, first_hash
from timeline.tables import documents, events, timelines
from timeline.temporal import EPOCH, OPEN_FUTURE, OPEN_PAST, Valid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg import Connection as Driver
    from sqlalchemy import Connection

    Placed = tuple[Place, Event]

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_COPY = """COPY timeline.events (timeline, position, fact, event, action, kind, subject, known, recorded, possible,
    certain, document, content, hash) FROM STDIN (FORMAT BINARY)"""
# On the wire json is text; the driver's own type for it would quote the canonical text once more.
_TYPES = [
    "text",
    "int8",
    "text",
    "bytea",
    "text",
    "text",
    "text",
    "timestamptz",
    "timestamptz",
    "daterange",
    "daterange",
]
_TYPES += ["text", "bytea", "bytea"]


@dataclass(slots=True)
class Receipt:
    """What an append did: counts of events and documents, the positions taken, and what was left out as bad."""

    recorded: int = 0
    duplicates: int = 0
    documents: int = 0
    first: int | None = None
    last: int | None = None
    bad: list[Refused] = field(default_factory=list)


def create(connection: Connection, timeline: str) -> None:
    """Make a timeline where it is new."""
    held = select(timelines.c.timeline).where(timelines.c.timeline == timeline)
    if connection.execute(held).one_or_none() is None:
        row = {"timeline": timeline, "hash": first_hash(timeline)}
        connection.execute(insert(timelines).values(row).on_conflict_do_nothing())


class Appender:
    """An append under way: from the first thing recorded it holds the lock on the head, until the transaction ends.

    Until then the input may take its time: nobody waits for a pipe that is still empty.
    """

    def __init__(self, connection: Connection, timeline: str, *, revise: bool = False) -> None:
        """Prepare to append; nothing is locked yet."""
        self._connection = connection
        self._timeline = timeline
        self._revise = revise
        self._locked = False
        self._position, self._hash, self._next = 0, b"", EPOCH
        self.receipt = Receipt()

    def record_document(self, document: Document) -> None:
        """Record a document unless it is there; Conflict where it is there with other particulars."""
        self.lock()
        row = {name: getattr(document, name) for name in Document.__dataclass_fields__}
        row |= {"timeline": self._timeline, "document": document.id}
        add = insert(documents).values(row).on_conflict_do_nothing().returning(documents.c.document)
        if self._connection.execute(add).scalar_one_or_none() is not None:
            self.receipt.documents += 1
            return
        columns = [documents.c[name] for name in row]
        named = [documents.c.timeline == self._timeline, documents.c.document == document.id]
        held = self._connection.execute(select(*columns).where(*named)).one()._asdict()
        differing = [name for name in row if held[name] != row[name]]
        if differing:
            name = differing[0]
            message = f"the same text is recorded already with {name} {held[name]!r}, not {row[name]!r}"
            raise Conflict(message, remedy="Restore what was recorded, or change the text", place=Place(field=name))

    def record(self, placed: Sequence[Placed], refuse: Callable[[Refused], None]) -> None:
        """Record a batch of events without its duplicates; `refuse` is given each that cannot be taken."""
        self.lock()
        held = self._held({event.fact for _, event in placed})
        rows = []
        for place, event in placed:
            try:
                row = self._decide(event, held.setdefault(event.fact, set()))
            except Refused as error:
                error.place = place if not error.place.field else replace(place, field=error.place.field)
                refuse(error)
            else:
                rows += [row] if row else []
        self._copy(rows)

    def close(self) -> Receipt:
        """Move the head of the timeline to the last event and return what was done."""
        if self.receipt.recorded:
            head = update(timelines).where(timelines.c.timeline == self._timeline)
            moved = {"position": self._position, "hash": self._hash, "recorded": self._next - _TICK}
            self._connection.execute(head.values(moved))
        return self.receipt

    def lock(self) -> None:
        """Lock the head of the timeline, making the timeline where it is new; nothing happens where it is locked."""
        if self._locked:
            return
        earliest = func.greatest(func.clock_timestamp(), timelines.c.recorded + _TICK, timelines.c.sealed + _TICK)
        head = select(timelines.c.position, timelines.c.hash, earliest).where(timelines.c.timeline == self._timeline)
        found = self._connection.execute(head.with_for_update()).one_or_none()
        if found is None:
            create(self._connection, self._timeline)
            found = self._connection.execute(head.with_for_update()).one()
        self._locked = True
        self._position, self._hash, self._next = found

    def _held(self, facts: set[str]) -> dict[str, set[bytes]]:
        """Return the identities of the events that the log holds of some facts."""
        named = (events.c.timeline == self._timeline, events.c.fact == func.any(list(facts)))
        held: dict[str, set[bytes]] = {}
        for fact, event in self._connection.execute(select(events.c.fact, events.c.event).where(*named)):
            held.setdefault(fact, set()).add(event)
        return held

    def _decide(self, event: Event, held: set[bytes]) -> tuple[Any, ...] | None:
        """Return the row to write for an event, or None where the log holds it already."""
        content = canonical(event.fields())
        identity = sha256(content).digest()
        if identity in held:
            self.receipt.duplicates += 1
            return None
        if event.action == "assert" and held:
            if self._revise:
                return self._decide(replace(event, action="correct"), held)
            message = f"the fact {event.fact!r} is recorded already with other content"
            remedy = 'Say that it is a correction ("action": "correct"), or import with --revise'
            raise Conflict(message, remedy=remedy, place=Place(field="fact"))
        if event.action != "assert" and not held:
            message = f"the log does not hold a fact {event.fact!r} to {event.action}"
            raise Refused(message, remedy="Assert it first, or correct its name", place=Place(field="fact"))
        held.add(identity)
        return self._row(event, identity, content)

    def _row(self, event: Event, identity: bytes, content: bytes) -> tuple[Any, ...]:
        """Give an event its place: the next position, the next instant and a link of the chain."""
        self._position += 1
        recorded, self._next = self._next, self._next + _TICK
        self._hash = chained(self._hash, identity, self._position, recorded)
        receipt = self.receipt
        receipt.recorded += 1
        receipt.first, receipt.last = receipt.first or self._position, self._position
        possible, certain = (None, None) if event.valid is None else ranges(event.valid)
        document = event.source.document if event.source else None
        named = (event.action, event.kind or None, event.subject or None, event.known, recorded)
        place = (self._timeline, self._position, event.fact, identity)
        return (*place, *named, possible, certain, document, content, self._hash)

    def _copy(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        driver = cast("Driver[Any]", self._connection.connection.driver_connection)
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)


def ranges(valid: Valid) -> tuple[Range[date], Range[date]]:
    """Return the days on which a fact may hold and those on which it surely holds, open ends without a bound."""
    possible = _days(valid.first_lo, valid.last_hi)
    never = valid.first_hi > valid.last_lo or valid.first_hi == OPEN_FUTURE or valid.last_lo == OPEN_PAST
    return possible, Range(empty=True) if never else _days(valid.first_hi, valid.last_lo)


def _days(first: date, last: date) -> Range[date]:
    """Return a range as Postgres writes it: without its end."""
    lower = None if first == OPEN_PAST else first
    return Range(lower, None if last == OPEN_FUTURE else last + _DAY, "[)" if lower else "()")
