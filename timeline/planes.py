"""Bringing the facts of each key together, however many there are.

Facts arrive one after the other with all their versions; a key needs the spans of all its facts at once. They are
sorted by key in a private SQLite database, which keeps what does not fit its cache in a temporary file and goes when
it is closed.
"""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from timeline.events import Entry
    from timeline.fold import Span
    from timeline.reading import Reading

CACHE_KIB = 32_768
"""Memory that the sorting may take before it goes to disk."""


def planes(reading: Reading, versions: Iterable[Entry], key: str | None = None) -> Iterator[tuple[str, list[Span]]]:
    """Yield each key of a view, in order, with the spans of all facts that ever had it; or only the one `key`.

    `versions` come fact by fact, each in order of position.
    """
    with closing(sqlite3.connect("", check_same_thread=False)) as sorter:
        sorter.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        sorter.execute("CREATE TABLE plane (key TEXT NOT NULL, number INTEGER NOT NULL, spans BLOB NOT NULL)")
        sorter.executemany("INSERT INTO plane VALUES (?, ?, ?)", _stored(reading, versions, key))
        for name, rows in groupby(sorter.execute("SELECT key, spans FROM plane ORDER BY key, number"), itemgetter(0)):
            yield name, [span for _, stored in rows for span in pickle.loads(stored)]  # noqa: S301  written just above


def _stored(reading: Reading, versions: Iterable[Entry], wanted: str | None) -> Iterator[tuple[str, int, bytes]]:
    for number, (_, entries) in enumerate(groupby(versions, attrgetter("fact"))):
        keys, of_fact = reading.laid_out(entries)
        for key in keys if wanted is None else keys & {wanted}:
            yield key, number, pickle.dumps(of_fact, pickle.HIGHEST_PROTOCOL)
