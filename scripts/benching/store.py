"""One database under test: its timeline, loaded once, and connections of one's own to the same server."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import psycopg
from benching.shape import VIEW

import timeline
from timeline import database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benching.shape import Line, Shape

    from timeline import Timeline

NAME = "main"
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Load:
    """How long it took to record the events, without the making of their lines."""

    events: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


@dataclass(eq=False)
class Store:
    """A database of the server with one timeline of a shape. Whatever takes long is done when it is first needed."""

    server: str
    url: str
    shape: Shape
    folder: Path
    open: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def made(cls, server: str, name: str, shape: Shape, folder: Path) -> Store:
        """Return the store of a new database of a server."""
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        url = server.replace("/postgres?", f"/{name}?")
        database.upgrade(url)
        return cls(server, url, shape, folder)

    @cached_property
    def line(self) -> Timeline:
        """The timeline."""
        line = self.open.enter_context(timeline.connect(self.url, timeline=NAME))
        line.create()
        return line

    @cached_property
    def sql(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as the owner of the database, each statement in a transaction of its own."""
        connection = self.open.enter_context(psycopg.connect(self.url, autocommit=True))
        connection.execute("SET timezone = 'UTC'")
        connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        return connection

    @cached_property
    def load(self) -> Load:
        """The recording of all events, through the public interface."""
        self.sql.execute("CHECKPOINT")
        making = Making(self.shape.lines())
        began = time.perf_counter()
        self.line.record(making)
        seconds = time.perf_counter() - began - making.seconds
        self.sql.execute("VACUUM (ANALYZE, PARALLEL 0) timeline.events")
        return Load(self.shape.events, seconds)

    @cached_property
    def build(self) -> Load:
        """The first making of the read model, by the first who asks; afterwards it is kept."""
        loaded = self.load
        key, on, known = self.shape.questions(1)[0]
        began = time.perf_counter()
        self.line.ask(VIEW, key, on=on, known=known.isoformat())
        seconds = time.perf_counter() - began
        for table in self.tables("rows_") + self.tables("keys_"):
            self.sql.execute(f"VACUUM (ANALYZE, PARALLEL 0) timeline.{table}".encode())
        return Load(loaded.events, seconds)

    @cached_property
    def rows(self) -> str:
        """The table that holds the rows of the read model."""
        assert self.build  # noqa: S101  what it does is wanted, not what it says
        found = self.tables("rows_")
        if not found:
            raise LookupError("there are no stored read models: no table timeline.rows_…")
        sizes = {name: self.sql.execute("SELECT pg_table_size(%s)", [f"timeline.{name}"]).fetchone() for name in found}
        return max(found, key=lambda name: sizes[name] or (0,))

    def tables(self, beginning: str) -> list[str]:
        """Return the tables of the schema timeline whose names begin so."""
        found = self.sql.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'timeline'::regnamespace AND relkind = 'r'"
            " AND starts_with(relname, %s) ORDER BY 1",
            [beginning],
        )
        return [name for (name,) in found]

    def close(self) -> None:
        """Close all connections."""
        self.open.close()


class Making:
    """Lines as they are wanted, made in chunks; the time that the making takes is kept apart."""

    def __init__(self, lines: Iterable[Line]) -> None:
        """Begin with nothing made."""
        self._lines = iter(lines)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines."""
        while chunk := self._made():
            yield from chunk

    def _made(self) -> list[Line]:
        began = time.perf_counter()
        chunk = list(islice(self._lines, _CHUNK))
        self.seconds += time.perf_counter() - began
        return chunk


@contextmanager
def paused(store: Store) -> Iterator[None]:
    """Keep the read model from following the log; afterwards it may, and is left behind: resuming would catch up."""
    store.line.views.pause(VIEW)
    try:
        yield
    finally:
        store.sql.execute("UPDATE timeline.read_models SET paused = false")
