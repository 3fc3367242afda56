"""The rows of a read model: periods as Postgres keeps them, written and read back, and the rows of one basis.

Days without a bound are open; what a period does not know of itself (since when each of its days reads so, how far its
state goes on into the days beside it) is looked up in the periods around it.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import psycopg
from psycopg import sql

from timeline import driver
from timeline.driver import copied
from timeline.events import canonical
from timeline.fold import NAMELESS, Row
from timeline.periods import FUTURE, PAST
from timeline.readmodels import EVERY_KEY
from timeline.stretches import Content, Period

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from psycopg import Cursor
    from sqlalchemy import Connection

    from timeline.basis import Basis
    from timeline.periods import Region
    from timeline.readmodels import ReadModel

_WRITTEN = "key, days, known, state, certain, disputed, facts, known_since, joined_before, joined_after"
_JOINED = (("0\t0", "0\t1"), ("1\t0", "1\t1"))
_DAY_ZERO = "date '0001-01-01'"
_PERIOD = f"""ctid, key, coalesce(lower(days) - {_DAY_ZERO} + 1, {PAST}),
    coalesce(upper(days) - {_DAY_ZERO} + 1, {FUTURE}), lower(known), upper(known), state::text,
    CASE WHEN isempty(certain) THEN 0 ELSE coalesce(lower(certain) - {_DAY_ZERO} + 1, {PAST}) END,
    CASE WHEN isempty(certain) THEN 0 ELSE coalesce(upper(certain) - {_DAY_ZERO} + 1, {FUTURE}) END,
    disputed, facts, known_since, joined_before, joined_after"""


# Writing


def write(connection: Connection, model: ReadModel, lines: Sequence[str]) -> None:
    """Write periods, given as lines, into a model: some thousands at a time, or some FEW, which may be pipelined."""
    driver.put(connection, model.rows, _WRITTEN, lines)


def line(key: str, period: Period) -> str:
    """Return a period as a line of a copy: two lines are the same where the rows are."""
    first, behind, known_from, known_to, content, since, (before, after) = period
    known = f"[{_instant(known_from)},{_instant(known_to) if known_to else ''})"
    told, joined = _instant(since) if since else driver.NULL, _JOINED[before][after]
    return f"{copied(key)}\t{range_of(first, behind)}\t{known}\t{_read(content)}\t{told}\t{joined}\n"


@lru_cache(maxsize=64)
def _read(content: Content) -> str:
    """Return what a row reads as columns; the periods of a key share it, one after the other."""
    state = content.state.replace("\\", "\\\\")  # JSON writes control characters out
    return f"{state}\t{range_of(*content.certain)}\t{content.disputed:d}\t{_facts(content.facts)}"


@lru_cache(maxsize=1 << 14)
def range_of(first: int, behind: int) -> str:
    """Return counted days, the last excluded, as a daterange; 0 and 0 are none."""
    if not behind:
        return "empty"
    lower = "" if first == PAST else date.fromordinal(first).isoformat()
    return f"[{lower},{'' if behind == FUTURE else date.fromordinal(behind).isoformat()})"


@lru_cache(maxsize=1 << 12)
def _instant(moment: datetime) -> str:
    return moment.isoformat()


def _facts(facts: Sequence[str]) -> str:
    return "{" + ",".join(map(_quoted, facts)) + "}"


@lru_cache(maxsize=1 << 12)
def _quoted(name: str) -> str:
    """Return a name as an item of an array, within a text of COPY."""
    inside = name.replace("\\", "\\\\").replace('"', '\\"')
    return copied(f'"{inside}"')


def listed(key: str, fact: str, first: int, behind: int) -> str:
    """Return a line of a copy into a table of keys."""
    return f"{copied(key)}\t{copied(fact)}\t{range_of(first, behind)}\n"


def delete(connection: Connection, model: ReadModel, places: Sequence[str]) -> None:
    """Delete rows by their places, which hold for the transaction that has locked the model."""
    driver.ask(connection, f"DELETE FROM {model.rows} WHERE ctid = ANY(%s::tid[])", [list(places)], len(places))


def forget(connection: Connection, model: ReadModel, keys: Sequence[str]) -> None:
    """Delete all rows of some keys, which cannot be folded any more."""
    driver.ask(connection, f"DELETE FROM {model.rows} WHERE key = ANY(%s)", [list(keys)], len(keys))


# Reading periods back


def facts_of(connection: Connection, model: ReadModel, key: str) -> list[str] | None:
    """Return the facts that ever had a key, None where the model has just been dropped; that begins a transaction."""
    try:
        found = driver.ask(connection, f"SELECT fact FROM {model.keys} WHERE key = %s ORDER BY fact", [key])
    except psycopg.errors.UndefinedTable:
        connection.rollback()
        return None
    return [fact for (fact,) in found]


def periods_of(connection: Connection, model: ReadModel, keys: Sequence[str]) -> Cursor[Any]:
    """Ask for all periods of some keys; `by_key` reads them."""
    return driver.ask(connection, f"SELECT {_PERIOD} FROM {model.rows} WHERE key = ANY(%s)", [list(keys)], len(keys))


def by_key(found: Iterable[Sequence[Any]]) -> dict[str, dict[Period, str]]:
    """Return periods by their keys, each with the place where it stands."""
    held: dict[str, dict[Period, str]] = {}
    for row in found:
        held.setdefault(row[1], {})[_period(row)] = row[0]
    return held


def everything(cursor: Cursor[Any], model: ReadModel) -> Iterator[tuple[str, Period]]:
    """Yield all periods of a model in order of key; the cursor has a name, so that only some are in memory."""
    for row in cursor.execute(f"SELECT {_PERIOD} FROM {model.rows} ORDER BY key"):
        yield row[1], _period(row)


def periods_near(connection: Connection, model: ReadModel, key: str, region: Region) -> dict[Period, str]:
    """Return the periods of a key that touch a region, each with its place."""
    query = f"""SELECT {_PERIOD} FROM {model.rows} WHERE key = %s AND days && daterange(%s, %s)
                   AND (upper_inf(known) OR upper(known) >= %s)"""
    asked = [key, _before(region.first), _after(region.behind), region.known]
    return by_key(driver.ask(connection, query, asked)).get(key, {})


def periods_beside(connection: Connection, model: ReadModel, key: str, held: Sequence[Period]) -> Iterable[Any]:
    """Ask for the periods of a key whose days end where some others begin, or begin where they end."""
    firsts = [date.fromordinal(day) for day in {period.first for period in held} if day > PAST]
    behinds = [date.fromordinal(day) for day in {period.behind for period in held} if day < FUTURE]
    if not firsts and not behinds:
        return ()
    query = f"""SELECT {_PERIOD} FROM {model.rows} WHERE key = %s AND days && daterange(%s, %s)
                   AND (upper(days) = ANY(%s) OR lower(days) = ANY(%s))"""
    hull = _before(min(p.first for p in held)), _after(max(p.behind for p in held))
    return driver.ask(connection, query, [key, *hull, firsts, behinds])


def _before(first: int) -> date | None:
    return date.fromordinal(first - 1) if first > PAST + 1 else None


def _after(behind: int) -> date | None:
    return date.fromordinal(behind + 1) if behind < FUTURE - 1 else None


def _period(row: Sequence[Any]) -> Period:
    _, _, first, behind, known_from, known_to, state, begins, ends, disputed, facts, since, before, after = row
    said = canonical(orjson.loads(state)).decode()
    content = Content(said, state, disputed, (begins, ends), tuple(facts))
    return Period(first, behind, known_from, known_to, content, since, (before, after))


# The rows of one basis


class _Found(NamedTuple):
    """A row as it was read: what `Row` says, and what is still to be looked up."""

    key: str
    state: str
    certain: bool
    disputed: bool
    since: date | None
    until: date | None
    known_since: datetime | None
    facts: list[str]
    joined_before: bool
    joined_after: bool


_ROW = """key, state::text, certain @> %(on)s::date AS certain, disputed, lower(days), upper(days) - 1, known_since,
    facts, joined_before, joined_after"""
_HERE = "days @> %(on)s::date AND known @> %(known)s::timestamptz"


def rows(cursor: Cursor[Any], model: ReadModel, basis: Basis, key: str | None) -> Iterator[Row]:
    """Return the rows of a model on a day as known at an instant, in order of key: all, or that of one key.

    The question has been put to the server when this returns, and answers are fetched as they are taken.
    """
    wanted = f"AND {EVERY_KEY}" if key is None else "AND key = %(key)s"
    order = "ORDER BY key" if key is None else ""
    asked = {"on": basis.on, "known": basis.known, "key": key}
    cursor.execute(f"SELECT {_ROW} FROM {model.rows} WHERE {_HERE} {wanted} {order}", asked)
    beside = cursor.connection.cursor()
    return (_row(beside, model.rows, asked, _Found(*found)) for found in cursor)


class Head(NamedTuple):
    """Where a timeline ends: its last position and hash; `row` is that of a key there, at a basis."""

    position: int
    hash: bytes
    row: Row | None


def head_query(timeline: str, number: int, form: str, revision: str) -> str:
    """Return what asks a model for the row of a key at the head of the log, in a database of a revision.

    It is kept, and asked by `at_head`: a cursor remembers what it has learnt while it is given the very same text.
    """
    names = {"timeline": timeline, "form": form, "revision": revision}
    given = {name: sql.Literal(value).as_string().replace("%", "%%") for name, value in names.items()}
    return f"""SELECT t.position, t.hash, r.*
        FROM timeline.timelines t JOIN timeline.read_models m ON m.timeline = t.timeline AND m.model = {number}
        LEFT JOIN (SELECT {_ROW} FROM timeline.rows_{number} WHERE {_HERE} AND key = %(key)s) r ON true
        WHERE t.timeline = {given["timeline"]} AND m.serving AND m.position = t.position AND m.form = {given["form"]}
          AND EXISTS (SELECT FROM timeline.alembic_version WHERE version_num = {given["revision"]})
          AND NOT EXISTS (SELECT FROM timeline.stuck_keys s
                           WHERE s.timeline = t.timeline AND s.model = m.model
                             AND (s.key = %(key)s OR starts_with(s.key, '{NAMELESS}')))"""


def at_head(cursor: Cursor[Any], query: str, key: str, on: date, known: datetime) -> Head | None:
    """Return the row of a key as it is at the head of the log, by one statement and so in one snapshot.

    None where that model does not answer for the head just now, or where the key is stuck, or a fact that could not be
    told its keys may have it.
    """
    found = cursor.execute(query, {"key": key, "on": on, "known": known}, prepare=True).fetchone()
    if found is None:
        return None
    position, link, *fields = found
    if fields[0] is None:
        return Head(position, link, None)
    here = _Found(*fields)
    if here.joined_before or here.joined_after or here.known_since is None:
        return None  # more is to be looked up, in the same snapshot
    return Head(position, link, _told(here, orjson.loads(here.state), here.since, here.until, here.known_since))


def _row(cursor: Cursor[Any], table: str, asked: Mapping[str, Any], found: _Found) -> Row:
    state = orjson.loads(found.state)
    since, until, known_since = found.since, found.until, found.known_since
    if found.joined_before or found.joined_after or known_since is None:
        said = canonical(state)
        if found.joined_before or found.joined_after:
            since, until = _reach(cursor, table, asked, found, said)
        if known_since is None:
            known_since = _known_since(cursor, table, asked, found, said)
    return _told(found, state, since, until, known_since)


def _told(found: _Found, state: dict[str, Any], since: date | None, until: date | None, known_since: datetime) -> Row:
    certainty = "certain" if found.certain else "possible"
    return Row(
        key=found.key,
        state=state,
        certainty=certainty,
        disputed=found.disputed,
        since=since,
        until=until,
        known_since=known_since,
        facts=tuple(found.facts),
    )


def _reach(
    cursor: Cursor[Any], table: str, asked: Mapping[str, Any], found: _Found, said: bytes
) -> tuple[date | None, date | None]:
    """Return the first and the last day around a basis on which a key is in the same state without a break."""
    query = f"""SELECT lower(days), upper(days) - 1, state::text FROM {table}
                 WHERE key = %s AND known @> %s::timestamptz ORDER BY days"""
    runs = cursor.execute(query, [found.key, asked["known"]]).fetchall()
    at = next(number for number, run in enumerate(runs) if run[:2] == (found.since, found.until))
    first = last = at
    while first and _touch(runs[first - 1], runs[first]) and canonical(orjson.loads(runs[first - 1][2])) == said:
        first -= 1
    while (
        last + 1 < len(runs)
        and _touch(runs[last], runs[last + 1])
        and canonical(orjson.loads(runs[last + 1][2])) == said
    ):
        last += 1
    return runs[first][0], runs[last][1]


def _touch(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return one[1] is not None and other[0] is not None and (other[0] - one[1]).days == 1


def _known_since(cursor: Cursor[Any], table: str, asked: Mapping[str, Any], found: _Found, said: bytes) -> datetime:
    """Return the instant from which a key has been in the same state on a day."""
    query = f"""SELECT lower(known), upper(known), state::text, known_since FROM {table}
                 WHERE key = %s AND days @> %s::date AND lower(known) <= %s ORDER BY known DESC"""
    since: datetime | None = None
    for begun, ended, state, known in cursor.execute(query, [found.key, asked["on"], asked["known"]]):
        if since is not None and (ended != since or canonical(orjson.loads(state)) != said):
            break
        since = begun
        if known is not None:
            return known  # type: ignore[no-any-return]
    assert since is not None  # noqa: S101  the row itself was found
    return since
