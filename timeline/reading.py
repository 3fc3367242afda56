"""Reading the facts of a log as a view does, as far as they can be read.

An upcaster may fail on an event, and a projection may be unable to tell the keys of a fact. Such an event stands in for
itself as `Unread`: where it counts, the keys that its fact had before cannot be folded, and nothing else is touched.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from timeline.fold import NAMELESS, Unread, Unreadable, said, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from timeline.events import Entry
    from timeline.fold import Projection, Span, State


@dataclass(frozen=True, slots=True)
class Reading:
    """What reads a log for a view: `current` brings an event up to date, and `view` cannot fold what is unread."""

    view: Projection
    current: Callable[[Entry], Entry]

    @classmethod
    def of(cls, view: Projection, current: Callable[[Entry], Entry]) -> Reading:
        """Return what reads a log for a projection."""

        def fold(state: State | None, entry: Entry) -> State:
            if isinstance(entry, Unread):
                raise Unreadable(entry.failed)
            return view.fold(state, entry)

        return cls(replace(view, fold=fold), current)

    def entries(self, versions: Iterable[Entry]) -> list[Entry]:
        """Return all versions of one fact, in the order given."""
        held = list(versions)
        before = _Before(self, held)
        return [self._read(entry, before) for entry in held]

    def laid_out(self, versions: Iterable[Entry]) -> tuple[set[str], list[Span]]:
        """Return the spans of one fact, and its keys; versions that are never in force are not read."""
        held = list(versions)  # what goes wrong in getting them is no fault of the view
        try:
            return self._keyed(spans(held, self.current))
        except Exception:  # noqa: BLE001  a projection may raise anything at all, and so may an upcaster
            before = _Before(self, held)
            return self._keyed(spans(held, lambda entry: self._read(entry, before)))

    def _keyed(self, of_fact: list[Span]) -> tuple[set[str], list[Span]]:
        return {key for span in of_fact for key in self.view.keys_of(span.entry)}, of_fact

    def _read(self, entry: Entry, before: _Before) -> Entry:
        try:
            told = self.current(entry)
            self.view.keys_of(told)
        except Exception as error:  # noqa: BLE001  as above
            keys = dict.fromkeys([NAMELESS + entry.fact, *before.keys(entry)])
            values = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
            return Unread(**values, failed=said(error), keys=tuple(keys))
        return told


class _Before:
    """The versions of a fact, of which each is asked for its keys at most once."""

    def __init__(self, reading: Reading, versions: Sequence[Entry]) -> None:
        """Ask for nothing yet."""
        self._reading, self._versions = reading, versions
        self._told: list[tuple[int, datetime, list[str]]] | None = None

    def keys(self, entry: Entry) -> Iterator[str]:
        """Yield the keys of the versions before one, in the log and in knowledge, that can be told them."""
        if self._told is None:
            self._told = list(self._readable())
        for position, known, keys in self._told:
            if position < entry.position and known <= entry.known:
                yield from keys

    def _readable(self) -> Iterator[tuple[int, datetime, list[str]]]:
        for one in self._versions:
            with suppress(Exception):
                yield one.position, one.known, self._reading.view.keys_of(self._reading.current(one))
