"""Databases for tests: one server a session, one migrated template, a clone of it for each test that asks."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from timeline import database

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("timeline", deadline=None, print_blob=True)
settings.load_profile("timeline")


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


@contextmanager
def made(server_url: str, template: str = "template0") -> Iterator[str]:
    """Yield the URL of a new database, a copy of the template, that is dropped afterwards."""
    name = f"test_{uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(create)
        try:
            yield psycopg.conninfo.make_conninfo(server_url, dbname=name)
        finally:
            connection.execute(drop)


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """Yield the name of a migrated database that nobody is connected to."""
    with made(server_url) as url:
        database.upgrade(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """Yield the address of a migrated database of the test's own."""
    with made(server_url, template) as url:
        yield url


@pytest.fixture
def fresh_database_url(server_url: str) -> Iterator[str]:
    """Yield the address of an empty database that no migration has run on."""
    with made(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(server_url: str, template: str) -> Iterator[str]:
    """Yield the address of a migrated database for the whole module: examples take a timeline each."""
    with made(server_url, template) as url:
        yield url
