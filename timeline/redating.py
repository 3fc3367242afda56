"""Redating: what becomes of the facts of a document when it was published on another day than was thought.

The versions of a fact are laid out as if the document had been dated rightly from the start. Wherever what is believed
differs from that, an event at that instant makes it so; nothing else is said. Days that were reckoned from the
publication are reckoned anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from timeline import phrases
from timeline.corrections import Read, claim
from timeline.errors import Refused
from timeline.events import Document, Entry, Event, Source
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid, known_of_publication

if TYPE_CHECKING:
    from datetime import date, datetime

_PIECES = re.compile(r"(/|\.\.|,|[\[\]{}])")
_QUALIFIERS = "~?%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is wrong with the particulars of a document, and why: those that change, by name."""

    document: str
    particulars: Mapping[str, str]
    reason: str

    def applied(self, document: Document) -> Document:
        """Return the document with its particulars put right; how a new date is known is the reason, if not given."""
        how = {"published_how": self.reason} if "published" in self.particulars else {}
        return replace(document, **{**how, **self.particulars})


def publication(document: Document) -> datetime | None:
    """Return the instant from which a document was surely public; None where that is not known."""
    return None if document.published is None else known_of_publication(Valid.parse(document.published))


@dataclass(frozen=True, slots=True, kw_only=True)
class Redating:
    """A document, when it was taken to be published from which position on, and when it was published in truth."""

    document: str
    taken: Sequence[tuple[int, datetime | None]]
    known: datetime
    reason: str
    read: Read

    def events(self, versions: Sequence[Entry]) -> Iterator[Event]:
        """Yield the events that put one fact right, given all its versions, earliest knowledge first."""
        believed = _steps((entry.known, entry.position, entry) for entry in versions)
        right = _steps(self._rightly(versions))
        has: Event | None = None
        wants: Event | None = None
        for known in sorted({*believed, *right}):
            has, wants = believed.get(known, has), right.get(known, wants)
            if _said(has) != _said(wants):
                has = self._event(versions[0].fact, known, wants)
                yield has

    def read_last(self, versions: Sequence[Entry], known: datetime | None = None) -> Entry | None:
        """Return what was read from this document last: as known since its publication, or since another instant.

        None where there is no such version, or where it has been taken back as a misreading.
        """
        mine = (entry for entry in versions if self._mine(entry, versions) and not self._before_publication(entry))
        since = (e for e in mine if (self._once_public(e) if known in {None, self.known} else e.known == known))
        last = max(since, key=lambda entry: entry.position, default=None)
        return last if last and last.valid and (known in {None, self.known} or not self._once_public(last)) else None

    def unclear(self, entry: Entry) -> bool:
        """Return whether a person has to look at the days of a version."""
        return self._reckoned(entry)[1]

    def _rightly(self, versions: Sequence[Entry]) -> Iterator[tuple[datetime, int, Event]]:
        """Yield the versions with the knowledge and the days that they would have had."""
        others = sorted((e for e in versions if not self._mine(e, versions)), key=lambda e: (e.known, e.position))
        before: Entry | None = None
        for entry in others:
            if not (self._given_up(entry) and before is not None and _said(entry) == _said(before)):
                yield entry.known, entry.position, entry  # else it only put right what this document had displaced
            before = entry
        for entry in versions:
            if self._mine(entry, versions) and not self._before_publication(entry):
                known = self.known if self._once_public(entry) else entry.known
                yield known, entry.position, self._reckoned(entry)[0]

    def _mine(self, entry: Entry, versions: Iterable[Entry]) -> bool:
        """Return whether a version was read from this document, or says without a source how it had been misread."""
        if entry.source is not None:
            return entry.source.document == self.document and (entry.valid is not None or self._once_public(entry))
        earlier = (e for e in versions if e.known == entry.known and e.position < entry.position and e.source)
        return self._once_public(entry) and any(e.source and e.source.document == self.document for e in earlier)

    def _once_public(self, entry: Entry) -> bool:
        """Return whether a version is known since an instant at which the document was taken to be published."""
        return any(known == entry.known for _, known in self.taken)

    def _given_up(self, entry: Entry) -> bool:
        """Return whether a version is known since a publication that was given up before it was recorded."""
        taken = self._taken(entry)
        return taken != entry.known and any(k == entry.known for at, k in self.taken if at < entry.position)

    def _before_publication(self, entry: Entry) -> bool:
        """Return whether a retraction only says that the document was not public yet, as it was taken to be."""
        taken = self._taken(entry)
        return entry.valid is None and taken is not None and entry.known < taken

    def _taken(self, entry: Entry) -> datetime | None:
        """Return when the document was taken to be published as a version was recorded."""
        return next(known for at, known in reversed(self.taken) if at < entry.position)

    def _reckoned(self, entry: Entry) -> tuple[Event, bool]:
        """Return what a version says with its days reckoned anew, and whether a person has to look at them."""
        taken = self._taken(entry)
        if entry.valid is None or taken is None or taken.date() == self.known.date():
            return entry, False
        once = {known.date().isoformat() for _, known in self.taken if known and known != self.known}
        swapped, unsure = _swaps(entry, taken.date(), self.known.date(), once)
        line = entry.fields()
        anew = line | {"valid": _swapped(line["valid"], swapped), "data": _within(line["data"], swapped)}
        if anew == line:
            return entry, unsure
        try:
            event = self.read({"reason": self.reason, **anew, "action": "correct"})
            return replace(event, said_by=entry.said_by), unsure
        except Refused:
            return entry, True

    def _event(self, fact: str, known: datetime, wanted: Event | None) -> Event:
        """Return the event by which, from an instant on, a fact says what is wanted, or nothing."""
        if wanted is None or wanted.valid is None:
            source = wanted.source if wanted and wanted.source else Source(document=self.document)
            return Event(action="retract", fact=fact, known=known, source=source, reason=self.reason)
        names = Event.__dataclass_fields__
        stated = {name: getattr(wanted, name) for name in names}
        return Event(**stated | {"action": "correct", "known": known, "reason": self.reason})


def _steps(versions: Iterable[tuple[datetime, int, Event]]) -> dict[datetime, Event]:
    """Return the version in force from each instant on."""
    return {known: event for known, _, event in sorted(versions, key=lambda version: version[:2])}


def _said(event: Event | None) -> bytes:
    return b"null" if event is None else claim(event)


def _swaps(event: Event, old: date, new: date, once: Iterable[str]) -> tuple[dict[str, str], bool]:
    """Return which dates stand for which others now, and whether that cannot be told for sure.

    Only what the source counts from its publication moves: a relative wording, or no wording at all. Whatever else
    names a day on which the document was `once` taken to be published was perhaps reckoned from it.
    """
    day = {old.isoformat(): new.isoformat()}
    time = event.time or {}
    method, text = time.get("method"), time.get("text")
    if method == "explicit":
        return {}, False
    if method == "none":
        return day, False
    if method != "relative":
        return {}, _stands(event, dict.fromkeys(once, ""))
    found = list(_readings(text or "", old, new))
    whole = ({was: is_now} for was, is_now in found)
    swaps = next((dates for dates in (*whole, *(_parts(*pair) for pair in found)) if _stands(event, dates)), None)
    if swaps is None:
        return (day, any(was != is_now for was, is_now in found)) if found else ({}, True)
    return day | swaps, False


def _readings(text: str, old: date, new: date) -> Iterator[tuple[str, str]]:
    """Yield what a wording means on two days, then what is left of it without its first words.

    Of `by early next year` it is `early next year` that stands in the data; which of them does is seen there.
    """
    words = text.split()
    for at in range(len(words)):
        with suppress(Refused):
            was, is_now = (phrases.read(" ".join(words[at:]), today=day).edtf for day in (old, new))
            yield was, is_now


def _parts(was: str, is_now: str) -> dict[str, str]:
    """Return which parts of one reading stand for which of another: its ends, and its first and last day."""
    old, new = Valid.parse(was), Valid.parse(is_now)
    ends = ((old.first_lo, new.first_lo), (old.last_hi, new.last_hi))
    days = {a.isoformat(): b.isoformat() for a, b in ends if a not in {OPEN_PAST, OPEN_FUTURE}}
    pairs = list(zip(_PIECES.split(was), _PIECES.split(is_now), strict=False))
    return days | {a: b for a, b in pairs if a and not _PIECES.fullmatch(a)}


def _stands(event: Event, dates: Mapping[str, str]) -> bool:
    """Return whether a version names one of these dates, in its valid time or its data."""
    line = event.fields()
    marked = dict.fromkeys(dates, "")
    return bool(_swapped(line["valid"], marked) != line["valid"] or _within(line["data"], marked) != line["data"])


def _within(value: Any, dates: Mapping[str, str]) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Return JSON with every text that is a date put in the place of another."""
    match value:
        case dict():
            return {name: _within(item, dates) for name, item in value.items()}
        case list():
            return [_within(item, dates) for item in value]
        case str():
            return _swapped(value, dates)
    return value


def _swapped(text: str, dates: Mapping[str, str]) -> str:
    """Return EDTF in which dates, whole or as its ends, are replaced; what qualifies them stays.

    >>> _swapped("[..2023-12-26]/..", {"2023-12-26": "2024-01-02"})
    '[..2024-01-02]/..'
    """
    if text in dates:
        return dates[text]
    return "".join(_piece(piece, dates) for piece in _PIECES.split(text))


def _piece(piece: str, dates: Mapping[str, str]) -> str:
    bare = piece.rstrip(_QUALIFIERS)
    return dates[piece] if piece in dates else dates.get(bare, bare) + piece[len(bare) :]
