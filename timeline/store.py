"""The log of one timeline, read. Appending stands in `append`.

Reads stream: they hold a bounded number of rows whatever the length of the log. What is read up to a position never
changes, so no snapshot is needed to read it in several steps.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Text, and_, cast, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import DBAPIError

from timeline.believed import believed, named, names
from timeline.driver import WHOLE
from timeline.errors import NotFound, Refused, Unavailable
from timeline.events import Document, Entry, first_hash
from timeline.kinds import DESCRIPTION
from timeline.tables import documents, events, timelines
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from timeline.basis import Basis

FETCHED = 2_000
"""Rows that a streaming read asks the server for at a time."""

SNAPSHOT = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; {WHOLE}"
"""What a transaction begins with whose statements must all see the same, and read much."""

LAST = 2**62
"""A position beyond that of any event."""

_CONTENT = cast(events.c.content, Text).label("content")
# A single date that was read as open surely holds for ever from some day on; periods are read the same either way.
_LASTING = func.coalesce(func.upper_inf(events.c.certain), literal(False)).label("lasting")
_ENTRY = (events.c.position, events.c.recorded, events.c.event, events.c.known, _CONTENT, _LASTING)
ENTRY = "e.position, e.recorded, e.event, e.known, e.content::text, coalesce(upper_inf(e.certain), false)"
"""The same columns in plain SQL, of events named `e`: what `Entry.load` takes."""

NAMED = 20
"""Timelines that are named to who asks for one that is not there."""

FEW = 100
"""Facts whose versions are fetched at once rather than streamed."""

_DOCUMENT = ("text", "title", "publisher", "language", "url", "published", "published_how")
_WHERE = {
    "publisher": "timeline show FACT names those of documents",
    "document": "timeline show FACT names its identity",
    "speaker": "timeline facts names who said what",
}
"""Where to look for the names of an attribute."""


@dataclass(frozen=True, slots=True)
class Log:
    """One timeline's log through one connection, in READ COMMITTED: what is sealed is seen by the next statement."""

    connection: Connection
    timeline: str

    def head(self) -> tuple[int, bytes]:
        """Return the position and the hash of the last event; NotFound where there is no such timeline."""
        found = self.connection.execute(
            select(timelines.c.position, timelines.c.hash).where(timelines.c.timeline == self.timeline)
        ).one_or_none()
        if found is None:
            message = f"there is no timeline named {self.timeline!r}"
            others = list(
                self.connection.execute(select(timelines.c.timeline).order_by(timelines.c.timeline)).scalars()
            )
            near = get_close_matches(self.timeline, others, n=1)
            known = f"There are: {', '.join(others[:NAMED])}{', …' * (len(others) > NAMED)}. " if others else ""
            remedy = f"{known}To begin it: timeline --timeline {self.timeline} import FILE"
            raise NotFound(message, remedy=f"Did you mean {near[0]!r}?" if near else remedy)
        return found.position, found.hash

    def hash_at(self, position: int) -> bytes | None:
        """Return the hash at a position, None where the log has no event; at 0 it is what the chain begins with."""
        if position == 0:
            return first_hash(self.timeline)
        at = select(events.c.hash).where(self._here, events.c.position == position)
        return self.connection.execute(at).scalar_one_or_none()

    def position_at(self, instant: datetime) -> int:
        """Return the last position recorded by an instant; the same one for ever.

        An append that is under way could still fall before an instant later than the last event. Sealing the instant
        waits for it, and keeps every later append behind.
        """
        head = select(timelines.c.recorded, timelines.c.sealed, func.clock_timestamp().label("clock"))
        found = self.connection.execute(head.where(timelines.c.timeline == self.timeline)).one()
        if instant > found.clock:
            message = f"{format_instant(instant)} is still to come, so what is recorded by then is not settled"
            raise Refused(message, remedy="Ask by an instant that has passed, by a position, or without --recorded")
        if all(settled is None or settled < instant for settled in (found.recorded, found.sealed)):
            self._seal(instant)
        last = select(func.coalesce(func.max(events.c.position), 0)).where(self._here, events.c.recorded <= instant)
        return int(self.connection.execute(last).scalar_one())

    def _seal(self, instant: datetime) -> None:
        later = or_(timelines.c.sealed.is_(None), timelines.c.sealed < instant)
        seal = update(timelines).where(timelines.c.timeline == self.timeline, later).values(sealed=instant)
        try:
            self.connection.execute(seal)
            self.connection.commit()
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InsufficientPrivilege):
                raise
            message = f"a reader cannot settle what is recorded by {format_instant(instant)}"
            raise Unavailable(message, remedy="Ask by a position: --recorded N") from error

    def entries(self, name: str | None = None) -> Iterator[Entry]:
        """Yield events in order of recording: all, or those of a fact or, through any of its versions, of a subject."""
        log = select(*_ENTRY).where(self._here).order_by(events.c.position)
        if name is not None:
            about = select(events.c.fact).distinct().where(self._here, events.c.subject == name)
            facts = [name, *self.connection.execute(about).scalars()]
            log = log.where(events.c.fact == func.any(facts))
        return self._stream(log)

    def between(self, after: int, to: int) -> Iterator[Entry]:
        """Yield the events behind one position, up to another, in order of recording."""
        some = select(*_ENTRY).where(self._here, events.c.position > after, events.c.position <= to)
        return self._stream(some.order_by(events.c.position))

    def versions(self, kinds: Iterable[str], basis: Basis) -> Iterator[Entry]:
        """Yield the versions believed at a basis of every fact that ever had one of the kinds, fact by fact.

        One sort and no join: the planner cannot misjudge it, however long ago the table was analysed.
        """
        return self._ever(kinds, believed(basis))

    def ever(self, kinds: Iterable[str], to: int) -> Iterator[Entry]:
        """Yield all versions, recorded up to a position, of every fact that ever had one of the kinds, fact by fact."""
        return self._ever(kinds, and_(self._here, events.c.position <= to))

    def _ever(self, kinds: Iterable[str], counts: ColumnElement[bool]) -> Iterator[Entry]:
        ever = func.bool_or(events.c.kind == func.any(list(kinds)))
        whole = ever.over(partition_by=events.c.fact, order_by=events.c.position, rows=(None, None)).label("of_kind")
        marked = select(*_ENTRY, events.c.fact, whole).where(counts).subquery()
        columns = (marked.c[column.name] for column in _ENTRY)
        return self._stream(select(*columns).where(marked.c.of_kind).order_by(marked.c.fact, marked.c.position))

    def versions_of(self, facts: Iterable[str], basis: Basis | None = None) -> Iterator[Entry]:
        """Yield the versions of some facts, fact by fact in order of recording: all, or those believed at a basis."""
        facts = list(facts)
        counts = self._here if basis is None else believed(basis)
        found = select(*_ENTRY).where(counts, events.c.fact == func.any(facts))
        return self._stream(found.order_by(events.c.fact, events.c.position), at_once=len(facts) <= FEW)

    def effective(self, basis: Basis, *, kind: str | None = None, subject: str | None = None) -> Iterator[Entry]:
        """Yield the facts that hold at a basis, in the order of the rule."""
        columns = [*_ENTRY, events.c.action, events.c.kind, events.c.subject, events.c.possible]
        newest_first = (events.c.fact, events.c.known.desc(), events.c.position.desc())
        latest = (
            select(*columns).where(believed(basis)).ext(distinct_on(events.c.fact)).order_by(*newest_first).subquery()
        )
        holds = [latest.c.action != "retract", latest.c.possible.contains(literal(basis.on))]
        holds += [
            latest.c[name] == value for name, value in (("kind", kind), ("subject", subject)) if value is not None
        ]
        order = (func.lower(latest.c.possible).asc().nulls_first(), latest.c.known, latest.c.position)
        return self._stream(select(*(latest.c[column.name] for column in _ENTRY)).where(*holds).order_by(*order))

    def lines(self) -> Iterator[bytes]:
        """Yield the canonical text of each event in order of recording."""
        log = select(_CONTENT).where(self._here).order_by(events.c.position)
        for (content,) in self.rows(log):
            yield content.encode()

    def document(self, document: str, recorded: int | None = None) -> Document | None:
        """Return a recorded document as it is described now, or was at a position; None where there is none."""
        stages = self.described(document)
        return next((told for at, told in reversed(stages) if recorded is None or at <= recorded), None)

    def described(self, document: str) -> list[tuple[int, Document]]:
        """Return a document with the position from which it was so described: from 0 on as its text came."""
        columns = [documents.c[name] for name in _DOCUMENT]
        named = [documents.c.timeline == self.timeline, documents.c.document == document]
        found = self.connection.execute(select(*columns).where(*named)).one_or_none()
        if found is None:
            return []
        came = Document(**found._asdict())
        told = [(entry.position, entry) for entry in self.versions_of([f"{DESCRIPTION}{document}"])]
        blank = Document(text=came.text)
        return [(0, came)] + [(at, replace(blank, **e.data) if e.action != "retract" else came) for at, e in told]

    def citing(self, document: str) -> list[str]:
        """Return the facts that have a version read from a document, in order of name."""
        facts = select(events.c.fact).distinct().where(self._here, events.c.document == document)
        return list(self.connection.execute(facts.order_by(events.c.fact)).scalars())

    def holds(self, fact: str, identities: Iterable[str]) -> bool:
        """Return whether the log holds an event of a fact with one of these identities."""
        same = events.c.event == func.any([bytes.fromhex(identity) for identity in identities])
        found = select(events.c.position).where(self._here, events.c.fact == fact, same).limit(1)
        return self.connection.execute(found).one_or_none() is not None

    def documents(self) -> Iterator[Document]:
        """Yield the recorded documents in order of identity, each as its text came: what describes it is in the log."""
        columns = [documents.c[name] for name in _DOCUMENT]
        everything = select(*columns).where(documents.c.timeline == self.timeline).order_by(documents.c.document)
        for found in self.rows(everything):
            yield Document(**found._asdict())

    def counts(self) -> dict[str, int]:
        """Return how many events, facts, documents, kinds and subjects the log holds."""
        counted = select(
            func.count().label("events"),
            func.count(events.c.fact.distinct()).label("facts"),
            func.count(events.c.kind.distinct()).label("kinds"),
            func.count(events.c.subject.distinct()).label("subjects"),
            *(
                func.count().filter(events.c.action == action).label(f"{action}ed")
                for action in ("assert", "correct", "retract")
            ),
        ).where(self._here)
        texts = select(func.count()).where(documents.c.timeline == self.timeline)
        return {
            **self.connection.execute(counted).one()._asdict(),
            "documents": self.connection.execute(texts).scalar_one(),
        }

    def meant(self, attribute: str, value: str, recorded: int = LAST) -> str:
        """Return what a condition of a choice means in this log up to a position, a document by its whole identity.

        NotFound where nothing is so named: left without a word, a misspelt name would leave everybody in.
        """
        found = list(self.connection.execute(named(self.timeline, attribute, value, recorded).limit(2)).scalars())
        if len(found) == 1:
            return str(found[0])
        if found:
            message = f"several documents begin with {value!r}"
            raise Refused(message, remedy="Give more of the document's identity")
        near = get_close_matches(value, self.connection.execute(names(self.timeline, attribute)).scalars(), n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Names are compared as written; {_WHERE[attribute]}"
        raise NotFound(f"the log has no {attribute} {value!r}", remedy=remedy)

    @property
    def _here(self) -> ColumnElement[bool]:
        return events.c.timeline == self.timeline

    def _stream(self, query: Select[Any], *, at_once: bool = False) -> Iterator[Entry]:
        found = iter(self.connection.execute(query).all()) if at_once else self.rows(query)
        for position, recorded, event, known, content, lasting in found:
            yield Entry.load(position, recorded, event, known, content, lasting=lasting)

    def rows(self, query: Select[Any]) -> Iterator[Any]:
        """Yield the rows of a query, a bounded number of them in memory at a time."""
        options = {"stream_results": True, "yield_per": FETCHED}
        with closing(self.connection.execute(query, execution_options=options)) as found:
            yield from found
