"""The rule of answers: which version of each fact is in force, and what the facts of a key fold into.

A fact's versions are first laid out over known time, as spans. The spans of all facts of a key make a plane of valid
days and known instants; a row of a view is the fold at one point of it, and says how far around that point its state
reaches.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from timeline.events import Entry, Event, canonical
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

State = dict[str, Any]

_DAY = timedelta(days=1)
_BY_KNOWLEDGE = attrgetter("known", "position")
NAMELESS = "?"
"""What the name of a fact stands behind, in place of a key, where it cannot be told its keys."""

LONGEST_KEY = 1_500
"""Bytes of a key: what an index can hold beside the name of a fact."""


class Span(NamedTuple):
    """A version of a fact, in force from `known_from` on and before `known_to` (None: for ever)."""

    entry: Entry
    known_from: datetime
    known_to: datetime | None

    def in_force(self, known: datetime) -> bool:
        """Return whether this is the version to believe at an instant."""
        return self.known_from <= known and (self.known_to is None or known < self.known_to)


def as_recorded(entry: Entry) -> Entry:
    """Return an event as the log holds it."""
    return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Entry):
    """An event that cannot be brought up to date, or told its keys: `failed` says why.

    It is taken to have the `keys` that its fact had before it, beside the name of the fact behind NAMELESS.
    """

    failed: str
    keys: tuple[str, ...]


class Unreadable(Exception):
    """What keeps an event from being folded: the words of what was raised when it was read."""


def spans(versions: Iterable[Entry], current: Callable[[Entry], Entry] = as_recorded) -> list[Span]:
    """Return the spans of one fact's versions, earliest knowledge first; while it is retracted a fact has none.

    Of versions known at the same instant the one recorded last is in force, and no other ever is: only those that are
    need be brought up to date, by `current`.
    """
    by_knowledge = sorted(versions, key=_BY_KNOWLEDGE)
    following = [entry.known for entry in by_knowledge[1:]]
    lasts = zip(by_knowledge, [*following, None], strict=False)  # of no version at all there is no last one
    return [Span(current(e), e.known, end) for e, end in lasts if e.action != "retract" and e.known != end]


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries in the order of folding: by first possible day, then by knowledge, then as recorded."""
    return sorted(entries, key=_order)


def _order(entry: Entry) -> tuple[date, datetime, int]:
    return (_valid(entry).first_lo, entry.known, entry.position)


def _as_it_is(state: State, _on: date) -> State:
    return state


def _never(_state: State) -> Iterable[date]:
    return ()


def _says_so(state: State) -> bool:
    return bool(state.get("disputes"))


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A view as pure functions: the keys of a fact, how facts fold into state, how a state is presented on a day.

    `fold` receives the state so far (None at first) and the next fact, and returns a new state without touching the
    old one. `present` may use the day alone, such as a plan that is overdue; `turns` then names every day on which
    its answer may differ from that of the day before. States are made of JSON values. A change of what it answers
    must raise `version`.
    """

    name: str
    version: int
    about: str
    kinds: frozenset[str]
    keys: Callable[[Event], Iterable[str]]
    fold: Callable[[State | None, Entry], State]
    present: Callable[[State, date], State] = _as_it_is
    turns: Callable[[State], Iterable[date]] = _never
    disputed: Callable[[State], bool] = _says_so

    def keys_of(self, entry: Entry) -> list[str]:
        """Return the keys of a fact, none if its kind is not read; TypeError or ValueError where one is no key."""
        if isinstance(entry, Unread):
            return list(entry.keys)
        keys = list(self.keys(entry)) if entry.kind in self.kinds else []
        for key in keys:
            if not isinstance(key, str):
                message = f"a key is a text, not {type(key).__name__}"
                raise TypeError(message)
            if not 0 < len(key.encode()) <= LONGEST_KEY:
                message = f"a key has 1 to {LONGEST_KEY:,} bytes, not {len(key.encode()):,}"
                raise ValueError(message)
            if key[0] == NAMELESS or "\0" in key:
                message = f"a key neither begins with {NAMELESS!r} nor holds U+0000: {key!a}"
                raise ValueError(message)
        return keys

    def turns_of(self, state: State) -> list[date]:
        """Return the days on which a state turns; TypeError where one is no day."""
        days = list(self.turns(state))
        for day in days:
            if type(day) is not date:
                message = f"a turn is a date, not {type(day).__name__}"
                raise TypeError(message)
        return days

    def takes(self, entry: Entry, key: str) -> bool:
        """Return whether a fact belongs to a key of this view."""
        return entry.kind in self.kinds and key in self.keys_of(entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The state of one key, how sure it is, and how far it reaches: `since` to `until`, None where open.

    `stuck` says why the key cannot be folded there: such a row has no state, and reaches nowhere.
    """

    key: str
    state: State
    certainty: str
    disputed: bool
    since: date | None
    until: date | None
    known_since: datetime
    facts: tuple[str, ...]
    stuck: str | None = None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Days from `first` to `last` over which, at one known instant, the facts and the presented state are the same.

    `said` is the state in canonical form: what is compared, since to Python `True` and `1` are equal.
    """

    first: date
    last: date
    entries: list[Entry]
    state: State | None
    said: bytes
    disputed: bool


def row(view: Projection, key: str, plane: Iterable[Span], on: date, known: datetime) -> Row | None:
    """Return the row of a key on a day as known at an instant, from the spans of all facts that ever had the key.

    It is stuck where the projection fails at that very point: what it cannot fold beside it ends how far a row reaches.
    """
    plane = [span for span in plane if span.known_from <= known and view.takes(span.entry, key)]
    days = _Days(view, [span.entry for span in plane if span.in_force(known)])
    try:
        here = days.stretch(on)
    except Exception as error:  # noqa: BLE001  a projection may raise anything at all
        return Row(
            key=key,
            state={},
            certainty="possible",
            disputed=False,
            since=None,
            until=None,
            known_since=known,
            facts=tuple(entry.fact for entry in days.on(on)),
            stuck=said(error),
        )
    if here.state is None:
        return None
    return Row(
        key=key,
        state=here.state,
        certainty="certain" if all(_valid(entry).certain(on) for entry in here.entries) else "possible",
        disputed=here.disputed,
        since=days.since(here),
        until=days.until(here),
        known_since=_known_since(view, plane, on, known, here.said),
        facts=tuple(entry.fact for entry in here.entries),
    )


class _Days:
    """The days of one key at one known instant, cut where the facts that hold on them change."""

    def __init__(self, view: Projection, believed: Sequence[Entry]) -> None:
        """Cut the days at the first day of each fact and behind its last."""
        self._view = view
        self._believed = in_order(believed)
        firsts = (_valid(entry).first_lo for entry in believed)
        self._cuts = sorted({OPEN_PAST, OPEN_FUTURE, *firsts, *map(_after, believed)})

    def on(self, day: date) -> list[Entry]:
        """Return the facts that may hold on a day, in the order of folding."""
        return [entry for entry in self._believed if _valid(entry).possible(day)]

    def stretch(self, on: date) -> _Stretch:
        """Return the longest run of days around `on` that no first day, last day or turn cuts."""
        entries = self.on(on)
        folded, state, disputed = _presented(self._view, entries, on)
        at = min(bisect_right(self._cuts, on), len(self._cuts) - 1)
        first, behind = self._cuts[at - 1], self._cuts[at]
        for turn in () if folded is None else self._view.turns_of(folded):
            first, behind = (max(first, turn), behind) if turn <= on else (first, min(behind, turn))
        last = behind if behind == OPEN_FUTURE else behind - _DAY
        return _Stretch(first, last, entries, state, canonical(state), disputed)

    def since(self, here: _Stretch) -> date | None:
        """Return the first day from which the state has been the same; None where that is open."""
        first = here.first
        while first > OPEN_PAST:
            before = self._same(here, first - _DAY)
            if before is None:
                return first
            first = before.first
        return None

    def until(self, here: _Stretch) -> date | None:
        """Return the last day up to which the state stays the same; None where that is open."""
        last = here.last
        while last < OPEN_FUTURE:
            after = self._same(here, last + _DAY)
            if after is None:
                return last
            last = after.last
        return None

    def _same(self, here: _Stretch, on: date) -> _Stretch | None:
        """Return the stretch around another day, None where it says otherwise or cannot be folded."""
        with suppress(Exception):
            there = self.stretch(on)
            return there if there.said == here.said else None
        return None


def _known_since(view: Projection, plane: Sequence[Span], on: date, known: datetime, said: bytes) -> datetime:
    """Return the earliest instant from which, on this day, the state has been the same without a break."""
    here = sorted((span for span in plane if _valid(span.entry).possible(on)), key=lambda span: _order(span.entry))
    ends = {span.known_to for span in here if span.known_to is not None and span.known_to <= known}
    instants = sorted({span.known_from for span in here} | ends, reverse=True)
    believed = [span.entry for span in here if span.in_force(known)]
    for instant, before in pairwise(instants):
        entries = [span.entry for span in here if span.in_force(before)]
        if entries != believed:
            if not _says(view, entries, on, said):
                return instant
            believed = entries
    return instants[-1]


def _says(view: Projection, entries: Iterable[Entry], on: date, said: bytes) -> bool:
    """Return whether facts fold into a state that is presented so."""
    with suppress(Exception):
        folded, state, _ = _presented(view, entries, on)
        if folded is not None:
            view.turns_of(folded)  # where that fails there is no row
            return canonical(state) == said
    return False


def _presented(view: Projection, entries: Iterable[Entry], on: date) -> tuple[State | None, State | None, bool]:
    """Return what facts fold into, how that is presented on a day, and whether it is disputed."""
    folded = _folded(view, entries)
    if folded is None:
        return None, None, False
    state = cast("State | None", view.present(folded, on))  # there may be nothing to show
    return folded, state, state is not None and bool(view.disputed(state))


def said(error: Exception) -> str:
    """Return what a projection said when it failed, on one line."""
    told = type(error).__name__
    with suppress(Exception):  # what it says of itself may fail as well
        told = str(error) if isinstance(error, Unreadable) else f"{told}: {error}"
    words = " ".join(told.replace("\0", "\\0").split())
    return words.encode("utf-8", "backslashreplace").decode()


def _folded(view: Projection, entries: Iterable[Entry]) -> State | None:
    state: State | None = None
    for entry in entries:
        state = view.fold(state, entry)
    return state


def _valid(entry: Entry) -> Valid:
    """Return the valid time of an entry that is in force: only retractions have none."""
    return cast("Valid", entry.valid)


def _after(entry: Entry) -> date:
    last = _valid(entry).last_hi
    return last if last == OPEN_FUTURE else last + _DAY
