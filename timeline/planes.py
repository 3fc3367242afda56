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

from timeline.fold import Projection, Span, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from timeline.events import Entry

    Stored = tuple[str, int, bytes]

CACHE_KIB = 32_768
"""Memory that the sorting may take before it goes to disk."""


def planes(
    view: Projection, versions: Iterable[Entry], key: str | None = None, failed: dict[str, str] | None = None
) -> Iterator[tuple[str, list[Span]]]:
    """Yield each key of a view, in order, with the spans of all facts that ever had it; or only the one `key`.

    `versions` come fact by fact, each in order of position. Where `failed` is given, facts that the view cannot tell
    the keys of are noted there, with the reason, before the first key is yielded.
    """
    with closing(sqlite3.connect("", check_same_thread=False)) as sorter:
        sorter.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        sorter.execute("CREATE TABLE plane (key TEXT NOT NULL, number INTEGER NOT NULL, spans BLOB NOT NULL)")
        sorter.executemany("INSERT INTO plane VALUES (?, ?, ?)", _stored(view, versions, key, failed))
        for name, rows in groupby(sorter.execute("SELECT key, spans FROM plane ORDER BY key, number"), itemgetter(0)):
            yield name, [span for _, stored in rows for span in pickle.loads(stored)]  # noqa: S301  written just above


def _stored(
    view: Projection, versions: Iterable[Entry], wanted: str | None, failed: dict[str, str] | None
) -> Iterator[Stored]:
    for number, (fact, entries) in enumerate(groupby(versions, attrgetter("fact"))):
        laid_out = spans(entries)
        try:
            keys = {key for span in laid_out if span.entry.kind in view.kinds for key in view.keys(span.entry)}
        except Exception as error:
            if failed is None:
                raise
            failed[fact] = f"{type(error).__name__}: {error}"
            continue
        for key in keys if wanted is None else keys & {wanted}:
            yield key, number, pickle.dumps(laid_out, pickle.HIGHEST_PROTOCOL)
