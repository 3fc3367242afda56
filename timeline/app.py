"""The one object that a caller holds: a timeline to record in and to ask.

Every answer is computed from the log by the rule of `fold`, at a basis that is resolved first and printed with it.
Reading streams: memory is bounded by the facts of one key, whatever the length of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from timeline.answers import Answer, Facts, History
from timeline.append import Appender, Receipt, create
from timeline.basis import Basis
from timeline.chain import verify
from timeline.database import check, translated
from timeline.errors import NotFound
from timeline.fold import Row, row
from timeline.planes import planes
from timeline.question import Question, condition
from timeline.store import Log

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from timeline.events import Document, Entry
    from timeline.fold import Projection
    from timeline.recording import Item
    from timeline.vocabulary import Vocabulary


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One timeline in one database. Opened by `timeline.connect`."""

    engine: Engine
    name: str
    vocabulary: Vocabulary
    clock: Callable[[], datetime] = field(default=_now)

    # Recording

    def create(self) -> None:
        """Make the timeline where it is new, so that it can be asked before anything is recorded."""
        with self._connected() as connection:
            create(connection, self.name)
            connection.commit()

    def record(
        self,
        items: Iterable[Item],
        *,
        revise: bool = False,
        skip_bad: bool = False,
        dry_run: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Receipt:
        """Record documents and facts in one transaction, and return what was done.

        `items` is what `timeline.read` returns, or fact lines as dictionaries. What the log already holds is counted
        and left out. The first item that cannot be taken is raised as `Refused` and nothing is recorded; with
        `skip_bad` it is listed in the receipt and the rest goes on. `revise` makes a correction of an assertion that
        differs from what is recorded. `dry_run` does everything but commit. `progress` is told how many lines have
        been read.
        """
        from timeline.recording import record  # noqa: PLC0415  its models take long to build, and asking needs none

        with self._connected() as connection:
            appender = Appender(connection, self.name, revise=revise)
            receipt = record(items, appender, self._log_through(connection), self.vocabulary, skip_bad, progress)
            if dry_run:
                connection.rollback()
            else:
                connection.commit()
        return receipt

    # Asking

    def ask(self, view: str, key: str | None = None, *, where: Iterable[str] = (), **question: Any) -> Answer:  # noqa: ANN401
        """Return the rows of a view, or its row of one key: at `on`, `known`, `recorded`, `as_of` or a `basis`."""
        basis, rows = self.stream(view, key, where=where, **question)
        return Answer(basis, tuple(rows))

    def stream(
        self,
        view: str,
        key: str | None = None,
        *,
        where: Iterable[str] = (),
        **question: Any,  # noqa: ANN401
    ) -> tuple[Basis, Iterator[Row]]:
        """Return the basis and an iterator over the rows, which holds one key's facts in memory at a time."""
        projection = self.vocabulary.view(view)
        wanted = [condition(text) for text in where]
        basis = self._resolved(Question(**question), projection)
        rows = self._rows(projection, key, basis)
        return basis, (found for found in rows if all(holds(found) for holds in wanted))

    def facts(self, *, kind: str | None = None, subject: str | None = None, **question: Any) -> Facts:  # noqa: ANN401
        """Return the effective facts themselves, at `on`, `known`, `recorded`, `as_of` or a `basis`."""
        basis, facts = self.stream_facts(kind=kind, subject=subject, **question)
        return Facts(basis, tuple(facts))

    def stream_facts(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        **question: Any,  # noqa: ANN401
    ) -> tuple[Basis, Iterator[Entry]]:
        """Return the basis and an iterator over the effective facts."""
        if kind is not None:
            self.vocabulary.kind(kind)
        basis = self._resolved(Question(**question))
        return basis, self._effective(basis, kind, subject)

    def log(self, name: str | None = None) -> Iterator[Entry]:
        """Yield events in order of recording: all, or those of a fact or a subject."""
        with self._log() as log:
            log.head()
            yield from log.entries(name)

    def show(self, fact: str) -> History:
        """Return all versions of a fact with the documents they quote; NotFound where the log has no such fact."""
        with self._log() as log:
            log.head()
            versions = tuple(entry for entry in log.entries(fact) if entry.fact == fact)
            if not versions:
                raise NotFound(f"there is no fact {fact!r}", remedy="List facts with: timeline facts")
            cited = {entry.source.document for entry in versions if entry.source}
            documents = {name: cast("Document", log.document(name)) for name in cited}
        return History(fact, versions, documents)

    def export(self) -> Iterator[bytes]:
        """Yield the canonical line of each event in order of recording."""
        with self._log() as log:
            log.head()
            yield from log.lines()

    def documents(self) -> Iterator[Document]:
        """Yield the documents in order of identity."""
        with self._log() as log:
            log.head()
            yield from log.documents()

    def stats(self) -> dict[str, Any]:
        """Return counts of what the log holds, and its last position."""
        with self._log() as log:
            position, link = log.head()
            return {"timeline": self.name, "position": position, "hash": link.hex(), **log.counts()}

    def verify(self) -> int:
        """Return the number of events in the log, each hashed anew; Corrupt names the first that is not as recorded."""
        with self._log() as log:
            return verify(log)

    # Within

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with translated(), self.engine.connect() as connection:
            check(connection)
            yield connection

    @contextmanager
    def _log(self) -> Iterator[Log]:
        with self._connected() as connection:
            yield self._log_through(connection)

    def _log_through(self, connection: Connection) -> Log:
        return Log(connection, self.name)

    def _resolved(self, question: Question, view: Projection | None = None) -> Basis:
        with self._log() as log:
            return question.resolved(log, self.clock(), view)

    def _rows(self, view: Projection, key: str | None, basis: Basis) -> Iterator[Row]:
        with self._log() as log:
            versions = log.versions(view.kinds, basis)
            for name, plane in planes(view, map(self.vocabulary.current, versions), key):
                found = row(view, name, plane, basis.on, basis.known)
                if found is not None:
                    yield found

    def _effective(self, basis: Basis, kind: str | None, subject: str | None) -> Iterator[Entry]:
        with self._log() as log:
            facts = log.effective(basis, kind=kind, subject=subject)
            yield from facts
