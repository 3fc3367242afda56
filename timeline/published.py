"""Views offered in SQL: of each projection a function `VIEW_as_of` and a view `VIEW_current`, for psql and BI tools.

What they are stands in the database, in `timeline.publish`; here is decided which of them are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from timeline.fold import Projection

_LOCK = int.from_bytes(b"publish", "big")
"""Two processes that make the same function at once would fail one another."""

# Who may not make anything in the schema has nothing missing: another login does it. The catalogues are read as tables:
# what to_regclass knows may be older than the lock.
_MISSING = text("""
    SELECT wanted.view, wanted.about
      FROM unnest(CAST(:views AS text[]), CAST(:abouts AS text[])) AS wanted (view, about)
      LEFT JOIN pg_proc f ON f.pronamespace = 'timeline'::regnamespace AND f.proname = wanted.view || '_as_of'
      LEFT JOIN pg_class v ON v.relnamespace = 'timeline'::regnamespace AND v.relname = wanted.view || '_current'
     WHERE has_schema_privilege('timeline', 'CREATE')
       AND (obj_description(f.oid, 'pg_proc') IS DISTINCT FROM wanted.about
            OR obj_description(v.oid, 'pg_class') IS DISTINCT FROM wanted.about)""")


def publish(connection: Connection, views: Iterable[Projection]) -> list[str]:
    """Offer views in SQL where they are not yet, or were in another version, and return their names.

    One query where nothing is missing. What is made belongs to the transaction, which the caller commits.
    """
    abouts = {view.name: view.about for view in views}
    given = {"views": list(abouts), "abouts": list(abouts.values())}
    if not connection.execute(_MISSING, given).all():
        return []
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    missing = connection.execute(_MISSING, given).all()
    for view, about in missing:
        connection.execute(text("SELECT timeline.publish(:view, :about)"), {"view": view, "about": about})
    return [view for view, _ in missing]
