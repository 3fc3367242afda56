"""The migrations build what `tables` says, say what everything is, and lose nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from timeline.database import engine, migrations, revisions, status, upgrade
from timeline.errors import Unavailable
from timeline.published import publish
from timeline.tables import SCHEMA, metadata
from timeline.views import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

ROOT = Path(__file__).parents[2]
WITHOUT_COMMENT = """
WITH named AS (
    SELECT c.oid, 0 AS part, 'pg_class'::regclass AS catalogue, c.relname::text AS name FROM pg_class c
     WHERE c.relnamespace = 'timeline'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
    UNION ALL SELECT a.attrelid, a.attnum, 'pg_class'::regclass, a.attrelid::regclass || '.' || a.attname
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'timeline'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'c')
       AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT oid, 0, 'pg_constraint'::regclass, conname::text FROM pg_constraint
     WHERE connamespace = 'timeline'::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL SELECT oid, 0, 'pg_proc'::regclass, proname::text FROM pg_proc
     WHERE pronamespace = 'timeline'::regnamespace
    UNION ALL SELECT t.oid, 0, 'pg_trigger'::regclass, t.tgname::text FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'timeline'::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT t.oid, 0, 'pg_type'::regclass, t.typname::text FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.typnamespace = 'timeline'::regnamespace AND c.relkind = 'c'
    UNION ALL SELECT oid, 0, 'pg_namespace'::regclass, nspname::text FROM pg_namespace WHERE nspname = 'timeline'
)
SELECT name FROM named LEFT JOIN pg_description d
    ON d.objoid = named.oid AND d.classoid = named.catalogue AND d.objsubid = named.part
 WHERE coalesce(d.description, '') = ''"""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect once as who logs in, and leave nothing open."""
    made = engine(url, role=None)
    try:
        with made.connect() as connection:
            yield connection
    finally:
        made.dispose()


def rows(url: str, query: str, *values: object) -> list[Any]:
    """Return what a query gives."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode(), values).fetchall()


def migrate(url: str, revision: str) -> None:
    """Go down to a revision, as the `alembic` command would."""
    with connected(url) as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
        command.downgrade(config, revision)


def record(url: str) -> None:
    """Record one document in a timeline."""
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO timeline.timelines (timeline, hash) VALUES ('main', sha256(''))")
        named = "INSERT INTO timeline.documents (timeline, document, text) VALUES ('main', 'sha256:' || %s, '')"
        connection.execute(named, ["a" * 64])


def offer(url: str) -> None:
    """Offer the built-in views in SQL."""
    with connected(url) as connection:
        publish(connection, BUILTIN)
        connection.commit()


def test_the_migrations_build_what_the_tables_say(database_url: str) -> None:
    """Tables, columns, types, defaults, comments, keys and the names of the checks are the same."""
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        "version_table_schema": SCHEMA,
        "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        "compare_type": True,
        "compare_server_default": True,
    }
    with connected(database_url) as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_checks_and_keys_mean_what_the_tables_say(database_url: str, fresh_database_url: str) -> None:
    """What is compared by name alone above is compared as the server itself reads it back: every constraint, whole."""
    query = """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
                WHERE connamespace = 'timeline'::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
                  AND conrelid::regclass::text <> 'timeline.alembic_version' ORDER BY 1, 2"""
    with connected(fresh_database_url) as connection:
        connection.exec_driver_sql("CREATE SCHEMA timeline")
        metadata.create_all(connection)
        connection.commit()
    assert rows(database_url, query) == rows(fresh_database_url, query)


def test_everything_has_a_comment(database_url: str) -> None:
    """Who meets the database in psql finds every schema, table, column, constraint, trigger and function explained."""
    offer(database_url)
    assert rows(database_url, WITHOUT_COMMENT) == []


def test_comments_name_settings_that_are_obeyed(database_url: str) -> None:
    """What a comment says one may SET is what a function reads: tools show nothing else of it."""
    query = """SELECT string_agg(pg_get_functiondef(p.oid), ''), string_agg(d.description, '') FROM pg_proc p
                 JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
                WHERE p.pronamespace = 'timeline'::regnamespace"""
    [(bodies, comments)] = rows(database_url, query)
    read = set(re.findall(r"current_setting\('timeline\.(\w+)'", bodies))
    read -= set(re.findall(r"set_config\('timeline\.(\w+)'", bodies))  # what a function sets itself
    told = set(re.findall(r"was SET as timeline\.(\w+)", comments))
    assert told == read == {"known", "name", "on_day"}


def test_every_key_begins_with_the_timeline(database_url: str) -> None:
    """A distributed Postgres can shard by the timeline: every key holds it, and holds it first."""
    query = """SELECT c.conname FROM pg_constraint c
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
                WHERE c.connamespace = 'timeline'::regnamespace AND c.contype IN ('p', 'u', 'f')
                  AND c.conname <> 'alembic_version_pkc' AND a.attname <> 'timeline'"""
    assert rows(database_url, query) == []


def test_the_log_is_guarded_always(database_url: str) -> None:
    """The triggers stand on the log alone, against every kind of change, and no session setting switches them off."""
    query = """SELECT tgrelid::regclass::text, tgname, tgenabled::text, tgtype FROM pg_trigger
                WHERE NOT tgisinternal ORDER BY 1"""
    before_update_delete_truncate = 2 | 8 | 16 | 32
    guarded = [("timeline.documents",), ("timeline.events",), ("timeline.runs",)]
    expected = [(*table, "log_is_append_only", "A", before_update_delete_truncate) for table in guarded]
    assert rows(database_url, query) == expected


def test_the_roles_may_do_what_they_are_for(database_url: str) -> None:
    """The writer adds and moves the head of a timeline, the reader reads; nobody deletes."""
    query = """SELECT r, t, string_agg(p, ' ' ORDER BY p) FROM unnest(ARRAY['timeline_writer', 'timeline_reader']) r,
                unnest(ARRAY['timelines', 'documents', 'events', 'runs', 'alembic_version']) t,
                unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
                WHERE has_table_privilege(r, 'timeline.' || t, p)
                   OR p = 'UPDATE' AND has_any_column_privilege(r, 'timeline.' || t, p) GROUP BY r, t"""
    granted = {(role, table): rights for role, table, rights in rows(database_url, query)}
    tables = ("timelines", "documents", "events", "runs", "alembic_version")
    assert granted == {("timeline_reader", table): "SELECT" for table in tables} | {
        ("timeline_writer", "timelines"): "INSERT SELECT UPDATE",
        ("timeline_writer", "documents"): "INSERT SELECT",
        ("timeline_writer", "events"): "INSERT SELECT",
        ("timeline_writer", "runs"): "INSERT SELECT",
        ("timeline_writer", "alembic_version"): "SELECT",
    }


def test_the_revisions_form_one_line() -> None:
    """What the program reads from the names of the files is what alembic finds in them."""
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    assert [step.revision for step in script.walk_revisions()][::-1] == revisions()
    assert script.get_heads() == revisions()[-1:]


def test_an_empty_log_can_be_taken_down_and_built_again(database_url: str) -> None:
    """Down and up leads back to the same place."""
    migrate(database_url, "base")
    assert status(database_url).revision is None
    upgrade(database_url)
    assert status(database_url).current


def test_a_downgrade_that_would_lose_what_was_recorded_is_refused(database_url: str) -> None:
    """A log that holds anything outlives every mistake with the migrations."""
    record(database_url)
    with pytest.raises(RuntimeError, match="lost"):
        migrate(database_url, "base")
    assert rows(database_url, "SELECT count(*) FROM timeline.documents") == [(1,)]
    assert status(database_url).revision == "0001"  # what lost nothing has been taken down


def test_what_sql_asks_by_can_be_taken_down_and_built_again(database_url: str) -> None:
    """With the functions and views that were made of it; the read models stay."""
    offer(database_url)
    query = """SELECT count(*) FROM pg_proc p JOIN pg_views v ON v.viewname = replace(p.proname, '_as_of', '_current')
                WHERE pronamespace = 'timeline'::regnamespace"""
    assert rows(database_url, query) == [(len(BUILTIN),)]
    migrate(database_url, "0003")
    left = """SELECT proname FROM pg_proc WHERE pronamespace = 'timeline'::regnamespace
               UNION SELECT viewname FROM pg_views WHERE schemaname = 'timeline' ORDER BY 1"""
    assert rows(database_url, left) == [("refuse_change",), ("refuse_overlap",)]
    upgrade(database_url)
    offer(database_url)
    assert rows(database_url, query) == [(len(BUILTIN),)]


def test_nobody_may_call_what_nobody_granted(database_url: str) -> None:
    """What is asked by is for readers and writers; what is made and who is let in, for those whose work that is."""
    offer(database_url)
    query = """SELECT string_agg(DISTINCT proname, ' ' ORDER BY proname) FROM pg_proc
                WHERE pronamespace = 'timeline'::regnamespace AND prorettype <> 'trigger'::regtype
                  AND NOT has_function_privilege(%s, oid, 'EXECUTE')"""
    assert rows(database_url, query, "timeline_reader") == [("admit_reader publish",)]
    assert rows(database_url, query, "timeline_writer") == [("admit_reader",)]
    public = """SELECT proname FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
                 WHERE pronamespace = 'timeline'::regnamespace AND prorettype <> 'trigger'::regtype AND a.grantee = 0"""
    assert rows(database_url, public) == []


def test_a_downgrade_that_would_lose_runs_is_refused(database_url: str) -> None:
    """Without runs the table can be taken down and built again; what was seen of a source cannot."""
    migrate(database_url, "0001")
    assert status(database_url).revision == "0001"
    upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO timeline.timelines (timeline, hash) VALUES ('main', sha256(''))")
        connection.execute("""INSERT INTO timeline.runs (timeline, source, run, form, known, outcome, file,
            rows, added, amended, removed, returned)
            VALUES ('main', 'list', 1, 'snapshot', now(), 'unchanged', sha256(''), 0, 0, 0, 0, 0)""")
    with pytest.raises(RuntimeError, match="runs of sources, which would be lost"):
        migrate(database_url, "0001")
    assert rows(database_url, "SELECT count(*) FROM timeline.runs") == [(1,)]


def test_processes_that_upgrade_at_once_build_one_schema(fresh_database_url: str) -> None:
    """Whoever comes second waits, and finds the work done."""
    code = "import sys; from timeline.database import upgrade; upgrade(sys.argv[1])"
    command_line = [sys.executable, "-c", code, fresh_database_url]
    processes = [subprocess.Popen(command_line, cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert status(fresh_database_url).current


@pytest.mark.usefixtures("template")
def test_a_login_that_may_not_make_roles_is_told_what_to_ask_for(fresh_database_url: str) -> None:
    """On a server of others, an administrator makes the roles: the error is the SQL to run."""
    login = f"owner_{os.getpid()}"
    with psycopg.connect(fresh_database_url, autocommit=True) as administrator:
        database = administrator.info.dbname
        administrator.execute(f"CREATE ROLE {login} LOGIN; GRANT CREATE ON DATABASE {database} TO {login}".encode())
        try:
            url = psycopg.conninfo.make_conninfo(fresh_database_url, user=login)
            with pytest.raises(Unavailable, match=rf"GRANT timeline_writer, timeline_reader TO {login}"):
                upgrade(url)
            administrator.execute(f"GRANT timeline_writer, timeline_reader TO {login}".encode())
            upgrade(url)
            assert status(url).current
        finally:
            administrator.execute(f"DROP OWNED BY {login} CASCADE; DROP ROLE {login}".encode())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the package as an installed wheel leaves it there; nothing is fetched to build it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_an_installed_wheel_migrates(wheel: Path, fresh_database_url: str) -> None:
    """The migrations travel in the package, and are found there from wherever it is run."""
    code = "import sys, timeline.database as d; print(d.__file__); d.upgrade(sys.argv[1]); print(d.migrations())"
    words = {**os.environ, "PYTHONPATH": str(wheel)}
    command_line = [sys.executable, "-c", code, fresh_database_url]
    done = subprocess.run(command_line, cwd=wheel.parent, env=words, check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == [
        str(wheel / "timeline" / "database.py"),
        str(wheel / "timeline" / "migrations"),
    ]
    assert status(fresh_database_url).current
