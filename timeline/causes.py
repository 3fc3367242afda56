"""Why a row changed: for each fact behind it, the event that one reading believes and the other does not.

Both readings believe some versions of a fact in common. Of these, one would be in force; the version that is in force
on either side beyond that is what makes the difference. On the way from one reading to the other such an event comes
in, or it is undone: comparisons go backwards as well. Where no event makes a difference, the day does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, cast

from timeline.events import canonical
from timeline.fold import in_order, row, said, spans
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from timeline.basis import Basis
    from timeline.difference import Change
    from timeline.events import Entry
    from timeline.fold import Projection, Row, State
    from timeline.temporal import Valid

Why = Literal["news", "late-found document", "source correction", "misreading", "retraction", "day", "choice"]
Missing = Literal["known", "recorded", "choice", ""]
Turn = Literal["begins", "ends", "turns", "certain", "possible", ""]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Side:
    """One reading of a key: its basis, and by fact the versions that it believes.

    Of a comparison, only those facts behind the changed row (`Change.facts`) need be there whose versions or days may
    differ between its sides.
    """

    basis: Basis
    versions: Mapping[str, Sequence[Entry]]

    @classmethod
    def of(cls, basis: Basis, versions: Mapping[str, Sequence[Entry]]) -> Side:
        """Return the reading at a basis, from versions that its choice lets through."""
        reached = {fact: [entry for entry in held if _reached(entry, basis)] for fact, held in versions.items()}
        return cls(basis, {fact: held for fact, held in reached.items() if held})

    def on(self, day: date) -> Side:
        """Return the reading of the same knowledge on another day."""
        return Side(replace(self.basis, on=day), self.versions)

    def latest(self, fact: str) -> Entry | None:
        """Return the version of a fact to believe, be it a retraction; None where there is none."""
        return latest(self.versions.get(fact, ()))

    def superseded(self, fact: str) -> Entry | None:
        """Return the version that would be the one to believe, were it not for the one that is."""
        held = self.latest(fact)
        return latest(entry for entry in self.versions.get(fact, ()) if entry is not held)

    def in_force(self, view: Projection, key: str) -> list[Entry]:
        """Return the facts of a key that are believed, whatever the day, in the order of folding."""
        held = (self.latest(fact) for fact in self.versions)
        return in_order(entry for entry in held if entry and entry.valid and view.takes(entry, key))

    def effective(self, view: Projection, key: str) -> list[Entry]:
        """Return the facts behind the row of a key, in the order of folding."""
        return [entry for entry in self.in_force(view, key) if counts(view, key, entry, self.basis.on)]

    def row(self, view: Projection, key: str) -> Row | None:
        """Return the row of a key, if all facts that ever had the key are here."""
        plane = [span for held in self.versions.values() for span in spans(held)]
        return row(view, key, plane, self.basis.on, self.basis.known)


def _reached(entry: Entry, basis: Basis) -> bool:
    return entry.known <= basis.known and entry.position <= basis.recorded


def latest(versions: Iterable[Entry]) -> Entry | None:
    """Return the version to believe among those of one fact, be it a retraction; None where there is none."""
    return max(versions, key=lambda entry: (entry.known, entry.position), default=None)


def counts(view: Projection, key: str, entry: Entry | None, on: date) -> bool:
    """Return whether a version, if it is the one to believe, is behind the row of a key on a day."""
    return bool(entry and entry.valid and entry.valid.possible(on) and view.takes(entry, key))


def folded(view: Projection, entries: Iterable[Entry]) -> State | None:
    """Return the state that facts fold into, in any order given; None where there are none."""
    empty: State | None = None
    return reduce(view.fold, in_order(entries), empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An event, or a day, that makes a difference between two readings.

    | cause                 | what happened                                                                   |
    |-----------------------|---------------------------------------------------------------------------------|
    | `news`                | a fact became public                                                            |
    | `late-found document` | a fact was public already, and was recorded later                               |
    | `source correction`   | a source said otherwise than before, at a time of its own                       |
    | `misreading`          | what the source said then was read again: known at the instant of what it displaced |
    | `retraction`          | a fact was taken back                                                           |
    | `choice`              | an event was let in or left out by who is believed                              |
    | `day`                 | nothing was said: a fact begins or ends, becomes certain or not, or a date in it passes |

    `undone` says that the event, or the day, lies on the way back: the first reading has it and the second does not.
    `displaced` is the version that is believed without the event. `missing` says what keeps the event from the reading
    that does without it: it was not `known` yet, or not `recorded` yet, or left out by `choice`. Of a day, `turn` says
    what happens on it: the fact `begins`; `ends` (its last day); is `certain`, or no more than `possible`, from then
    on; or what it says `turns` (a plan is overdue).
    """

    cause: Why
    entry: Entry
    undone: bool = False
    displaced: Entry | None = None
    missing: Missing = ""
    turn: Turn = ""
    day: date | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the cause as JSON values, with the event that it names; what does not apply is null."""
        displaced = self.displaced and self.displaced.event
        day = {"turn": self.turn or None, "day": self.day and self.day.isoformat()}
        why = {"cause": self.cause, "undone": self.undone, "missing": self.missing or None}
        return why | day | event_fields(self.entry) | {"displaced": displaced}


def event_fields(entry: Entry) -> dict[str, Any]:
    """Return what an event is known by, as flat JSON values: its place in the log, who said it, and where it stands."""
    source = entry.source
    return {
        "fact": entry.fact,
        "event": entry.event,
        "position": entry.position,
        "known": format_instant(entry.known),
        "recorded": format_instant(entry.recorded),
        "action": entry.action,
        "kind": entry.kind or None,
        "subject": entry.subject or None,
        "valid": entry.valid and entry.valid.text,
        "said_by": list(entry.said_by),
        "modality": entry.modality,
        "polarity": entry.polarity,
        "document": source and source.document,
        "quote": source and source.quote,
        "reason": entry.reason,
        "time": (entry.time or {}).get("text"),
    }


def causes(view: Projection, change: Change, before: Side, after: Side) -> list[Cause]:
    """Return what made a change, in order of knowledge."""
    there = [fact for fact in change.facts if fact in before.versions or fact in after.versions]
    facts = [_Fact(view, change.key, before, after, fact) for fact in there]
    found = [cause for fact in facts for cause in fact.causes()]
    if before.basis.on != after.basis.on:
        found += _turned(view, change, [entry for fact in facts for entry in fact.steady()], before, after)
    return sorted(found, key=lambda cause: (cause.entry.known, cause.entry.position))


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact in a comparison, as far as it belongs to one key."""

    view: Projection
    key: str
    before: Side
    after: Side
    fact: str

    def causes(self) -> list[Cause]:
        """Return the causes in this fact, on the shorter way: the events first, or the day; an event tells more."""
        here, there = self.before.basis.on, self.after.basis.on
        old, new = self.before.latest(self.fact), self.after.latest(self.fact)
        events_first = [*self._events(here, there), *self._passing(new, here, there)]
        day_first = [*self._passing(old, here, there), *self._events(there, there)]
        return min(events_first, day_first, key=lambda way: (len(way), sum(cause.cause == "day" for cause in way)))

    def steady(self) -> Iterator[Entry]:
        """Yield the version that counts on both sides, where it is the same one."""
        old, new = self.before.latest(self.fact), self.after.latest(self.fact)
        both = self._counts(old, self.before.basis.on) and self._counts(new, self.after.basis.on)
        if old and new and both and old.position == new.position:
            yield new

    def _events(self, on: date, then: date) -> Iterator[Cause]:
        """Yield the events that make another version count on a day: one that is undone, one that comes in, or both.

        One that comes in is told too where it makes another version count on the day that is gone to then.
        """
        shared = latest(_shared(self.before.versions.get(self.fact, ()), self.after.versions.get(self.fact, ())))
        for side, without, undone in ((self.before, self.after, True), (self.after, self.before, False)):
            entry = side.latest(self.fact)
            if entry is None or (shared and entry.position == shared.position):
                continue
            days = {on} if undone else {on, then}
            if any(self._counts(version, day) for version in (entry, shared) for day in days):
                yield _event(entry, shared, without.basis, undone=undone)

    def _passing(self, entry: Entry | None, here: date, there: date) -> Iterator[Cause]:
        """Yield the day on which a version begins or ends between two days, if it counts on one of them only."""
        if entry is None or self._counts(entry, here) == self._counts(entry, there):
            return
        valid = cast("Valid", entry.valid)
        begins = valid.possible(max(here, there))
        turn: Turn = "begins" if begins else "ends"
        day = valid.first_lo if begins else valid.last_hi
        yield Cause(cause="day", entry=entry, undone=there < here, turn=turn, day=day)

    def _counts(self, entry: Entry | None, on: date) -> bool:
        return counts(self.view, self.key, entry, on)


def _shared(one: Sequence[Entry], other: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the versions that both sides believe."""
    positions = {entry.position for entry in other}
    return (entry for entry in one if entry.position in positions)


def _event(entry: Entry, displaced: Entry | None, without: Basis, *, undone: bool) -> Cause:
    """Return the cause that an event is, seen from the basis that does without it."""
    late = entry.known <= without.known
    missing: Missing = "known" if not late else "recorded" if entry.position > without.recorded else "choice"
    why = _why(entry, displaced, missing)
    return Cause(cause=why, entry=entry, undone=undone, displaced=displaced, missing=missing)


def _why(entry: Entry, displaced: Entry | None, missing: Missing) -> Why:
    if missing == "choice":
        return "choice"
    if entry.action == "retract":
        return "retraction"
    if displaced is None:
        return "news" if missing == "known" else "late-found document"
    return "misreading" if displaced.known == entry.known else "source correction"


def _turned(view: Projection, change: Change, steady: list[Entry], before: Side, after: Side) -> Iterator[Cause]:
    """Yield the days between two on which the facts that stay become certain or not, or a date in them passes."""
    here, there = before.basis.on, after.basis.on
    first, last = min(here, there), max(here, there)
    sure = list(_sureness(change, steady, first, last))
    told = {(entry.position, day) for entry, _, day in sure}
    turns = (found for found in _dates(view, steady, first, last) if (found[0].position, found[2]) not in told)
    for entry, turn, day in chain(sure, turns):
        yield Cause(cause="day", entry=entry, undone=there < here, turn=turn, day=day)


def _sureness(change: Change, steady: list[Entry], first: date, last: date) -> Iterator[tuple[Entry, Turn, date]]:
    """Yield the days from which facts are certain, or possible at best, if the certainty of the row changed."""
    for entry in steady if "certainty" in change.fields and not change.stuck else ():
        valid = cast("Valid", entry.valid)
        if valid.certain(first) != valid.certain(last):
            yield (
                (entry, "certain", valid.first_hi) if valid.certain(last) else (entry, "possible", valid.last_lo + _DAY)
            )


def _dates(view: Projection, steady: list[Entry], first: date, last: date) -> Iterator[tuple[Entry, Turn, date]]:
    """Yield the days on which the state of the facts turns by itself, with the facts that alone would turn then."""
    try:
        state = folded(view, steady)
        turns = [] if state is None else view.turns_of(state)
    except Exception:  # noqa: BLE001  a projection may need the facts that do not stay
        return
    for day in sorted({day for day in turns if first < day <= last}):
        if _shown(view, cast("State", state), day) != _shown(view, cast("State", state), day - _DAY):
            alone = [entry for entry in steady if day in _turns_alone(view, entry)]
            yield from ((entry, "turns", day) for entry in alone or steady[-1:])


def _shown(view: Projection, state: State, on: date) -> bytes:
    """Return how a state is presented on a day, or why it cannot be."""
    try:
        return canonical(view.present(state, on))
    except Exception as error:  # noqa: BLE001  a projection may raise anything at all
        return said(error).encode()


def _turns_alone(view: Projection, entry: Entry) -> set[date]:
    """Return the days on which the state of one fact turns, none where it cannot be folded without others."""
    try:
        return set(view.turns_of(view.fold(None, entry)))
    except Exception:  # noqa: BLE001  a projection may need other facts first
        return set()
