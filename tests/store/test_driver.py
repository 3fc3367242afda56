"""Rows given as lines of a COPY are the same rows whether they are copied or inserted, alone or in a pipeline."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline import driver
from timeline.database import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("\\\t\n\rNnrt"))


@pytest.fixture(scope="module")
def connection(shared_database_url: str) -> Iterator[Connection]:
    """Yield a connection with a table that is gone with it."""
    connections = engine(shared_database_url, role=None)
    with connections.connect() as opened:
        driver.cursor(opened).execute("CREATE TEMPORARY TABLE kept (number int, said text, also text[])")
        opened.commit()
        yield opened
    connections.dispose()


def told(connection: Connection) -> list[tuple[int, str | None, list[str] | None]]:
    """Return what the table holds, and forget it."""
    found = driver.cursor(connection).execute("SELECT number, said, also FROM kept ORDER BY number").fetchall()
    connection.rollback()
    return [(number, said, also) for number, said, also in found]


@given(st.lists(st.none() | TEXTS, min_size=1, max_size=5))
def test_copied_and_inserted_rows_are_the_same(connection: Connection, texts: list[str | None]) -> None:
    """What a COPY would mean by a tab, a backslash or an N is what an INSERT is given."""
    said = [driver.NULL if text is None else driver.copied(text) for text in texts]
    lines = [f"{number}\t{text}\t\\N\n" for number, text in enumerate(said)]
    rest = [f"{number}\t\\N\t\\N\n" for number in range(len(lines), driver.FEW + 1)]
    wanted = [(number, text, None) for number, text in enumerate(texts)]
    driver.put(connection, "kept", "number, said, also", lines)
    assert told(connection) == wanted
    with driver.pipelined(connection):
        driver.put(connection, "kept", "number, said, also", lines)
    assert told(connection) == wanted
    driver.put(connection, "kept", "number, said, also", lines + rest)
    assert told(connection)[: len(lines)] == wanted


def sent(connection: Connection, *statements: str) -> None:
    """Send statements in one pipeline."""
    with driver.pipelined(connection):
        for statement in statements:
            driver.ask(connection, statement)


def test_the_first_statement_that_fails_is_the_one_that_is_told(connection: Connection) -> None:
    """Those behind it in the pipeline did nothing, and the connection goes on after a rollback."""
    with pytest.raises(psycopg.errors.DivisionByZero):
        sent(connection, "INSERT INTO kept VALUES (1)", "SELECT 1 / 0", "INSERT INTO kept VALUES (2)")
    connection.rollback()
    assert told(connection) == []


def test_a_savepoint_in_a_pipeline_is_one(connection: Connection) -> None:
    """What came before it is kept when what came after it fails."""
    with pytest.raises(psycopg.errors.DivisionByZero):
        sent(connection, "INSERT INTO kept VALUES (1, 'a', '{b,c}')", "SAVEPOINT here", "SELECT 1 / 0")
    driver.cursor(connection).execute("ROLLBACK TO SAVEPOINT here")
    assert told(connection) == [(1, "a", ["b", "c"])]


def test_a_connection_lost_is_told_by_what_ended_it_and_replaced(
    shared_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The next statement has another connection; nothing is logged of the loss."""
    connections = engine(shared_database_url, role=None)
    end = b"SELECT pg_terminate_backend(pg_backend_pid(), 5000)"
    with pytest.raises(psycopg.errors.AdminShutdown), driver.Single(connections) as single:
        single.execute(end)
    with driver.Single(connections) as single:
        assert single.execute("SELECT 1").fetchone() == (1,)
        idle = single.connection
    idle.close()
    with pytest.raises(psycopg.Error), driver.Single(connections):
        pass
    with driver.Single(connections) as single:
        assert single.execute("SELECT 1").fetchone() == (1,)
    assert connections.pool.checkedout() == 0  # type: ignore[attr-defined]
    with connections.connect() as connection:
        assert driver.cursor(connection).execute("SELECT 2").fetchone() == (2,)
    connections.dispose()
    assert caplog.records == []


def test_a_connection_that_nobody_gave_back_is_as_others_expect_it(shared_database_url: str) -> None:
    """Whatever ends a single statement, an interrupt say, the next transaction is one: what it did can be undone."""
    connections = engine(shared_database_url, role=None)
    single = driver.Single(connections)
    single.__enter__().execute("CREATE TABLE single (number int)")
    del single
    gc.collect()
    with connections.connect() as connection:
        driver.cursor(connection).execute("INSERT INTO single VALUES (1)")
        connection.rollback()
        assert driver.cursor(connection).execute("SELECT count(*) FROM single").fetchone() == (0,)
    assert connections.pool.checkedout() == 0  # type: ignore[attr-defined]
    connections.dispose()


def test_statements_of_a_pipeline_are_sent_together(connection: Connection) -> None:
    """Within the block the driver waits for no answer; a batch of more rows than few goes without."""
    driver.cursor(connection)
    status = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
    with driver.pipelined(connection):
        assert status.pipeline_status == psycopg.pq.PipelineStatus.ON
    with driver.pipelined(connection, when=False):
        assert status.pipeline_status == psycopg.pq.PipelineStatus.OFF
    connection.rollback()


def test_only_statements_about_few_things_are_prepared(connection: Connection) -> None:
    """The server reads those once for each connection, and others each time."""
    driver.ask(connection, "SELECT 'few'", (), driver.FEW)
    driver.ask(connection, "SELECT 'many'", (), driver.FEW + 1)
    prepared = driver.cursor(connection).execute("SELECT statement FROM pg_prepared_statements").fetchall()
    assert ("SELECT 'few'",) in prepared
    assert ("SELECT 'many'",) not in prepared
    connection.rollback()


def test_a_connection_lost_in_a_pipeline_says_nothing_on_stderr(shared_database_url: str) -> None:
    """A program that has set up no logging sees the error that is raised, and no warning of the driver beside it."""
    program = """
import sys
from timeline import Unavailable, driver
from timeline.database import engine, translated

try:
    with translated(), engine(sys.argv[1], role=None).connect() as connection, driver.pipelined(connection):
        driver.ask(connection, "SELECT pg_terminate_backend(pg_backend_pid(), 5000)")
        driver.ask(connection, "SELECT 1")
except Unavailable:
    print("lost")
"""
    run = [sys.executable, "-c", program, shared_database_url]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("lost\n", "")
