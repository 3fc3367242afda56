"""What the driver says becomes one sentence and a remedy; each is provoked by really doing it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import text

from timeline.database import WRITER, check, engine, masked, revisions, status, translated, upgrade
from timeline.errors import Outdated, Refused, TimelineError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@contextmanager
def connected(url: str, role: str | None = WRITER) -> Iterator[Connection]:
    """Connect once and leave nothing open."""
    made = engine(url, role=role)
    try:
        with made.connect() as connection:
            yield connection
    finally:
        made.dispose()


def run(url: str, *statements: str, role: str | None = WRITER) -> None:
    """Run statements in a transaction that is rolled back, with errors translated."""
    with translated(), connected(url, role) as connection:
        for statement in statements:
            connection.execute(text(statement))


def revise(url: str, revision: str) -> None:
    """Say that the database is of another revision."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE timeline.alembic_version SET version_num = %s", [revision])


@pytest.fixture
def stranger(database_url: str) -> Iterator[str]:
    """Yield the database's address for a login that nobody granted anything."""
    name = f"stranger_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN".encode())
        yield make_conninfo(database_url, user=name)
        owner.execute(f"DROP ROLE {name}".encode())


def test_a_session_takes_the_role_and_reckons_in_utc(database_url: str) -> None:
    """Rights and days depend neither on who logs in nor on how the server is set."""
    query = text("SELECT current_user, current_setting('timezone')")
    with connected(database_url) as connection:
        assert connection.execute(query).one() == ("timeline_writer", "UTC")
    with connected(database_url, None) as connection:
        assert connection.execute(query).one()[0] != "timeline_writer"


def test_every_way_of_writing_an_address_is_read(database_url: str) -> None:
    """The schemes of SQLAlchemy, of libpq and of hosting services name the same server."""
    at = psycopg.conninfo.conninfo_to_dict(database_url)
    name = at.pop("dbname")
    query = "&".join(f"{key}={value}" for key, value in at.items())
    for scheme in ("postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        assert status(f"{scheme}:///{name}?{query}").database == name


def test_a_migrated_database_passes(database_url: str) -> None:
    """A database of the version of the program is as it should be."""
    with connected(database_url) as connection:
        check(connection)
    assert status(database_url).current
    upgrade(database_url)


def test_an_empty_database_is_not_set_up(fresh_database_url: str) -> None:
    """An empty database is told apart from a broken one, and the check leaves the connection usable."""
    with connected(fresh_database_url) as connection:
        with pytest.raises(Outdated, match=r"not been set up.*timeline init"):
            check(connection)
        assert connection.execute(text("SELECT 1")).scalar() == 1
    with pytest.raises(Outdated, match="timeline init"):
        run(fresh_database_url, "SELECT * FROM timeline.events")
    assert status(fresh_database_url).revision is None


def test_a_newer_database_is_left_alone(database_url: str) -> None:
    """A program never touches a database that it does not understand."""
    revise(database_url, "9999")
    with connected(database_url) as connection, pytest.raises(Outdated, match=r"newer.*Upgrade the program"):
        check(connection)
    with pytest.raises(Outdated, match="newer"):
        upgrade(database_url)
    assert status(database_url).revision == "9999"


def test_an_older_database_is_to_be_upgraded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of an earlier version of the program is told how to follow."""
    monkeypatch.setattr("timeline.database.revisions", lambda: [*revisions(), "0998", "0999"])
    with connected(database_url) as connection, pytest.raises(Outdated, match=r"older.*timeline db upgrade"):
        check(connection)


def test_a_server_that_is_down_is_unavailable() -> None:
    """Nobody listens at the port: the address is not blamed on the password."""
    with pytest.raises(Unavailable, match=r"cannot be reached.*refused") as caught:
        run("postgresql://anna:secret@127.0.0.1:9/news")
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


def test_a_login_that_does_not_exist_is_unavailable(database_url: str) -> None:
    """Who is not let in is told to look at name and password."""
    with pytest.raises(Unavailable, match="user name and the password") as caught:
        run(make_conninfo(database_url, user="nobody_of_that_name", password="se-cret"))  # noqa: S106  not one
    assert "se-cret" not in f"{caught.value}{caught.value.__cause__}"


def test_a_database_that_does_not_exist_is_unavailable(database_url: str) -> None:
    """A wrong name of a database is told apart from a server that is down."""
    with pytest.raises(Unavailable, match=r"does not exist.*createdb"):
        run(make_conninfo(database_url, dbname="nothing_of_that_name"))


@pytest.mark.parametrize("url", ["sqlite:///news", "news", "postgresql://anna:pa/ss-word@example.org/news"])
def test_an_address_that_cannot_be_read_is_refused(url: str) -> None:
    """What is no address of a Postgres is refused before anybody is called, without repeating it."""
    with pytest.raises(TimelineError) as caught:
        run(url)
    assert "ss-word" not in str(caught.value)


def test_a_read_only_server_can_be_asked_but_not_written_to(database_url: str) -> None:
    """A replica answers, and refuses what is to be recorded."""
    replica = make_conninfo(database_url, options="-c default_transaction_read_only=on")
    run(replica, "SELECT * FROM timeline.events")
    with pytest.raises(Unavailable, match=r"read-only.*primary"):
        run(replica, "UPDATE timeline.timelines SET position = 1")


def test_a_login_without_rights_is_unavailable(stranger: str) -> None:
    """Who was granted nothing is told what to have granted."""
    with pytest.raises(Unavailable, match=r"permission denied.*GRANT timeline_writer"):
        run(stranger, "SELECT * FROM timeline.events")
    with pytest.raises(Unavailable, match="permission denied"):
        upgrade(stranger)


def test_a_login_may_read_only(stranger: str, database_url: str) -> None:
    """A login that holds the reader's role alone can ask, and cannot record."""
    login = psycopg.conninfo.conninfo_to_dict(stranger)["user"]
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"GRANT timeline_reader TO {login}".encode())
    with connected(stranger) as connection:
        check(connection)
    with pytest.raises(Unavailable, match="permission denied"):
        run(stranger, "UPDATE timeline.timelines SET position = 1")


def test_too_many_connections_are_unavailable(stranger: str, database_url: str) -> None:
    """A full server is worth another try later."""
    login = psycopg.conninfo.conninfo_to_dict(stranger)["user"]
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"ALTER ROLE {login} CONNECTION LIMIT 1".encode())
    with psycopg.connect(stranger), pytest.raises(Unavailable, match=r"too many connections.*later"):
        run(stranger)


@pytest.mark.parametrize(
    "statement, kind, said",
    [
        ("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)", Unavailable, "statement timeout"),
        ("SELECT 'x'::varchar(1), pg_terminate_backend(pg_backend_pid())", Unavailable, "terminating connection"),
        ("DELETE FROM timeline.events", Refused, "append-only"),
        ("CREATE TEMP TABLE t (x varchar(2)); INSERT INTO t VALUES ('long')", Refused, "too long"),
        ("INSERT INTO timeline.timelines (timeline, hash) VALUES ('No Name', sha256(''))", Refused, "name_is_plain"),
        ("DO $$BEGIN RAISE disk_full USING MESSAGE = 'could not extend file'; END$$", Unavailable, "Free some disk"),
        ("DO $$BEGIN RAISE deadlock_detected; END$$", Unavailable, "Try again"),
    ],
)
def test_what_the_server_refuses_has_a_remedy(
    database_url: str, statement: str, kind: type[TimelineError], said: str
) -> None:
    """Whether to try again or to change something is told by the kind of the error."""
    with pytest.raises(kind, match=said) as caught:
        run(database_url, *statement.split("; ") if "$$" not in statement else [statement], role=None)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_an_error_of_the_program_is_not_dressed_up(database_url: str) -> None:
    """A statement that is wrong in itself is a fault of ours, and stays what it is."""
    with pytest.raises(Exception, match="syntax error") as caught:
        run(database_url, "SELEC 1")
    assert not isinstance(caught.value, TimelineError)


def test_a_text_with_a_nul_is_refused(database_url: str) -> None:
    """The driver itself cannot send a NUL; it is told as the fault of what was given."""
    with connected(database_url) as connection, pytest.raises(Refused, match="NUL"), translated():
        connection.execute(text("SELECT :given"), {"given": "a\0b"})


@pytest.mark.parametrize(
    "url, shown",
    [
        ("postgresql://anna:se/c@ret@example.org/news", "postgresql://anna:***@example.org/news"),
        ("postgresql://example.org:5432/news", "postgresql://example.org:5432/news"),
        ("postgresql:///news?password=secret&user=anna", "postgresql:///news?password=***&user=anna"),
        ("host=example.org password='my se\\'cret' user=anna", "host=example.org password=*** user=anna"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    """However an address is written, what is shown of it says everything but the password."""
    assert masked(url) == shown


def test_two_upgrades_at_once_make_one_schema(fresh_database_url: str) -> None:
    """Who comes second waits, and finds the work done."""
    with ThreadPoolExecutor() as several:
        list(several.map(upgrade, [fresh_database_url] * 3))
    assert status(fresh_database_url).current


def test_a_session_reads_and_writes_the_same_whatever_its_surroundings(database_url: str) -> None:
    """Neither the form of days nor an encoding that the login or the environment brings along reaches the program."""
    url = make_conninfo(database_url, options="-c datestyle=German", client_encoding="LATIN1")
    made = engine(url)
    try:
        with made.connect() as connection:
            assert connection.exec_driver_sql("SHOW datestyle").scalar_one() == "ISO, YMD"
            query = "SELECT 'café €', timestamptz '2023-12-26T10:00Z'"
            said, at = connection.exec_driver_sql(query).one()
        assert (said, at) == ("café €", datetime(2023, 12, 26, 10, tzinfo=UTC))
    finally:
        made.dispose()
