"""Snapshots of lists: what of them is news, given what is held already.

A snapshot states a whole list as it read at one instant. What was added, amended, gone or back since the look before
becomes an event each, known from that instant; what reads as before becomes nothing. An entry seen for the first time
began between the two looks, and one that is gone ended between them: days on which nobody looked stay imprecise. An
entry that is back begins a new fact, named for the day of its return, since the world changed; its old stay remains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from timeline.errors import Place, Refused
from timeline.events import Event, canonical
from timeline.temporal import Valid, format_instant

if TYPE_CHECKING:
    from timeline.maps import Stated

Read = Callable[[Mapping[str, Any]], Event]
"""Makes an event of the fields of a fact line, or refuses them."""

Placed = tuple[Place, Event]

GONE = "gone from the list"
"""Why an entry ended or was taken back, and the note on its time that marks it as gone."""

RETRACTED = '{"action":"retract"'
"""How the canonical line of a retraction begins: with the first of its keys."""

_DAY = timedelta(days=1)
_SPELL = re.compile(r"(.+)@\d{4}-\d\d-\d\d", re.DOTALL)
_LONGEST = 100  # of the 200 characters of a name, with room for the source and for the day of a return
_OWN = ("action", "fact", "known", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a source: when the list read so, when it was looked at before, and what absence means."""

    source: str
    known: datetime
    before: datetime | None = None
    absent: str = "end"
    max_removed: float = 0.2

    @property
    def day(self) -> date:
        """The day of this look, in UTC."""
        return _day(self.known)

    @property
    def seen(self) -> str:
        """The day since which a new entry is there, as precisely as two looks can tell.

        >>> Look(source="s", known=datetime(2023, 3, 5, tzinfo=UTC), before=datetime(2023, 3, 1, tzinfo=UTC)).seen
        '[2023-03-02..2023-03-05]'
        """
        if self.before is None or _day(self.before) + _DAY >= self.day:
            return self.day.isoformat()
        return f"[{_day(self.before) + _DAY}..{self.day}]"

    @property
    def gone(self) -> str:
        """The last day of an entry that was there at the look before and is not now."""
        last = self.day - _DAY
        if self.before is None or _day(self.before) >= last:
            return last.isoformat()
        return f"[{_day(self.before)}..{last}]"


@dataclass(slots=True)
class Counts:
    """What a look found: rows, and entries by what became of them."""

    rows: int = 0
    added: int = 0
    amended: int = 0
    removed: int = 0
    returned: int = 0


def changes(
    look: Look, stated: Iterable[Stated], held: Iterable[tuple[str, str]], read: Read, counts: Counts
) -> Iterator[Placed]:
    """Yield the events by which a snapshot differs from what is held, counting them.

    `held` are the facts of the source with the canonical line of the version in force at this look, empty where none
    is. Refused are a list that states nothing or lacks too much, and an entry that stands in it twice.
    """
    return _Changes(look, read, _Entries.of(held), counts).found(stated)


@dataclass(slots=True)
class _Entries:
    """The entries of a source: for each identity the fact and line of its present stay, and who was there once."""

    present: dict[str, tuple[str, str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, held: Iterable[tuple[str, str]]) -> _Entries:
        """Return the entries that facts amount to; a name in the order of its spells has the last one last."""
        entries = cls()
        for fact, line in sorted(held):
            name = fact.partition("/")[2]
            if "@" in name and (spell := _SPELL.fullmatch(name)):
                name = spell[1]
            if _over(line):
                entries.gone.add(name)
            elif line:
                entries.present[name] = fact, line
        return entries


@dataclass(slots=True)
class _Changes:
    """What one look finds of the entries that are held."""

    look: Look
    read: Read
    entries: _Entries
    counts: Counts

    def found(self, stated: Iterable[Stated]) -> Iterator[Placed]:
        """Yield what is new or reads otherwise in the order of the list, then what is gone in the order of names."""
        lines: dict[str, int] = {}
        absent = dict(self.entries.present)
        for one in stated:
            if one.fields is not None:
                name = _once(one, lines)
                held = absent.pop(name, None)
                news = self._new(one, name) if held is None else self._amended(one, *held)
                if news is not None:
                    yield news
        if not lines:
            raise Refused("the list is empty", remedy="Fetch it again: an empty file is a fault of the feed")
        if self.look.absent != "ignore":
            kept = len(self.entries.present) - len(absent)
            yield from self._removed(list(self._gone(absent)), kept)

    def _amended(self, one: Stated, fact: str, content: str) -> Placed | None:
        fields = _filled(one, _last(content, "valid").partition("/")[0])
        if _repeated(fields, fact, content):
            return None
        line = said(orjson.loads(content))
        event = differing(self.read, one, fields, line, fact, self.look.known)
        if event is None:
            return None
        self.counts.amended += 1
        return one.place, event

    def _new(self, one: Stated, name: str) -> Placed:
        fact = f"{self.look.source}/{_nameable(one, name)}"
        if name in self.entries.gone:
            self.counts.returned += 1
            fact = f"{fact}@{self.look.day}"
        else:
            self.counts.added += 1
        fields = _filled(one, self.look.seen)
        return one.place, made(self.read, one.place, fields, action="assert", fact=fact, known=self.look.known)

    def _gone(self, absent: Mapping[str, tuple[str, str]]) -> Iterator[Event]:
        """Yield how each entry that is not in the list any more ends; one that had ended by itself has ended."""
        known = self.look.known
        for fact, content in absent.values():
            retracted = Event(action="retract", fact=fact, known=known, reason=GONE)
            if self.look.absent == "retract":
                yield retracted
                continue
            line = said(orjson.loads(content))
            event = made(self.read, Place(), line, action="correct", fact=fact, known=known)
            valid = event.valid or Valid.parse("unknown")
            if valid.last_hi >= self.look.day:
                time = {"method": "inferred", "note": GONE}
                rest = _until(valid, self.look)
                yield replace(event, valid=rest, time=time, reason=GONE) if rest else retracted

    def _removed(self, events: list[Event], kept: int) -> Iterator[Placed]:
        self.counts.removed = len(events)
        held = kept + len(events)
        if len(events) > self.look.max_removed * held:
            message = f"{len(events):,} of {held:,} entries are gone, more than {self.look.max_removed:.0%}"
            remedy = f"Look at the file: if it is whole, allow it with --max-removed {_share(len(events), held)}"
            raise Refused(message, remedy=remedy)
        yield from ((Place(), event) for event in events)


def differing(
    read: Read, one: Stated, fields: Mapping[str, Any], line: Mapping[str, Any], fact: str, known: datetime
) -> Event | None:
    """Return the correction that stated fields make of what a line says; None where they say the same.

    Nearly all of a list reads as before, so that it is compared before the border has looked at it; what the border
    fills in or writes in another way is no difference.
    """
    if canonical(fields) == canonical(line) or alike(fields, line, one.tolerance):
        return None
    event = made(read, one.place, fields, action="correct", fact=fact, known=known)
    return None if alike(said(event.fields()), line, one.tolerance) else event


def alike(one: Any, other: Any, tolerance: float) -> bool:  # noqa: ANN401  any JSON values
    """Return whether two JSON values say the same: numbers as decimals, and within a relative tolerance.

    >>> alike({"value": 1.0}, {"value": 1}, 0), alike([1], [True], 0), alike(0.1, 0.1000001, 1e-3)
    (True, False, True)
    """
    if type(one) is str:
        return bool(one == other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[name], tolerance) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if one == other:
        return True
    return (
        bool(tolerance)
        and isinstance(one, int | float)
        and isinstance(other, int | float)
        and _near(one, other, tolerance)
    )


def _near(one: float, other: float, tolerance: float) -> bool:
    """Return whether two numbers lie within a relative tolerance; only close calls need the decimals."""
    if abs(one - other) > 2 * tolerance * max(abs(one), abs(other)):
        return False
    a, b = Decimal(repr(one)), Decimal(repr(other))
    return abs(a - b) <= Decimal(repr(tolerance)) * max(abs(a), abs(b))


def identity(one: Stated) -> str:
    """Return the identity of what a row states; without one it could not be found again in a later file."""
    if one.fact is None:
        remedy = 'Give `fact` in the map, as fact = "{id}", by columns that are never empty'
        raise Refused("the row has no identity", remedy=remedy, place=one.place)
    return one.fact


def _once(one: Stated, lines: dict[str, int]) -> str:
    """Return the identity of an entry, and note its line; refuse one that stands in the list before."""
    name = identity(one)
    if name in lines:
        message = f"the entry {name!r} stands in line {lines[name]} already"
        raise Refused(message, remedy="Name entries by columns that tell them apart", place=one.place)
    lines[name] = one.line
    return name


def _nameable(one: Stated, name: str) -> str:
    """Return a new identity; refuse one that could be that of a later spell, or leaves no room to name one."""
    if _SPELL.fullmatch(name):
        message = f"{name!r} ends as the names of entries do that were gone and are back"
        raise Refused(message, remedy="Write another identity in the map", place=one.place)
    if len(name) > _LONGEST:
        message = f"an identity of {len(name)} characters is too long"
        raise Refused(message, remedy=f"Name entries by at most {_LONGEST}", place=one.place)
    return name


def _repeated(fields: Mapping[str, Any], fact: str, content: str) -> bool:
    """Return whether fields are just what a canonical line states, as nearly every row of nearly every look is.

    The line is not taken apart, which would take most of the time of a look.
    """
    action = "assert" if content.startswith('{"action":"assert"') else "correct"
    line = {**fields, "action": action, "fact": fact, "known": _last(content, "known")}
    return canonical(line) == content.encode()


def _last(content: str, name: str) -> str:
    """Return the text under `known` or `valid` of a canonical line: behind its data no other key has such a name."""
    start = content.rindex(f'"{name}":"') + len(name) + 4
    return content[start : content.index('"', start)]


def _over(line: str) -> bool:
    """Return whether an entry is gone: taken back, or ended by a look that missed it."""
    if line.startswith(RETRACTED):
        return True
    return GONE in line and orjson.loads(line).get("time") == {"method": "inferred", "note": GONE}


def _until(valid: Valid, look: Look) -> Valid | None:
    """Return a valid time cut off by a look, or None where nothing of it remains: it began on the day of the look."""
    same_day = look.before is not None and _day(look.before) == look.day
    if valid.first_lo >= look.day or (same_day and valid.first_hi == look.day):
        return None
    start, slash, _ = valid.text.partition("/")
    if not slash and valid.first_lo == valid.first_hi:
        start = valid.first_lo.isoformat()
    return Valid.parse(f"{'' if start == 'unknown' else start}/{look.gone}")


def _filled(one: Stated, seen: str) -> dict[str, Any]:
    fields = one.fields or {}
    return {**fields, "valid": fields["valid"].replace("{seen}", seen)} if one.seen else dict(fields)


def said(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line says, without what the log or a look adds."""
    return {name: value for name, value in line.items() if name not in _OWN}


def made(read: Read, place: Place, fields: Mapping[str, Any], *, action: str, fact: str, known: datetime) -> Event:
    """Return the event that stated fields make; a refusal names their place."""
    try:
        return read({**fields, "action": action, "fact": fact, "known": format_instant(known)})
    except Refused as error:
        error.place = replace(place, field=error.place.field)
        raise


def _share(part: int, whole: int) -> str:
    """Return a share, rounded up to two decimals."""
    return f"{-(-100 * part // whole) / 100:.2f}"


def _day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
