"""Looks at sources: what a file says is compared with what is held, recorded in one transaction, and kept as a run.

The head of the timeline is locked while a look is compared, so that two looks at once see each other's outcome. A look
that is refused is kept as well, in a transaction of its own that touches no fact.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from hashlib import file_digest, sha256
from itertools import islice
from operator import itemgetter
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from sqlalchemy import Text, cast, func, select

from timeline import border, maps, phrases, rows
from timeline.append import Appender, Receipt
from timeline.errors import Conflict, Place, Refused
from timeline.maps import Map
from timeline.runs import Run, keep, looks
from timeline.snapshots import Counts, Look, changes, identity
from timeline.tables import events, runs
from timeline.temporal import format_instant, parse_known
from timeline.texts import refused
from timeline.versions import Recorded, ordered, revisions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from timeline.maps import Stated
    from timeline.snapshots import Placed, Read
    from timeline.store import Log
    from timeline.vocabulary import Vocabulary

BATCH = 2_000
"""Events that are written at a time."""

KEPT = 64
"""Documents kept at hand while quotes are checked."""

ABSENT = ("end", "retract", "ignore")
"""What may become of an entry that is not in the list any more."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_CONTENT = cast(events.c.content, Text)


def sync(
    log: Log, path: str | os.PathLike[str], map_: Map, look: Look, vocabulary: Vocabulary, *, dry_run: bool = False
) -> Run:
    """Record how a snapshot differs from what its source held, and return the run; commits unless `dry_run`.

    Whatever is wrong with the snapshot is raised as Refused after the run has been kept as refused.
    """
    counts, found, file = Counts(), _stamp(path), _hashed(path)
    try:
        receipt = _compared(log, path, map_, look, vocabulary, counts)
        if _stamp(path) != found:
            raise refused(path, "the file changed while it was read", "Take the look again when it is written")
        run = keep(log, look, file, counts, receipt)
    except Refused as error:
        log.connection.rollback()
        if not dry_run:
            Appender(log.connection, log.timeline).lock()
            keep(log, look, file, Counts(rows=counts.rows), error)
            log.connection.commit()
        raise
    _finish(log, dry_run=dry_run)
    return run


def revise(
    log: Log,
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    map_: Map,
    vocabulary: Vocabulary,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Receipt:
    """Record the versions of tables that say anything new, and return what was done; commits unless `dry_run`.

    The versions that repeat what was in force are counted as duplicates. The tables are kept as one run of their
    source: up to its last version they have been read, repeats and all.
    """
    if not map_.source:
        message = "a table of versions belongs to a source"
        raise Refused(message, remedy='Give it a name in the map, as source = "gdp"', place=Place(str(map_.file)))
    tables = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    counts, file = Counts(), _hashed_together(tables)
    stated = (one for table in tables for one in _stated(table, map_, counts))
    appender = Appender(log.connection, log.timeline)
    with ordered(one._replace(fact=f"{map_.source}/{identity(one)}") for one in stated) as versions:
        appender.lock()
        facts = versions.facts()
        taken = [run for run in looks(log, runs.c.source == map_.source) if run.outcome != "refused"]
        read = max((run.known for run in taken), default=None)
        held = Recorded(_history(log, facts, _own(log, taken)), _newest(log, facts), read)
        found = _tallied(revisions(versions, held, _reader(log, vocabulary)), counts)
        receipt = _appended(found, appender, progress)
        receipt.duplicates = len(versions) - receipt.recorded
        if versions.last is not None:
            keep(log, Look(source=map_.source, known=versions.last), file, counts, receipt, "versions")
    _finish(log, dry_run=dry_run)
    return receipt


def _tallied(found: Iterator[Placed], counts: Counts) -> Iterator[Placed]:
    """Yield events, counting what they do to the values of a source."""
    for place, event in found:
        counts.added += event.action == "assert"
        counts.amended += event.action == "correct"
        counts.removed += event.action == "retract"
        yield place, event


def _finish(log: Log, *, dry_run: bool) -> None:
    if dry_run:
        log.connection.rollback()
    else:
        log.connection.commit()


def mapped(given: str | os.PathLike[str] | Map) -> Map:
    """Return a map, read from its file unless it is one already."""
    return given if isinstance(given, Map) else maps.load(given)


def looked(
    source: str, known: str | date, map_: Map, absent: str | None, max_removed: float | None, now: datetime
) -> Look:
    """Return the look that a caller means; Refused, naming the flag, where it is none.

    The name of a source holds no slash: it ends where the names of its facts begin. A day counts from its start.
    """
    absent = absent or map_.absent
    max_removed = map_.max_removed if max_removed is None else max_removed
    if not _NAME.fullmatch(source):
        remedy = "Use up to 63 of a-z, 0-9, - and _, beginning with a letter or digit"
        raise _unfit("source", f"{source!r} cannot name a source", remedy)
    if absent not in ABSENT:
        raise _unfit("absent", f"{absent!r} is not what may become of an entry", f"Choose one of {', '.join(ABSENT)}")
    if not 0 <= max_removed <= 1:
        raise _unfit("max-removed", f"{max_removed} is no share", "Give a number from 0 to 1, as 0.2")
    instant = _instant(known, now)
    if instant > now:
        message = f"{format_instant(instant)} is still to come, and no list can have been seen then"
        raise _unfit("known", message, "Give the instant at which the list was fetched")
    return Look(source=source, known=instant, absent=absent, max_removed=max_removed)


def _instant(known: str | date, now: datetime) -> datetime:
    text = known if isinstance(known, str) else known.isoformat()
    try:
        return parse_known(text if re.match(r"\d{4}-\d\d-\d\d\D", text) else str(phrases.day(text, today=now.date())))
    except Refused as error:
        raise _unfit("known", error.message, error.remedy) from error


def _unfit(flag: str, message: str, remedy: str) -> Refused:
    return Refused(message, remedy=remedy, place=Place(field=f"--{flag}"))


# One look


def _compared(
    log: Log, path: str | os.PathLike[str], map_: Map, look: Look, vocabulary: Vocabulary, counts: Counts
) -> Receipt:
    """Append what a snapshot changes and return what was done, with nothing committed."""
    appender = Appender(log.connection, log.timeline, revise=True)
    appender.lock()
    taken = [run for run in looks(log, runs.c.source == look.source) if run.outcome != "refused"]
    last, before = _before(log, look, taken)
    if last is not None and look.known < last:
        message = f"the snapshot is of {format_instant(look.known)}, older than the last one, of {format_instant(last)}"
        raise Conflict(message, remedy="Give snapshots in the order of their dates; a list is never rewritten")
    held, look = _held(log, look, taken), replace(look, before=before)
    found = changes(look, _stated(path, map_, counts), held, _reader(log, vocabulary), counts)
    receipt = _appended(found, appender)
    _check_nothing_displaced(receipt)
    return receipt


def _check_nothing_displaced(receipt: Receipt) -> None:
    """Refuse what returns to an earlier reading of the same instant: the log holds it, and believes the later one."""
    if receipt.duplicates:
        message = "this was recorded already, and displaced by another reading of the same instant"
        remedy = "Give the time of day with `known`, so that the later reading is the later known"
        raise Conflict(message, remedy=remedy)


def _before(log: Log, look: Look, taken: Sequence[Run]) -> tuple[datetime | None, datetime | None]:
    """Return when the source was looked at last, and last before this instant, which can be read again.

    Without runs, as after an import, it was when its facts were news.
    """
    if taken:
        instants = [run.known for run in taken]
        return max(instants), max((known for known in instants if known < look.known), default=None)
    last = func.max(events.c.known)
    here = (events.c.timeline == log.timeline, *_named(look.source))
    found = log.connection.execute(select(last, last.filter(events.c.known < look.known)).where(*here)).one()
    return found[0], found[1]


def _named(source: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions by which an index finds the facts of a source: they begin with its name and a slash."""
    return events.c.fact >= f"{source}/", events.c.fact < f"{source}0"  # the character behind the slash


def _held(log: Log, look: Look, taken: Sequence[Run]) -> Iterator[tuple[str, bool, str]]:
    """Yield the versions of the facts of a source that are known at a look, with whether the source itself said so."""
    query = (
        select(events.c.fact, events.c.position, _CONTENT)
        .where(events.c.timeline == log.timeline, *_named(look.source), events.c.known <= look.known)
        .order_by(events.c.fact, events.c.known.desc(), events.c.position.desc())
    )
    own = _own(log, taken)
    return ((fact, own(position), content) for fact, position, content in log.rows(query))


def _own(log: Log, taken: Sequence[Run]) -> Callable[[int], bool]:
    """Return what tells the events of a source by position: those of its runs and what the first one found."""
    if not taken:
        return lambda _position: True
    there = select(func.coalesce(func.max(events.c.position), 0)).where(
        events.c.timeline == log.timeline, events.c.recorded <= taken[0].recorded
    )
    spans = [(0, log.connection.execute(there).scalar_one())]
    spans += [(run.first, run.last) for run in taken if run.first is not None and run.last is not None]
    return lambda position: position <= spans[bisect_right(spans, position, key=itemgetter(0)) - 1][1]


def _stated(path: str | os.PathLike[str], map_: Map, counts: Counts) -> Iterator[Stated]:
    """Yield what the rows of a table state, counting them; the first that cannot be read is raised."""
    for row in rows.read(path, map_.form):
        if isinstance(row, Refused):
            raise row
        counts.rows += 1
        yield from map_.stated(row)


def _reader(log: Log, vocabulary: Vocabulary) -> Read:
    """Return the border, which keeps some documents at hand."""
    library = lru_cache(maxsize=KEPT)(log.document)
    return lambda fields: border.event(fields, vocabulary.kind, library)


def _appended(found: Iterator[Placed], appender: Appender, progress: Callable[[int], None] | None = None) -> Receipt:
    count = 0
    while batch := list(islice(found, BATCH)):
        appender.record(batch, _raise)
        count += len(batch)
        if progress:
            progress(count)
    return appender.receipt


def _raise(error: Refused) -> None:
    raise error


def _stamp(path: str | os.PathLike[str]) -> tuple[int, int, int]:
    """Return what changes with a file; refuse what is none, and can be read only once."""
    with _readable(path):
        found = Path(path).stat()
    if not S_ISREG(found.st_mode):
        raise refused(path, "this is no regular file", "Save the list to a file first: it is read twice")
    return found.st_ino, found.st_size, found.st_mtime_ns


def _hashed(path: str | os.PathLike[str]) -> bytes:
    _stamp(path)
    with _readable(path), Path(path).open("rb") as file:
        return file_digest(file, "sha256").digest()


@contextmanager
def _readable(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the file cannot be read ({error.strerror})"
        raise refused(path, message, "Check the name and your rights") from error


# Tables of versions


def _hashed_together(tables: Sequence[str | os.PathLike[str]]) -> bytes:
    """Return the hash of a table, or of the hashes of several in the order given."""
    hashes = [_hashed(table) for table in tables]
    return hashes[0] if len(hashes) == 1 else sha256(b"".join(hashes)).digest()


def _history(log: Log, facts: list[str], own: Callable[[int], bool]) -> Iterator[tuple[datetime, str, bool, str]]:
    """Yield all versions held of some facts, in order of when they were known, and whether the source said so."""
    query = select(events.c.known, events.c.fact, events.c.position, _CONTENT).where(*_of(log, facts))
    for known, fact, position, content in log.rows(query.order_by(events.c.known, events.c.position)):
        yield known, fact, own(position), content


def _newest(log: Log, facts: list[str]) -> dict[str, datetime]:
    """Return when each of some facts was news last, of those that are held."""
    query = (
        select(events.c.fact, func.max(events.c.known).label("known")).where(*_of(log, facts)).group_by(events.c.fact)
    )
    return {found.fact: found.known for found in log.connection.execute(query)}


def _of(log: Log, facts: list[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return events.c.timeline == log.timeline, events.c.fact == func.any(facts)
