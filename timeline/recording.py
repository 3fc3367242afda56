"""Recording: documents and fact lines pass the border and are appended batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from timeline import border
from timeline.collector import rarely_collected
from timeline.errors import Place, Refused
from timeline.events import Document, Event
from timeline.exchange import Line
from timeline.kinds import DESCRIPTION

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
    sound = _placed(items, appender, _Border(log, vocabulary), refuse)
    count = 0
    with rarely_collected(), appender.aside():
        while batch := list(_batch(sound)):
            appender.record(batch, refuse)
            count += len(batch)
            if progress:
                progress(count)
    return appender.receipt


def _batch(sound: Iterator[tuple[Place, Event]]) -> Iterator[tuple[Place, Event]]:
    """Yield the events of the next batch; one that describes a document ends it, since what follows is read by it."""
    for place, event in islice(sound, BATCH):
        yield place, event
        if event.fact.startswith(DESCRIPTION):
            return


class _Border:
    """The border with the documents of a log, some of which it keeps at hand."""

    def __init__(self, log: Log, vocabulary: Vocabulary) -> None:
        """Begin with no document at hand."""
        self._log = log
        self._kind = vocabulary.kind
        self._stages = lru_cache(maxsize=KEPT)(self._read)

    def event(self, fields: Mapping[str, Any]) -> Event:
        """Return the event that a line states: as it was read when the log took it, else by what is known now.

        A line may leave out what its document says: when it was published, and by whom. Once that has been corrected
        the same line would read otherwise, and recording it again would no longer change nothing.
        """
        now = border.event(fields, self._kind, self._library(-1))
        stages = self._found(now.source.document) if now.source else ()
        for number in range(len(stages) - 1):
            with suppress(Refused):
                then = border.event(fields, self._kind, self._library(number))
                held = [then.identity, replace(then, action="correct").identity]
                if then != now and self._log.holds(then.fact, held):
                    return then
        return now

    def forget(self) -> None:
        """Let go of all documents: one has been described anew."""
        self._stages.cache_clear()

    def _library(self, number: int) -> Library:
        """Return a finder of documents as they were described at a stage, from the first 0 to the last -1."""

        def library(name: str) -> Document | None:
            stages = self._found(name)
            return stages[number] if stages else None

        return library

    def _found(self, name: str) -> tuple[Document, ...]:
        """Return a document at each stage of its description; that one is missing is not kept: it may come yet."""
        try:
            return self._stages(name)
        except KeyError:
            return ()

    def _read(self, name: str) -> tuple[Document, ...]:
        stages = self._log.described(name)
        if not stages:
            raise KeyError(name)
        return (*dict.fromkeys(told for _, told in stages[:-1]), stages[-1][1])


def _raise(error: Refused) -> None:
    raise error


def _placed(
    items: Iterable[Item], appender: Appender, strict: _Border, refuse: Refuse
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
                    event = strict.event(fields)
                    yield place, event
                    if event.fact.startswith(DESCRIPTION):
                        strict.forget()
        except Refused as error:
            if item is error:
                raise
            error.place = Place(place.file, place.line, error.place.field)
            refuse(error)
