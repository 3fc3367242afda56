"""Databases for tests: one server a session, one migrated template, a clone of it for each test that asks."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

from timeline import database

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "timeline", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("timeline")

# In the background of a shell Ctrl-C is ignored, by the tests as by every program that they start, unless said anew.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Yield the URL of a server: the one of TIMELINE_TEST_DATABASE_URL, else the product's own, without durability."""
    if given := os.environ.get("TIMELINE_TEST_DATABASE_URL"):
        yield given
        return
    from timeline import server  # noqa: PLC0415  not needed where a URL is given

    binaries = os.environ.get("TIMELINE_TEST_BINARIES")
    folder = Path(tempfile.mkdtemp(prefix="timeline-test-"))
    folder.chmod(0o711)  # root's server runs as another user, who must be able to pass
    try:
        with server.running(folder / "home", binaries=Path(binaries) if binaries else None, durable=False) as url:
            yield url
    finally:
        shutil.rmtree(folder)


class Server(NoopExecutor):
    """A running server, whose first template is the empty one."""

    template_dbname = "template0"


@pytest.fixture(scope="session")
def server(server_url: str) -> Server:
    """Return the server as pytest-postgresql wants to be told of it."""
    given: dict[str, Any] = {
        "dbname": "postgres",
        "port": "5432",
        "options": "",
        "password": None,
        **conninfo_to_dict(server_url),
    }
    names = ("host", "port", "user", "password", "options", "dbname")
    return Server(**{name: given[name] for name in names}, maintenance_dbname=given["dbname"])


def _migrate(**given: Any) -> None:  # noqa: ANN401  what a connection takes
    given.pop("autocommit")
    database.upgrade(make_conninfo(**given))


template = factories.postgresql_noproc(depends_on="server", dbname=f"timeline_{uuid4().hex}", load=[_migrate])
"""A migrated database that nobody is connected to, made once."""


@contextmanager
def made(server: NoopExecutor, template: str) -> Iterator[str]:
    """Yield the address of a new database, a copy of the template, that is dropped afterwards."""
    given: dict[str, Any] = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    name = f"test_{uuid4().hex}"
    with DatabaseJanitor(**given, dbname=name, template_dbname=template, maintenance_dbname=server.maintenance_dbname):
        yield make_conninfo(**given, dbname=name)


@pytest.fixture
def database_url(template: NoopExecutor) -> Iterator[str]:
    """Yield the address of a migrated database of the test's own."""
    with made(template, template.template_dbname) as url:
        yield url


@pytest.fixture
def fresh_database_url(server: Server) -> Iterator[str]:
    """Yield the address of an empty database that no migration has run on."""
    with made(server, server.template_dbname) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(template: NoopExecutor) -> Iterator[str]:
    """Yield the address of a migrated database for the whole module: examples take a timeline each."""
    with made(template, template.template_dbname) as url:
        yield url
