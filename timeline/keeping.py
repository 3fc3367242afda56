"""The views of a timeline as they are stored: kept up with the log, built anew, proved, paused and looked at."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from timeline import driver, readmodels, stored
from timeline.append import SMALL
from timeline.database import check, revisions
from timeline.errors import Conflict, NotFound, Outdated, Unavailable
from timeline.fold import NAMELESS, said
from timeline.following import Follower, News, follow
from timeline.proving import Proof, verify
from timeline.rebuilding import Builder
from timeline.standing import RUN, Lag, lag, standing
from timeline.store import SNAPSHOT, Log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection, Engine

    from timeline.append import Receipt
    from timeline.basis import Basis
    from timeline.events import Entry
    from timeline.fold import Projection, Row
    from timeline.readmodels import ReadModel
    from timeline.rebuilding import Progress, Rebuilt
    from timeline.stored import Head
    from timeline.vocabulary import Vocabulary

FAR = 50
"""One part in so many of the log: a model that is further behind is sooner built anew than caught up."""

CHANNEL = "timeline"
"""Where a worker is told that there is something to take in."""

_READ_ONLY = psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InsufficientPrivilege


def _silent(_what: str, _done: int, _all: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Views:
    """The stored views of one timeline."""

    engine: Engine
    timeline: str
    vocabulary: Vocabulary
    questions: dict[str, str] = field(default_factory=dict)

    # Keeping up

    def take_along(self, connection: Connection, receipt: Receipt, entries: list[Entry] | None) -> None:
        """Let the models that are near the end of the log follow an append, within its transaction, if it is small.

        One that somebody else is writing to is left to him, or to who asks next; so are all where one cannot be written
        to: what was recorded is recorded all the same.
        """
        if receipt.first is None or receipt.last is None:
            return
        left = entries is None
        if entries is not None:
            try:
                with driver.pipelined(connection):
                    driver.cursor(connection).execute("SAVEPOINT taken_along")
                    models = readmodels.all_locked(connection, self.timeline)
                left = self._take_along(connection, receipt.first - 1, receipt.last, entries, models.fetchall())
            except Exception as error:
                if driver.is_lost(connection):
                    raise
                driver.cursor(connection).execute("ROLLBACK TO SAVEPOINT taken_along")
                for model in readmodels.all_locked(connection, self.timeline).fetchall():
                    readmodels.followed(connection, self.timeline, model, error=said(error))
                left = True
        if left:  # who notifies waits for every other commit that does: appends that leave nothing do not
            connection.execute(text(f"NOTIFY {CHANNEL}"))

    def take_in(self) -> None:
        """Let the models follow what has just been recorded, where that is little; else tell a worker of it."""
        held = self.stored()
        if not held:
            return
        with self.engine.connect() as connection:
            head = Log(connection, self.timeline).head()[0]
            if any(head - model.position > SMALL for model in held.values()):
                connection.execute(text(f"NOTIFY {CHANNEL}"))
            connection.commit()
        for name, model in held.items():
            if 0 < head - model.position <= SMALL:
                self.catch_up(self.vocabulary.view(name))

    def _take_along(
        self, connection: Connection, after: int, last: int, entries: list[Entry], models: Iterable[ReadModel]
    ) -> bool:
        """Let the models follow, and return whether one was left behind."""
        log, news, left = Log(connection, self.timeline), None, False
        for model in models:
            view = self._current(model)
            if model.paused or view is None or last - model.position > SMALL:
                left = left or not model.paused
                continue
            if model.position == after:
                told = news = news or News.told(log, after, last, entries)
            else:
                told = News.of(log, model.position, last)
            Follower(log, self.vocabulary.reading(view), model, last).follow(told)
        return left

    def catch_up(self, view: Projection, progress: Progress = _silent) -> bool:
        """Let a view answer as the log is now, and return whether it does; build it where that is needed.

        It does not where it is paused, where the login may not write, while somebody else is building it, or where the
        server cannot write it: the log answers then, and what went wrong is kept with the model.
        """
        try:
            return self._catch_up(view, progress)
        except (Conflict, Unavailable):
            return False
        except (psycopg.Error, DBAPIError) as error:
            if not isinstance(error, _READ_ONLY):
                self._note(view, error)
            return False

    def _note(self, view: Projection, error: Exception) -> None:
        """Keep why a model could not follow, as far as that can be written."""
        with suppress(psycopg.Error, DBAPIError), self.engine.connect() as connection:
            model = readmodels.serving(connection, self.timeline, view.name)
            if model is not None:
                readmodels.followed(connection, self.timeline, model, error=said(error))
            connection.commit()

    def _catch_up(self, view: Projection, progress: Progress) -> bool:
        form = readmodels.form_of(view, self.vocabulary)
        with self.engine.connect() as connection:
            check(connection)
            model = readmodels.serving(connection, self.timeline, view.name)
            head = Log(connection, self.timeline).head()[0]
            if model is not None and model.form == form:
                if model.position >= head:
                    return self._mended(connection, view, model)
                if model.paused:
                    return False
                if head - model.position < max(SMALL, head // FAR):
                    connection.commit()
                    reading = self.vocabulary.reading(view)
                    while follow(connection, self.timeline, reading, model.model, head):
                        connection.commit()
                    connection.commit()
                    return True
            elif model is not None and (model.paused or readmodels.is_newer(model.form, form)):
                return False  # a newer program keeps it: two would build each other's anew, again and again
        self.rebuild(view, progress)
        return True

    def _mended(self, connection: Connection, view: Projection, model: ReadModel) -> bool:
        """Try once more the facts that could not be told their keys, where one now can; return whether none is left."""
        if not self._follower(connection, view, model).is_mended(readmodels.stuck(connection, self.timeline, model)):
            return True
        held = readmodels.locked(connection, self.timeline, model.model)
        if held is None or held.paused:
            return False
        self._follower(connection, view, held).retry()
        connection.commit()
        return True

    def at(self, view: Projection) -> tuple[int, int] | None:
        """Return the number of the model that a view is answered from, and its position; None where there is none."""
        with self.engine.connect() as connection:
            model = readmodels.serving(connection, self.timeline, view.name)
            return None if model is None else (model.model, model.position)

    def catch_up_all(self) -> None:
        """Let every view that is stored already answer as the log is now."""
        for name in self.stored():
            self.catch_up(self.vocabulary.view(name))

    def rebuild(self, view: Projection, progress: Progress = _silent) -> Rebuilt:
        """Build the stored view anew beside the one that answers, compare the two, and let it answer."""
        form = readmodels.form_of(view, self.vocabulary)
        return Builder(self.engine, self.timeline, self.vocabulary.reading(view), form, progress).rebuild()

    # Answering

    def at_head(self, view: Projection, key: str, on: date, known: datetime) -> Head | None:
        """Return the row of a key at the head of the log, None where it cannot be had by one statement.

        Which model answers is remembered from the last time, and part of the question.
        """
        query = self.questions.get(view.name)
        if query is None:
            return None
        with driver.Single(self.engine) as cursor:
            try:
                return stored.at_head(cursor, query, key, on, known)
            except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
                self.questions.pop(view.name, None)
                return None

    def facts_of(self, connection: Connection, view: Projection, key: str, recorded: int) -> list[str] | None:
        """Return the facts that had a key up to a position, and perhaps later ones; None where that is not known."""
        if key.startswith(NAMELESS):
            return [key.removeprefix(NAMELESS)]
        model = readmodels.serving(connection, self.timeline, view.name)
        if model is None or model.position < recorded or self._current(model) is None:
            return None
        facts = stored.facts_of(connection, model, key)
        stuck = readmodels.stuck(connection, self.timeline, model)
        nameless = [fact.removeprefix(NAMELESS) for fact in stuck if fact.startswith(NAMELESS)]
        return None if facts is None else facts + nameless

    def rows(self, view: Projection, key: str | None, basis: Basis) -> tuple[Iterator[Row], list[str]] | None:
        """Return the rows that are stored for a basis, and the keys that are stuck, of which none is among them.

        None where nothing is stored of that very position, or rows are missing of a fact that now can be told its keys.
        Registry and rows are read in one snapshot, which is kept until the last row is taken.
        """
        found = self._rows(view, key, basis)
        try:
            stuck = next(found, None)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            return None  # another model has just taken its place
        return None if stuck is None else (found, stuck)

    def _rows(self, view: Projection, key: str | None, basis: Basis) -> Iterator[Any]:
        """Yield the keys that are stuck, then the rows of the others."""
        with self.engine.connect() as connection:
            connection.execute(text(SNAPSHOT))
            model = readmodels.serving(connection, self.timeline, view.name)
            if model is None or model.position != basis.recorded or self._current(model) is None:
                return
            stuck = readmodels.stuck(connection, self.timeline, model)
            if self._follower(connection, view, model).is_mended(stuck):
                return
            self.questions[view.name] = stored.head_query(self.timeline, model.model, model.form, revisions()[-1])
            with driver.cursor(connection, "" if key else "rows") as cursor:
                rows = stored.rows(cursor, model, basis, key)
                yield sorted(stuck if key is None else {key} & stuck.keys())
                yield from rows

    # Looking

    def head(self) -> int:
        """Return the position of the last event of the log; Outdated or NotFound where that cannot be."""
        with self.engine.connect() as connection:
            check(connection)
            return Log(connection, self.timeline).head()[0]

    def stored(self) -> dict[str, ReadModel]:
        """Return the read models that views of the vocabulary are answered from."""
        with self.engine.connect() as connection:
            held = readmodels.models(connection, self.timeline, serving=True)
        return {model.view: model for model in held if model.view in self.vocabulary.views}

    def strange(self) -> list[str]:
        """Return the names of views of which something is stored, and that no plug-in gives to this program."""
        with self.engine.connect() as connection:
            held = {model.view for model in readmodels.models(connection, self.timeline) if not model.retired}
        return sorted(held - self.vocabulary.views.keys())

    def unfinished(self) -> list[str]:
        """Return the names of views whose building was broken off, and that nobody is building, nor a newer program."""
        with self.engine.connect() as connection:
            held = readmodels.models(connection, self.timeline, serving=False)
            left = [model for model in held if not model.retired and model.view in self.vocabulary.views]
            names = {model.view for model in left if not readmodels.is_newer(model.form, self._form(model))}
            return sorted(name for name in names if not readmodels.is_being_built(connection, self.timeline, name))

    def lag(self, name: str, to: int) -> Lag | None:
        """Return why the rows stored of a view are not those of a position at the end of the log, None if they are."""
        model = self.stored().get(name)
        return Lag(f"{name} is not stored", RUN) if model is None else lag(model, self._form(model), to)

    def status(self) -> list[dict[str, Any]]:
        """Return what is stored of each view: where it is, how far behind the log, how large, and what went wrong."""
        with self.engine.connect() as connection:
            return standing(connection, self.timeline, self.vocabulary)

    def errors(self, name: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the keys that cannot be folded, with the reasons."""
        with self.engine.connect() as connection:
            yield from readmodels.all_stuck(connection, self.timeline, name)

    # Pausing

    def pause(self, name: str) -> int:
        """Leave a stored view behind the log until it is resumed, and return where; the log is asked instead."""
        with self.engine.connect() as connection:
            held = self._held(connection, name)
            readmodels.followed(connection, self.timeline, held, paused=True)
            connection.commit()
        return held.position

    def resume(self, name: str) -> int:
        """Let a stored view follow the log again, try its stuck keys once more, and return how many still are."""
        view = self.vocabulary.view(name)
        with self.engine.connect() as connection:
            held = self._held(connection, name)
            readmodels.followed(connection, self.timeline, held, paused=False)
            connection.commit()
        self.catch_up(view)
        with self.engine.connect() as connection:
            held = self._held(connection, name)
            if other := self._other(held):
                raise other
            self._follower(connection, view, held).retry()
            left = len(readmodels.stuck(connection, self.timeline, held))
            connection.commit()
        return left

    def drop(self, name: str) -> bool:
        """Remove what is stored of a view, even of one that this program does not know, and return whether all is gone.

        Whoever is building it gives that up. What is read just now is removed by the next one who drops or builds it.
        """
        with self.engine.connect() as connection:
            if not readmodels.models(connection, self.timeline, name):
                self.vocabulary.view(name)
                raise NotFound(f"the view {name} is not stored", remedy="See which are: timeline views list")
            return readmodels.drop_all(connection, self.timeline, name)

    def _held(self, connection: Connection, name: str) -> ReadModel:
        """Return the model that a view is answered from, locked; Outdated where a newer program keeps it."""
        while True:  # another one may just have taken its place
            held = readmodels.locked(connection, self.timeline, self._stored(connection, name).model)
            if held is not None and held.serving:
                break
            connection.rollback()
        other = self._other(held)
        if other is not None and other.remedy == readmodels.NEWER:
            raise other
        return held

    # Proving

    def verify(self, view: Projection, by: int | None = None) -> Proof:
        """Fold the whole log again and compare it with what is stored, key by key; the first difference is named.

        What is stored is counted and hashed by ranges of so many positions; of all of them in one, where none is given.
        Outdated where it was folded by another version of the view, or before facts of it could be read.
        """
        with self.engine.connect() as connection:
            model = self._kept(connection, view.name)
            if other := self._other(model):
                raise Outdated(f"{other.message}, which alone could prove it", remedy=other.remedy)
            if self._follower(connection, view, model).is_mended(readmodels.stuck(connection, self.timeline, model)):
                message = f"{view.name} lacks facts that could not be read, and can be now"
                raise Outdated(message, remedy=f"timeline views resume {view.name}")
            return verify(Log(connection, self.timeline), self.vocabulary.reading(view), model, by)

    def _kept(self, connection: Connection, name: str) -> ReadModel:
        """Begin a snapshot and return the model that a view is answered from in it, which nobody drops meanwhile."""
        tried = None
        while True:
            connection.execute(text(SNAPSHOT))
            model = self._stored(connection, name)
            try:
                driver.cursor(connection).execute(f"LOCK TABLE {model.rows} IN ACCESS SHARE MODE")
            except psycopg.errors.UndefinedTable:
                connection.rollback()
                if model.model == tried:  # no other one has taken its place
                    raise
                tried = model.model
            else:
                return model

    # Within

    def _current(self, model: ReadModel) -> Projection | None:
        """Return the view of a model, if it was folded by the form that the view has now."""
        view = self.vocabulary.views.get(model.view)
        return view if view is not None and model.form == readmodels.form_of(view, self.vocabulary) else None

    def _other(self, model: ReadModel) -> Outdated | None:
        """Return that a model was folded by another version of its view than is here, if so."""
        return readmodels.another(model, self._form(model)) if model.view in self.vocabulary.views else None

    def _form(self, model: ReadModel) -> str:
        return readmodels.form_of(self.vocabulary.view(model.view), self.vocabulary)

    def _follower(self, connection: Connection, view: Projection, model: ReadModel) -> Follower:
        return Follower(Log(connection, self.timeline), self.vocabulary.reading(view), model, model.position)

    def _stored(self, connection: Connection, name: str) -> ReadModel:
        model = readmodels.serving(connection, self.timeline, name)
        if model is None:
            self.vocabulary.view(name)
            raise NotFound(f"the view {name} is not stored", remedy=f"Run: timeline views rebuild {name}")
        return model
