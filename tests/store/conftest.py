"""Timelines in a database of their own, open for one test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from timeline import vocabulary
from timeline.app import Timeline
from timeline.database import engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def opened(database_url: str) -> Iterator[Timeline]:
    """Return a new timeline with the built-in vocabulary."""
    connections = engine(database_url)
    line = Timeline(engine=connections, name="main", vocabulary=vocabulary.load())
    line.create()
    yield line
    connections.dispose()


@pytest.fixture
def other(opened: Timeline) -> Timeline:
    """Return a second timeline in the same database."""
    line = replace(opened, name="other")
    line.create()
    return line
