"""The one object that a caller holds: a timeline to record in and to ask.

Every answer follows from the log by the rule of `fold`, at a basis that is printed with it; where it comes from is
decided in `asking`. Reading streams: memory is bounded by the facts of one key, whatever the length of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from timeline.answers import Answer, Facts, History
from timeline.append import Appender, Receipt, create
from timeline.asking import Asker
from timeline.chain import verify
from timeline.comparing import Comparer, Comparison, Explained
from timeline.database import translated
from timeline.difference import changes
from timeline.errors import NotFound
from timeline.keeping import Views
from timeline.question import Question, condition
from timeline.store import Log

if TYPE_CHECKING:
    from os import PathLike

    from sqlalchemy import Connection, Engine

    from timeline.basis import Basis
    from timeline.changing import Asked, Preview
    from timeline.comparing import Course, Origin
    from timeline.difference import Change
    from timeline.events import Document, Entry
    from timeline.fold import Projection, Row
    from timeline.maps import Map
    from timeline.rebuilding import Rebuilt
    from timeline.recording import Item
    from timeline.runs import Run, Source
    from timeline.transitions import Axis
    from timeline.vocabulary import Vocabulary

    _Reading = tuple[Projection, Basis]
    _Explaining = Generator[Explained, None, None]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One timeline in one database. Opened by `timeline.connect`."""

    engine: Engine
    name: str
    vocabulary: Vocabulary
    clock: Callable[[], datetime] = field(default=_now)
    _questions: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    # Recording

    def create(self) -> None:
        """Make the timeline where it is new, so that it can be asked before anything is recorded."""
        with self._asker.connected() as connection:
            create(connection, self.name)
            connection.commit()

    def publish(self) -> list[str]:
        """Offer the views in SQL, and return the names of those that were not offered yet."""
        from timeline.published import publish  # noqa: PLC0415  done once in the life of a database

        with self._asker.connected() as connection:
            names = publish(connection, self.vocabulary.views.values())
            connection.commit()
        return names

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

        with self._asker.connected() as connection:
            appender = Appender(connection, self.name, revise=revise)
            receipt = record(items, appender, Log(connection, self.name), self.vocabulary, skip_bad, progress)
            self._end(connection, appender, dry_run=dry_run)
        return receipt

    def sync(
        self,
        path: str | PathLike[str],
        *,
        source: str,
        known: str | date,
        map: str | PathLike[str] | Map,  # noqa: A002  named as everywhere else
        absent: str | None = None,
        max_removed: float | None = None,
        dry_run: bool = False,
    ) -> Run:
        """Record how a snapshot of a whole list differs from what the list held before, and return the run.

        `known` is when the list read so, `map` says how its rows become facts. An entry that is gone ends, is retracted
        or stays (`absent`: end, retract, ignore). A snapshot that is empty, older than the last one, or without more
        than a share `max_removed` of the entries is raised as `Refused`, and kept as a refused run.
        """
        from timeline import syncing  # noqa: PLC0415  reads tables, which asking never does

        mapped = syncing.mapped(map)
        look = syncing.looked(source, known, mapped, absent, max_removed, self.clock())
        with self._asker.log() as log:
            run = syncing.sync(log, path, mapped, look, self.vocabulary, dry_run=dry_run)
        with translated():
            self.views.take_in()
        return run

    def revise(
        self,
        paths: str | PathLike[str] | Iterable[str | PathLike[str]],
        map: str | PathLike[str] | Map,  # noqa: A002
        *,
        dry_run: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Receipt:
        """Record the versions of tables that say anything new, in one transaction, and return what was done.

        Each row has a `known` of its own, and the rows may stand in any order. One that says what was in force then is
        a duplicate; one that says otherwise corrects it; one without a value retracts.
        """
        from timeline import syncing  # noqa: PLC0415

        with self._asker.log() as log:
            read = syncing.mapped(map)
            receipt = syncing.revise(log, paths, read, self.vocabulary, dry_run=dry_run, progress=progress)
        with translated():
            self.views.take_in()
        return receipt

    def sources(self) -> tuple[Source, ...]:
        """Return the lists that were looked at, in order of name."""
        from timeline import runs  # noqa: PLC0415

        with self._asker.log() as log:
            log.head()
            return runs.sources(log)

    def runs(self, source: str) -> tuple[Run, ...]:
        """Return every look at a source, refused ones too; NotFound where it was never looked at."""
        from timeline import runs  # noqa: PLC0415

        with self._asker.log() as log:
            log.head()
            return runs.runs_of(log, source)

    # Correcting

    def preview(self, corrections: Iterable[Asked | Mapping[str, Any]], **question: Any) -> Preview:  # noqa: ANN401
        """Return the events that corrections come to and the rows that they change, and record nothing.

        The version that each builds on is the one in force at `on`, `known`, `recorded`, `as_of` or a `basis`; rows are
        compared there and now.
        """
        from timeline.changing import preview, read_asked  # noqa: PLC0415

        now = self.clock()
        basis = self._asker.seen(question, now)
        with self._asker.log() as log:
            return preview(log, self.vocabulary, read_asked(corrections), basis, now)

    def correct(
        self,
        corrections: Iterable[Asked | Mapping[str, Any]],
        *,
        dry_run: bool = False,
        **question: Any,  # noqa: ANN401
    ) -> Receipt:
        """Record corrections of facts and of documents in one transaction, and return what was done.

        Each is a dictionary of `fact`, `reason`, `set`, `valid`, `known` or `misread`, `retract`, `source`, `expect`.

        With a basis, such as that of a preview, it is a Conflict if anything that was seen there has been displaced
        since; without one each builds on what is in force now. The first that cannot be taken is raised as `Refused`
        and nothing is recorded.
        """
        from timeline.changing import read_asked, record  # noqa: PLC0415

        now, asked = self.clock(), read_asked(corrections)
        seen = self._asker.seen(question, now) if question else None
        with self._asker.connected() as connection:
            appender = Appender(connection, self.name)
            receipt = record(appender, Log(connection, self.name), self.vocabulary, asked, seen, now)
            self._end(connection, appender, dry_run=dry_run)
        return receipt

    def correct_document(self, document: str, *, reason: str, dry_run: bool = False, **particulars: str) -> Receipt:
        """Record what is known better of a document: `published`, `publisher`, `title`, `language`, `url`.

        Another day of publication moves what was known since then, and the days that were counted from it.
        """
        from timeline.redating import Description  # noqa: PLC0415

        about = Description(document=document, particulars=particulars, reason=reason)
        return self.correct([about], dry_run=dry_run)

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
        basis, rows = self._asker.answered(Question(**question), projection, key)
        return basis, (found for found in rows if all(holds(found) for holds in wanted)) if wanted else rows

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
        basis = self._asker.resolved(Question(**question))
        return basis, self._asker.effective(basis, kind, subject)

    def log(self, name: str | None = None) -> Iterator[Entry]:
        """Yield events in order of recording: all, or those of a fact or a subject."""
        with self._asker.log() as log:
            log.head()
            yield from log.entries(name)

    def show(self, fact: str) -> History:
        """Return all versions of a fact with the documents they quote; NotFound where the log has no such fact."""
        with self._asker.log() as log:
            log.head()
            versions = tuple(log.versions_of([fact]))
            if not versions:
                raise NotFound(f"there is no fact {fact!r}", remedy="List facts with: timeline facts")
            cited = {entry.source.document for entry in versions if entry.source}
            documents = {name: cast("Document", log.document(name)) for name in cited}
        return History(fact, versions, documents)

    def export(self) -> Iterator[bytes]:
        """Yield the canonical line of each event in order of recording."""
        with self._asker.log() as log:
            log.head()
            yield from log.lines()

    def documents(self) -> Iterator[Document]:
        """Yield the documents in order of identity."""
        with self._asker.log() as log:
            log.head()
            yield from log.documents()

    def stats(self) -> dict[str, Any]:
        """Return counts of what the log holds, and its last position."""
        with self._asker.log() as log:
            position, link = log.head()
            return {"timeline": self.name, "position": position, "hash": link.hex(), **log.counts()}

    def verify(self) -> int:
        """Return the number of events in the log, each hashed anew; Corrupt names the first that is not as recorded."""
        with self._asker.log() as log:
            return verify(log)

    # Comparing

    def diff(
        self,
        view: str,
        before: str,
        after: str = "now",
        *,
        key: str | None = None,
        why: bool = False,
        **usual: Any,  # noqa: ANN401
    ) -> Comparison:
        """Return what changed in a view from one basis to another, computed as it is read, and why if that is asked.

        A basis is a token, `now`, a day, or parts as in `known=2023-12-31,recorded=70`; what both share is given by
        name, as in `diff("deliveries", "known=2023-12-31", on="2024-06-01")`.
        """
        projection, now = self.vocabulary.view(view), self.clock()
        bases = [self._asker.resolved(Question.of(given, **usual), projection, now) for given in (before, after)]
        first, last = bases
        changed = changes(*(self._asker.rows(projection, key, basis) for basis in bases))
        return Comparison(first, last, self._explained(changed, (projection, first), (projection, last), why))

    def replay(
        self,
        view: str,
        *,
        projection: Projection | None = None,
        against: str | None = None,
        key: str | None = None,
        why: bool = False,
        **question: Any,  # noqa: ANN401
    ) -> Comparison:
        """Fold the log again from its beginning up to a basis, and return how that differs from what is answered.

        `projection` takes the place of the view's own. What is answered is that of the same basis, or of `against`.
        """
        answering, now = self.vocabulary.view(view), self.clock()
        folding = projection or answering
        basis = self._asker.resolved(Question(**question), folding, now)
        answered = replace(basis, view=answering.name, version=answering.version)
        if against is not None:
            answered = self._asker.resolved(Question.of(against), answering, now)
        rows = self._asker.rows(answering, key, answered), self._asker.folded(folding, key, basis)
        return Comparison(
            answered, basis, self._explained(changes(*rows), (answering, answered), (folding, basis), why)
        )

    def blame(self, view: str, key: str, **question: Any) -> Origin:  # noqa: ANN401
        """Return, for each field of a row, the event that set it, what it rests on besides, and what it displaced."""
        with self._comparer(view) as comparer:
            return comparer.origin(key, self._asker.resolved(Question(**question), comparer.view))

    def history(self, view: str, key: str, *, over: Axis = "known", **question: Any) -> Course:  # noqa: ANN401
        """Return how a row came to be what it is: its transitions over `known`, `recorded` or `on`."""
        with self._comparer(view) as comparer:
            return comparer.course(key, self._asker.resolved(Question(**question), comparer.view), over)

    # Stored views

    @property
    def views(self) -> Views:
        """The stored views: kept up as events arrive, built anew, proved."""
        return Views(self.engine, self.name, self.vocabulary, self._questions)

    def catch_up(self) -> None:
        """Let every view that is stored already answer as the log is now."""
        with self._asker.connected():
            pass
        with translated():
            self.views.catch_up_all()

    def rebuild(self, view: str) -> Rebuilt:
        """Build a stored view anew beside the one that answers, compare the two, and let it answer."""
        with translated():
            return self.views.rebuild(self.vocabulary.view(view))

    # Within

    @property
    def _asker(self) -> Asker:
        return Asker(self.engine, self.name, self.vocabulary, self.views, self.clock)

    def _end(self, connection: Connection, appender: Appender, *, dry_run: bool) -> None:
        """Commit what was recorded, with the stored views where that is little; or forget it."""
        if dry_run:
            connection.rollback()
            return
        self.views.take_along(connection, appender.receipt, appender.entries())
        connection.commit()

    def _explained(self, changed: Iterable[Change], before: _Reading, after: _Reading, why: bool) -> _Explaining:  # noqa: FBT001
        with self._asker.log() as log:
            comparer = Comparer(log, self.vocabulary, after[0])
            told = (Explained(change, None, {}) for change in changed)
            yield from comparer.explanations(changed, before[1], after[1]) if why else told

    @contextmanager
    def _comparer(self, view: str) -> Iterator[Comparer]:
        projection = self.vocabulary.view(view)
        with self._asker.log() as log:
            yield Comparer(log, self.vocabulary, projection)
