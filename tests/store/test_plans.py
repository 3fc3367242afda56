"""What was planned while tables were tiny finds by index when they have grown; what reads much may read all."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
from makers import line
from sqlalchemy import QueuePool

from timeline import driver
from timeline.append import _FOUND
from timeline.store import SNAPSHOT

if TYPE_CHECKING:
    from timeline.app import Timeline

READ_WHOLE = """
SELECT relname, seq_tup_read FROM pg_stat_user_tables
 WHERE schemaname = 'timeline' AND relname ~ '^(events|documents|rows_[0-9]+|keys_[0-9]+)$' AND seq_tup_read > 0
 ORDER BY relname"""


def read_whole(opened: Timeline, url: str) -> dict[str, int]:
    """Return how many rows were read by going through a whole table, once all sessions of a timeline have told."""
    opened.engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(1_000):
            others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
            if connection.execute(others, [connection.info.backend_pid]).fetchone() == (0,):
                break
            time.sleep(0.01)
        found: list[tuple[str, int]] = connection.execute(READ_WHOLE).fetchall()
    return dict(found)


def planned_once(opened: Timeline) -> int:
    """Return how many statements the connections of a timeline have plans for that are made once."""
    pool = opened.engine.pool
    assert isinstance(pool, QueuePool)
    query = "SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0"
    with ExitStack() as stack:
        connections = [stack.enter_context(opened.engine.connect()) for _ in range(pool.checkedin())]
        return sum(connection.exec_driver_sql(query).scalar_one() for connection in connections)


def _corrected(number: int) -> dict[str, object]:
    return line(fact=f"f{number}", action="correct", known="2024-02-01", data={"measure": "m", "value": -1})


def _told(number: int, subject: int) -> dict[str, object]:
    return line(fact=f"f{number}", subject=f"s{subject}", data={"measure": "m", "value": number})


def test_what_was_planned_for_few_rows_finds_many_by_index(opened: Timeline, database_url: str) -> None:
    """Statements about few things are planned once for each connection, which then takes in many at a time."""
    opened.record([_told(0, 0)])
    opened.rebuild("observations")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    before = read_whole(opened, database_url)
    for number in range(1, 12):
        opened.record([_told(number, number)])
        opened.record([_corrected(number)])
        opened.ask("observations", f"s{number}/m", on="2023-12-15")
    assert planned_once(opened) > 5
    for first in range(1_000, 5_000, 1_000):
        opened.record(_told(number, number % 1_500) for number in range(first, first + 1_000))
    opened.record(map(_corrected, range(1_000, 2_000)))
    after = read_whole(opened, database_url)
    assert {name: rows for name, rows in after.items() if rows > before.get(name, 0) + 100} == {}
    assert [found["lag"] for found in opened.views.status() if found["view"] == "observations"] == [0]


def test_a_view_takes_in_an_event_of_a_log_that_was_never_analysed(opened: Timeline, database_url: str) -> None:
    """A server that was just started knows nothing of the log: the other facts of a key are found fact by fact."""
    opened.record([_told(number, number % 1_000) for number in range(3_000)])
    opened.rebuild("observations")
    read_whole(opened, database_url)
    query = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'positions_are_taken_once'"
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(query).fetchall()[0][0]
        for number in range(3_000, 3_020):
            opened.record([_told(number, number % 1_000)])
        read_whole(opened, database_url)
        assert connection.execute(query).fetchall()[0][0] - before < 1_000


def test_what_a_new_timeline_holds_is_looked_up_by_facts(opened: Timeline, other: Timeline, database_url: str) -> None:
    """However little the server knows of it: to read all of a timeline for each fact would be quadratic."""
    opened.record([line(fact=f"f{number}") for number in range(3_000)])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    assert _by_fact(opened, other.name)


def test_a_timeline_is_not_taken_for_small_because_others_are(
    opened: Timeline, other: Timeline, database_url: str
) -> None:
    """Each has one event when the server looks at them, and then one of them has many."""
    opened.record([line()])
    other.record([line()])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    opened.record([line(fact=f"f{number}") for number in range(3_000)])
    assert _by_fact(opened, opened.name)


def _by_fact(opened: Timeline, name: str) -> bool:
    with opened.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {_FOUND}", (name, ["f1"], [bytes(32)])).scalars().all()
    used = [step for step in plan if " on events" in step]
    return len(used) == 2 and all("events_are_recorded_once" in step for step in used)


def test_what_reads_much_may_read_all(opened: Timeline) -> None:
    """Of a view most rows may hold at a basis: to find each by the index would take longer."""
    query = "SHOW enable_seqscan"
    with opened.engine.connect() as connection:
        assert driver.cursor(connection).execute(query).fetchone() == ("off",)
        connection.rollback()
        connection.exec_driver_sql(SNAPSHOT)
        assert driver.cursor(connection).execute(query).fetchone() == ("on",)
        connection.rollback()
        assert driver.cursor(connection).execute(query).fetchone() == ("off",)
