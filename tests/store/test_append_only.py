"""The log is append-only: neither the writer nor the owner of the tables can change what was recorded."""

from __future__ import annotations

import psycopg
import pytest

TABLES = ("events", "documents", "runs")
CHANGES = ("UPDATE timeline.{} SET timeline = 'x'", "DELETE FROM timeline.{}", "TRUNCATE timeline.{} CASCADE")
WAYS_ROUND = (
    "ALTER TABLE timeline.{} DISABLE TRIGGER log_is_append_only",
    "DROP TRIGGER log_is_append_only ON timeline.{}",
    "ALTER TABLE timeline.{} RENAME TO gone",
    "DROP TABLE timeline.{} CASCADE",
)


def attempt(url: str, statement: str, *, role: str | None = None) -> None:
    """Run a statement of which nothing may remain, as a role or as who logs in."""
    with psycopg.connect(url) as connection:
        if role:
            connection.execute(f"SET ROLE {role}".encode())
        connection.execute(statement.encode())
        connection.rollback()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_meets_the_trigger(database_url: str, table: str, change: str) -> None:
    """The owner has every privilege and is refused all the same, even where the table is empty."""
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        attempt(database_url, change.format(table))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_session_that_calls_itself_a_replica_is_refused(database_url: str, table: str, change: str) -> None:
    """A replica's session skips ordinary triggers, but not this one."""
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        attempt(database_url, f"SET session_replication_role = replica; {change.format(table)}")


@pytest.mark.parametrize("role", ["timeline_writer", "timeline_reader"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", CHANGES + WAYS_ROUND)
def test_the_roles_lack_the_privilege(database_url: str, role: str, table: str, statement: str) -> None:
    """Writer and reader can neither change the log nor take away what guards it."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(database_url, statement.format(table), role=role)
