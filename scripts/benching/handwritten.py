"""The peer that is hard to beat: SQL written by hand for one purpose, on the same rows in the same server."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from benching.figures import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import psycopg
    from benching.store import Store

    Connection = psycopg.Connection[tuple[Any, ...]]

BLOCK = 1 << 18
_COLUMNS = """timeline, position, fact, event, action, kind, subject, known, recorded, possible, certain,
    document, content, hash"""
INSERT = f"INSERT INTO bench.copied ({_COLUMNS}) VALUES ({', '.join(['%s'] * 12)}, %s::json, %s)"  # noqa: S608
_LIKE = """
DROP TABLE IF EXISTS bench.copied;
CREATE TABLE bench.copied (LIKE timeline.events INCLUDING ALL);
ALTER TABLE bench.copied ADD FOREIGN KEY (timeline) REFERENCES timeline.timelines (timeline);
ALTER TABLE bench.copied ADD FOREIGN KEY (timeline, document) REFERENCES timeline.documents (timeline, document)
"""
_PERIODS = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
DROP TABLE IF EXISTS bench.periods;
CREATE TABLE bench.periods (
    key text COLLATE "C" NOT NULL, days daterange NOT NULL, known tstzrange NOT NULL,
    state json NOT NULL, facts text[] NOT NULL
)
"""
ONE_KEY = "SELECT state, facts FROM bench.periods WHERE key = %s AND days @> %s::date AND known @> %s::timestamptz"
ALL_KEYS = "SELECT key, state, facts FROM bench.periods WHERE days @> '{on}'::date AND known @> '{known}'::timestamptz"


def copied(store: Store) -> float:
    """Return how long it takes to COPY the finished rows of the log into a table of the same definition."""
    path = store.folder / "rows.copy"
    named = f"SELECT {_COLUMNS} FROM timeline.events WHERE timeline = 'main' ORDER BY position"  # noqa: S608
    with store.sql.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(f"COPY ({named}) TO STDOUT (FORMAT BINARY)".encode()) as out:
            for block in out:
                file.write(block)
        for statement in _LIKE.split(";"):
            cursor.execute(statement.encode())
        cursor.execute("CHECKPOINT")

    def copy() -> None:
        statement = f"COPY bench.copied ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
        with store.sql.cursor() as cursor, cursor.copy(statement.encode()) as into, path.open("rb") as file:
            while block := file.read(BLOCK):
                into.write(block)

    seconds = seconds_of(copy)
    store.sql.execute("VACUUM (ANALYZE, PARALLEL 0) bench.copied")
    path.unlink()
    return seconds


def inserting(connection: Connection, timeline: str, first: int) -> Callable[[int], object]:
    """Return a step that inserts and commits one finished row at the end of the copied log, or of another timeline."""
    found = connection.execute(
        "SELECT fact, kind, subject, known, possible, certain, content::text FROM timeline.events"
        " WHERE timeline = 'main' AND action = 'assert' LIMIT 1"
    ).fetchone()
    if found is None:
        raise LookupError("the log is empty")
    fact, kind, subject, known, possible, certain, content = found
    recorded = datetime.fromisoformat("2100-01-01T00:00:00Z")

    def step(number: int) -> None:
        place = (timeline, first + number, f"{number % 977}/{fact}/{first + number}", os.urandom(32))
        stated = ("assert", kind, subject, known, recorded + timedelta(microseconds=first + number))
        row = (*place, *stated, possible, certain, None, content, os.urandom(32))
        connection.execute(INSERT.encode(), row, prepare=True)

    return step


def periods(store: Store) -> tuple[int, float]:
    """Fill the bitemporal table from the rows that are stored; return how many, and how long filling it took."""
    source = store.rows
    for statement in _PERIODS.split(";"):
        store.sql.execute(statement.encode())

    def fill() -> None:
        told = f"SELECT key, days, known, state, facts FROM timeline.{source}"  # noqa: S608
        store.sql.execute(f"INSERT INTO bench.periods {told}".encode())
        store.sql.execute("CREATE INDEX periods_by_time ON bench.periods USING gist (days, known)")
        store.sql.execute("CREATE INDEX periods_by_key ON bench.periods USING gist (key, days, known)")

    seconds = seconds_of(fill)
    store.sql.execute("VACUUM (ANALYZE, PARALLEL 0) bench.periods")
    counted = store.sql.execute("SELECT count(*) FROM bench.periods").fetchone()
    return (counted[0] if counted else 0), seconds


def asking(connection: Connection, questions: list[tuple[str, date, datetime]]) -> Callable[[int], object]:
    """Return a step that asks the bitemporal table for one key, by a prepared statement."""
    cursor = connection.cursor(binary=True)

    def step(number: int) -> list[tuple[Any, ...]]:
        return cursor.execute(ONE_KEY, questions[number], prepare=True).fetchall()

    return step


def milliseconds(connection: Connection, query: str) -> float:
    """Return how long the server takes for a query and for writing out its rows, by its own clock."""
    told = "EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, SERIALIZE TEXT, FORMAT JSON)"
    found = connection.execute(f"{told} {query}".encode()).fetchone()
    if found is None:
        raise LookupError("nothing was explained")
    return float(found[0][0]["Execution Time"])
