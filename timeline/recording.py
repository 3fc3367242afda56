"""Recording: documents and fact lines pass the border and are appended batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from timeline import border
from timeline.errors import Place, Refused
from timeline.events import Document, Event
from timeline.exchange import Line

if TYPE_CHECKING:
    from timeline.append import Appender, Receipt
    from timeline.border import Library
    from timeline.store import Log
    from timeline.vocabulary import Vocabulary

BATCH = 2_000
"""Events that are checked and written at a time."""

KEPT = 64
"""Documents kept at hand while quotes are checked."""

Item = Document | Line | Refused | Mapping[str, Any]
Refuse = Callable[[Refused], None]


def record(
    items: Iterable[Item],
    appender: Appender,
    log: Log,
    vocabulary: Vocabulary,
    skip_bad: bool,  # noqa: FBT001  the callers name it
    progress: Callable[[int], None] | None,
) -> Receipt:
    """Append all items and return the receipt; the first bad one is raised or, with `skip_bad`, listed in it."""
    refuse = appender.receipt.bad.append if skip_bad else _raise
    sound = _placed(items, appender, _library(log), vocabulary, refuse)
    count = 0
    while batch := list(islice(sound, BATCH)):
        appender.record(batch, refuse)
        count += len(batch)
        if progress:
            progress(count)
    return appender.close()


def _library(log: Log) -> Library:
    """Return a finder of documents that keeps some at hand, but never that one is missing: it may come yet."""

    @lru_cache(maxsize=KEPT)
    def found(name: str) -> Document:
        document = log.document(name)
        if document is None:
            raise KeyError(name)
        return document

    def library(name: str) -> Document | None:
        try:
            return found(name)
        except KeyError:
            return None

    return library


def _raise(error: Refused) -> None:
    raise error


def _placed(
    items: Iterable[Item], appender: Appender, library: Library, vocabulary: Vocabulary, refuse: Refuse
) -> Iterator[tuple[Place, Event]]:
    """Yield the events that the items state, with their places; documents are recorded as they are met."""
    for number, item in enumerate(items, start=1):
        place = item.place if isinstance(item, Line) else Place("item", number)
        try:
            match item:
                case Refused():
                    refuse(item)
                case Document():
                    appender.record_document(border.document(item))
                case _:
                    fields = item.fields if isinstance(item, Line) else item
                    yield place, border.event(fields, vocabulary.kind, library)
        except Refused as error:
            if item is error:
                raise
            error.place = Place(place.file, place.line, error.place.field)
            refuse(error)
