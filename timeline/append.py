"""The one way into a log.

Lock the timeline's head row, leave out what the log already holds, draw positions, chain the hashes, write, move the
head. While the lock is held nobody else appends to this timeline, so positions have no gaps, follow the order of
commits, and `recorded` rises with them. All of it happens in the caller's transaction: it is committed whole or not
at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from psycopg.types.range import Range
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from timeline.driver import FEW, NULL, ask, copied, pipelined, put
from timeline.errors import Conflict, Place, Refused
from timeline.events import Document, Entry, Event, canonical, chained, first_hash
from timeline.store import Log
from timeline.tables import documents, timelines
from timeline.temporal import EPOCH, OPEN_FUTURE, OPEN_PAST, Valid, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from sqlalchemy import Connection

    Placed = tuple[Place, Event]

SMALL = 1_000
"""Events that a small append has at most: what follows the log is taken along by it."""

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_COLUMNS = """timeline, position, fact, event, action, kind, subject, known, recorded, possible, certain, document,
    content, hash"""
_NOTHING = f"\t{NULL}"


@dataclass(slots=True)
class Receipt:
    """What an append did: counts of events and documents, the positions taken, and what was left out as bad."""

    recorded: int = 0
    duplicates: int = 0
    documents: int = 0
    first: int | None = None
    last: int | None = None
    bad: list[Refused] = field(default_factory=list)


# Looked up one by one and in the order of the index: of what a transaction has just written the planner knows nothing,
# and would read it all, or from its beginning. Nor is it told the timeline: one that is new it would take for empty.
_FOUND = """
    SELECT asked.fact, asked.identity,
        (SELECT true FROM timeline.events e
          WHERE e.timeline = asked.timeline AND e.fact = asked.fact AND e.event = asked.identity
          ORDER BY e.timeline, e.fact, e.event LIMIT 1) AS held
    FROM (SELECT (SELECT %s::text), * FROM unnest(%b::text[], %b::bytea[])) AS asked (timeline, fact, identity)
    WHERE (SELECT true FROM timeline.events e WHERE e.timeline = asked.timeline AND e.fact = asked.fact
            ORDER BY e.timeline, e.fact, e.event LIMIT 1)"""
# Who only refers to the timeline need not wait.
_HEAD = """
    SELECT position, hash, greatest(clock_timestamp(), recorded + interval '1 us', sealed + interval '1 us')
    FROM timeline.timelines WHERE timeline = %s FOR NO KEY UPDATE"""
_MOVED = "UPDATE timeline.timelines SET position = %s, hash = %s, recorded = %s WHERE timeline = %s"


class Draft(NamedTuple):
    """An event as it will be written, and its identity."""

    event: Event
    content: str
    identity: bytes


def _written(event: Event) -> Draft:
    content = canonical(event.fields())
    return Draft(event, content.decode(), sha256(content).digest())


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
        self._written: list[tuple[Draft, int, datetime]] = []
        self._aside: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None
        self.receipt = Receipt()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Write large batches aside, while the next ones are read and checked; all is written when the block ends.

        The connection serves one thread at a time. What goes wrong aside is raised, whatever else that led to.
        """
        with ThreadPoolExecutor(max_workers=1) as self._aside:
            try:
                yield
            finally:
                self._settle()
        self._aside = None

    def _settle(self) -> None:
        """Wait for what is being written aside."""
        if self._under_way is not None:
            writing, self._under_way = self._under_way, None
            writing.result()

    def record_document(self, document: Document) -> None:
        """Record a document unless it is there; Conflict where it is there with other particulars."""
        self.lock()
        row = {name: getattr(document, name) for name in Document.__dataclass_fields__}
        row |= {"timeline": self._timeline, "document": document.id}
        add = insert(documents).values(row).on_conflict_do_nothing().returning(documents.c.document)
        if self._connection.execute(add).scalar_one_or_none() is not None:
            self.receipt.documents += 1
            return
        stages = [told for _, told in Log(self._connection, self._timeline).described(document.id)]
        if document not in stages:
            held = stages[-1]
            names = Document.__dataclass_fields__
            name = next(name for name in names if getattr(held, name) != getattr(document, name))
            message = f"the same text is recorded already with {name} {getattr(held, name)!r}, not {row[name]!r}"
            flag = name.replace("_", "-")
            remedy = f"If that is right: timeline correct-document {document.id} --{flag} … --reason …"
            raise Conflict(message, remedy=remedy, place=Place(field=name))

    def record(self, placed: Sequence[Placed], refuse: Callable[[Refused], None]) -> None:
        """Record a batch of events without its duplicates; `refuse` is given each that cannot be taken."""
        drafts = [(place, _written(event)) for place, event in placed]
        facts, held = self._known([draft for _, draft in drafts])
        rows: list[str] = []
        for place, draft in drafts:
            try:
                row = self._decide(draft, facts, held)
            except Refused as error:
                error.place = place if not error.place.field else replace(place, field=error.place.field)
                refuse(error)
            else:
                rows += [row] if row else []
        self._write(rows)

    def entries(self) -> list[Entry] | None:
        """Return what was recorded, in order; None where that was more than a small append."""
        if self.receipt.recorded > SMALL:
            return None
        return [_entry(draft, at, recorded) for draft, at, recorded in self._written]

    def lock(self, drafts: Sequence[Draft] = ()) -> tuple[set[str], set[bytes]]:
        """Lock the head of the timeline, making the timeline where it is new; nothing happens where it is locked.

        Return the facts of drafts that the log holds, and which of their identities: asked in the same breath.
        """
        self._settle()
        asked = [self._timeline, [draft.event.fact for draft in drafts], [draft.identity for draft in drafts]]
        with pipelined(self._connection):
            head = None if self._locked else ask(self._connection, _HEAD, [self._timeline])
            found = ask(self._connection, _FOUND, asked, len(drafts)) if drafts else ()
        if head is not None:
            at = head.fetchone()
            if at is None:
                create(self._connection, self._timeline)
                return self.lock(drafts)
            self._locked = True
            self._position, self._hash, self._next = at
        known = list(found)
        return {fact for fact, _, _ in known}, {identity for _, identity, held in known if held}

    def _known(self, drafts: Sequence[Draft]) -> tuple[set[str], set[bytes]]:
        """Return the facts of drafts that the log holds, and which of their identities, as corrections if need be."""
        facts, held = self.lock(drafts)
        revised = [draft for draft in drafts if self._revises(draft, facts)]
        if revised:
            held |= self.lock([_written(replace(draft.event, action="correct")) for draft in revised])[1]
        return facts, held

    def _revises(self, draft: Draft, facts: set[str]) -> bool:
        return self._revise and draft.event.action == "assert" and draft.event.fact in facts

    def _decide(self, draft: Draft, facts: set[str], held: set[bytes]) -> str | None:
        """Return the row to write for a draft, or None where the log holds it already."""
        event = draft.event
        if draft.identity in held:
            self.receipt.duplicates += 1
            return None
        if self._revises(draft, facts):
            return self._decide(_written(replace(event, action="correct")), facts, held)
        if event.action == "assert" and event.fact in facts:
            message = f"the fact {event.fact!r} is recorded already with other content"
            remedy = 'Say that it is a correction ("action": "correct"), or import with --revise'
            raise Conflict(message, remedy=remedy, place=Place(field="fact"))
        if event.action != "assert" and event.fact not in facts:
            message = f"the log does not hold a fact {event.fact!r} to {event.action}"
            raise Refused(message, remedy="Assert it first, or correct its name", place=Place(field="fact"))
        facts.add(event.fact)
        held.add(draft.identity)
        return self._row(draft)

    def _row(self, draft: Draft) -> str:
        """Give an event its place: the next position, the next instant and a link of the chain."""
        event, content, identity = draft
        self._position += 1
        recorded, self._next = self._next, self._next + _TICK
        self._hash = chained(self._hash, identity, self._position, recorded)
        receipt = self.receipt
        receipt.recorded += 1
        if receipt.recorded <= SMALL:
            self._written.append((draft, self._position, recorded))
        receipt.first, receipt.last = receipt.first or self._position, self._position
        stated = _NOTHING * 2 if event.valid is None else f"\t{copied(event.kind)}\t{copied(event.subject)}"
        days = _NOTHING * 2 if event.valid is None else _copied_ranges(event.valid)
        document = f"\t{event.source.document}" if event.source else _NOTHING
        place = f"{self._timeline}\t{self._position}\t{copied(event.fact)}\t\\\\x{identity.hex()}\t{event.action}"
        content_text = content.replace("\\", "\\\\")
        instants = f"\t{format_instant(event.known)}\t{recorded.isoformat()}"
        return f"{place}{stated}{instants}{days}{document}\t{content_text}\t\\\\x{self._hash.hex()}\n"

    def _write(self, rows: Sequence[str]) -> None:
        """Write rows, and move the head of the timeline to the last of them."""
        head = [self._position, self._hash, self._next - _TICK, self._timeline]
        if self._aside and len(rows) > FEW:
            self._under_way = self._aside.submit(_written_out, self._connection, rows, head)
        elif rows:
            _written_out(self._connection, rows, head)


def _written_out(connection: Connection, rows: Sequence[str], head: Sequence[object]) -> None:
    """Write rows of the log, and where it ends by that."""
    with pipelined(connection, len(rows) <= FEW):
        put(connection, "timeline.events", _COLUMNS, rows)
        ask(connection, _MOVED, head)


def _entry(draft: Draft, position: int, recorded: datetime) -> Entry:
    """Return an event just as it will be read from the log."""
    event, content, identity = draft
    lasting = event.valid is not None and ranges(event.valid)[1].upper_inf
    return Entry.load(position, recorded, identity, event.known, content, lasting=bool(lasting))


@lru_cache(maxsize=1 << 12)
def ranges(valid: Valid) -> tuple[Range[date], Range[date]]:
    """Return the days on which a fact may hold and those on which it surely holds, open ends without a bound."""
    possible = _days(valid.first_lo, valid.last_hi)
    never = valid.first_hi > valid.last_lo or valid.first_hi == OPEN_FUTURE or valid.last_lo == OPEN_PAST
    return possible, Range(empty=True) if never else _days(valid.first_hi, valid.last_lo)


def _days(first: date, last: date) -> Range[date]:
    """Return a range as Postgres writes it: without its end."""
    lower = None if first == OPEN_PAST else first
    return Range(lower, None if last == OPEN_FUTURE else last + _DAY, "[)" if lower else "()")


@lru_cache(maxsize=1 << 14)
def _copied_ranges(valid: Valid) -> str:
    """Return the two ranges of a valid time as columns of a copy."""
    return "".join(f"\t{_written_range(days)}" for days in ranges(valid))


def _written_range(days: Range[date]) -> str:
    return "empty" if days.isempty else f"{'[' if days.lower else '('}{days.lower or ''},{days.upper or ''})"
