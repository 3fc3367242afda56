"""Snapshots of lists: what of them is news, given what is held already.

A snapshot states a whole list as it read at one instant. What was added, amended, gone or back since the look before
becomes an event each, known from that instant; what reads as before becomes nothing. An entry seen for the first time
began between the two looks, and one that is gone ended between them: days on which nobody looked stay imprecise. An
entry that is back begins a new fact, named for the day of its return, since the world changed; its old stay remains.

A list is compared with what it said itself, whatever people have corrected since: only where it says otherwise there is
news. That an entry is gone ends what is in force, so that what people corrected of it stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

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

_MARK = {"method": "inferred", "note": GONE}

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
    look: Look, stated: Iterable[Stated], held: Iterable[tuple[str, bool, str]], read: Read, counts: Counts
) -> Iterator[Placed]:
    """Yield the events by which a snapshot differs from what is held, counting them.

    `held` are the versions of the facts of the source that are known by this look: the fact, whether the list itself
    said so, and the canonical line; fact by fact, the version in force first. Refused are a list that states nothing or
    lacks too much, and an entry that stands in it twice.
    """
    return _Changes(look, read, _Entries.of(held, look), counts).found(stated)


class _Spell(NamedTuple):
    """An open stay of an entry: its fact, the line that a list is compared with, and the line in force."""

    fact: str
    line: str
    believed: str


@dataclass(slots=True)
class _Entries:
    """The entries of a source by identity: their open stays, the newest one last, and none for who is gone.

    Facts under its name that the source never listed are nobody's entries. `held` is the line in force of every fact.
    """

    spells: dict[str, list[_Spell]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Iterable[tuple[str, bool, str]], look: Look) -> _Entries:
        """Return the entries that the versions of facts amount to at a look."""
        entries, listed, known = cls(), set[str](), format_instant(look.known)
        for fact, versions in groupby(held, itemgetter(0)):
            believed = own = ""
            for _, said_so, line in versions:
                believed, own = believed or line, own or (line if said_so else "")
            name = fact.partition("/")[2]
            if "@" in name and (spell := _SPELL.fullmatch(name)):
                name = spell[1]
            if own:
                listed.add(name)
            spells = entries.spells.setdefault(name, [])
            if line := _open(own, believed, known):
                spells.append(_Spell(fact, line, believed))
            entries.held[fact] = believed
        for name in entries.spells.keys() - listed:
            del entries.spells[name]
        return entries


def _open(own: str, believed: str, known: str) -> str:
    """Return the line of a stay that a list is compared with: what it said, or what reinstates it; empty if it is over.

    Gone is also what another store saw go; not what an earlier reading of this very instant missed.
    """
    if own and not _over(own, known) and not (own is not believed and GONE in believed and _over(believed, known)):
        return own
    return "" if own is believed or _over(believed, known) else believed


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
        absent = dict(self.entries.spells)
        for one in stated:
            if one.fields is not None:
                name = _once(one, lines)
                spell = self._standing(one, absent.pop(name, ()))
                news = self._new(one, name) if spell is None else self._amended(one, spell)
                if news is not None:
                    yield news
        if not lines:
            raise Refused("the list is empty", remedy="Fetch it again: an empty file is a fault of the feed")
        if self.look.absent != "ignore":
            gone = [events for spells in absent.values() if (events := list(self._gone(spells)))]
            yield from self._removed(gone, len(lines))

    def _standing(self, one: Stated, spells: Sequence[_Spell]) -> _Spell | None:
        """Return the newest stay that lasts; one that only looks have dated is over when its last day has passed."""
        for spell in reversed(spells):
            if not one.seen or _marked(spell.line) or not self._ended(spell):
                return spell
        return None

    def _amended(self, one: Stated, spell: _Spell) -> Placed | None:
        """Return the correction that a row makes of what the list said before; None where it says the same.

        It is compared before the border has looked at it, which takes long, and after: what that fills in is no news.
        """
        fact, content, believed = spell
        fields = _filled(one, _last(content, "valid"))
        if _repeated(fields, fact, content) or alike(fields, line := said(orjson.loads(content)), one.tolerance):
            return None
        event = self._made(one.place, fields, "correct", fact)
        if alike(said(event.fields()), line, one.tolerance):
            return None
        if one.seen and content is not believed and not believed.startswith(RETRACTED):
            event = self._made(one.place, _filled(one, _last(believed, "valid")), "correct", fact)
        if _in_force(event, believed):
            return None
        self.counts.amended += 1
        return one.place, event

    def _new(self, one: Stated, name: str) -> Placed | None:
        back = name in self.entries.spells
        fact = f"{self.look.source}/{_nameable(one, name)}" + (f"@{self.look.day}" if back else "")
        held = self.entries.held.get(fact, "")
        lasting = held and not held.startswith(RETRACTED) and not self._ended(_Spell(fact, held, held))
        event = self._made(one.place, _filled(one, _last(held, "valid") if lasting else self.look.seen), "assert", fact)
        if _in_force(event, held):
            return None
        self.counts.returned += back
        self.counts.added += not back
        return one.place, event

    def _gone(self, spells: Iterable[_Spell]) -> Iterator[Event]:
        """Yield how the stays of an entry end that is not in the list any more, but for what had ended by itself."""
        for spell in spells:
            if not self._ended(spell) and not _in_force(event := self._end(spell), spell.believed):
                yield event

    def _end(self, spell: _Spell) -> Event:
        known = self.look.known
        retracted = Event(action="retract", fact=spell.fact, known=known, reason=GONE)
        if self.look.absent == "retract" or spell.believed.startswith(RETRACTED):
            return retracted
        event = self._made(Place(), said(orjson.loads(spell.believed)), "correct", spell.fact)
        valid = event.valid or Valid.parse("unknown")
        rest = valid if valid.last_hi < self.look.day else _until(valid, self.look)
        return replace(event, valid=rest, time=dict(_MARK), reason=GONE) if rest else retracted

    def _ended(self, spell: _Spell) -> bool:
        """Return whether the last day on which a stay may hold has passed."""
        if spell.line.endswith('/.."}'):
            return False
        valid = self._made(Place(), said(orjson.loads(spell.line)), "correct", spell.fact).valid
        return valid is not None and valid.last_hi < self.look.day

    def _made(self, place: Place, fields: Mapping[str, Any], action: str, fact: str) -> Event:
        return made(self.read, place, fields, action=action, fact=fact, known=self.look.known)

    def _removed(self, gone: list[list[Event]], kept: int) -> Iterator[Placed]:
        """Yield what ends, unless more entries are gone than may be."""
        self.counts.removed = sum(map(len, gone))
        held = kept - self.counts.added - self.counts.returned + len(gone)
        # A quotient is rounded as the share was when it was read, so that the two are equal where they are written so.
        if gone and len(gone) / held > self.look.max_removed:
            message = f"{len(gone):,} of {held:,} entries are gone, more than {self.look.max_removed:.0%}"
            remedy = f"Look at the file: if it is whole, allow it with --max-removed {_share(len(gone), held)}"
            raise Refused(message, remedy=remedy)
        yield from ((Place(), event) for events in gone for event in events)


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
    try:
        if abs(one - other) > 2 * tolerance * max(abs(one), abs(other)):
            return False
    except OverflowError:  # a whole number beyond all others, which the border refuses
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
    try:
        return canonical(line) == content.encode()
    except TypeError:  # a text or number that no line can hold, which the border refuses
        return False


def _last(content: str, name: str) -> str:
    """Return the text under `known` or `valid` of a canonical line: behind its data no other key has such a name."""
    start = content.rindex(f'"{name}":"') + len(name) + 4
    return content[start : content.index('"', start)]


def _over(line: str, known: str) -> bool:
    """Return whether a line says that an entry is gone: taken back, or ended by a look before this instant."""
    return not line or line.startswith(RETRACTED) or (_marked(line) and _last(line, "known") != known)


def _marked(line: str) -> bool:
    """Return whether a look that missed the entry ended it."""
    return GONE in line and orjson.loads(line).get("time") == _MARK


def _in_force(event: Event, line: str) -> bool:
    """Return whether the version in force says the same as an event, of the same instant."""
    held = orjson.loads(line) if f'"known":"{format_instant(event.known)}"' in line else {}
    return bool(held) and held["known"] == format_instant(event.known) and said(held) == said(event.fields())


def _until(valid: Valid, look: Look) -> Valid | None:
    """Return a valid time cut off by a look; None where nothing of it remains, as it was first seen on its day."""
    same_day = look.before is not None and _day(look.before) == look.day
    start, slash, _ = valid.text.partition("/")
    if valid.first_lo >= look.day or (same_day and valid.first_hi == look.day) or start == look.seen:
        return None
    if not slash and valid.first_lo == valid.first_hi:
        start = valid.first_lo.isoformat()
    return Valid.parse(f"{'' if start == 'unknown' else start}/{look.gone}")


def _filled(one: Stated, valid: str) -> dict[str, Any]:
    """Return what a row states, which began as the valid time that is given did; of one unknown it stays so."""
    fields = one.fields or {}
    if not one.seen:
        return dict(fields)
    filled = valid if valid == "unknown" else fields["valid"].replace("{seen}", valid.partition("/")[0])
    return {**fields, "valid": filled}


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
