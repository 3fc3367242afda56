"""How tests ask in SQL: as a reader whose session has settings of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from timeline.published import publish

if TYPE_CHECKING:
    from timeline.app import Timeline
    from timeline.fold import Projection

SETTINGS = {"name": "timeline.name", "on": "timeline.on_day", "known": "timeline.known"}


def asked(url: str, query: str, *values: Any, role: str | None = "timeline_reader", **given: str) -> list[Any]:  # noqa: ANN401
    """Return what a query gives a reader whose session has some settings."""
    with psycopg.connect(url, options="-c timezone=Pacific/Kiritimati -c datestyle=ISO,DMY") as connection:
        for name, value in given.items():
            connection.execute("SELECT set_config(%s, %s, false)", [SETTINGS[name], value])
        if role:
            connection.execute(f"SET ROLE {role}".encode())
        return list(connection.execute(query.encode(), values or None).fetchall())


def refused(url: str, query: str, **given: str) -> tuple[str, str]:
    """Run a query that must fail, and return its sentence and its hint."""
    with pytest.raises(psycopg.Error) as caught:
        asked(url, query, **given)
    return str(caught.value.diag.message_primary), str(caught.value.diag.message_hint)


def offer(opened: Timeline, *views: Projection) -> list[str]:
    """Offer views in SQL and return which were missing."""
    with opened.engine.connect() as connection:
        made = publish(connection, views)
        connection.commit()
    return made
