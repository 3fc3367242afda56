"""The worker: views are stored and kept up with the log for as long as somebody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import text

from timeline.keeping import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import psycopg

    from timeline.fold import Projection
    from timeline.keeping import Views
    from timeline.rebuilding import Progress

SECONDS = 1.0
"""After how long the log is looked at, whether anything was told of it or not."""


def keep_up(
    views: Views, wanted: Sequence[Projection], ended: Callable[[], bool], progress: Progress
) -> Iterator[tuple[str, int]]:
    """Store views and keep them up with the log until `ended` says so; yield each that has moved, and where to.

    What an append leaves behind is told by a notification, which only saves waiting: the checkpoints alone say what is
    missing.
    """
    with views.engine.connect() as connection:
        connection.execute(text(f"LISTEN {CHANNEL}"))
        connection.commit()
        while not ended():
            for view in wanted:
                before = views.at(view)
                if views.catch_up(view, progress) and (now := views.at(view)) not in {before, None}:
                    yield view.name, now[1]
                if ended():
                    return
            listening = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
            for _ in listening.notifies(timeout=SECONDS, stop_after=1):
                pass
            connection.commit()
