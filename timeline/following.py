"""Following the log: a read model takes in the events that came since, and nothing else of it is touched.

Everything happens in the caller's transaction, under the lock on the model's row in the registry: rows and checkpoint
are committed together, exactly once, whatever dies when. Of each key that new events concern only the days and the
knowledge that they change are folded anew. A key that cannot be folded loses its rows and is listed as stuck; the
others go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import psycopg

from timeline import driver, readmodels, stored
from timeline.driver import pipelined
from timeline.events import Entry
from timeline.fold import NAMELESS, Span, Unread, said, spans
from timeline.periods import FUTURE, PAST, WHOLE, Region, periods, reach
from timeline.store import ENTRY, Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Cursor
    from sqlalchemy import Connection

    from timeline.reading import Reading
    from timeline.readmodels import ReadModel
    from timeline.stretches import Period

FEW = 8
"""Facts of a key up to which it is folded whole: looking for what may stay as it is would take longer."""

SOME = 16
"""Keys from which on it is so many times as many facts: those of whole keys are looked up together."""

FOLLOWED = 20_000
"""Events that a model takes in at a time: a key with very many facts is folded once for all that are new of it."""

TOGETHER = 500
"""Keys whose facts and periods are in memory at a time."""

# Fact by fact, by index: of a log that was never analysed the planner thinks that there is little, and reads all of it.
_VERSIONS = """CROSS JOIN LATERAL (SELECT * FROM timeline.events v
    WHERE v.timeline = %s AND v.fact = k.fact AND v.position <= %s OFFSET 0) e"""


@dataclass(slots=True)
class News:
    """The events of a log from behind one position up to another: all versions of the facts that they are about."""

    after: int
    to: int
    versions: dict[str, list[Entry]]

    @classmethod
    def of(cls, log: Log, after: int, to: int) -> News:
        """Return the news of a log; versions of known facts are looked up, those of new ones are all among them."""
        return cls.told(log, after, to, log.between(after, to))

    @classmethod
    def told(cls, log: Log, after: int, to: int, entries: Iterable[Entry]) -> News:
        """Return the news that some events are, which are all from behind one position up to another."""
        told: dict[str, list[Entry]] = {}
        for entry in entries:
            told.setdefault(entry.fact, []).append(entry)
        older = [fact for fact, entries in told.items() if entries[0].action != "assert"]
        if older:
            found = (entry for entry in log.versions_of(older) if entry.position <= to)
            told |= {fact: list(entries) for fact, entries in groupby(found, attrgetter("fact"))}
        return cls(after, to, told)


@dataclass(slots=True)
class _Concerned:
    """What news change of a view: spans by key, the days of facts by key, and which keys and facts are stuck."""

    changed: dict[str, list[Span]] = field(default_factory=dict)
    days: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)

    def take(self, reading: Reading, fact: str, versions: Iterable[Entry], after: int) -> None:
        """Take in the versions of a fact; those keys are stuck of which one that cannot be read is ever in force."""
        told = reading.entries(versions)
        keys = {entry.position: reading.view.keys_of(entry) for entry in told}
        for entry in told:
            for key in () if isinstance(entry, Unread) else keys[entry.position]:
                first, behind = reach(entry)
                held = self.days.get((key, fact), (FUTURE, PAST))
                self.days[key, fact] = (min(first, held[0]), max(behind, held[1]))
        now = spans(told)
        for entry in (span.entry for span in now):
            if isinstance(entry, Unread):
                self.stuck |= dict.fromkeys(entry.keys, entry.failed)
        for span in differing(spans(entry for entry in told if entry.position <= after), now):
            for key in keys[span.entry.position]:
                if not key.startswith(NAMELESS):
                    self.changed.setdefault(key, []).append(span)


@dataclass(slots=True)
class _Change:
    """What folding anew changes of a model: lines of periods made, places of those gone, why keys cannot be folded."""

    made: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def differing(before: Iterable[Span], after: Iterable[Span]) -> list[Span]:
    """Return the spans that only one of two readings has."""
    one, other = ({(s.entry.position, s.known_from, s.known_to): s for s in some} for some in (before, after))
    return [(one | other)[place] for place in one.keys() ^ other.keys()]


@dataclass(frozen=True, slots=True)
class Follower:
    """A read model with all that it is kept up by.

    Nothing behind the position `to` is looked at: what others record meanwhile is taken in when its turn comes.
    """

    log: Log
    reading: Reading
    model: ReadModel
    to: int

    def follow(self, news: News) -> None:
        """Take in the news that come right after the model's position."""
        concerned = _Concerned()
        for fact, versions in news.versions.items():
            if any(entry.kind in self.reading.view.kinds for entry in versions):
                concerned.take(self.reading, fact, versions, news.after)
        named = self._named_again(news, concerned)
        for key, fact in concerned.days:
            if NAMELESS + fact in named:
                concerned.changed.setdefault(key, [])
        with pipelined(self._connection):
            self._list(concerned.days)
            found = self._held(concerned.changed) if concerned.changed else ()
        held = {key: (count, stuck) for key, count, stuck in found}
        few = FEW if len(held) <= SOME else FEW * SOME
        whole = {key for key, (count, stuck) in held.items() if stuck or count <= few or not concerned.changed[key]}
        changed = ((key, some) for key, some in concerned.changed.items() if key not in concerned.stuck)
        regions = {key: WHOLE if key in whole else _region(some) for key, some in changed}
        change = self._fold(regions)
        change.failed |= concerned.stuck
        mended = [key for key, (_, stuck) in held.items() if stuck and key not in change.failed] + named
        self._write(change, mended, news.to)

    def _named_again(self, news: News, concerned: _Concerned) -> list[str]:
        """Return the facts that could not be told their keys and now can: something of them has been corrected."""
        corrected = [NAMELESS + fact for fact, versions in news.versions.items() if len(versions) > 1]
        stuck = self._stuck() if corrected else {}
        return [fact for fact in corrected if fact in stuck and fact not in concerned.stuck]

    def retry(self) -> int:
        """Try the stuck keys once more and return how many of them are stuck no longer."""
        stuck = self._stuck()
        concerned = self._read_again(stuck)
        self._list(concerned.days)
        keys = {*(key for key in stuck if not key.startswith(NAMELESS)), *concerned.changed}
        change = self._fold(dict.fromkeys(keys - concerned.stuck.keys(), WHOLE))
        change.failed |= concerned.stuck
        mended = [key for key in stuck if key not in change.failed]
        self._write(change, mended, self.model.position)
        return len(mended)

    def is_mended(self, stuck: Iterable[str]) -> bool:
        """Return whether one of the stuck facts can now be told its keys: until that is tried, they lack its rows."""
        nameless = [key for key in stuck if key.startswith(NAMELESS)]
        return bool(nameless) and not self._read_again(nameless).stuck.keys() >= set(nameless)

    def _read_again(self, stuck: Iterable[str]) -> _Concerned:
        """Return what the facts concern that could not be told their keys."""
        concerned = _Concerned()
        facts = [key.removeprefix(NAMELESS) for key in stuck if key.startswith(NAMELESS)]
        for fact, entries in groupby(self._versions(facts), attrgetter("fact")):
            concerned.take(self.reading, fact, entries, 0)
        return concerned

    def _fold(self, regions: Mapping[str, Region]) -> _Change:
        """Fold regions of keys anew and return what that changes."""
        change = _Change()
        for some in batches(regions.items(), TOGETHER):
            whole = [key for key, region in some if region == WHOLE]
            held, planes = self._whole(whole) if whole else ({}, {})
            for key, region in some:
                try:
                    if region == WHOLE:
                        new, old = set(folded(self.reading, key, planes.get(key, ()))), held.get(key, {})
                    else:
                        new, old = self._part(key, region)
                except psycopg.Error:
                    raise
                except Exception as error:  # noqa: BLE001  a projection may raise anything at all
                    change.failed[key] = said(error)
                    continue
                change.made += [stored.line(key, period) for period in new if period not in old]
                change.gone += [place for period, place in old.items() if period not in new]
        return change

    def _write(self, change: _Change, mended: Sequence[str], to: int) -> None:
        """Write what has changed, and how far the model has come by that."""
        at = self._connection, self.log.timeline, self.model
        with pipelined(self._connection, len(change.made) <= driver.FEW):
            if change.failed:
                stored.forget(self._connection, self.model, list(change.failed))
            if change.gone:
                stored.delete(self._connection, self.model, change.gone)
            stored.write(self._connection, self.model, change.made)
            readmodels.set_stuck(*at, to, change.failed)
            if mended:
                readmodels.unstuck(*at, mended)
            readmodels.followed(*at, position=to, error=None)

    def _whole(self, keys: Sequence[str]) -> tuple[dict[str, dict[Period, str]], dict[str, list[Entry]]]:
        """Return the periods of some keys, and all versions of all facts that ever belonged to each, fact by fact."""
        with pipelined(self._connection):
            held = stored.periods_of(self._connection, self.model, keys)
            versions = self._ever(keys)
        planes: dict[str, list[Entry]] = {}
        for key, *columns, lasting in versions:
            planes.setdefault(key, []).append(Entry.load(*columns, lasting=lasting))
        return stored.by_key(held), planes

    def _part(self, key: str, region: Region) -> tuple[set[Period], dict[Period, str]]:
        """Return the periods of a key in and at a region, as they are now and, with their places, as they were."""
        while True:
            held = stored.periods_near(self._connection, self.model, key, region)
            wider = region.widened(held)
            if wider == region:
                break
            region = wider
        touching = {period: place for period, place in held.items() if region.touches(period)}
        with pipelined(self._connection):
            found = stored.periods_beside(self._connection, self.model, key, list(touching))
            versions = self._within(key, region)
        beside = stored.by_key(found).get(key, {}).keys() - touching.keys()
        entries = [Entry.load(*columns, lasting=lasting) for *columns, lasting in versions]
        return set(folded(self.reading, key, entries, region, [*touching, *beside])), touching

    # The log, by key

    def _ever(self, keys: Sequence[str]) -> Cursor[Any]:
        """Ask for all versions of all facts that ever belonged to each of some keys, fact by fact."""
        query = f"""SELECT k.key, {ENTRY} FROM {self.model.keys} k {_VERSIONS}
             WHERE k.key = ANY(%s) ORDER BY k.key, e.fact, e.position"""
        return driver.ask(self._connection, query, [self.log.timeline, self.to, list(keys)], len(keys))

    def _within(self, key: str, region: Region) -> Cursor[Any]:
        """Ask for all versions of the facts of a key that may hold on days of a region, fact by fact."""
        query = f"""SELECT {ENTRY} FROM {self.model.keys} k {_VERSIONS}
             WHERE k.key = %s AND k.days && %s::daterange ORDER BY e.fact, e.position"""
        days = stored.range_of(region.first, region.behind)
        return driver.ask(self._connection, query, [self.log.timeline, self.to, key, days])

    def _versions(self, facts: Iterable[str]) -> Iterator[Entry]:
        facts = list(facts)
        found = self.log.versions_of(facts) if facts else ()
        return (entry for entry in found if entry.position <= self.to)

    # The registry

    def _list(self, days: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """List which facts belong to which keys, and within which days."""
        query = f"""INSERT INTO {self.model.keys} AS held (key, fact, days)
            SELECT * FROM unnest(%s::text[], %s::text[], %s::daterange[])
            ON CONFLICT (key, fact) DO UPDATE SET days = range_merge(held.days, excluded.days)
            WHERE NOT held.days @> excluded.days"""
        if days:
            keys, facts = zip(*days, strict=True)
            ranges = [stored.range_of(*found) for found in days.values()]
            driver.ask(self._connection, query, [list(keys), list(facts), ranges], len(days))

    def _held(self, keys: Collection[str]) -> Cursor[Any]:
        """Ask for how many facts some keys have, and which of the keys are stuck."""
        query = f"""SELECT k.key, count(*), EXISTS (SELECT FROM timeline.stuck_keys s
                WHERE s.timeline = %s AND s.model = {self.model.model} AND s.key = k.key)
            FROM {self.model.keys} k WHERE k.key = ANY(%s) GROUP BY k.key"""
        return driver.ask(self._connection, query, [self.log.timeline, list(keys)], len(keys))

    def _stuck(self) -> dict[str, str]:
        return readmodels.stuck(self._connection, self.log.timeline, self.model)

    @property
    def _connection(self) -> Connection:
        return self.log.connection


def folded(
    reading: Reading, key: str, versions: Sequence[Entry], region: Region = WHOLE, held: Sequence[Period] = ()
) -> list[Period]:
    """Return the periods of a key from the versions of its facts, fact by fact.

    What cannot be read and does not have the key is in nobody's way: that is seen to where something is.
    """
    by_fact = [list(some) for _, some in groupby(versions, attrgetter("fact"))]
    try:
        plane = [span for some in by_fact for span in spans(some, reading.current)]
        return list(periods(reading.view, key, plane, region, held))
    except Exception:  # noqa: BLE001  a projection may raise anything at all
        plane = [span for some in by_fact for span in reading.laid_out(some)[1]]
        return list(periods(reading.view, key, plane, region, held))


def follow(connection: Connection, timeline: str, reading: Reading, model: int, end: int) -> bool:
    """Let a model take in what comes next in the log, and return whether anything came; waits for who does so just now.

    The caller commits. Nothing comes any more where the model has gone, or is at `end`: where the log ended when the
    caller began, since one that others write to all the time may never be seen at its end.
    """
    held = readmodels.locked(connection, timeline, model)
    if held is None or held.paused:
        return False
    log = Log(connection, timeline)
    to = min(end, held.position + FOLLOWED)
    if to <= held.position:
        return False
    Follower(log, reading, held, to).follow(News.of(log, held.position, to))
    return True


def _region(changed: Sequence[Span]) -> Region:
    """Return the region that holds all of some spans."""
    reaches = [reach(span.entry) for span in changed]
    first, behind = min(first for first, _ in reaches), max(behind for _, behind in reaches)
    return Region(first, behind, min(span.known_from for span in changed))


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield items, some at a time."""
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some
