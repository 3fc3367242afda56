"""Measures of the stored read models: making them anew, the memory that takes, and what everything takes on disk."""

from __future__ import annotations

import multiprocessing
import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from benching import library
from benching.figures import Figure, peak_mebibytes, seconds_of
from benching.recording import PEER_EVENTS
from benching.shape import VIEW
from benching.store import NAME, Store

import timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_SECONDS = 3_600
_SIZES = """
SELECT of.relname, pg_table_size(of.oid), part.relname, pg_relation_size(part.oid)
FROM pg_class AS of LEFT JOIN pg_index ON indrelid = of.oid LEFT JOIN pg_class AS part ON part.oid = indexrelid
WHERE of.relnamespace = %s::regnamespace AND of.relkind = 'r' AND of.relname ~ %s ORDER BY 1, 3
"""

_WEIGHED = (
    ("timeline", "^(events|rows_|keys_)", "timeline.events"),
    ("bench", "^periods", "timeline.events"),
    ("public", "^measurements", "public.measurements_events"),
)
"""Schemas, the tables in them, and the log whose events they hold."""


def rebuilding(store: Store, _small: Store) -> Iterator[Figure]:
    """Make the read model anew, in a process of its own, against the library folding all its aggregates."""
    first = store.build
    yield Figure(what="the first ask makes the read model", value=first.rate, unit="events/s")
    done = _apart(store)
    note = f"{done['rows']:,.0f} rows, {done['seconds']:,.0f} s"
    ours = store.shape.events / done["seconds"]
    yield Figure(what="rebuild", value=ours, unit="events/s", at_least=40_000, note=note)
    yield Figure(what="peak memory of the rebuild", value=done["peak"], unit="MiB", at_most=500)
    with library.opened(store.url) as application:
        appended = library.append(application, replace(store.shape, seed=1), min(PEER_EVENTS, store.shape.events))
        theirs = appended.events / seconds_of(lambda: library.replay(application, appended.ids))
    note = f"{appended.events:,} events"
    yield Figure(what="eventsourcing, all aggregates folded", value=theirs, unit="events/s", note=note)
    yield Figure(what="rebuild against eventsourcing", value=ours / theirs, unit="x", at_least=6)


def memory(store: Store, _small: Store) -> Iterator[Figure]:
    """Compare the memory of making the read model anew, of this log and of one three times as long."""
    assert store.build  # noqa: S101  the model has to exist
    single = _apart(store)["peak"]
    shape = replace(store.shape, events=3 * store.shape.events)
    triple = Store.made(store.server, "triple", shape, store.folder)
    try:
        assert triple.build  # noqa: S101
        done = _apart(triple)
    finally:
        triple.close()
    rate = shape.events / done["seconds"]
    yield Figure(what=f"rebuild, {shape.events:,} events", value=rate, unit="events/s")
    yield Figure(what="peak memory of the rebuild, three times the events", value=done["peak"], unit="MiB", at_most=500)
    yield Figure(what="the same, against that of this log", value=done["peak"] / single, unit="x", at_most=1.2)


def disk(store: Store, _small: Store) -> Iterator[Figure]:
    """Weigh each table and index, by event."""
    assert store.load  # noqa: S101  it has to be there
    for schema, names, log in _WEIGHED:
        if store.sql.execute("SELECT to_regclass(%s)", [log]).fetchone() == (None,):
            continue
        events = store.sql.execute(f"SELECT count(*) FROM {log}".encode()).fetchone()  # noqa: S608
        count = events[0] if events else 1
        seen = set()
        for table, size, index, index_size in store.sql.execute(_SIZES, [schema, names]):
            if table not in seen:
                seen.add(table)
                yield Figure(what=f"{schema}.{table}", value=size / count, unit="bytes/event")
            if index is not None:
                yield Figure(what=f"  {index}", value=index_size / count, unit="bytes/event")


def _apart(store: Store) -> dict[str, float]:
    """Make the read model anew in a process that does nothing else, and return what it tells."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply_async(_rebuilt, (store.url,)).get(timeout=_PATIENCE_SECONDS)


def _rebuilt(url: str) -> dict[str, float]:
    with timeline.connect(url, timeline=NAME) as line:
        line.stats()
        began = time.perf_counter()
        built = line.rebuild(VIEW)
        seconds = time.perf_counter() - began
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": seconds, "rows": built.rows, "peak": peak_mebibytes() + others}
