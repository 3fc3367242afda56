"""Verification: everything is hashed anew from what is stored, and every promise of the log is checked on the way."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Text, cast, select, text

from timeline.append import ranges
from timeline.errors import Corrupt
from timeline.events import Entry, chained, first_hash
from timeline.store import Log
from timeline.tables import events
from timeline.temporal import Valid, parse_known

if TYPE_CHECKING:
    from datetime import date, datetime

_NAMES = ("position", "recorded", "event", "hash", "fact", "action", "kind", "subject", "known", "document")
_COLUMNS = (
    *(events.c[name] for name in (*_NAMES, "possible", "certain")),
    cast(events.c.content, Text).label("content"),
)


def verify(log: Log) -> int:
    """Return the number of events of a log that is whole; Corrupt names the first event that is not.

    Checked are: positions without gaps, rising instants, the identity of each event as the hash of its content, columns
    that say what the content says, the chain of hashes up to the head, the events that runs of sources name, and the
    identity of each document. What is appended meanwhile does not matter.
    """
    last, end = log.head()
    link, position, recorded = first_hash(log.timeline), 0, None
    everything = select(*_COLUMNS).where(events.c.timeline == log.timeline).order_by(events.c.position)
    for row in log.rows(everything):
        position += 1
        _sound(row, position, recorded, link)
        link, recorded = row.hash, row.recorded
        if position == last and link != end:
            raise _corrupt(position, "is not the one that the head was moved to")
    if position < last:
        raise _corrupt(position + 1, f"is missing: the head stands at {last}")
    if position > last and log.head()[0] < position:
        raise _corrupt(last + 1, f"stands beyond the head, which is at {last}")
    _counted(log)
    for document in log.documents():
        if log.document(document.id, 0) != document:
            raise Corrupt(f"the text of the document {document.title!r} is not what was recorded", remedy=_REMEDY)
    return last


def _sound(row: Any, position: int, recorded: datetime | None, link: bytes) -> None:  # noqa: ANN401
    """Check one event in its place."""
    if row.position != position:
        raise _corrupt(position, f"is missing: the next event stands at {row.position}")
    if sha256(row.content.encode()).digest() != row.event:
        raise _corrupt(position, "is not what was recorded: its content has another hash")
    if recorded is not None and row.recorded <= recorded:
        raise _corrupt(position, "is not recorded later than the one before it")
    if chained(link, row.event, position, row.recorded) != row.hash:
        raise _corrupt(position, "breaks the chain: it, its instant or one before it was changed")
    known = parse_known(orjson.loads(row.content)["known"])  # what it says, not what it is filed under
    entry = Entry.load(position, row.recorded, row.event, known, row.content, lasting=False)
    document = entry.source.document if entry.source else None
    says = (entry.fact, entry.action, entry.kind or None, entry.subject or None, entry.known, document)
    filed = (row.fact, row.action, row.kind, row.subject, row.known, row.document)
    if says != filed or not _bounded(row, entry):
        raise _corrupt(position, "is filed under columns that contradict its content")


def _bounded(row: Any, entry: Entry) -> bool:  # noqa: ANN401
    """Return whether the days that an event is filed under are those of its valid time, of a lasting kind or not."""
    if entry.valid is None:
        return row.possible is None and row.certain is None
    readings = (Valid.parse(entry.valid.text, lasting=lasting) for lasting in (False, True))
    filed = (_ends(row.possible), _ends(row.certain))
    return filed in [tuple(map(_ends, ranges(valid))) for valid in readings]


def _ends(days: Any) -> tuple[date | None, date | None, bool]:  # noqa: ANN401  the driver's range or SQLAlchemy's
    return days.lower, days.upper, days.isempty


# Runs are written with their events, so that each names the positions of exactly those, known by its own instant.
_RUNS = """
SELECT source, run, row_number() OVER (PARTITION BY source ORDER BY run) AS number, outcome <> 'recorded' OR (
       SELECT count(*) FROM timeline.events e
        WHERE e.timeline = r.timeline AND e.position BETWEEN r.first AND r.last
          AND (e.known = r.known OR e.known < r.known AND r.form = 'versions')
          AND starts_with(e.fact, r.source || '/')) = r.last - r.first + 1 AS whole
  FROM timeline.runs r WHERE timeline = :timeline ORDER BY source, run"""


def _counted(log: Log) -> None:
    """Check that no run is missing, and that the events that came of each are there."""
    for source, run, number, whole in log.connection.execute(text(_RUNS), {"timeline": log.timeline}):
        if run != number:
            raise Corrupt(f"the run {number} of the source {source!r} is missing", remedy=_REMEDY)
        if not whole:
            raise Corrupt(f"the run {run} of the source {source!r} names events that are not its own", remedy=_REMEDY)


_REMEDY = "Stop recording, keep a copy of the database, and compare with a backup"


def _corrupt(position: int, what: str) -> Corrupt:
    return Corrupt(f"the event at position {position} {what}", remedy=_REMEDY)
