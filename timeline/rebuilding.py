"""Building a read model anew, beside the one that answers.

A build gathers which facts belong to which keys, folds key after key, follows what came meanwhile, is compared with
the model that answers, and takes its place in one transaction. Each step is committed with how far it got, so that a
build that was killed goes on where it stopped. Memory is bounded by the facts of one key.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import text

from timeline import driver, readmodels, stored
from timeline.append import SMALL, Appender
from timeline.collector import rarely_collected
from timeline.database import check
from timeline.errors import Conflict, Unavailable
from timeline.events import Entry
from timeline.fold import NAMELESS, said
from timeline.following import Follower, batches, folded, follow
from timeline.periods import reach
from timeline.processes import can_share, shared, still_wanted
from timeline.published import publish
from timeline.store import ENTRY, LAST, SNAPSHOT, Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from timeline.fold import Projection
    from timeline.reading import Reading
    from timeline.readmodels import ReadModel

    Progress = Callable[[str, int, int], None]
    _Made = tuple[int, datetime, str]
    _Work = Callable[[Connection, ReadModel, int, int], None]

HALVES = 2
"""Parts that the work is done in, side by side where there are as many events as this:"""
MANY = 50_000
READ = 10_000
"""Events that are read at a time."""
FOLDED = 60_000
"""Rows that are written at a time, in order of their days: what is read of a day lies together."""
SHOWN = 20
"""Differences that are told."""
_PATIENCE = "SET LOCAL lock_timeout = '2s'"
_TRIES = 30
# Of a log that was just loaded the planner may know nothing: row by row it would take many times as long.
_MANY_ROWS = f"{driver.WHOLE}; SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'"

_COMPARED = "key, days, known, state::text, certain, disputed, facts, known_since, joined_before, joined_after"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that only one of two models has."""

    key: str
    days: str
    known: str
    only_in: str
    state: str


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a build came to: events read, rows written, the time it took, and how it differs from what answered.

    `digest` is one of all rows, whatever their order, and is held against that of the old ones. `compared` is the
    position that those stood at, None where there were none; keys of events that only one of the two has taken in are
    left out. `differing` counts rows, of which `differences` are some.
    """

    view: str
    version: int
    position: int
    events: int
    rows: int
    digest: str
    seconds: float
    compared: int | None = None
    differing: int = 0
    differences: tuple[Difference, ...] = field(default=())

    @property
    def events_per_second(self) -> float:
        """Return how fast it went."""
        return self.events / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Builder:
    """What a view is built with: connections of its own, and all that a follower needs."""

    engine: Engine
    timeline: str
    reading: Reading
    form: str
    progress: Progress

    @property
    def view(self) -> Projection:
        """Return the view that is built."""
        return self.reading.view

    def rebuild(self) -> Rebuilt:
        """Build the read model of a view anew and let it answer; Conflict where somebody else is building it."""
        begun = monotonic()
        with (
            self.engine.connect() as connection,
            readmodels.alone(connection, self.timeline, self.view.name),
            rarely_collected(),
        ):
            check(connection)
            try:
                found = self._built(connection)
            except Conflict:
                connection.rollback()
                readmodels.clear(connection, self.timeline, self.view.name)
                raise
            readmodels.clear(connection, self.timeline, self.view.name)
        return replace(found, seconds=monotonic() - begun)

    def _built(self, connection: Connection) -> Rebuilt:
        shadow = self._shadow(connection)
        if not shadow.position:
            self._side_by_side(connection, shadow, self._gather)
            self._gathered(connection, shadow)
        if not shadow.built:
            self._side_by_side(connection, shadow, self._fold)
            readmodels.followed(connection, self.timeline, shadow, built=True)
            connection.commit()
        fence = shadow.fence
        self.progress("indexed", fence, fence)
        self._side_by_side(connection, shadow, self._index)
        driver.cursor(connection).execute(f"ANALYZE {shadow.rows}")
        self._retry(connection, shadow)
        connection.commit()
        self._follow(connection, shadow)
        self.progress("compared", fence, fence)
        connection.execute(text(SNAPSHOT))  # the model that answers may move on meanwhile
        rows, digest = self._summed(connection, shadow)
        compared, differences = self._differences(connection, shadow, digest)
        connection.commit()
        position = self._switched(connection, shadow)
        name, version, shown = self.view.name, self.view.version, tuple(differences[:SHOWN])
        return Rebuilt(name, version, position, fence, rows, digest, 0.0, compared, len(differences), shown)

    def _not_dropped(self, connection: Connection, shadow: ReadModel) -> None:
        """Lock the model that is being built; Conflict where the view has been dropped meanwhile."""
        held = readmodels.locked(connection, self.timeline, shadow.model)
        if held is None or held.retired:
            message = f"the view {self.view.name} was dropped while it was being built"
            raise Conflict(message, remedy=f"If it is wanted after all: timeline views rebuild {self.view.name}")

    def _shadow(self, connection: Connection) -> ReadModel:
        """Return the model to build: the one of this form that was left unfinished, or a new one."""
        found = None
        readmodels.clear(connection, self.timeline, self.view.name)
        for model in readmodels.models(connection, self.timeline, self.view.name, serving=False):
            if model.form == self.form and found is None and not model.retired:
                found = model
            elif not model.retired:
                readmodels.drop(connection, self.timeline, model)
        fence = Log(connection, self.timeline).head()[0]
        shadow = found or readmodels.make(connection, self.timeline, self.view, self.form, fence)
        publish(connection, [self.view])
        connection.commit()
        return shadow

    def _side_by_side(self, connection: Connection, shadow: ReadModel, work: _Work) -> None:
        """Do both halves of a piece of work, at once where that pays; Conflict where nobody wants it any more."""
        self._not_dropped(connection, shadow)
        connection.commit()
        if shadow.fence < MANY or not can_share():
            for number in range(HALVES):
                self._half(shadow, work, number, os.getpid())
            return
        connection.commit()
        parent = os.getpid()
        shared(lambda number: self._half(shadow, work, number, parent), HALVES)

    def _half(self, shadow: ReadModel, work: _Work, number: int, parent: int) -> None:
        """Do one half of a piece of work, from where it was left.

        A lock keeps it from being done twice where a half goes on for a moment after the other has been killed.
        """
        if os.getpid() != parent:
            self.engine.dispose(close=False)  # the connections are those of the parent
        lock = {"name": f"timeline views rebuild {shadow.model} {number}"}
        with self.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), lock)
            try:
                work(connection, readmodels.numbered(connection, self.timeline, shadow.model), number, parent)
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), lock)
                connection.commit()

    # Gathering the keys

    def _gather(self, connection: Connection, shadow: ReadModel, number: int, parent: int) -> None:
        """List which facts belong to which keys, in one half of the events up to the fence."""
        low, high = (shadow.fence * part // HALVES for part in (number, number + 1))
        with self._beside() as reading:
            entries = Log(reading, self.timeline).between(shadow.gathered[number] or low, high)
            for some in batches(entries, READ):
                still_wanted(parent)
                self._list(connection, shadow, some)
                self._went(connection, shadow, "gathered", number, some[-1].position)
                self.progress("gathered", (some[-1].position - low) * HALVES, shadow.fence)

    def _gathered(self, connection: Connection, shadow: ReadModel) -> None:
        """List each fact once for a key, and make the list fit to be looked up."""
        once = f"""WITH several AS (DELETE FROM {shadow.keys} WHERE (key, fact) IN (
                SELECT key, fact FROM {shadow.keys} GROUP BY key, fact HAVING count(*) > 1) RETURNING *)
            INSERT INTO {shadow.keys} SELECT key, fact, range_merge(range_agg(days)) FROM several GROUP BY key, fact"""
        driver.cursor(connection).execute(once)
        readmodels.index_keys(connection, shadow)
        readmodels.followed(connection, self.timeline, shadow, position=shadow.fence)
        connection.commit()
        driver.cursor(connection).execute(f"ANALYZE {shadow.keys}")
        connection.commit()

    def _went(self, connection: Connection, shadow: ReadModel, step: str, number: int, to: object) -> None:
        if number == 0:  # the half that this process does
            self._not_dropped(connection, shadow)
        readmodels.followed(connection, self.timeline, shadow, **{f"{step}[{number + 1}]": to})
        connection.commit()

    def _list(self, connection: Connection, shadow: ReadModel, some: Iterable[Entry]) -> None:
        failed: dict[str, str] = {}
        lines: list[str] = []
        for entry in some:
            if entry.kind in self.view.kinds:
                try:
                    keys = self.view.keys_of(self.reading.current(entry))
                    lines += [stored.listed(key, entry.fact, *reach(entry)) for key in keys]
                except Exception as error:  # noqa: BLE001  a projection may raise anything at all
                    failed[NAMELESS + entry.fact] = said(error)
        driver.put(connection, shadow.keys, "key, fact, days", lines)
        readmodels.set_stuck(connection, self.timeline, shadow, 0, failed)

    # Folding

    def _fold(self, connection: Connection, shadow: ReadModel, number: int, parent: int) -> None:
        """Fold key after key of one half of the keys, from the one behind that which was folded last."""
        done, made, key = 0, list["_Made"](), None
        query = f"""WITH half AS (SELECT coalesce((SELECT key FROM {shadow.keys} ORDER BY key
                OFFSET (SELECT count(*) FROM {shadow.keys}) / {HALVES} LIMIT 1), '') AS key)
            SELECT k.key, {ENTRY}
            FROM half, {shadow.keys} k JOIN timeline.events e ON e.timeline = %s AND e.fact = k.fact
            WHERE e.position <= %s AND k.key {">=" if number else "<"} half.key AND (%s::text IS NULL OR k.key > %s)
            ORDER BY k.key, e.fact, e.position"""
        last = shadow.folded[number]
        with self._beside() as reading, driver.cursor(reading, "folded") as read:
            reading.execute(text(_MANY_ROWS))
            read.itersize = READ
            found = read.execute(query, [self.timeline, shadow.fence, last, last])
            for key, events in groupby(found, itemgetter(0)):
                entries = [Entry.load(*columns, lasting=lasting) for _, *columns, lasting in events]
                done += len(entries)
                made += self._periods(connection, shadow, key, entries)
                if len(made) >= FOLDED:
                    self._keep(connection, shadow, made, number, key, parent)
                    made = []
                    self.progress("folded", done * HALVES, shadow.fence)
            if key is not None:
                self._keep(connection, shadow, made, number, key, parent)

    def _keep(
        self, connection: Connection, shadow: ReadModel, made: list[_Made], number: int, key: str, parent: int
    ) -> None:
        """Write what was folded up to a key, and that it was."""
        still_wanted(parent)
        stored.write(connection, shadow, [line for _, _, line in sorted(made)])
        self._went(connection, shadow, "folded", number, key)

    def _periods(self, connection: Connection, shadow: ReadModel, key: str, entries: Sequence[Entry]) -> list[_Made]:
        """Fold a key and return its periods as lines, with what they are put in order by."""
        try:
            found = folded(self.reading, key, entries)
            return [(period.first, period.known_from, stored.line(key, period)) for period in found]
        except Exception as error:  # noqa: BLE001  a projection may raise anything at all
            readmodels.set_stuck(connection, self.timeline, shadow, shadow.position, {key: said(error)})
            return []

    def _index(self, connection: Connection, shadow: ReadModel, number: int, _parent: int) -> None:
        """Make one half of the indexes."""
        readmodels.index_rows(connection, shadow, number)
        connection.commit()

    def _retry(self, connection: Connection, shadow: ReadModel) -> None:
        """Try what could not be folded once more: a version that was corrected since need not be told its keys."""
        held = readmodels.locked(connection, self.timeline, shadow.model)
        if held is not None and readmodels.stuck(connection, self.timeline, held):
            Follower(Log(connection, self.timeline), self.reading, held, held.position).retry()

    # Switching

    def _follow(self, connection: Connection, shadow: ReadModel) -> bool:
        """Let the shadow follow the log until few events are left; return whether so, or others record as fast."""
        log = Log(connection, self.timeline)
        end, left = log.head()[0], LAST
        while left > SMALL:
            while follow(connection, self.timeline, self.reading, shadow.model, end):
                connection.commit()
            head, before = log.head()[0], left
            left, end = head - end, head
            connection.commit()
            if left >= before:
                return False
        return True

    def _summed(self, connection: Connection, model: ReadModel) -> tuple[int, str]:
        """Return the number of rows and a digest of them that does not depend on their order."""
        query = f"""SELECT count(*), coalesce(sum(hashtextextended(({_COMPARED})::text, 0)::numeric), 0)
                      FROM {model.rows}"""
        found = driver.cursor(connection).execute(query).fetchone()
        return (found[0], f"{int(found[1]) % 2**64:016x}") if found else (0, "")

    def _differences(
        self, connection: Connection, shadow: ReadModel, digest: str
    ) -> tuple[int | None, list[Difference]]:
        """Return where the model that answers stands, and the rows that only it has, or only its successor.

        The two may have followed the log to different positions: keys of events between them are left out.
        """
        old = readmodels.serving(connection, self.timeline, self.view.name)
        new = readmodels.numbered(connection, self.timeline, shadow.model)
        if old is None or not readmodels.is_whole(connection, old):
            return None, []
        if old.position == new.position and self._summed(connection, old)[1] == digest:
            return old.position, []
        low, high = sorted([old.position, new.position])
        moved = " UNION ".join(
            f"""SELECT k.key FROM timeline.events e JOIN {model.keys} k ON k.fact = e.fact
                WHERE e.timeline = %(timeline)s AND e.position > %(low)s AND e.position <= %(high)s"""
            for model in (old, new)
        )
        only = " UNION ALL ".join(
            f"""(SELECT '{name}' AS only_in, d.* FROM (SELECT {_COMPARED} FROM {one.rows}
                EXCEPT ALL SELECT {_COMPARED} FROM {other.rows}) d)"""
            for name, one, other in (("old", old, new), ("new", new, old))
        )
        query = f"""SELECT key, days::text, known::text, only_in, state FROM ({only}) sides
                     WHERE key NOT IN ({moved}) ORDER BY key, known, days, only_in DESC"""
        asked = {"timeline": self.timeline, "low": low, "high": high}
        return old.position, [Difference(*row) for row in driver.cursor(connection).execute(query, asked)]

    def _switched(self, connection: Connection, shadow: ReadModel) -> int:
        """Let the shadow answer, having followed the log to its end; wait for readers, but do not hold up others.

        Who records faster than can be followed has to wait, or that would have no end.
        """
        for _ in range(_TRIES):
            followed = self._follow(connection, shadow)
            try:
                connection.execute(text(_PATIENCE))
                if not followed:
                    Appender(connection, self.timeline).lock()
                for old in readmodels.models(connection, self.timeline, self.view.name, serving=True):
                    readmodels.locked(connection, self.timeline, old.model)
                end = Log(connection, self.timeline).head()[0]
                while follow(connection, self.timeline, self.reading, shadow.model, end):
                    pass
                self._not_dropped(connection, shadow)
                readmodels.serve(connection, self.timeline, shadow)
                connection.commit()
            except psycopg.errors.LockNotAvailable:
                connection.rollback()
            else:
                return end
        message = f"the view {self.view.name} is built, but long questions keep it from taking its place"
        raise Unavailable(message, remedy=f"Go on with: timeline views rebuild {self.view.name}")

    @contextmanager
    def _beside(self) -> Iterator[Connection]:
        """Open a connection to read by, while another one writes and commits."""
        with self.engine.connect() as connection:
            yield connection
