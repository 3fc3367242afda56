"""The database: how it is connected to, whether it is of this version, and what its errors mean.

Whatever the driver raises is translated here, once, into an error that says what to do. Passwords are never repeated.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as SQLTimeout

from timeline import driver
from timeline.errors import Outdated, Refused, TimelineError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

WRITER = "timeline_writer"
OLDEST = 15
"""The oldest major version of Postgres whose SQL is enough."""

_CONNECT_SECONDS = 15
_MIGRATION_LOCK = int.from_bytes(b"timeline", "big")  # the migrations take the same one
_SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?://", re.IGNORECASE)
_USER_INFO = re.compile(r"(://[^:/@]*:).*(?=@)")
_PASSWORD = re.compile(r"(password\s*=\s*)('(\\.|[^'])*'|[^\s&]+)")
# A plan is kept for long, and a table that it was made for may have grown a thousandfold by then, even within one
# transaction: to read it from end to end is never right, but for who says so (`driver.WHOLE`). Servers before 18 take
# what is off for dear and worth compiling.
_BY_INDEX = "SET enable_seqscan = off; SET jit = off"
# Postgres 16 tells being a member of a role from being allowed to become it.
_TAKE_ROLE = """
SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = %s
   AND pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a database is: its server, who we are to it, and the revision that it is migrated to (None: not at all)."""

    server: str
    database: str
    login: str
    revision: str | None
    head: str

    @property
    def current(self) -> bool:
        """Whether the database is of the version of this program."""
        return self.revision == self.head


def engine(url: str, *, role: str | None = WRITER) -> Engine:
    """Return an engine for a URL or keyword string of libpq, whose connections are in UTC and take a role.

    A login that may not take the role keeps its own rights, which are then what decides. A connection is made when it
    is needed and kept for the next use, until the engine is disposed of; the last one used, which has planned most of
    what is asked and is warm, is used first.
    """
    given: dict[str, Any] = {"connect_args": _arguments(url), "isolation_level": "READ COMMITTED"}
    made = create_engine("postgresql+psycopg://", pool_use_lifo=True, **given)

    @event.listens_for(made, "connect")
    def _(opened: Any, _record: object) -> None:  # noqa: ANN401  SQLAlchemy wraps the driver's connection
        _begin(opened, role)

    @event.listens_for(made, "reset")
    def _(returned: Any, *_: object) -> None:  # noqa: ANN401
        driver.restored(returned)

    return made


@contextmanager
def _connected(url: str, role: str | None) -> Iterator[Connection]:
    """Connect once, and leave nothing open."""
    made = engine(url, role=role)
    try:
        with translated(), made.connect() as connection:
            yield connection
    finally:
        made.dispose()


def _arguments(url: str) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(_SCHEME.sub("postgresql://", url))
    except psycopg.Error:
        # The driver's words may repeat a part of the password.
        remedy = "Write postgresql://USER:PASSWORD@HOST/DATABASE, special characters percent-encoded (/ as %2F)"
        raise Refused("the database URL cannot be read", remedy=remedy) from None
    ours = {"application_name": "timeline", "connect_timeout": _CONNECT_SECONDS, "prepare_threshold": driver.NEVER}
    return {**ours, **given, "client_encoding": "UTF8"}


def _begin(connection: psycopg.Connection[Any], role: str | None) -> None:
    """Refuse a server that cannot serve, and make the session independent of the server's settings."""
    server = connection.info
    if server.server_version < OLDEST * 10_000:
        message = f"the server is PostgreSQL {server.server_version // 10_000}, which is too old"
        raise Unavailable(message, remedy=f"Use PostgreSQL {OLDEST} or newer, or the embedded server")
    if server.parameter_status("server_encoding") != "UTF8":
        message = f"the database {server.dbname!r} does not store Unicode"
        raise Unavailable(message, remedy="Create one with: createdb --template=template0 --encoding=UTF8 NAME")
    connection.autocommit = True
    connection.execute("SET timezone = 'UTC'")
    connection.execute("SET datestyle = 'ISO, YMD'")
    if role == WRITER:
        connection.execute(_BY_INDEX)
    if role:
        connection.execute(_TAKE_ROLE, [role])
    connection.autocommit = False


def masked(url: str) -> str:
    """Return a database URL, or a keyword string of libpq, with its password hidden.

    >>> masked("postgresql://anna:se/cret@example.org/news")
    'postgresql://anna:***@example.org/news'
    """
    return _PASSWORD.sub(r"\1***", _USER_INFO.sub(r"\1***", url))


def migrations() -> Path:
    """Return the folder of the migrations: beside the package in a checkout, inside it where it is installed."""
    package = Path(__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


@cache
def revisions() -> list[str]:
    """Return the revisions that this program knows, the oldest first; a file is named REVISION_WHAT_IT_DOES.py."""
    return sorted(path.name.split("_")[0] for path in (migrations() / "versions").glob("[0-9]*_*.py"))


def check(connection: Connection) -> None:
    """Raise Outdated unless the database is of the version of this program."""
    with translated():
        revision = _revision(connection)
    if revision is None:
        raise _not_set_up()
    if not _known(revision):
        message = f"the database is at revision {revision}, older than this program"
        raise Outdated(message, remedy="Run: timeline db upgrade")


def _revision(connection: Connection) -> str | None:
    """Return the revision that the database is migrated to, or None."""
    try:
        with driver.pipelined(connection):
            found = driver.ask(connection, "SELECT version_num FROM timeline.alembic_version")
    except psycopg.errors.UndefinedTable:
        connection.rollback()
        return None
    [(revision,)] = found.fetchall() or [(None,)]
    return cast("str | None", revision)


def _known(revision: str) -> bool:
    """Return whether a revision is the last one that this program knows; Outdated where it knows nothing of it."""
    known = revisions()
    if revision not in known:
        message = f"the database is at revision {revision}, newer than this program, which knows {known[-1]}"
        raise Outdated(message, remedy="Upgrade the program: pip install --upgrade timeline")
    return revision == known[-1]


def _not_set_up() -> Outdated:
    return Outdated("the database has not been set up for timelines", remedy="Run: timeline init")


def status(url: str) -> Status:
    """Return what the database is; it may be empty."""
    query = text("SELECT current_setting('server_version'), current_database(), session_user")
    with _connected(url, WRITER) as connection:
        server, database, login = connection.execute(query).one()
        revision = _revision(connection)
    return Status(server=server.split()[0], database=database, login=login, revision=revision, head=revisions()[-1])


def upgrade(url: str) -> None:
    """Bring the database to the version of this program; nothing happens where it is. Others upgrading at once wait."""
    with _connected(url, None) as connection:
        # Before alembic, which keeps its context in global variables: threads would share it.
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        revision = _revision(connection)
        connection.commit()
        if revision is None or not _known(revision):
            _migrate(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  slow to import, and needed for nothing else
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    command.upgrade(config, "head")


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the driver raises as an error of ours that says what to do; what has no remedy is raised as it is."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error) or (ours := _meaning(error.orig)) is None:
            raise
        raise ours from error
    except PendingRollbackError as error:  # another thread has found out before
        raise Unavailable("the connection is lost", remedy=_TRY_AGAIN) from error
    except SQLTimeout as error:
        raise Unavailable("no connection is free", remedy=_TRY_AGAIN) from error
    except psycopg.Error as error:
        if (ours := _meaning(error)) is None:
            raise
        raise ours from error


_DISK_FULL = "53100"
_TRY_AGAIN = "Try again"
_FREE_DISK = "Free some disk space on the server, then try again; nothing was recorded"
_GRANT = "Ask the database's owner: GRANT timeline_writer TO the login (timeline_reader to read only)"
_STATES: dict[str, tuple[type[TimelineError], str]] = {
    "08": (Unavailable, _TRY_AGAIN),
    "22": (Refused, "Correct what was given"),
    "23": (Refused, "Correct what was given"),
    "25006": (
        Unavailable,
        "This login may only read, or the server is a replica: use one that may record, at the primary",
    ),
    "28": (Unavailable, "Check the user name and the password in TIMELINE_DATABASE_URL"),
    "3D": (Unavailable, "Create it with createdb, or correct TIMELINE_DATABASE_URL"),
    "40": (Unavailable, _TRY_AGAIN),
    "42501": (Unavailable, _GRANT),
    "53": (Unavailable, "The server lacks resources: try again later"),
    _DISK_FULL: (Unavailable, _FREE_DISK),
    "53300": (Unavailable, "Try again later, close other programs' connections or raise max_connections"),
    "54": (Refused, "Make it smaller"),
    "55P03": (Unavailable, "Something else holds a lock: try again"),
    "57": (Unavailable, _TRY_AGAIN),
    "57014": (Unavailable, "Raise statement_timeout for this login, or ask for less at once"),
    "58": (Unavailable, "Look into the server's log"),
}
"""What SQLSTATEs mean, by the whole code or its class: the error it becomes, and the remedy."""

_NOT_THERE = {"42P01", "3F000"}
"""SQLSTATEs of a table or schema that is not there."""

_WORDS = {
    r"password|authentication|no pg_hba|role .* does not exist": "28",
    r"database .* does not exist": "3D",
    r"too many|remaining connection slots": "53300",
    r"No space left|could not write": _DISK_FULL,
}
"""The same for errors while connecting, for which the driver has only words."""


def _meaning(error: psycopg.Error) -> TimelineError | None:
    if error.sqlstate in _NOT_THERE:
        return _not_set_up()
    if error.sqlstate is None:
        return _without_state(error)
    found = _STATES.get(error.sqlstate) or _STATES.get(error.sqlstate[:2])
    if found is None:
        return None
    kind, remedy = found
    if error.sqlstate != _DISK_FULL:  # where the server's hint says less than we know
        remedy = error.diag.message_hint or remedy
    return kind(_sentence(error.diag.message_primary or str(error)), remedy=remedy)


def _without_state(error: psycopg.Error) -> TimelineError | None:
    """Return the meaning of an error that the driver raised itself: while connecting, or before anything was sent."""
    if isinstance(error, psycopg.DataError):
        return Refused(_sentence(str(error)), remedy="Correct what was given")
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return None
    said = str(error)
    state = next((state for words, state in _WORDS.items() if re.search(words, said)), None)
    remedy = _STATES[state][1] if state else "Check that the server runs and that TIMELINE_DATABASE_URL names it"
    return Unavailable(f"the database cannot be reached: {_sentence(said)}", remedy=remedy)


def _sentence(said: str) -> str:
    """Return the driver's words on one line, without what repeats itself."""
    first = said.partition("\nMultiple connection attempts failed")[0]
    return re.sub(r"\s+", " ", re.sub(r"connection failed: |FATAL: +", "", first)).strip().rstrip(".")
