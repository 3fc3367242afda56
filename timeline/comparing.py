"""Comparisons over a log: what changed between two readings and why, what set a row, and how it came to be.

The pure functions of `difference`, `causes`, `blame` and `transitions` are given here the versions that each basis
believes, and the documents that people will want to see behind them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from timeline.answers import particulars
from timeline.blame import Blame, blame
from timeline.causes import Cause, Side, causes
from timeline.errors import NotFound, Refused
from timeline.reading import Reading
from timeline.temporal import format_instant
from timeline.transitions import transitions

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from timeline.basis import Basis
    from timeline.difference import Change
    from timeline.events import Document, Entry
    from timeline.fold import Projection
    from timeline.store import Log
    from timeline.transitions import Axis
    from timeline.vocabulary import Vocabulary

    Documents = Mapping[str, Document]

TOGETHER = 200
"""Changes whose causes are looked up at a time."""
REMEMBERED = 1_000
"""Documents that are kept at most, so that each need not be looked up for every cause that quotes it."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A change of a row, what caused it where that was asked for, and the documents that the causes quote."""

    change: Change
    causes: tuple[Cause, ...] | None
    documents: Documents

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON values; `why` is there only where it was asked for."""
        if self.causes is None:
            return self.change.to_dict()
        why = [{**cause.to_dict(), **_cited(cause.entry, self.documents)} for cause in self.causes]
        return {**self.change.to_dict(), "why": why}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two bases of a view, and the changes from the first to the second in order of key."""

    before: Basis
    after: Basis
    changes: Generator[Explained, None, None]

    def header(self) -> dict[str, Any]:
        """Return what stands before the changes, as JSON values."""
        named = {"view": self.after.view, "version": self.after.version}
        return {"from": self.before.to_dict(), "to": self.after.to_dict(), **named}

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {**self.header(), "changes": [change.to_dict() for change in self.changes]}


@dataclass(frozen=True, slots=True)
class Origin:
    """What set each field of a row, at a basis."""

    basis: Basis
    key: str
    fields: tuple[Blame, ...]
    documents: Documents

    def header(self) -> dict[str, Any]:
        """Return what stands before the fields, as JSON values."""
        return _header(self.basis, self.key)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the fields as JSON values, each with the event that set it and the document that it stands in."""
        for blamed in self.fields:
            yield {**blamed.to_dict(), **_cited(blamed.entry, self.documents)}

    def to_dict(self) -> dict[str, Any]:
        """Return the origin as JSON values."""
        return {**self.header(), "fields": list(self.rows())}


@dataclass(frozen=True, slots=True)
class Course:
    """How a row became what it is at a basis: its transitions along one axis."""

    basis: Basis
    key: str
    over: Axis
    transitions: tuple[tuple[datetime | int | date, Explained], ...]

    def header(self) -> dict[str, Any]:
        """Return what stands before the transitions, as JSON values."""
        return {**_header(self.basis, self.key), "over": self.over}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the transitions as JSON values, each with the point of the axis at which it happens."""
        for at, change in self.transitions:
            yield {"at": point(at), **change.to_dict()}

    def to_dict(self) -> dict[str, Any]:
        """Return the course as JSON values."""
        return {**self.header(), "transitions": list(self.rows())}


@dataclass(frozen=True, slots=True)
class Comparer:
    """What a view is compared in: a log, and the vocabulary that brings its events up to date."""

    log: Log
    vocabulary: Vocabulary
    view: Projection
    _found: dict[tuple[str, int], Document | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def explanations(self, changes: Iterable[Change], before: Basis, after: Basis) -> Iterator[Explained]:
        """Yield changes with their causes: from the versions of the facts concerned as each basis believes them.

        Many are looked up together, and no more than those are in memory.
        """
        left, recorded, reading = iter(changes), max(before.recorded, after.recorded), self._reading()
        while some := list(islice(left, TOGETHER)):
            facts = sorted({fact for change in some for fact in change.facts})
            one, other = (
                Side.of(basis, dict(_by_fact(reading, self.log.versions_of(facts, basis)))) for basis in (before, after)
            )
            for change in some:
                why = causes(reading.view, change, one, other)
                yield self._with_documents(change, why, recorded)

    def origin(self, key: str, basis: Basis) -> Origin:
        """Return what set each field of a row; NotFound where the view has no such row, Refused where it is stuck."""
        view, versions = self._versions(key, basis)
        side = Side.of(basis, versions)
        found = side.row(view, key)
        if found is None:
            message = f"the view {self.view.name} has no row {key!r} there"
            raise NotFound(message, remedy=f"List its keys with: timeline ask {self.view.name}")
        if found.stuck is not None:
            remedy = f"Mend the projection or correct the fact, then: timeline views resume {view.name}"
            raise Refused(f"{key} cannot be folded ({found.stuck})", remedy=remedy)
        fields = tuple(blame(view, key, side))
        return Origin(basis, key, fields, self._documents((field.entry for field in fields), basis.recorded))

    def course(self, key: str, basis: Basis, over: Axis) -> Course:
        """Return how a row came to be what it is."""
        view, versions = self._versions(key, basis)
        steps = transitions(view, key, versions, basis, over)
        found = tuple((step.at, self._with_documents(step.change, step.causes, basis.recorded)) for step in steps)
        return Course(basis, key, over, found)

    def _versions(self, key: str, basis: Basis) -> tuple[Projection, dict[str, list[Entry]]]:
        """Return the versions that a basis believes of every fact that ever had a key, and the view that reads them."""
        reading = self._reading()
        found = _by_fact(reading, self.log.versions(self.view.kinds, basis))
        taken = {fact: held for fact, held in found if any(reading.view.takes(entry, key) for entry in held)}
        return reading.view, taken

    def _reading(self) -> Reading:
        return self.vocabulary.reading(self.view)

    def _with_documents(self, change: Change, why: Sequence[Cause], recorded: int) -> Explained:
        quoted = [entry for cause in why for entry in (cause.entry, cause.displaced) if entry]
        return Explained(change, tuple(why), self._documents(quoted, recorded))

    def _documents(self, entries: Iterable[Entry], recorded: int) -> Documents:
        """Return the documents that events quote, as they were described at a position."""
        names = {entry.source.document for entry in entries if entry.source}
        found = ((name, self._document(name, recorded)) for name in sorted(names))
        return {name: document for name, document in found if document}

    def _document(self, name: str, recorded: int) -> Document | None:
        if (name, recorded) not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[name, recorded] = self.log.document(name, recorded)
        return self._found[name, recorded]


def point(at: datetime | int | date) -> str | int:
    """Return a point of an axis as it is printed: an instant, a position or a day."""
    if isinstance(at, int):
        return at
    return format_instant(at) if isinstance(at, datetime) else at.isoformat()


def _by_fact(reading: Reading, versions: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    return ((fact, reading.entries(held)) for fact, held in groupby(versions, attrgetter("fact")))


def _header(basis: Basis, key: str) -> dict[str, Any]:
    return {"basis": basis.to_dict(), "view": basis.view, "version": basis.version, "key": key}


def _cited(entry: Entry, documents: Documents) -> dict[str, Any]:
    """Return the particulars of the document that an event quotes."""
    document = documents.get(entry.source.document) if entry.source else None
    return {} if document is None else {"particulars": particulars(document)}
