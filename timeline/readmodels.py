"""Read models: the stored views of a timeline, each in two tables of its own, and how far each has followed the log.

A model that serves is named by its row in `read_models`, which whoever writes to the model locks, so that rows and
checkpoint are committed together. Another one may be built beside it and take its place in one transaction.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row
from sqlalchemy import text

from timeline import driver
from timeline.errors import Conflict, Outdated
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from psycopg import Cursor
    from sqlalchemy import Connection

    from timeline.fold import Projection
    from timeline.vocabulary import Vocabulary

_COLUMNS = "model, view, version, form, position, serving, paused, fence, gathered, folded, built, retired, error"

NEWER = "Use the program that stores it, or upgrade this one"

WHILE, PAUSE = 2.0, 0.05
"""For how many seconds a drop tries to stop the building of a view, and how long it waits in between."""

EVERY_KEY = "model > 0"
"""What holds of every row, and is said by who asks for rows of all keys; see `index_rows`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    """A view stored in Postgres; `position` is that of the last event in it.

    `gathered`, `folded` and `built` say how far its building up to the `fence` is, the first two for each half of the
    work; `form` names the projection and its kinds, each with its version: what another form folded is built anew.
    """

    model: int
    view: str
    version: int
    form: str
    position: int
    serving: bool
    paused: bool
    fence: int
    gathered: list[int | None]
    folded: list[str | None]
    built: bool
    retired: bool
    error: str | None

    @property
    def rows(self) -> str:
        """Return the name of the table of its rows."""
        return f"timeline.rows_{self.model}"

    @property
    def keys(self) -> str:
        """Return the name of the table of its keys, with the facts of each."""
        return f"timeline.keys_{self.model}"


_AS_MODEL = class_row(ReadModel)


def form_of(view: Projection, vocabulary: Vocabulary) -> str:
    """Return the form of the read models of a view."""
    kinds = (f"{name}-{vocabulary.kind(name).version}" for name in sorted(view.kinds))
    return "\n".join([f"{view.name}-{view.version}", *kinds])


def is_newer(theirs: str, ours: str) -> bool:
    r"""Return whether a form names a projection or a kind in a later version than ours does.

    >>> is_newer("rain-2\nrained-1", "rain-1\nrained-1"), is_newer("rain-1\nrained-1", "rain-1\nrained-2")
    (True, False)
    """
    one, other = (dict(part.rpartition("-")[::2] for part in form.split("\n")) for form in (theirs, ours))
    return any(int(version) > int(other.get(name, version)) for name, version in one.items())


def another(model: ReadModel, form: str) -> Outdated | None:
    """Return that a model was folded by another form, and what to do about it; None where it was by this one."""
    if model.form == form:
        return None
    if is_newer(model.form, form):  # built anew by this one, it would be set back
        return Outdated(f"{model.view} is stored by a newer version of the view", remedy=NEWER)
    remedy = f"Store it by this one: timeline views rebuild {model.view}"
    return Outdated(f"{model.view} is stored by another version of the view", remedy=remedy)


def models(
    connection: Connection, timeline: str, view: str | None = None, *, serving: bool | None = None
) -> list[ReadModel]:
    """Return the read models of a timeline: of all views or one, all or only those that serve or do not."""
    query = f"""SELECT {_COLUMNS} FROM timeline.read_models WHERE timeline = %s AND view = coalesce(%s, view)
                   AND serving = coalesce(%s, serving) ORDER BY view, model"""
    return driver.ask(connection, query, [timeline, view, serving], row_factory=_AS_MODEL).fetchall()


def writable(connection: Connection) -> bool:
    """Return whether this login may keep read models up, on this server."""
    query = "SELECT has_table_privilege('timeline.read_models', 'UPDATE') AND NOT pg_is_in_recovery()"
    [(may,)] = driver.cursor(connection).execute(query).fetchall()
    return bool(may)


def serving(connection: Connection, timeline: str, view: str) -> ReadModel | None:
    """Return the read model that a view is answered from, None where there is none yet."""
    return next(iter(models(connection, timeline, view, serving=True)), None)


def locked(connection: Connection, timeline: str, model: int) -> ReadModel | None:
    """Return a read model, locked until the transaction ends; None where it is gone."""
    query = f"SELECT {_COLUMNS} FROM timeline.read_models WHERE timeline = %s AND model = %s FOR NO KEY UPDATE"
    return driver.ask(connection, query, [timeline, model], row_factory=_AS_MODEL).fetchone()


def all_locked(connection: Connection, timeline: str) -> Cursor[ReadModel]:
    """Ask for the models of a timeline that serve and that nobody is writing to, locked until the transaction ends."""
    query = f"""SELECT {_COLUMNS} FROM timeline.read_models WHERE timeline = %s AND serving
                 ORDER BY model FOR NO KEY UPDATE SKIP LOCKED"""
    return driver.ask(connection, query, [timeline], row_factory=_AS_MODEL)


def numbered(connection: Connection, timeline: str, model: int) -> ReadModel:
    """Return the read model of a number, which is there."""
    return next(found for found in models(connection, timeline) if found.model == model)


def make(connection: Connection, timeline: str, view: Projection, form: str, fence: int) -> ReadModel:
    """Make the tables of a new read model, which is empty and does not serve yet."""
    add = """INSERT INTO timeline.read_models (timeline, view, version, form, fence) VALUES (%s, %s, %s, %s, %s)
             RETURNING model"""
    [(number,)] = driver.cursor(connection).execute(add, [timeline, view.name, view.version, form, fence]).fetchall()
    model = numbered(connection, timeline, number)
    driver.cursor(connection).execute(f"""
        CREATE TABLE {model.rows} (
            LIKE timeline.rows INCLUDING ALL, CONSTRAINT model_is_this CHECK (model = {model.model}));
        ALTER TABLE {model.rows} ALTER COLUMN model SET DEFAULT {model.model};
        CREATE TABLE {model.keys} (LIKE timeline.keys INCLUDING ALL);
        COMMENT ON TABLE {model.rows} IS 'Rows of a read model, see timeline.rows';
        COMMENT ON TABLE {model.keys} IS 'Keys of a read model, see timeline.keys';
        ALTER TABLE {model.rows} OWNER TO timeline_writer;
        ALTER TABLE {model.keys} OWNER TO timeline_writer;
        GRANT SELECT ON {model.rows}, {model.keys} TO timeline_reader""")
    return model


def index_keys(connection: Connection, model: ReadModel) -> None:
    """Make what the keys are looked up by: which facts a key has, and which keys a fact has."""
    number = model.model
    driver.cursor(connection).execute(f"""
        CREATE UNIQUE INDEX IF NOT EXISTS keys_{number}_of_a_key ON {model.keys} (key, fact);
        CREATE INDEX IF NOT EXISTS keys_{number}_of_a_fact ON {model.keys} (fact)""")


def index_rows(connection: Connection, model: ReadModel, half: int) -> None:
    """Make one half of what rows are looked up by: those of a key, or those of a basis.

    Who wants all keys says so by `EVERY_KEY`. What this program asks about one is never answered by the index of a
    basis, which a plan that is made once for all days would take for just as good; `timeline.ask` in SQL is planned for
    what is asked.
    """
    name, columns = (("of_a_key", "key, days, known)"), ("of_a_basis", f"days, known) WHERE {EVERY_KEY}"))[half]
    driver.cursor(connection).execute(f"""
        SET LOCAL maintenance_work_mem = '256MB';
        CREATE INDEX IF NOT EXISTS rows_{model.model}_{name} ON {model.rows} USING gist ({columns}""")


def serve(connection: Connection, timeline: str, model: ReadModel) -> None:
    """Let a model answer in place of the one that did, which retires: who reads it just now may end in peace.

    From now on each row is looked at when it is added, since the periods of a key never overlap. Who asks in SQL has
    planned before he sees which model serves, so that none may begin to serve in between: he would find no rows.
    """
    cursor, paused = driver.cursor(connection), False
    cursor.execute("LOCK TABLE ONLY timeline.rows IN ACCESS EXCLUSIVE MODE")
    cursor.execute(f"""
        CREATE CONSTRAINT TRIGGER periods_never_overlap AFTER INSERT OR UPDATE ON {model.rows}
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION timeline.refuse_overlap()""")
    for old in models(connection, timeline, model.view, serving=True):
        retire(connection, timeline, old)
        paused = old.paused
    cursor.execute(f"ALTER TABLE timeline.rows ATTACH PARTITION {model.rows} FOR VALUES IN ({model.model})")
    now = "UPDATE timeline.read_models SET serving = true, paused = %s WHERE timeline = %s AND model = %s"
    cursor.execute(now, [paused, timeline, model.model])


def retire(connection: Connection, timeline: str, model: ReadModel) -> None:
    """Let a model answer no more."""
    query = "UPDATE timeline.read_models SET serving = false, retired = true WHERE timeline = %s AND model = %s"
    driver.cursor(connection).execute(query, [timeline, model.model])


@contextmanager
def alone(connection: Connection, timeline: str, view: str) -> Iterator[None]:
    """Keep others from building the models of a view, or Conflict; the lock goes with the session, whatever ends it."""
    name = {"name": _building(timeline, view)}
    if not connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), name).scalar():
        raise Conflict(f"the view {view} is being built already", remedy="Wait for it: timeline views status")
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), name)
        connection.commit()


def is_being_built(connection: Connection, timeline: str, view: str) -> bool:
    """Return whether somebody is building a model of a view just now."""
    query = """SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 1
          AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(%s, 0))"""
    [(built,)] = driver.ask(connection, query, [_building(timeline, view)]).fetchall()
    return bool(built)


def _building(timeline: str, view: str) -> str:
    return f"timeline views rebuild {timeline} {view}"


def clear(connection: Connection, timeline: str, view: str) -> None:
    """Remove the models of a view that have retired, but for those that somebody still reads; commits."""
    connection.commit()
    for model in models(connection, timeline, view, serving=False):
        if model.retired:
            try:
                driver.cursor(connection).execute("SET LOCAL lock_timeout = '300ms'")
                drop(connection, timeline, model)
                connection.commit()
            except psycopg.errors.LockNotAvailable:
                connection.rollback()
    connection.commit()


def drop_all(connection: Connection, timeline: str, view: str) -> bool:
    """Let no model of a view answer or be built any further, and remove what nobody reads or builds just now; commits.

    Returns whether nothing of the view is left. Who builds one finds at the next step that it is not wanted any more,
    and removes it; he may just have begun, and have no model yet, so that this is tried for a while.
    """
    end = monotonic() + WHILE
    while True:
        for model in models(connection, timeline, view):
            retire(connection, timeline, model)
        connection.commit()
        with suppress(Conflict), alone(connection, timeline, view):
            clear(connection, timeline, view)
            break
        if monotonic() > end:
            break
        sleep(PAUSE)
    return not models(connection, timeline, view)


def is_whole(connection: Connection, model: ReadModel) -> bool:
    """Return whether the tables of a model are there: somebody may have dropped them by hand."""
    [(whole,)] = driver.cursor(connection).execute(
        "SELECT to_regclass(%s) IS NOT NULL AND to_regclass(%s) IS NOT NULL", [model.rows, model.keys]
    )
    return bool(whole)


def drop(connection: Connection, timeline: str, model: ReadModel) -> None:
    """Remove a model and its tables."""
    driver.cursor(connection).execute(f"DROP TABLE IF EXISTS {model.rows}, {model.keys}")
    gone = "DELETE FROM timeline.read_models WHERE timeline = %s AND model = %s"
    driver.cursor(connection).execute(gone, [timeline, model.model])


def followed(connection: Connection, timeline: str, model: ReadModel, **moved: Any) -> None:  # noqa: ANN401  columns
    """Move what the registry says of a model: `position`, `gathered`, `folded`, `paused` or `error`."""
    sets = ", ".join(f"{name} = %s" for name in moved)
    query = f"UPDATE timeline.read_models SET {sets}, updated = clock_timestamp() WHERE timeline = %s AND model = %s"
    driver.ask(connection, query, [*moved.values(), timeline, model.model])


# Keys that cannot be folded


def stuck(connection: Connection, timeline: str, model: ReadModel) -> dict[str, str]:
    """Return the keys that cannot be folded, with the reasons."""
    query = "SELECT key, reason FROM timeline.stuck_keys WHERE timeline = %s AND model = %s ORDER BY key"
    return dict(driver.ask(connection, query, [timeline, model.model]).fetchall())


def all_stuck(connection: Connection, timeline: str, view: str | None) -> Iterator[dict[str, Any]]:
    """Yield the keys of what is stored, of all views or one, that cannot be folded: since which position and when."""
    query = """SELECT m.view, s.key, s.position, s.reason, s.since FROM timeline.stuck_keys s
        JOIN timeline.read_models m USING (timeline, model)
        WHERE timeline = %s AND m.serving AND m.view = coalesce(%s, m.view) ORDER BY m.view, s.key"""
    for name, key, position, reason, since in driver.ask(connection, query, [timeline, view]):
        found = {"view": name, "key": key, "position": position, "reason": reason}
        yield found | {"since": format_instant(since)}


def set_stuck(connection: Connection, timeline: str, model: ReadModel, to: int, reasons: Mapping[str, str]) -> None:
    """List keys as stuck at a position."""
    query = """INSERT INTO timeline.stuck_keys (timeline, model, key, position, reason) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (timeline, model, key)
               DO UPDATE SET position = excluded.position, reason = excluded.reason"""
    for key, reason in reasons.items():
        driver.cursor(connection).execute(query, [timeline, model.model, key, to, reason])


def unstuck(connection: Connection, timeline: str, model: ReadModel, keys: Iterable[str]) -> None:
    """Take keys off the list."""
    query = "DELETE FROM timeline.stuck_keys WHERE timeline = %s AND model = %s AND key = ANY(%s)"
    driver.cursor(connection).execute(query, [timeline, model.model, list(keys)])
