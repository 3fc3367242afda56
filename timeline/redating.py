"""Redating: what becomes of the facts of a document when it was published on another day than was thought.

The versions that were stated of a fact are laid out as if their documents had been dated rightly from the start.
Wherever what is believed differs from that, an event at that instant makes it so; nothing else is said. Days that were
reckoned from the publication are reckoned anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
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
        anew = self.particulars.get("published", document.published) != document.published
        how = {"published_how": self.reason} if anew else {}
        return replace(document, **{**how, **self.particulars})


def publication(document: Document) -> datetime | None:
    """Return the instant from which a document was surely public; None where that is not known."""
    return None if document.published is None else known_of_publication(Valid.parse(document.published))


@dataclass(frozen=True, slots=True)
class Stage:
    """From which position on a document was taken to be published when, and for which reason."""

    at: int
    known: datetime | None
    reason: str | None = None


Papers = Mapping[str, Sequence[Stage]]
"""The stages of documents, by identity; the first is that of the text as it came."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A version that says something of its own: the document whose publication counts for its days, if any.

    `public` tells whether it is known since that publication, and so moves with it.
    """

    entry: Entry
    document: str | None
    public: bool


@dataclass(frozen=True, slots=True)
class Rightly:
    """What a version says, and since when, if its document had been dated right from the start.

    `unsure` tells whether a person has to look at its days.
    """

    stated: Stated
    known: datetime
    event: Event
    unsure: bool


class Telling:
    """The versions of a fact told apart: what was stated, and what only repeats it to put a date right.

    What was written to put right what a document had displaced, or to move what it says, gives the reason of that
    change and says only what is right at its instant already. It is nobody's statement, so it never moves.
    """

    def __init__(self, versions: Iterable[Entry], papers: Papers, read: Read) -> None:
        """Tell apart the versions of one fact, given the stages of the documents that they cite."""
        self._papers, self._read = papers, read
        self._versions: list[Entry] = []
        self._right: dict[tuple[int, int], Rightly] = {}
        self.stated: list[Stated] = []
        self.origins: dict[int, Entry | None] = {}
        moves = [stage for stages in papers.values() for stage in _moves(stages) if stage.reason]
        self._reasons = {stage.reason: stage.at for stage in sorted(moves, key=attrgetter("at"), reverse=True)}
        self._first = min(self._reasons.values(), default=sys.maxsize)
        for entry in sorted(versions, key=attrgetter("position")):
            self.take(entry)

    def take(self, entry: Entry) -> None:
        """Take in the next version of the fact."""
        self._versions.append(entry)
        late = entry.position > self._first
        if late and self._reasons.get(entry.reason, entry.position) < entry.position and self._repeats(entry):
            return
        self.stated.append(self._taken_for(entry))
        if late and entry.reason:
            self._reasons.setdefault(entry.reason, entry.position)

    def put_right(self, reason: str, document: str | None = None) -> Iterator[tuple[Rightly | None, Event]]:
        """Yield the events that put the fact right, earliest knowledge first, each with what it makes heard."""
        believed = _steps((entry.known, entry.position, entry) for entry in self._versions)
        right = {one.known: one for one in sorted(map(self.rightly, self.stated), key=_order)}
        has: Event | None = None
        wants: Rightly | None = None
        for known in sorted({*believed, *right}):
            has, wants = believed.get(known, has), right.get(known, wants)
            said = wants.event if wants else None
            if _said(has) != _said(said):
                has = _event(self._versions[0].fact, known, said, reason, document)
                yield wants, has

    def rightly(self, stated: Stated, by: int = sys.maxsize) -> Rightly:
        """Return what a version rightly says, as documents are dated now, or were at a position."""
        stages = [stage for stage in self._papers.get(stated.document or "", ()) if stage.at < by]
        at = (stated.entry.position, len(stages))
        if at not in self._right:
            self._right[at] = self._as_of(stated, stages, by)
        return self._right[at]

    def _as_of(self, stated: Stated, stages: Sequence[Stage], by: int) -> Rightly:
        entry = stated.entry
        taken, now = _taken(stages, entry.position), _taken(stages, by)
        if taken is None or now is None:
            return Rightly(stated, entry.known, entry, unsure=False)
        event, unsure = self._reckoned(entry, taken, now, stages)
        return Rightly(stated, now if stated.public else entry.known, event, unsure)

    def read_last(self, document: str) -> Rightly | None:
        """Return what was read last from a document, as known since its publication; None where nothing stands."""
        read = [one for one in self.stated if one.public and one.document == document]
        last = max(read, key=lambda one: one.entry.position, default=None)
        return self.rightly(last) if last and last.entry.valid else None

    def said_before(self, stated: Stated, by: int) -> Entry:
        """Return the version that said last what one rightly said at a position."""
        said = _said(self.rightly(stated, by).event)
        alike = (entry for entry in self._versions if entry.position < by and _said(entry) == said)
        return max(alike, key=attrgetter("position"), default=stated.entry)

    def _repeats(self, entry: Entry) -> bool:
        """Return whether a version says only what is rightly believed at its instant, and note whose words it repeats.

        A repeat may say that there was nothing to be believed.
        """
        held = (self.rightly(one, entry.position) for one in self.stated)
        right = max((one for one in held if one.known <= entry.known), key=_order, default=None)
        if _said(entry) != _said(right.event if right else None):
            return False
        self.origins[entry.position] = right.stated.entry if right else None
        return True

    def _taken_for(self, entry: Entry) -> Stated:
        """Return a version as stated; without a source, at a publication, it says how that document was misread."""
        if entry.source is not None:
            document = entry.source.document
            taken = _taken(self._papers.get(document, ()), entry.position)
            return Stated(entry, document, public=taken == entry.known)
        held = (one for one in self.stated if one.public and self.rightly(one, entry.position).known == entry.known)
        misread = next((one.document for one in held), None)
        return Stated(entry, misread, public=misread is not None)

    def _reckoned(self, entry: Entry, taken: datetime, now: datetime, stages: Sequence[Stage]) -> tuple[Event, bool]:
        """Return what a version says with its days reckoned anew, and whether a person has to look at them."""
        if entry.valid is None or taken.date() == now.date():
            return entry, False
        once = {stage.known.date().isoformat() for stage in stages if stage.known and stage.known != now}
        swapped, unsure = _swaps(entry, taken.date(), now.date(), once)
        line = entry.fields()
        anew = line | {"valid": _swapped(line["valid"], swapped), "data": _within(line["data"], swapped)}
        if anew == line:
            return entry, unsure
        try:
            event = self._read({"reason": "dated anew", **anew, "action": "correct"})
            return replace(event, said_by=entry.said_by), unsure
        except Refused:
            return entry, True


def _moves(stages: Sequence[Stage]) -> Iterator[Stage]:
    """Yield the stages at which a document was dated anew."""
    return (now for was, now in pairwise(stages) if was.known != now.known)


def _taken(stages: Sequence[Stage], position: int) -> datetime | None:
    """Return when a document was taken to be published just before a position."""
    return next((stage.known for stage in reversed(stages) if stage.at < position), None)


def _order(one: Rightly) -> tuple[datetime, int]:
    return one.known, one.stated.entry.position


def _event(fact: str, known: datetime, wanted: Event | None, reason: str, document: str | None) -> Event:
    """Return the event by which, from an instant on, a fact says what is wanted, or nothing."""
    if wanted is None or wanted.valid is None:
        source = wanted.source if wanted and wanted.source else document and Source(document=document)
        return Event(action="retract", fact=fact, known=known, source=source or None, reason=reason)
    stated = {name: getattr(wanted, name) for name in Event.__dataclass_fields__}
    return Event(**stated | {"action": "correct", "known": known, "reason": reason})


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
