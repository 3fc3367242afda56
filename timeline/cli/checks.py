"""The checks of `timeline doctor`: each looks at one thing, changes nothing, and knows how to mend what it finds."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from timeline import database, opening, server, vocabulary
from timeline.errors import TimelineError
from timeline.keeping import Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from timeline.settings import Settings

SKEW_SECONDS = 5
"""Seconds by which the clocks of server and client may differ."""

LEAST_DISK = 2**29
"""Bytes that must be free where the embedded server keeps its data."""

_RIGHTS = """
SELECT current_user, has_schema_privilege('timeline', 'USAGE') AND has_table_privilege('timeline.events', 'SELECT'),
       has_schema_privilege('timeline', 'USAGE')
   AND has_table_privilege('timeline.events', 'INSERT') AND has_table_privilege('timeline.documents', 'INSERT')
   AND NOT current_setting('transaction_read_only')::boolean AND has_table_privilege('timeline.runs', 'INSERT')
   AND has_column_privilege('timeline.timelines', 'position', 'UPDATE')"""
_GUARDED = """
SELECT count(DISTINCT tgrelid) FROM pg_trigger
 WHERE tgrelid IN ('timeline.events'::regclass, 'timeline.documents'::regclass, 'timeline.runs'::regclass)
   AND tgname = 'log_is_append_only' AND tgenabled IN ('O', 'A')"""
_CLOCKS = "SELECT clock_timestamp(), (SELECT max(recorded) FROM timeline.timelines)"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is as it should be, what was found, and what to do about it."""

    check: str
    passed: bool
    found: str
    fix: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return asdict(self)


def checks(given: Settings) -> Iterator[Check]:
    """Yield all checks that can be made; without a server there are none of the database."""
    source = given.origins.get("database_url")
    yield Check("settings", passed=True, found=f"database URL from {source}" if source else "embedded Postgres")
    yield _made("plug-ins", lambda: _plugins(given))
    if given.database_url is None:
        yield _made("binaries", lambda: _binaries(given))
        yield _made("disk", lambda: _disk(given))
        if not any(given.home.glob("pg*/PG_VERSION")):
            yield Check("server", passed=True, found=f"no database yet in {given.home}; the first command makes it")
            return
    try:
        with opening.address(given) as url:
            yield from _of_the_database(url, given)
    except TimelineError as error:
        yield Check("server", passed=False, found=error.message, fix=error.remedy)


def _of_the_database(url: str, given: Settings) -> Iterator[Check]:
    status = database.status(url)
    yield Check("server", passed=True, found=f"PostgreSQL {status.server}, {database.masked(url)}")
    if not status.current:
        found = f"revision {status.revision or 'none'}, this program has {status.head}"
        yield Check("migrations", passed=False, found=found, fix="Run: timeline db upgrade")
        return
    yield Check("migrations", passed=True, found=f"revision {status.revision}")
    connections = database.engine(url)
    try:
        with connections.connect() as connection:
            for name, check in _CHECKS.items():
                yield _made(name, lambda check=check: check(connection))  # type: ignore[misc]
        yield from _stored_views(connections, given)
    finally:
        connections.dispose()


def _made(name: str, check: Callable[[], Check]) -> Check:
    """Return the outcome of a check, which has failed if it could not be made."""
    try:
        with database.translated():
            return check()
    except TimelineError as error:
        return Check(name, passed=False, found=error.message, fix=error.remedy)


def _plugins(given: Settings) -> Check:
    words = vocabulary.load(given.plugins)
    return Check("plug-ins", passed=True, found=f"{len(words.kinds)} kinds, {len(words.views)} views")


def _binaries(given: Settings) -> Check:
    return Check("binaries", passed=True, found=str(server.binaries_in_use(given.server_binaries)))


def _disk(given: Settings) -> Check:
    folder = next(at for at in (given.home, *given.home.parents) if at.exists())
    free = shutil.disk_usage(folder).free
    found = f"{free >> 20:,} MiB free in {folder}"
    return Check("disk", passed=free >= LEAST_DISK, found=found, fix="Make room, or move it with TIMELINE_HOME")


def _rights(connection: Connection) -> Check:
    role, reads, enough = connection.execute(text(_RIGHTS)).one()
    found = f"{role} {'may read and record' if enough else 'may read, and not record' if reads else 'may not read'}"
    return Check(
        "rights", passed=enough, found=found, fix="Ask the database's owner: GRANT timeline_writer TO the login"
    )


def _guarded(connection: Connection) -> Check:
    guarded = connection.execute(text(_GUARDED)).scalar_one()
    found = f"{guarded} of 3 tables are guarded against change"
    return Check("append-only", passed=guarded == 3, found=found, fix="Run timeline verify, then restore the triggers")  # noqa: PLR2004


def _clock(connection: Connection) -> Check:
    there, recorded = connection.execute(text(_CLOCKS)).one()
    skew = abs((there - datetime.now(UTC)).total_seconds())
    ahead = recorded is not None and recorded > there
    found = f"{skew:.1f} s apart{', and the log is ahead of the server' if ahead else ''}"
    return Check("clock", passed=skew <= SKEW_SECONDS and not ahead, found=found, fix="Synchronise the clocks (NTP)")


def _stored_views(connections: Engine, given: Settings) -> Iterator[Check]:
    """Yield a check for each stored view that does not answer as the log is now, or one that none is so."""
    try:
        with database.translated():
            views = Views(connections, given.timeline, vocabulary.load(given.plugins))
            stored = views.stored()
            wrong = [found for name in stored for found in _amiss(views, name)]
            wrong += map(_strange, views.strange())
            wrong += map(_unfinished, views.unfinished())
    except TimelineError as error:
        yield Check("views", passed=False, found=error.message, fix=error.remedy)
    else:
        yield from wrong or [Check("views", passed=True, found=f"{len(stored)} stored, as the log is now")]


def _amiss(views: Views, name: str) -> Iterator[Check]:
    lag, stuck = views.lag(name, views.head()), sum(1 for _ in views.errors(name))
    if lag:
        yield Check(f"view {name}", passed=False, found=lag.found, fix=lag.remedy)
    if stuck:
        found = f"{stuck} of its keys cannot be folded"
        yield Check(f"view {name}", passed=False, found=found, fix=f"See: timeline views errors {name}")


def _strange(name: str) -> Check:
    found = "stored, and no plug-in that is loaded gives it: nobody keeps it up"
    return Check(f"view {name}", passed=False, found=found, fix=f"Load it, or run: timeline views drop {name}")


def _unfinished(name: str) -> Check:
    fix = f"Run: timeline views rebuild {name}, or timeline views drop {name}"
    return Check(f"view {name}", passed=False, found="the building of it was broken off", fix=fix)


_CHECKS = {"rights": _rights, "append-only": _guarded, "clock": _clock}
