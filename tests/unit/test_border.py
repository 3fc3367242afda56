"""The border: what a fact line must be, and what is said of one that is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from makers import line

from timeline import border
from timeline.errors import Refused
from timeline.events import Document, Event
from timeline.kinds import Data, Kind


class Rain(Data):
    """An amount of rain."""

    measure: str
    value: float


KINDS = {
    "observation": Kind(name="observation", about="Rain.", data=Rain),
    "delivery.made": Kind(name="delivery.made", about="Lasting rain.", data=Rain, lasting=True),
}
NEWS = Document(
    text="It “rained” in Delhi.\nIt rained … a lot.", publisher="The Post", published="[2023-12-25..2023-12-26]"
)
UNDATED = Document(text="No date at all.")
OPEN = Document(text="Some day.", published="2023-12/..")
LIBRARY = {document.id: document for document in (NEWS, UNDATED, OPEN)}


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Refused(f"there is no kind {name!r}", remedy="Did you mean observation?")
    return KINDS[name]


def _event(**fields: Any) -> Event:  # noqa: ANN401
    given = {name: value for name, value in line(**fields).items() if value is not None}
    return border.event(given, _kind, LIBRARY.get)


def _source(quote: str, start: int | None = None, end: int | None = None) -> dict[str, Any]:
    offsets = {} if start is None else {"start": start, "end": end}
    return {"document": NEWS.id, "quote": quote, **offsets}


def test_what_a_line_leaves_out_comes_from_its_document() -> None:
    """Known time is the last possible day of publication, the speaker is the publisher."""
    found = _event(known=None, source=_source("“rained”", 3, 11))
    assert found.known == datetime(2023, 12, 26, tzinfo=UTC)
    assert found.said_by == ("The Post",)


def test_a_quote_without_offsets_gets_them() -> None:
    """Words that stand in the document once need no offsets; these are counted in code points."""
    source = _event(source=_source("… a lot")).source
    assert source is not None
    assert (source.start, source.end) == (32, 39)


def test_an_assertion_is_named_by_its_content() -> None:
    """Without a name the same content has the same identity and other content another."""
    assert _event().fact == _event(data={"value": 3.0, "measure": "rain"}).fact
    assert _event().fact != _event(subject="agra").fact
    assert len(_event().fact) == 32


def test_a_lasting_kind_reads_a_date_as_open() -> None:
    """A single date of a lasting kind has no last day; the text stays as written."""
    valid = _event(kind="delivery.made").valid
    assert valid is not None
    assert (valid.text, valid.last) == ("2023-12", (None, None))


def test_a_retraction_needs_a_name_and_a_time_only() -> None:
    """A retraction states nothing, and is taken without kind or data."""
    retraction = border.event({"action": "retract", "fact": "f", "known": "2024-01-01"}, _kind, LIBRARY.get)
    assert (retraction.kind, retraction.valid, retraction.said_by) == ("", None, ())


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"action": "delete"}, "action", "assert"),
    ({"fact": ""}, "fact", "empty"),
    ({"fact": "x" * 201}, "fact", "200"),
    ({"fact": 7}, "fact", "text"),
    ({"kind": "observatoin"}, "kind", "no kind"),
    ({"kind": None}, "kind", "missing"),
    ({"subject": None}, "subject", "missing"),
    ({"data": None}, "data", "missing"),
    ({"valid": None}, "valid", "missing"),
    ({"valid": "2023-13"}, "valid", "2023-13"),
    ({"valid": "2024/2023"}, "valid", "2024/2023"),
    ({"valid": "2023-12-26T10:00:00Z"}, "valid", "2023-12-26T10"),
    ({"known": "2023-12-26T10:00:00"}, "known", "zone"),
    ({"known": "26/12/2023"}, "known", "neither"),
    ({"known": None}, "known", "no document"),
    ({"known": None, "source": {"document": UNDATED.id}}, "known", "no publication date"),
    ({"known": None, "source": {"document": OPEN.id}}, "known", "no last day"),
    ({"data": {"measure": "rain"}}, "data.value", "missing"),
    ({"data": {"measure": "rain", "value": "3"}}, "data.value", "3"),
    ({"data": {"measure": "rain", "value": True}}, "data.value", "rue"),
    ({"data": {"measure": "rain", "value": 3, "unti": "mm"}}, "data.unti", "no such field"),
    ({"data": {"measure": "rain", "value": 2**60}}, "data", "not exact"),
    ({"data": {"measure": "ra\0in", "value": 3}}, "data", "U+0000"),
    ({"schema": 2}, "schema", "version"),
    ({"said_by": "The Post"}, "said_by", "list"),
    ({"modality": "sure"}, "modality", "asserted"),
    ({"confidence": 0.5}, "confidence", "low"),
    ({"time": {"text": "Monday"}}, "time.method", "missing"),
    ({"sorce": {}}, "sorce", "no such field"),
    ({"source": {"document": "sha256:00"}}, "source.document", "not recorded"),
    ({"source": _source("rained", 0, 6)}, "source.quote", "does not stand at"),
    ({"source": _source("“rained”", 3, 10)}, "source.quote", "does not stand at"),
    ({"source": _source("a lot.", 36, 900)}, "source.quote", "does not stand at"),
    ({"source": _source("snowed")}, "source.quote", "does not stand in"),
    ({"source": _source("rained")}, "source.start", "more than once"),
    ({"source": {"document": NEWS.id, "start": 1, "end": 2}}, "source.quote", "without the text"),
    ({"action": "correct", "fact": None}, "fact", "missing"),
    ({"action": "retract", "fact": "f"}, "kind", "states nothing"),
]


@pytest.mark.parametrize("fields, field, said", BAD)
def test_a_bad_line_is_refused_with_its_field(fields: dict[str, Any], field: str, said: str) -> None:
    """Every way of being wrong is told by the field, what is wrong with it, and a remedy."""
    with pytest.raises(Refused) as caught:
        _event(**fields)
    assert caught.value.place.field == field
    assert said in str(caught.value)
    assert caught.value.remedy


def test_what_is_refused_names_no_value_twice() -> None:
    """A refusal is one line, however long the value was."""
    with pytest.raises(Refused) as caught:
        _event(data={"measure": "rain", "value": "x" * 10_000})
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
