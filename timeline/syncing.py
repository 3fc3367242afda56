"""Looks at sources: what a file says is compared with what is held, recorded in one transaction, and kept as a run.

The head of the timeline is locked while a look is compared, so that two looks at once see each other's outcome. A look
that is refused is kept as well, in a transaction of its own that touches no fact.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from hashlib import file_digest
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, case, cast, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from timeline import border, maps, phrases, rows
from timeline.append import Appender, Receipt
from timeline.errors import Conflict, NotFound, Place, Refused
from timeline.maps import Map
from timeline.snapshots import Counts, Look, changes, identity
from timeline.tables import events, runs
from timeline.temporal import format_instant, parse_known
from timeline.texts import refused
from timeline.versions import ordered, revisions

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
_COLUMNS = tuple(column for column in runs.c if column.name != "timeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One look at a source: what it found, the positions of the events that came of it, and why it was refused."""

    source: str
    run: int
    known: datetime
    recorded: datetime
    outcome: str
    file: str
    rows: int
    added: int
    amended: int
    removed: int
    returned: int
    first: int | None
    last: int | None
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON values."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {name: format_instant(fields[name]) for name in ("known", "recorded")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A list that was looked at: how often, how often in vain, its first and last look, and the rows of the last."""

    source: str
    runs: int
    refused: int
    first_known: datetime | None
    last_known: datetime | None
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Return the source as JSON values."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {name: fields[name] and format_instant(fields[name]) for name in ("first_known", "last_known")}


def sync(
    log: Log, path: str | os.PathLike[str], map_: Map, look: Look, vocabulary: Vocabulary, *, dry_run: bool = False
) -> Run:
    """Record how a snapshot differs from what its source held, and return the run; commits unless `dry_run`.

    Whatever is wrong with the snapshot is raised as Refused after the run has been kept as refused.
    """
    counts, file = Counts(), _hashed(path)
    try:
        receipt = _compared(log, path, map_, look, vocabulary, counts)
        run = _kept(log, look, file, counts, receipt)
    except Refused as error:
        log.connection.rollback()
        if not dry_run:
            Appender(log.connection, log.timeline).lock()
            _kept(log, look, file, Counts(rows=counts.rows), error)
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

    The versions that repeat what was in force are counted as duplicates.
    """
    prefix = f"{map_.source}/" if map_.source else ""
    tables = [paths] if isinstance(paths, str | os.PathLike) else paths
    stated = (one for table in tables for one in _stated(table, map_, Counts()))
    appender = Appender(log.connection, log.timeline)
    with ordered(one._replace(fact=f"{prefix}{identity(one)}") for one in stated) as versions:
        appender.lock()
        facts = versions.facts()
        found = revisions(versions, _history(log, facts), _newest(log, facts), _reader(log, vocabulary))
        receipt = _appended(found, appender, progress)
        _check_nothing_displaced(receipt)
        receipt.duplicates = len(versions) - receipt.recorded
    _finish(log, dry_run=dry_run)
    return receipt


def _finish(log: Log, *, dry_run: bool) -> None:
    if dry_run:
        log.connection.rollback()
    else:
        log.connection.commit()


def runs_of(log: Log, source: str) -> tuple[Run, ...]:
    """Return all looks at a source, the first one first; NotFound where it was never looked at."""
    found = tuple(_runs(log, runs.c.source == source))
    if not found:
        remedy = "List sources with: timeline sources"
        raise NotFound(f"there is no source {source!r}", remedy=remedy)
    return found


def sources(log: Log) -> tuple[Source, ...]:
    """Return the sources in order of name."""
    return tuple(_source(name, list(looks)) for name, looks in groupby(_runs(log), attrgetter("source")))


def _source(name: str, looks: list[Run]) -> Source:
    taken = [run for run in looks if run.outcome != "refused"]
    first, last = (taken[0].known, taken[-1].known) if taken else (None, None)
    return Source(
        source=name,
        runs=len(looks),
        refused=len(looks) - len(taken),
        first_known=first,
        last_known=last,
        rows=taken[-1].rows if taken else 0,
    )


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
    before = _before(log, look.source)
    if before is not None and look.known < before:
        message = (
            f"the snapshot is of {format_instant(look.known)}, older than the last one, of {format_instant(before)}"
        )
        raise Conflict(message, remedy="Give snapshots in the order of their dates; a list is never rewritten")
    held = _held(log, look)
    found = changes(replace(look, before=before), _stated(path, map_, counts), held, _reader(log, vocabulary), counts)
    receipt = _appended(found, appender)
    _check_nothing_displaced(receipt)
    return receipt


def _check_nothing_displaced(receipt: Receipt) -> None:
    """Refuse what returns to an earlier reading of the same instant: the log holds it, and believes the later one."""
    if receipt.duplicates:
        message = "this was recorded already, and displaced by another reading of the same instant"
        remedy = "Give the time of day with `known`, so that the later reading is the later known"
        raise Conflict(message, remedy=remedy)


def _before(log: Log, source: str) -> datetime | None:
    """Return when the source was looked at last; without runs, as after an import, when its facts were last news."""
    here = (runs.c.timeline == log.timeline, runs.c.source == source, runs.c.outcome != "refused")
    look = select(func.max(runs.c.known)).where(*here).scalar_subquery()
    news = select(func.max(events.c.known)).where(events.c.timeline == log.timeline, *_named(source)).scalar_subquery()
    before: datetime | None = log.connection.execute(select(func.coalesce(look, news))).scalar_one()
    return before


def _named(source: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions by which an index finds the facts of a source: they begin with its name and a slash."""
    return events.c.fact >= f"{source}/", events.c.fact < f"{source}0"  # the character behind the slash


def _held(log: Log, look: Look) -> Iterator[tuple[str, str]]:
    """Yield each fact of a source with the line in force at a look, empty where all of it became known later."""
    public = events.c.known <= look.known
    query = (
        select(events.c.fact, case((public, _CONTENT), else_=""))
        .where(events.c.timeline == log.timeline, *_named(look.source))
        .ext(distinct_on(events.c.fact))
        .order_by(events.c.fact, public.desc(), events.c.known.desc(), events.c.position.desc())
    )
    yield from log.rows(query)


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
    return appender.close()


def _raise(error: Refused) -> None:
    raise error


def _kept(log: Log, look: Look, file: bytes, counts: Counts, outcome: Receipt | Refused) -> Run:
    """Write down a look under the next number of its source, and return it."""
    this = (runs.c.timeline == log.timeline, runs.c.source == look.source)
    number = select(func.coalesce(func.max(runs.c.run), 0) + 1).where(*this).scalar_subquery()
    row: dict[str, Any] = {"timeline": log.timeline, "source": look.source, "run": number, "known": look.known}
    row |= {"file": file, **asdict(counts)}
    if isinstance(outcome, Refused):
        row |= {"outcome": "refused", "reason": ": ".join(filter(None, (str(outcome.place), outcome.message)))}
    else:
        row |= {"outcome": "recorded" if outcome.recorded else "unchanged"}
        row |= {"first": outcome.first, "last": outcome.last}
    return _run(log.connection.execute(insert(runs).values(row).returning(*_COLUMNS)).one())


def _runs(log: Log, *which: ColumnElement[bool]) -> Iterator[Run]:
    query = select(*_COLUMNS).where(runs.c.timeline == log.timeline, *which).order_by(runs.c.source, runs.c.run)
    return map(_run, log.connection.execute(query))


def _run(found: Any) -> Run:  # noqa: ANN401  a row of these columns
    fields = found._asdict()
    return Run(**fields | {"file": fields["file"].hex()})


def _hashed(path: str | os.PathLike[str]) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file_digest(file, "sha256").digest()
    except OSError as error:
        message = f"the file cannot be read ({error.strerror})"
        raise refused(path, message, "Check the name and your rights") from error


# Tables of versions


def _history(log: Log, facts: list[str]) -> Iterator[tuple[datetime, str, str]]:
    """Yield all versions held of some facts, in order of when they were known."""
    query = select(events.c.known, events.c.fact, _CONTENT).where(*_of(log, facts))
    yield from log.rows(query.order_by(events.c.known, events.c.position))


def _newest(log: Log, facts: list[str]) -> dict[str, datetime]:
    """Return when each of some facts was news last, of those that are held."""
    query = (
        select(events.c.fact, func.max(events.c.known).label("known")).where(*_of(log, facts)).group_by(events.c.fact)
    )
    return {found.fact: found.known for found in log.connection.execute(query)}


def _of(log: Log, facts: list[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return events.c.timeline == log.timeline, events.c.fact == func.any(facts)
