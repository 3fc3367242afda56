"""Changing: corrections are drafted upon the log, shown with all that they would change, and recorded.

A preview reads and locks nothing. Recording drafts anew under the lock of the log's head, from the basis of the
preview: what has taken the place of anything that was seen there is a conflict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from timeline import border
from timeline.choice import EVERYBODY
from timeline.corrections import Correction, Versions, corrected, correction, latest, named, reasoned
from timeline.difference import Change, Fields, changes, differing
from timeline.errors import Conflict, NotFound, Place, Refused
from timeline.events import Document, Entry, Event, plain
from timeline.fold import row
from timeline.kinds import DESCRIBED, DESCRIPTION
from timeline.planes import planes
from timeline.question import Question
from timeline.reading import Reading
from timeline.redating import Description, Stage, Telling, publication
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, format_instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from timeline.append import Appender, Receipt
    from timeline.basis import Basis
    from timeline.fold import Row, Span
    from timeline.store import Log
    from timeline.vocabulary import Vocabulary

SHOWN = 5
"""Facts for which a preview looks for a day of their own."""

Asked = Correction | Description
Point = tuple["date", "datetime"]
"""A day asked about and an instant of knowledge."""

_UNTOLD = ("action", "fact", "reason")


@dataclass(frozen=True, slots=True)
class Restated:
    """A fact before and after a change: the version it builds on, None for a first one, and what it says then.

    `fields` are the differences, by path of a fact line, or by particular of a document.
    """

    before: Entry | None
    after: Entry
    fields: Fields


@dataclass(frozen=True, slots=True)
class Effect:
    """The rows of a view that change on a day, as known at an instant."""

    view: str
    on: date
    known: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What corrections come to, at the basis of the asker and now: the events, the facts, the rows that change.

    `by_hand` are versions whose days were reckoned from a publication in words that nobody but a person can read.
    """

    basis: Basis
    now: datetime
    events: tuple[Entry, ...]
    facts: tuple[Restated, ...]
    by_hand: tuple[Entry, ...]
    effects: tuple[Effect, ...]


class Drafting:
    """Events being drafted behind the end of a log; each is read by the next."""

    def __init__(self, log: Log, vocabulary: Vocabulary, basis: Basis, now: datetime) -> None:
        """Begin at the end of the log; `basis` is what the asker sees, whoever is believed."""
        self._log, self._vocabulary, self._basis, self._now = log, vocabulary, basis, now
        self.head = log.head()[0]
        self._stages: dict[str, list[tuple[int, Document]]] = {}
        self.versions: dict[str, list[Entry]] = {}
        self.placed: list[tuple[Place, Entry]] = []
        self.facts: list[Restated] = []
        self.by_hand: list[Entry] = []
        self.unseen: list[datetime] = []

    def take(self, asked: Iterable[Asked]) -> Drafting:
        """Draft the events of all that is asked, in order; Refused, with its place, at the first that comes to none."""
        asked = list(asked)
        for one in asked:
            _writable(one)
        self._fetch(one.fact for one in asked if isinstance(one, Correction))
        for one in asked:
            if isinstance(one, Description):
                self._describe(one)
            else:
                self._correct(one)
        return self

    def _correct(self, asked: Correction) -> None:
        if asked.fact.startswith(DESCRIPTION):
            message = "the facts of a document are corrected with its particulars"
            remedy = f"timeline correct-document {asked.fact.removeprefix(DESCRIPTION)} --reason …"
            raise Refused(message, remedy=remedy, place=replace(asked.place, field="fact"))
        held, telling = self.versions[asked.fact], self._telling(asked.fact)
        try:
            before, event = corrected(asked, self._told(asked.fact, telling), self._read)
            if asked.known is not None and any(event.known < e.known <= self._basis.known for e in held):
                self.unseen.append(event.known)  # the asker sees a later version, and would not see this one
            after = self._draft(event, asked.place)
            self._restate(before, after)
            telling.take(after)
            for _, again in list(telling.put_right(asked.reason)):
                displaced = latest(entry for entry in held if entry.known <= again.known)
                self._restate(displaced, self._draft(again, asked.place))
        except (Refused, NotFound) as error:
            error.place = replace(asked.place, field=error.place.field)
            raise

    def _told(self, fact: str, telling: Telling) -> Versions:
        """Return the versions of a fact as the asker sees them."""
        rightly = {one.entry.position: telling.rightly(one).known for one in telling.stated}
        seen = (self._basis.known, self._basis.recorded, self.head, self._now)
        return Versions(fact, tuple(self.versions[fact]), *seen, telling.origins, rightly)

    def _telling(self, fact: str) -> Telling:
        """Return what was stated of a fact, and what only repeats it where a document was dated anew."""
        held = self.versions[fact]
        cited = {entry.source.document for entry in held if entry.source}
        return Telling(held, {name: self._papers(name) for name in sorted(cited)}, self._read)

    def _papers(self, name: str) -> Sequence[Stage]:
        stages = self._described(name)
        self._fetch([about := f"{DESCRIPTION}{name}"] if len(stages) > 1 else [])
        reasons = {entry.position: entry.reason for entry in self.versions[about]} if len(stages) > 1 else {}
        return [Stage(at, publication(told), reasons.get(at)) for at, told in stages]

    def _describe(self, asked: Description) -> None:
        """Draft the new description of a document, and what follows for the facts that were read from it."""
        reasoned(asked.reason)
        for particular, value in asked.particulars.items():
            if not value.strip():
                remedy = f"Say what it is, or leave {particular} as it is"
                raise Refused("empty", remedy=remedy, place=Place(field=particular))
        name = self._log.meant("document", asked.document)
        stages = self._described(name)
        was = stages[-1][1]
        now = asked.applied(was)
        if now == was:
            raise Refused("nothing would change: the document is so described", remedy="Give another particular")
        self._fetch([about := f"{DESCRIPTION}{name}"])
        self._unmoved(about)
        before = latest(self.versions[about])
        after = self._draft(self._description(about, now, asked.reason, stages))
        self.facts.append(Restated(before, after, dict(differing(_particulars(was), _particulars(now)))))
        self._stages[name] = [*stages, (after.position, now)]
        if publication(now) != publication(was):
            self._redate(name, now, asked.reason, after.position)

    def _description(self, about: str, document: Document, reason: str, stages: list[tuple[int, Document]]) -> Event:
        """Return the event that describes a document: it is known since the first publication, as a misreading is."""
        held = self.versions[about]
        given = (publication(told) for told in (stages[0][1], document))
        known = held[0].known if held else next(filter(None, given), self._now.astimezone(UTC))
        line: dict[str, Any] = {
            "action": "correct" if held else "assert",
            "fact": about,
            "kind": DESCRIBED,
            "subject": document.id,
        }
        line |= {"data": _particulars(document), "valid": "../..", "known": format_instant(known), "reason": reason}
        return self._read(line)

    def _redate(self, name: str, now: Document, reason: str, at: int) -> None:
        if publication(now) is None:
            message = f"a publication {now.published} has no last day, and facts are known from it"
            raise Refused(message, remedy="Give its last possible day", place=Place(field="published"))
        facts = self._log.citing(name)
        self._fetch(facts)
        # In the order in which they were read: of facts known at the same instant, it says which counts for more.
        telling = {fact: self._telling(fact) for fact in facts}
        read = {fact: told.read_last(name) for fact, told in telling.items()}
        for fact, last in sorted(read.items(), key=lambda item: item[1].stated.entry.position if item[1] else 0):
            self._unmoved(fact)
            for heard, event in list(telling[fact].put_right(reason, name)):
                after = self._draft(event)
                if heard and after.valid and (heard.stated.document, heard.known) == (name, after.known):
                    self._restate(telling[fact].said_before(heard.stated, at), after)
            self.by_hand += [last.stated.entry] if last and last.unsure else []

    def _restate(self, before: Entry | None, after: Entry) -> None:
        old, new = (_line(version) for version in (before, after))
        self.facts.append(Restated(before, after, dict(differing(old, new))))

    def _unmoved(self, fact: str) -> None:
        """Refuse to go on where a fact has been changed since the asker looked."""
        for entry in self.versions[fact]:
            if self._basis.recorded < entry.position <= self.head:
                raise Conflict(f"{named(entry)} was recorded meanwhile, about {fact}", remedy="Look at it again")

    def _draft(self, event: Event, place: Place | None = None) -> Entry:
        """Give an event the next place behind the log; refuse one that the log holds already."""
        held = self.versions[event.fact]
        identity = event.identity
        same = next((entry for entry in held if entry.event == identity), None)
        if same is not None:
            message = f"the log holds this very event at {same.position}, and later ones displaced it"
            raise Refused(message, remedy="Give another reason", place=Place(field="reason"))
        values = {name: getattr(event, name) for name in Event.__dataclass_fields__}
        position = self.head + len(self.placed) + 1
        entry = Entry(**values, position=position, recorded=self._now, event=identity)
        held.append(entry)
        self.placed.append((place or Place(), entry))
        return entry

    def _fetch(self, facts: Iterable[str]) -> None:
        """Read all versions of facts, in the present form of their data."""
        wanted = set(facts) - self.versions.keys()
        self.versions |= {fact: [] for fact in wanted}
        for entry in self._log.versions_of(wanted) if wanted else ():
            if entry.position <= self.head:  # what others append meanwhile is not seen
                with suppress(Exception):  # what cannot be brought up to date is what a correction may be meant to mend
                    entry = self._vocabulary.current(entry)  # noqa: PLW2901
                self.versions[entry.fact].append(entry)

    def _read(self, line: Mapping[str, Any]) -> Event:
        return border.event(line, self._vocabulary.kind, self._document)

    def _document(self, name: str) -> Document | None:
        return next((told for _, told in reversed(self._described(name))), None)

    def _described(self, name: str) -> list[tuple[int, Document]]:
        if name not in self._stages:
            self._stages[name] = [(at, told) for at, told in self._log.described(name) if at <= self.head]
        return self._stages[name]


def record(
    appender: Appender, log: Log, vocabulary: Vocabulary, asked: Iterable[Asked], basis: Basis | None, now: datetime
) -> Receipt:
    """Append what is asked at a basis, or as all is now, and return the receipt.

    It is drafted under the lock: nobody else appends, so what is drafted is what is recorded.
    """
    log.head()
    appender.lock()
    seen = basis or Question().resolved(log, now, None)
    appender.record(Drafting(log, vocabulary, seen, now).take(asked).placed, _raise)
    return appender.receipt


def _writable(asked: Asked) -> None:
    """Refuse a name that no log can hold."""
    name, value = ("fact", asked.fact) if isinstance(asked, Correction) else ("document", asked.document)
    try:
        plain(value)
    except Refused as error:
        error.place = replace(asked.place, field=name) if isinstance(asked, Correction) else Place(field=name)
        raise


def _raise(error: Refused) -> None:
    raise error


def read_asked(given: Iterable[Asked | Mapping[str, Any]]) -> list[Asked]:
    """Return corrections, those that are given as lines of a file read as such."""
    numbered = enumerate(given, start=1)
    return [correction(one, Place("item", at)) if isinstance(one, Mapping) else one for at, one in numbered]


def preview(log: Log, vocabulary: Vocabulary, asked: Iterable[Asked], basis: Basis, now: datetime) -> Preview:
    """Return what is asked with all that it would change, and record nothing."""
    drafting = Drafting(log, vocabulary, basis, now).take(asked)
    points: list[Point] = [(basis.on, basis.known), (now.astimezone(UTC).date(), now)]
    points += [(basis.on, known) for known in drafting.unseen]
    points += _elsewhere(drafting, points, now)
    points = list(dict.fromkeys(points))
    return Preview(
        basis=basis,
        now=now,
        events=tuple(entry for _, entry in drafting.placed),
        facts=tuple(drafting.facts),
        by_hand=tuple(drafting.by_hand),
        effects=tuple(_effects(log, vocabulary, basis, drafting, points)),
    )


def _elsewhere(drafting: Drafting, points: Iterable[Point], now: datetime) -> Iterator[Point]:
    """Yield a day of each of the first facts that no point would show: it is all of the past, or yet to come."""
    for fact in drafting.facts[:SHOWN]:
        valid = fact.after.valid or (fact.before and fact.before.valid)
        if valid and not any(valid.possible(on) for on, _ in points):
            days = (valid.first_hi, valid.last_lo, valid.first_lo, valid.last_hi)
            yield from [(day, now) for day in days if day not in {OPEN_PAST, OPEN_FUTURE}][:1]


def _effects(
    log: Log, vocabulary: Vocabulary, basis: Basis, drafting: Drafting, points: list[Point]
) -> Iterator[Effect]:
    """Yield the rows that change, view by view, at each point, from the whole log and whoever is believed."""
    drafted = {entry.position for _, entry in drafting.placed}
    after = drafting.versions
    before = {fact: [entry for entry in held if entry.position not in drafted] for fact, held in after.items()}
    whole = replace(basis, known=max(known for _, known in points), recorded=drafting.head, choice=EVERYBODY)
    for view in vocabulary.views.values():
        reading = vocabulary.reading(view)
        keys = {key for of_facts in (before, after) for held in of_facts.values() for key in reading.laid_out(held)[0]}
        if keys:
            others = list(_others(reading, log.versions(view.kinds, whole), after.keys(), keys))
            one, other = (_planes(reading, [*others, *chain(*of_facts.values())], keys) for of_facts in (before, after))
            for on, known in points:
                found = tuple(changes(_rows(reading, one, on, known), _rows(reading, other, on, known)))
                if found:
                    yield Effect(view.name, on, known, found)


def _others(reading: Reading, versions: Iterable[Entry], facts: Collection[str], keys: set[str]) -> Iterator[Entry]:
    """Yield the versions of all other facts that ever had one of the keys."""
    for fact, entries in groupby(versions, attrgetter("fact")):
        held = list(entries)
        if fact not in facts and not keys.isdisjoint(reading.laid_out(held)[0]):
            yield from held


def _planes(reading: Reading, versions: Iterable[Entry], keys: set[str]) -> dict[str, list[Span]]:
    return {key: plane for key, plane in planes(reading, versions) if key in keys}


def _rows(reading: Reading, of_keys: Mapping[str, list[Span]], on: date, known: datetime) -> Iterator[Row]:
    for key, plane in of_keys.items():
        found = row(reading.view, key, plane, on, known)
        if found is not None:
            yield found


def _particulars(document: Document) -> dict[str, Any]:
    names = sorted(set(Document.__dataclass_fields__) - {"text"})
    return {name: value for name in names if (value := getattr(document, name)) is not None}


def _line(version: Entry | None) -> dict[str, Any]:
    """Return what a version says, as a fact line; a retraction and a fact that is not there say nothing."""
    line = version.fields() if version and version.valid else {}
    return {name: value for name, value in line.items() if name not in _UNTOLD}
