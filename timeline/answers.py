"""Answers: a basis and what was found on it, in the one form that every interface prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from timeline.fold import Row, spans
from timeline.frames import DAY, INSTANT, TEXT, TEXTS, TRUTH, WHOLE, Frame
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from timeline.basis import Basis
    from timeline.events import Document, Entry

CONTEXT = 120
"""Characters of the document shown on either side of a quote."""

_ROW = {"key": TEXT, "state": TEXT, "certainty": TEXT, "disputed": TRUTH, "since": DAY, "until": DAY}
_ROW |= {"known_since": INSTANT, "facts": TEXTS, "stuck": TEXT}
_FACT = {"fact": TEXT, "kind": TEXT, "subject": TEXT, "data": TEXT, "valid": TEXT}
_ENDS = ("first_earliest", "first_latest", "last_earliest", "last_latest")
_FACT |= dict.fromkeys(_ENDS, DAY) | {"certainty": TEXT, "known": INSTANT, "recorded": INSTANT, "said_by": TEXTS}
_FACT |= dict.fromkeys(("modality", "polarity", "confidence", "document", "quote"), TEXT)
_FACT |= {"position": WHOLE, "event": TEXT}
"""What the columns of data frames hold."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a view at a basis, in order of key."""

    basis: Basis
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON values."""
        rows = [row_fields(row) for row in self.rows]
        return {"basis": self.basis.to_dict(), "view": self.basis.view, "version": self.basis.version, "rows": rows}

    def to_arrow(self) -> Any:  # noqa: ANN401  of a library that may not be there
        """Return the rows as a table of Arrow (`pip install 'timeline[frames]'`)."""
        return self._frame().to_arrow()

    def to_polars(self) -> Any:  # noqa: ANN401
        """Return the rows as a data frame of Polars."""
        return self._frame().to_polars()

    def to_pandas(self) -> Any:  # noqa: ANN401
        """Return the rows as a data frame of pandas."""
        return self._frame().to_pandas()

    def _frame(self) -> Frame:
        about = {"basis": self.basis.to_dict(), "view": self.basis.view, "version": self.basis.version}
        return Frame.of(map(row_fields, self.rows), _ROW, "state", about)


@dataclass(frozen=True, slots=True)
class Facts:
    """The effective facts at a basis, in the order of the rule."""

    basis: Basis
    facts: tuple[Entry, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {"basis": self.basis.to_dict(), "facts": [fact_fields(entry, self.basis.on) for entry in self.facts]}

    def to_arrow(self) -> Any:  # noqa: ANN401  of a library that may not be there
        """Return the facts as a table of Arrow (`pip install 'timeline[frames]'`)."""
        return self._frame().to_arrow()

    def to_polars(self) -> Any:  # noqa: ANN401
        """Return the facts as a data frame of Polars."""
        return self._frame().to_polars()

    def to_pandas(self) -> Any:  # noqa: ANN401
        """Return the facts as a data frame of pandas."""
        return self._frame().to_pandas()

    def _frame(self) -> Frame:
        rows = (_in_columns(fact_fields(entry, self.basis.on)) for entry in self.facts)
        return Frame.of(rows, _FACT, "data", {"basis": self.basis.to_dict()})


@dataclass(frozen=True, slots=True)
class History:
    """All versions of one fact in order of recording, and the documents that they quote."""

    fact: str
    versions: tuple[Entry, ...]
    documents: Mapping[str, Document]

    def to_dict(self) -> dict[str, Any]:
        """Return the history as JSON values: each version with both clocks, its document and its quote in context."""
        return {"fact": self.fact, "versions": list(self._versions())}

    def _versions(self) -> Iterator[dict[str, Any]]:
        until = {span.entry.position: span.known_to for span in spans(self.versions)}
        for entry in self.versions:
            fields = entry_fields(entry)
            if entry.position in until:
                end = until[entry.position]
                fields["believed"] = [format_instant(entry.known), end and format_instant(end)]
            if entry.source:
                document = self.documents[entry.source.document]
                fields["document"] = particulars(document)
                fields["context"] = context(document, entry)
            yield fields


def particulars(document: Document) -> dict[str, str]:
    """Return what is known of a document besides its text."""
    return {name: value for name, value in asdict(document).items() if value is not None and name != "text"}


def context(document: Document, entry: Entry) -> list[str]:
    """Return the text before an entry's quote, the quote, and the text after it."""
    source = entry.source
    if source is None or source.start is None or source.end is None:
        return []
    before = document.text[max(0, source.start - CONTEXT) : source.start]
    return [before, document.text[source.start : source.end], document.text[source.end : source.end + CONTEXT]]


def row_fields(row: Row) -> dict[str, Any]:
    """Return a row as JSON values; an open day is null. `stuck` is there only where the key is."""
    fields = {
        "key": row.key,
        "state": row.state,
        "certainty": row.certainty,
        "disputed": row.disputed,
        "since": _day(row.since),
        "until": _day(row.until),
        "known_since": format_instant(row.known_since),
        "facts": list(row.facts),
    }
    return fields if row.stuck is None else {**fields, "stuck": row.stuck}


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Return an event as its line of a file, with its place in the log."""
    place = {"position": entry.position, "recorded": format_instant(entry.recorded), "event": entry.event}
    return entry.fields() | place


def fact_fields(entry: Entry, on: date) -> dict[str, Any]:
    """Return an effective fact as JSON values, with the bounds of its first and last day."""
    fields = entry_fields(entry)
    if entry.valid is not None:
        fields["first"] = [_day(day) for day in entry.valid.first]
        fields["last"] = [_day(day) for day in entry.valid.last]
        fields["certainty"] = "certain" if entry.valid.certain(on) else "possible"
    return fields


def _in_columns(fact: dict[str, Any]) -> dict[str, Any]:
    """Return a fact with a column for each end of its days, and none left empty of what goes without saying."""
    ends = dict(zip(_ENDS, [*fact["first"], *fact["last"]], strict=True))
    usual = {"said_by": [], "modality": "asserted", "polarity": "affirmed"}
    return {**usual, **fact, **ends, **fact.get("source", {})}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
