"""Views in SQL: made for each projection, whatever its name, and read by logins that can do nothing else."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from makers import line
from store.asking import asked, offer, refused

from timeline.database import engine, translated
from timeline.errors import Refused
from timeline.published import publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.app import Timeline


@pytest.fixture
def url(opened: Timeline, database_url: str) -> str:
    """Return the address of a database in which it has rained, with the observations stored."""
    opened.record([line()])
    opened.rebuild("observations")
    return database_url


# Views of plug-ins


def test_offering_a_view_again_does_nothing(opened: Timeline, url: str) -> None:
    """Only what is missing, or said otherwise, is made."""
    view = opened.vocabulary.view("observations")
    assert offer(opened, view) == []
    assert offer(opened, view, opened.vocabulary.view("trade")) == ["trade"]
    assert offer(opened, replace(view, about="Anything at all.")) == ["observations"]
    (about,) = asked(url, "SELECT obj_description('timeline.observations_current'::regclass)")[0]
    assert about == "Anything at all."
    with opened.engine.connect() as connection:
        connection.exec_driver_sql("DROP VIEW timeline.observations_current")
        connection.commit()
    assert offer(opened, replace(view, version=view.version + 1)) == ["observations"]


def test_a_view_may_have_any_name(opened: Timeline, url: str) -> None:
    """Names are quoted; one that is too long or taken is refused."""
    name = """odd "name's" %s; --"""
    offer(opened, replace(opened.vocabulary.view("observations"), name=name))
    quoted = name.replace('"', '""')
    said, _ = refused(url, f'TABLE timeline."{quoted}_current"')
    assert f'serves the view "{name}"' in said
    for taken in ("x" * 56, "facts"):
        view = replace(opened.vocabulary.view("observations"), name=taken)
        with pytest.raises(Refused, match=r"cannot be offered in SQL.* at most 55 bytes"), translated():
            offer(opened, view)


def test_two_may_offer_the_same_at_once(opened: Timeline, database_url: str) -> None:
    """Who comes second waits, and finds nothing to do."""
    made: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: made.append(offer(opened, *opened.vocabulary.views.values()))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, made)) == [0, 0, len(opened.vocabulary.views)]
    assert asked(database_url, "SELECT count(*) FROM pg_views WHERE viewname LIKE '%\\_current'", role=None) == [
        (len(opened.vocabulary.views),)
    ]


# Who only reads


@pytest.fixture
def reader(url: str) -> Iterator[str]:
    """Yield the address of a database for a login that was let in as a reader."""
    login = f"reader_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute("SELECT timeline.admit_reader(%s, '2 minutes')", [login])
        administrator.execute(f"ALTER ROLE {login} PASSWORD '{login}'".encode())
        try:
            yield psycopg.conninfo.make_conninfo(url, user=login, password=login)
        finally:
            administrator.execute(f"DROP OWNED BY {login}; DROP ROLE {login}".encode())


def test_a_reader_can_ask_everything(reader: str) -> None:
    """All functions and views, and the log itself; a query of his ends by itself, and cannot write."""
    for query in (
        "SELECT * FROM timeline.ask('observations')",
        "SELECT * FROM timeline.observations_as_of('2023-12-15', now())",
        "SELECT * FROM timeline.observations_current",
        "SELECT * FROM timeline.facts_as_of()",
        "SELECT count(*) FROM timeline.events",
        "SELECT timeline.head(), timeline.name(), timeline.on_day(), timeline.known_at()",
    ):
        assert asked(reader, query, role=None) is not None
    settings = "SELECT current_setting('statement_timeout'), current_setting('default_transaction_read_only')"
    assert asked(reader, settings, role=None) == [("2min", "on")]


WRITES = (
    "INSERT INTO timeline.timelines (timeline, hash) VALUES ('mine', sha256(''))",
    "UPDATE timeline.timelines SET sealed = now()",
    "DELETE FROM timeline.events",
    "TRUNCATE timeline.events",
    "DELETE FROM timeline.rows",
    "UPDATE timeline.rows SET disputed = true",
    "INSERT INTO timeline.stuck_keys VALUES ('main', 1, 'k', 1, 'r')",
    "UPDATE timeline.read_models SET position = 0",
    "DROP VIEW timeline.observations_current",
    "CREATE TABLE timeline.mine (n int)",
    "CREATE TABLE public.mine (n int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION timeline.mine() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE ROLE mine",
    "SELECT timeline.publish('mine', 'about')",
    "SELECT timeline.admit_reader('mine')",
    "SET ROLE timeline_writer",
    "ALTER ROLE timeline_reader SET statement_timeout = 0",
    "DO $$ BEGIN LOCK TABLE timeline.events IN SHARE MODE; END $$",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY timeline.events TO PROGRAM 'cat'",
)


def test_a_reader_can_do_nothing_else(reader: str) -> None:
    """Not even with his seat belt off: what keeps him from it are his rights."""
    with psycopg.connect(reader, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in WRITES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_who_may_do_more_is_not_let_in_as_a_reader(url: str) -> None:
    """A reader's login is one that only reads."""
    with psycopg.connect(url, autocommit=True) as administrator:
        for login in (administrator.info.user, "timeline_writer"):
            with pytest.raises(psycopg.Error, match="may do more than read"):
                administrator.execute("SELECT timeline.admit_reader(%s)", [login])


def test_nothing_is_offered_by_who_may_not(opened: Timeline, reader: str) -> None:
    """A reader's own program passes over what is missing."""
    connections = engine(reader)
    with connections.connect() as connection:
        assert publish(connection, opened.vocabulary.views.values()) == []
    connections.dispose()
