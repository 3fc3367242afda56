"""Verification: every event is hashed anew from what is stored, and every promise of the log is checked on the way."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, select

from timeline.errors import Corrupt
from timeline.events import Entry, chained, first_hash
from timeline.store import Log
from timeline.tables import events, timelines

if TYPE_CHECKING:
    from datetime import datetime

_COLUMNS = (
    *(
        events.c[name]
        for name in ("position", "recorded", "event", "hash", "fact", "action", "kind", "subject", "known")
    ),
    events.c.document,
    cast(events.c.content, Text).label("content"),
)


def verify(log: Log) -> int:
    """Return the number of events of a log that is whole; Corrupt names the first event that is not.

    Checked are: positions without gaps, rising instants, the identity of each event as the hash of its content,
    columns that say what the content says, the chain of hashes, and the head.
    """
    link, position, recorded = first_hash(log.timeline), 0, None
    everything = select(*_COLUMNS).where(events.c.timeline == log.timeline).order_by(events.c.position)
    for row in log.rows(everything):
        position += 1
        _sound(row, position, recorded, link, log)
        link, recorded = row.hash, row.recorded
    _whole(log, position, link)
    return position


def _sound(row: Any, position: int, recorded: datetime | None, link: bytes, log: Log) -> None:  # noqa: ANN401
    """Check one event in its place."""
    if row.position != position:
        raise _corrupt(position, f"is missing: the next event stands at {row.position}")
    if sha256(row.content.encode()).digest() != row.event:
        raise _corrupt(position, "is not what was recorded: its content has another hash")
    if recorded is not None and row.recorded <= recorded:
        raise _corrupt(position, "is not recorded later than the one before it")
    if chained(link, row.event, position, row.recorded) != row.hash:
        raise _corrupt(position, "breaks the chain: it, its instant or one before it was changed")
    entry = Entry.load(position, row.recorded, row.event, row.content, lasting=log.lasting)
    document = entry.source.document if entry.source else None
    says = (entry.fact, entry.action, entry.kind or None, entry.subject or None, entry.known, document)
    if says != (row.fact, row.action, row.kind, row.subject, row.known, row.document):
        raise _corrupt(position, "is filed under columns that contradict its content")


def _whole(log: Log, position: int, link: bytes) -> None:
    """Check that the log ends where its head says."""
    head = select(timelines.c.position, timelines.c.hash).where(timelines.c.timeline == log.timeline)
    last, end = log.connection.execute(head).one()
    if (last, end) != (position, link):
        raise _corrupt(min(last, position) + 1, f"does not fit the head, which stands at {last}")


def _corrupt(position: int, what: str) -> Corrupt:
    remedy = "Stop recording, keep a copy of the database, and compare with a backup"
    return Corrupt(f"the event at position {position} {what}", remedy=remedy)
