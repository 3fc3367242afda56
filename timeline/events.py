"""An event is the immutable record that a fact was asserted, corrected or retracted.

Its canonical form is the RFC 8785 text of its exported line. The SHA-256 of that text is the event's identity; a second
hash chains it to its predecessor, its position and the instant of recording, so that nothing can be changed, moved or
left out unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import orjson
import rfc8785

from timeline.errors import Refused
from timeline.temporal import EPOCH, Valid, format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

EXACT = 2**53 - 1
"""Whole numbers beyond this are not exact in JSON (RFC 8785, section 3.1)."""

DEEPEST = 100
"""Levels of lists and objects within each other that an event may have."""

_LAST_PLAIN = "\ud7ff"
_PERHAPS_NOT_PLAIN = [re.compile(sign).search for sign in (rb"\.0[,}\]]", rb"e(?<=\de)", rb"null", rb"\\u0000")]
"""Find whole numbers written as floats, exponents, what may have been NaN, and the character U+0000.

Each begins with a letter that is looked for as fast as memory is read: one expression for all takes five times as long.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An immutable source text and what is known of its publication."""

    text: str
    title: str | None = None
    publisher: str | None = None
    language: str | None = None
    url: str | None = None
    published: str | None = None
    published_how: str | None = None

    @property
    def id(self) -> str:
        """Return `sha256:` and the hash of the text."""
        return "sha256:" + sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact was read: a document and, in code points with an exclusive end, the quote."""

    document: str
    quote: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What an event says, before it has a place in a log. A retraction has no kind, subject, data or valid time."""

    action: str
    fact: str
    known: datetime
    kind: str = ""
    subject: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    valid: Valid | None = None
    schema: int = 1
    source: Source | None = None
    said_by: tuple[str, ...] = ()
    modality: str = "asserted"
    polarity: str = "affirmed"
    confidence: str | None = None
    time: Mapping[str, Any] | None = None
    reason: str | None = None

    @property
    def voice(self) -> str:
        """Return who is heard: the first speaker, else the document."""
        if self.said_by:
            return self.said_by[0]
        return self.source.document if self.source else ""

    @property
    def identity(self) -> str:
        """Return the hash of the event's canonical form."""
        return sha256(canonical(self.fields())).hexdigest()

    def fields(self) -> dict[str, Any]:
        """Return the event as a line of a file, without what is absent or the default."""
        line: dict[str, Any] = {"action": self.action, "fact": self.fact, "known": format_instant(self.known)}
        if self.valid is not None:
            line |= {"kind": self.kind, "subject": self.subject, "data": self.data, "valid": self.valid.text}
        if self.source is not None:
            line["source"] = _present(_source_fields(self.source))
        for value, (name, usual) in zip(_UNUSUAL(self), _USUAL, strict=True):
            if value != usual:
                line[name] = value
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Event):
    """An event with its place in the log."""

    position: int
    recorded: datetime
    event: str

    @classmethod
    def load(
        cls, position: int, recorded: datetime, event: bytes, known: datetime, content: str, *, lasting: bool
    ) -> Self:
        """Return the event that the log holds as `content`; trusted, since it was checked when it was recorded.

        `lasting` tells whether its single date was read as open then, whatever has become of its kind.
        """
        line = orjson.loads(content)
        line["known"] = known
        if "valid" in line:
            line["valid"] = Valid.parse(line["valid"], lasting=lasting)
        if "source" in line:
            line["source"] = Source(**line["source"])
        if "said_by" in line:
            line["said_by"] = tuple(line["said_by"])
        return cls(position=position, recorded=recorded, event=event.hex(), **line)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a plain tuple: what dataclasses with slots do by themselves takes five times as long."""
        return _restored, (type(self), *(getattr(self, name) for name in self.__dataclass_fields__))


def _restored(of: type[Entry], *values: Any) -> Entry:  # noqa: ANN401
    return of(**dict(zip(of.__dataclass_fields__, values, strict=True)))


_USUAL: tuple[tuple[str, Any], ...] = (
    *((name, None) for name in ("confidence", "time", "reason")),
    *(("schema", 1), ("said_by", ()), ("modality", "asserted"), ("polarity", "affirmed")),
)
_UNUSUAL = attrgetter(*(name for name, _ in _USUAL))


def _source_fields(source: Source) -> dict[str, Any]:
    return {"document": source.document, "quote": source.quote, "start": source.start, "end": source.end}


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def plain_already(fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return fields, taken over from their text, where that shows that they are plain; None where one has to look.

    Nearly all are, and their text is written and searched in a fifth of the time that a walk through them takes.
    """
    try:
        text = orjson.dumps(fields, option=orjson.OPT_STRICT_INTEGER)
    except (TypeError, ValueError, RecursionError):
        return None
    if not text.isascii() or text.count(b"{") + text.count(b"[") > DEEPEST:
        return None
    for found in _PERHAPS_NOT_PLAIN:
        if found(text):
            return None
    taken: dict[str, Any] = orjson.loads(text)
    return taken if taken == fields else None  # tuples and all that only looks like a text are not the same


def plain(value: Any, deepest: int = DEEPEST) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Return a JSON value in the one form that its canonical text can have; refuse what has none.

    Whole numbers written as floats become integers. Refused are: NaN and infinities, numbers beyond ±(2⁵³ - 1) (no
    longer exact), the character U+0000 and lone surrogates (Postgres stores neither), keys beyond U+D7FF (whose order
    is disputed), and what lies more than `deepest` levels deep.

    >>> plain({"value": 45.0, "unit": "percent"})
    {'value': 45, 'unit': 'percent'}
    """
    match value:
        case str():
            return value if _is_plain(value) else _plain_text(value)
        case bool() | None:
            return value
        case int() | float():
            return _plain_number(value)
        case dict() | list() | tuple() if not deepest:
            message = f"lists and objects lie more than {DEEPEST} deep"
            raise Refused(message, remedy="Flatten the data")
        case dict():
            return {
                key if type(key) is str and _is_plain(key) else _plain_key(key): item
                if type(item) is str and _is_plain(item)
                else plain(item, deepest - 1)
                for key, item in value.items()
            }
        case list() | tuple():
            return [plain(item, deepest - 1) for item in value]
    message = f"{type(value).__name__} is not a JSON value"
    raise Refused(message, remedy="Write it as text, number, true, false, null, list or object")


def _is_plain(text: str) -> bool:
    """Return whether a text is plain at a glance, as nearly every one is."""
    return text.isascii() and "\0" not in text


def _plain_text(text: str) -> str:
    if "\0" in text:
        message = "a text holds the character U+0000"
        raise Refused(message, remedy="Take the NUL out of the text")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        message = "a text holds half of a surrogate pair"
        raise Refused(message, remedy="Write the text in valid UTF-8")
    return text


def _plain_key(key: object) -> str:
    if not isinstance(key, str):
        message = f"the key {key!r} is not a text"
        raise Refused(message, remedy="Use texts as keys")
    if not key.isascii() and max(key) > _LAST_PLAIN:
        message = f"the key {key!r} holds a character beyond U+D7FF"
        raise Refused(message, remedy="Use letters and digits in keys")
    return _plain_text(key)


def _plain_number(number: float) -> float:
    if not -EXACT <= number <= EXACT:  # NaN fails this too
        message = f"the number {number} is not finite or not exact in JSON"
        raise Refused(message, remedy="Use a larger unit, or write the number as text")
    return int(number) if number == int(number) else number


_SMALL = re.compile(rb"\de-6\b")


def canonical(fields: Mapping[str, Any] | None) -> bytes:
    """Return the RFC 8785 text of plain fields, or of null.

    orjson writes the same bytes at a fiftieth of the time, but for numbers from 1e-6 to 1e-5, which it writes with an
    exponent.
    """
    text = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(fields and dict(fields)) if b"e-6" in text and _SMALL.search(text) else text


def first_hash(timeline: str) -> bytes:
    """Return the hash that the chain of a timeline begins with."""
    return sha256(b"timeline:" + timeline.encode()).digest()


def chained(previous: bytes, event: bytes, position: int, recorded: datetime) -> bytes:
    """Return the hash of an event in its place: SHA-256 of previous hash, event, position, microseconds since 1970."""
    microseconds = (recorded - EPOCH) // timedelta(microseconds=1)
    return sha256(previous + event + position.to_bytes(8) + microseconds.to_bytes(8)).digest()
