"""Opening a timeline: settings, the server, the connection and the vocabulary brought together."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from timeline import database, server, settings, vocabulary
from timeline.app import Timeline
from timeline.errors import Outdated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from timeline.settings import Settings


@contextmanager
def connect(
    database_url: str | None = None, *, timeline: str | None = None, home: str | Path | None = None
) -> Iterator[Timeline]:
    """Open a timeline: in the Postgres of the URL, or without one in an embedded Postgres that needs no set-up.

    What is not given comes from `TIMELINE_*`, from `timeline.toml`, or is the default. The embedded server runs while
    somebody uses it and keeps its data in `home`; its database is made and migrated on the way. A database of your
    own is only ever migrated by `timeline init` or `timeline db upgrade`.
    """
    flags = {"database_url": database_url, "timeline": timeline, "home": home and Path(home)}
    with opened(settings.load(flags)) as line:
        yield line


@contextmanager
def opened(given: Settings) -> Iterator[Timeline]:
    """Open the timeline that settings name."""
    words = vocabulary.load(given.plugins)
    with address(given) as url:
        connections = database.engine(url)
        try:
            line = Timeline(engine=connections, name=given.timeline, vocabulary=words)
            if given.database_url is None:
                _prepare(line, url)
            yield line
        finally:
            connections.dispose()


def address(given: Settings) -> AbstractContextManager[str]:
    """Return a context that holds the URL of the database open: the given one, or that of the embedded server."""
    if given.database_url is not None:
        return nullcontext(given.database_url)
    return server.running(given.home, binaries=given.server_binaries, user=given.server_user)


def _prepare(line: Timeline, url: str) -> None:
    """Make what the embedded database lacks: it is nobody else's. MAIN begins with it, others with what they record."""
    try:
        with database.translated(), line.engine.connect() as connection:
            database.check(connection)
    except Outdated:
        database.upgrade(url)
        line.engine.dispose()  # its connection was made before there was a role to take
        replace(line, name=settings.MAIN).create()
