"""Asking: from stored rows where they are of the very position that is asked about, else from the log.

Both follow the one rule, and a law holds them against each other. What is stored of a view moves on with the log, so
an open question takes the position that it finds; one that stands at an earlier position, or chooses who is believed,
is answered from the log: of one key by the facts that the key is known to have, of a whole view by all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from timeline.basis import Basis
from timeline.choice import EVERYBODY
from timeline.database import check, translated
from timeline.fold import row
from timeline.planes import planes
from timeline.question import Question, at_head
from timeline.store import Log

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from timeline.events import Entry
    from timeline.fold import Projection, Row
    from timeline.keeping import Views
    from timeline.vocabulary import Vocabulary

_TRIES = 20
"""How often an open question is asked anew because the log has moved on between its two looks."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who answers questions to one timeline."""

    engine: Engine
    timeline: str
    vocabulary: Vocabulary
    views: Views
    clock: Callable[[], datetime]

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connect to the database, which must be of this program's version; its errors are translated."""
        with translated(), self.engine.connect() as connection:
            check(connection)
            yield connection

    @contextmanager
    def log(self) -> Iterator[Log]:
        """Connect to the log."""
        with self.connected() as connection:
            yield Log(connection, self.timeline)

    # The basis

    def resolved(self, question: Question, view: Projection | None = None, now: datetime | None = None) -> Basis:
        """Return the basis that a question has in the log."""
        with self.log() as log:
            return question.resolved(log, now or self.clock(), view)

    def seen(self, question: Mapping[str, Any], now: datetime) -> Basis:
        """Return the basis that corrections are asked at; the token may be that of any answer."""
        token = question.get("basis")
        view = Basis.parse(token).view if token else ""
        return self.resolved(Question(**question), self.vocabulary.view(view) if view else None, now)

    # The rows

    def answered(self, question: Question, view: Projection, key: str | None) -> tuple[Basis, Iterator[Row]]:
        """Return the basis of a question, and its rows."""
        with translated():
            if key is not None and question.is_open and (head := self._at_head(question, view, key)):
                return head
            basis, rows = self._stored(question, view, key)
        return basis, self.folded(view, key, basis) if rows is None else _translated(rows)

    def _at_head(self, question: Question, view: Projection, key: str) -> tuple[Basis, Iterator[Row]] | None:
        """Return the answer for one key, if it can be had by one statement."""
        on, known = question.read(self.clock())
        head = self.views.at_head(view, key, on, known)
        if head is None:
            return None
        basis = at_head(self.timeline, on, known, (head.position, head.hash), view)
        return basis, iter(() if head.row is None else (head.row,))

    def _stored(self, question: Question, view: Projection, key: str | None) -> tuple[Basis, Iterator[Row] | None]:
        """Return the basis of a question and its rows, None where those stored are of another position or choice."""
        for _ in range(_TRIES):
            if question.is_open and not self.views.catch_up(view):
                break
            basis = self.resolved(question, view)
            rows = self.stored(view, key, basis)
            if rows is not None or not question.is_open:
                return basis, rows
        return self.resolved(question, view), None

    def rows(self, view: Projection, key: str | None, basis: Basis) -> Iterator[Row]:
        """Return the rows of a view at a basis: the stored ones where they are of that position, else from the log."""
        with translated():
            stored = self.stored(view, key, basis)
        return self.folded(view, key, basis) if stored is None else _translated(stored)

    def stored(self, view: Projection, key: str | None, basis: Basis) -> Iterator[Row] | None:
        """Return the rows that are stored for a basis, None where none are; what is stuck is asked of the log."""
        found = self.views.rows(view, key, basis) if basis.choice == EVERYBODY else None
        if found is None:
            return None
        rows, stuck = found
        return merge(rows, self._stuck(view, stuck, basis), key=attrgetter("key")) if stuck else rows

    def _stuck(self, view: Projection, stuck: Iterable[str], basis: Basis) -> Iterator[Row]:
        """Yield what the log says of keys that could not be folded at its end: that depends on the basis."""
        for key in stuck:
            yield from self.folded(view, key, basis)

    def folded(self, view: Projection, key: str | None, basis: Basis) -> Iterator[Row]:
        """Yield the rows of a view at a basis, computed from the log."""
        reading = self.vocabulary.reading(view)
        with self.log() as log:
            facts = None if key is None else self.views.facts_of(log.connection, view, key, basis.recorded)
            versions = log.versions(view.kinds, basis) if facts is None else log.versions_of(facts, basis)
            for name, plane in planes(reading, versions, key):
                found = row(reading.view, name, plane, basis.on, basis.known)
                if found is not None:
                    yield found

    def effective(self, basis: Basis, kind: str | None, subject: str | None) -> Iterator[Entry]:
        """Yield the facts that hold at a basis."""
        with self.log() as log:
            yield from log.effective(basis, kind=kind, subject=subject)


def _translated(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows that are fetched as they are taken: the server may go away meanwhile."""
    with translated():
        yield from rows
