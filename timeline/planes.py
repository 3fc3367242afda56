"""Bringing the facts of each key together, however many there are.

Facts arrive one after the other with all their versions; a key needs the spans of all its facts at once. They are
sorted by key in a private SQLite database, which keeps what does not fit its cache in a temporary file and goes when
it is closed.
"""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing, suppress
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from timeline.fold import NAMELESS, Projection, Span, as_recorded, said, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from timeline.events import Entry

    Stored = tuple[str, int, bytes]

CACHE_KIB = 32_768
"""Memory that the sorting may take before it goes to disk."""


def planes(
    view: Projection,
    versions: Iterable[Entry],
    key: str | None = None,
    failed: dict[str, str] | None = None,
    current: Callable[[Entry], Entry] = as_recorded,
) -> Iterator[tuple[str, list[Span]]]:
    """Yield each key of a view, in order, with the spans of all facts that ever had it; or only the one `key`.

    `versions` come fact by fact, each in order of position; `current` brings those up to date that are ever in force.
    Where `failed` is given, a fact of which one cannot be, or cannot be told its keys, is noted there under its name
    behind NAMELESS, and under the keys that any others had; that is done before the first key is yielded.
    """
    with closing(sqlite3.connect("", check_same_thread=False)) as sorter:
        sorter.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        sorter.execute("CREATE TABLE plane (key TEXT NOT NULL, number INTEGER NOT NULL, spans BLOB NOT NULL)")
        laid_out = _laid_out(view, versions, failed, current)
        sorter.executemany("INSERT INTO plane VALUES (?, ?, ?)", _stored(laid_out, key))
        for name, rows in groupby(sorter.execute("SELECT key, spans FROM plane ORDER BY key, number"), itemgetter(0)):
            yield name, [span for _, stored in rows for span in pickle.loads(stored)]  # noqa: S301  written just above


def _laid_out(
    view: Projection, versions: Iterable[Entry], failed: dict[str, str] | None, current: Callable[[Entry], Entry]
) -> Iterator[tuple[set[str], list[Span]]]:
    for fact, entries in groupby(versions, attrgetter("fact")):
        read = list(entries)  # what goes wrong in reading is no fault of the view
        try:
            of_fact = spans(read, current)
            yield {key for span in of_fact for key in view.keys_of(span.entry)}, of_fact
        except Exception as error:
            if failed is None:
                raise
            failed |= dict.fromkeys([NAMELESS + fact, *_keys_left(view, read, current)], said(error))


def _keys_left(view: Projection, versions: Iterable[Entry], current: Callable[[Entry], Entry]) -> Iterator[str]:
    """Yield the keys of those versions of a fact that can be told them."""
    for entry in versions:
        with suppress(Exception):
            yield from view.keys_of(current(entry))


def _stored(laid_out: Iterable[tuple[set[str], list[Span]]], wanted: str | None) -> Iterator[Stored]:
    for number, (keys, of_fact) in enumerate(laid_out):
        for key in keys if wanted is None else keys & {wanted}:
            yield key, number, pickle.dumps(of_fact, pickle.HIGHEST_PROTOCOL)
