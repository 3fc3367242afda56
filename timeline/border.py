"""The border: the fields of a fact line become an event, or are refused with the field and the remedy.

What passes is complete and in its one plain form: known time, speaker and quote are filled in from the document where
the line leaves them out, numbers and texts are those that the canonical form can hold, and the data satisfies its
kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from timeline.errors import Place, Refused
from timeline.events import Document, Event, Source, canonical, plain, plain_already
from timeline.kinds import DESCRIBED, DESCRIPTION, Kind, explained
from timeline.schemas import objection
from timeline.temporal import Valid, known_of_publication, parse_known

Library = Callable[[str], Document | None]
"""Finds a document by its identity."""

T = TypeVar("T")


def _trimmed(name: str) -> str:
    if name != name.strip():
        raise objection(f"{name!r} begins or ends with white space", "Take the white space out")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_trimmed)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _SourceFields(_Fields):
    document: str
    quote: Annotated[str, Field(min_length=1)] | None = None
    start: Annotated[int, Field(ge=0)] | None = None
    end: Annotated[int, Field(ge=0)] | None = None


class _TimeFields(_Fields):
    """The wording of a time and how it was resolved."""

    text: str | None = None
    method: Literal["explicit", "relative", "anchored", "inferred", "none"]
    anchor: str | None = None
    note: str | None = None


class _Line(_Fields):
    """A fact line, field by field."""

    action: Literal["assert", "correct", "retract"] = "assert"
    fact: Name | None = None
    kind: str | None = None
    subject: Name | None = None
    data: dict[str, Any] | None = None
    valid: str | None = None
    schema_: Annotated[int, Field(ge=1, alias="schema")] = 1
    known: str | None = None
    source: _SourceFields | None = None
    said_by: list[Name] | None = None
    modality: Literal["asserted", "reported", "expected", "denied", "opinion"] = "asserted"
    polarity: Literal["affirmed", "negated"] = "affirmed"
    confidence: Literal["low", "medium", "high"] | None = None
    time: _TimeFields | None = None
    reason: Annotated[str, Field(min_length=1)] | None = None


_LONGEST_NAME = 200
_STATED = ("kind", "subject", "data", "valid")


def event(fields: Mapping[str, Any], kind_named: Callable[[str], Kind], library: Library) -> Event:
    """Return the event that a line states; Refused, naming the field, where it states none."""
    line = _parsed(fields)
    cited = _cited(line, library)
    source = _source(line.source, cited) if line.source and cited else None
    common: dict[str, Any] = {
        "action": line.action,
        "known": _known(line, cited),
        "source": source,
        "said_by": tuple(line.said_by or _publisher(line, cited)),
        "reason": line.reason,
    }
    if line.action == "retract":
        _nothing_stated(line)
        return Event(fact=_named(line), **common)
    stated = _stated(line, kind_named)
    line = _described(line, library)
    time = line.time.model_dump(exclude_none=True) if line.time else None
    manner: dict[str, Any] = {
        "modality": line.modality,
        "polarity": line.polarity,
        "confidence": line.confidence,
        "time": time,
    }
    draft = Event(fact=line.fact or "", **common, **manner, **stated)
    return draft if line.fact else _identified(draft)


def document(given: Document) -> Document:
    """Return a document whose particulars can be stored and found again in lines; refuse any other."""
    for name in Document.__dataclass_fields__:
        _at(name, plain, getattr(given, name))
    if given.published is not None:
        _at("published", Valid.parse, given.published)
    if given.publisher is not None and not 1 <= len(given.publisher.strip()) == len(given.publisher) <= _LONGEST_NAME:
        message = "a publisher has 1 to 200 characters and no white space around them"
        raise _refused("publisher", message, "Shorten or trim it: it speaks where nobody else is named")
    return given


def _parsed(fields: Mapping[str, Any]) -> _Line:
    try:
        return _Line.model_validate(_plain(fields))
    except ValidationError as error:
        raise explained(error, _Line) from error


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in their plain form; a refusal names the field, which is looked for only then."""
    given = dict(fields)
    if (taken := plain_already(given)) is not None:
        return taken
    try:
        return cast("dict[str, Any]", plain(given))
    except Refused:
        return {name: _at(name, plain, value) for name, value in fields.items()}


def _at(field: str, read: Callable[[Any], T], value: object) -> T:
    """Return what `read` makes of a value, naming the field in its refusal."""
    try:
        return read(value)
    except Refused as error:
        error.place = Place(field=field)
        raise


def _refused(field: str, message: str, remedy: str) -> Refused:
    return Refused(message, remedy=remedy, place=Place(field=field))


def _cited(line: _Line, library: Library) -> Document | None:
    """Return the document that a line names."""
    if line.source is None:
        return None
    document = library(line.source.document)
    if document is None:
        message = f"the document {line.source.document} is not recorded"
        raise _refused("source.document", message, "Import its text first, or name the text's path")
    return document


def _source(given: _SourceFields, document: Document) -> Source:
    """Return the place of a quote, which must stand there; without offsets it must stand in the document once."""
    if given.quote is None:
        if (given.start, given.end) != (None, None):
            raise _refused("source.quote", "offsets without the text they point at", "Give the quote as well")
        return Source(document=given.document)
    if given.start is None and given.end is None:
        return _found(given, document)
    if given.start is None or given.end is None:
        name = "start" if given.start is None else "end"
        raise _refused(f"source.{name}", "missing, though the other offset is there", "Give both or neither")
    if document.text[given.start : given.end] != given.quote or given.end - given.start != len(given.quote):
        there = document.text[given.start : given.end][:80]
        message = f"the quote does not stand at {given.start}-{given.end}, where the document says {there!r}"
        raise _refused(
            "source.quote", message, "Give the exact words, and offsets in code points with an exclusive end"
        )
    return Source(document=given.document, quote=given.quote, start=given.start, end=given.end)


def _found(given: _SourceFields, document: Document) -> Source:
    quote = given.quote or ""
    start = document.text.find(quote)
    if start < 0:
        message = "the quote does not stand in the document"
        raise _refused("source.quote", message, "Give the exact words, with the line breaks that the document has")
    if document.text.find(quote, start + 1) >= 0:
        raise _refused("source.start", "the quote stands in the document more than once", "Give start and end")
    return Source(document=given.document, quote=quote, start=start, end=start + len(quote))


def _known(line: _Line, document: Document | None) -> datetime:
    """Return when the source made it public: as the line says, else the document's publication."""
    if line.known is not None:
        return _at("known", parse_known, line.known)
    if document is None or document.published is None:
        why = "no document is named" if document is None else "its document has no publication date"
        raise _refused("known", f"missing, and {why}", "Say when the source made it public, as a date or an instant")
    known = known_of_publication(Valid.parse(document.published))
    if known is None:
        message = f"missing, and the document's publication ({document.published}) has no last day"
        raise _refused("known", message, "Say when the source made it public")
    return known


def _publisher(line: _Line, document: Document | None) -> tuple[str, ...]:
    """Return whom an unnamed speaker stands for: the publisher of the document."""
    states = line.action != "retract" and document is not None and document.publisher
    return (str(states),) if states else ()


def _named(line: _Line) -> str:
    if line.fact is None:
        raise _refused("fact", f"missing, though the action is {line.action}", "Name the fact that this is about")
    return line.fact


def _nothing_stated(line: _Line) -> None:
    for name in (*_STATED, "time", "confidence", "modality", "polarity", "schema"):
        if line.model_fields_set & {name, f"{name}_"}:
            raise _refused(name, "a retraction states nothing", f"Leave {name} out, or write a correction")


def _stated(line: _Line, kind_named: Callable[[str], Kind]) -> dict[str, Any]:
    """Return what an assertion or correction claims, checked against its kind."""
    if line.action == "correct":
        _named(line)
    for name in _STATED:
        if getattr(line, name) is None:
            raise _refused(name, f"missing, though the action is {line.action}", f"Give {', '.join(_STATED)}")
    kind = _at("kind", kind_named, line.kind)
    _checked(kind, line)
    valid = _at("valid", lambda text: Valid.parse(text, lasting=kind.lasting), line.valid)
    return {"kind": line.kind, "subject": line.subject, "data": line.data, "valid": valid, "schema": line.schema_}


def _checked(kind: Kind, line: _Line) -> None:
    try:
        kind.validate(line.data or {}, line.schema_)
    except Refused as error:
        field = "schema" if error.place.field == "schema" else ".".join(filter(None, ("data", error.place.field)))
        error.place = Place(field=field)
        raise


def _described(line: _Line, library: Library) -> _Line:
    """Return the line; a description of a document under the one name that it can have, and no other fact under it."""
    name = f"{DESCRIPTION}{line.subject}"
    if line.kind != DESCRIBED:
        if (line.fact or "").startswith(f"{DESCRIPTION}sha256:"):
            message = "this name is kept for the particulars of a document"
            raise _refused("fact", message, f"Choose another name, or the kind {DESCRIBED}")
        return line
    described = library(str(line.subject))
    if described is None:
        raise _refused("subject", f"the document {line.subject} is not recorded", "Import its text first")
    if line.fact not in {None, name}:
        raise _refused("fact", f"the particulars of a document are the fact {name}", "Leave the name out")
    try:
        document(replace(described, **(line.data or {})))
    except Refused as error:
        error.place = Place(field=f"data.{error.place.field}")
        raise
    return line.model_copy(update={"fact": name})


def _identified(draft: Event) -> Event:
    """Return an assertion without a name under the name that its content gives it."""
    fields = {name: value for name, value in draft.fields().items() if name != "fact"}
    return replace(draft, fact=sha256(canonical(fields)).hexdigest()[:32])
