"""An event's canonical form, its identity and its place in the chain."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import entry

from timeline.errors import Refused
from timeline.events import DEEPEST, EXACT, Document, Entry, canonical, chained, first_hash, plain, plain_already

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
KEYS = st.text(st.characters(max_codepoint=0xD7FF, blacklist_characters="\0"))
NUMBERS = st.integers(-EXACT, EXACT) | st.floats(-EXACT, EXACT) | st.floats(1e-6, 1e-5) | st.floats(-1e-5, 1e-5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=1000)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_canonical_text_is_that_of_rfc_8785(fields: dict[str, Any]) -> None:
    """The fast text of any plain fields is, to the byte, the one that the reference implementation writes."""
    assert canonical(plain(fields)) == rfc8785.dumps(plain(fields))


@settings(max_examples=1000)
@given(st.dictionaries(KEYS | st.sampled_from("ab"), VALUES | st.just(1.0) | st.just((1, 2)), max_size=3))
def test_what_is_plain_at_a_glance_is_plain(fields: dict[str, Any]) -> None:
    """Fields that need no walk are just what the walk would make of them, types and all."""
    taken = plain_already(fields)
    assert taken is None or repr(taken) == repr(plain(fields))


@pytest.mark.parametrize("value", ["a\0b", math.nan, 1.0, 2**53, (1,), date(2024, 1, 1), UUID(int=1), 1e300, b""])
def test_what_is_not_plain_is_looked_at(value: object) -> None:
    """Nothing that the walk changes or refuses passes at a glance."""
    assert plain_already({"data": {"value": value}}) is None
    assert plain_already({"data": {"value": [value]}}) is None


def test_what_is_deep_is_looked_at() -> None:
    """Depth is counted by the walk alone."""
    deep: Any = 1
    for _ in range(DEEPEST + 1):
        deep = [deep]
    assert plain_already({"data": deep}) is None


@settings(max_examples=500)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_plain_values_survive_their_text(fields: dict[str, Any]) -> None:
    """Reading the canonical text back and writing it again changes nothing."""
    text = canonical(plain(fields))
    assert canonical(plain(orjson.loads(text))) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, EXACT + 1, -EXACT - 1, 1e300])
def test_numbers_that_json_cannot_hold_exactly_are_refused(value: float) -> None:
    """A number that is not finite or beyond 2⁵³ - 1 is refused, wherever it stands."""
    with pytest.raises(Refused, match="not exact"):
        plain({"data": [{"value": value}]})


@pytest.mark.parametrize("value", ["a\0b", "\ud800", {"k\0": 1}, {"\ue000": 1}, {"\U0001f600": 1}, {1, 2}, b"bytes"])
def test_what_postgres_or_json_cannot_hold_is_refused(value: object) -> None:
    """NUL, half surrogates, keys beyond U+D7FF and values that are not JSON are refused."""
    with pytest.raises(Refused):
        plain([value])


@pytest.mark.parametrize("written, stored", [(45.0, 45), (-0.0, 0), (1e3, 1000), (0.5, 0.5), (True, True)])
def test_one_number_has_one_form(written: object, stored: object) -> None:
    """Whole numbers become integers, whatever way they were written; nothing else changes."""
    assert repr(plain(written)) == repr(stored)


def test_a_line_leaves_out_what_is_usual() -> None:
    """Defaults and absent fields do not stand in the line, so that one event has one text."""
    fields = entry(fact="rain").fields()
    assert sorted(fields) == ["action", "data", "fact", "kind", "known", "subject", "valid"]
    assert entry(fact="rain", polarity="negated", schema=2).fields() == fields | {"polarity": "negated", "schema": 2}


def test_an_entry_is_loaded_as_it_was_written() -> None:
    """Loading the canonical text of an event gives the event again."""
    written = entry(7, said_by=("A", "B"), reason="late", confidence="low", time={"method": "explicit"})
    content = canonical(written.fields())
    loaded = Entry.load(
        7, written.recorded, bytes.fromhex(written.event), written.known, content.decode(), lasting=False
    )
    assert loaded == written


def test_a_document_is_named_by_its_text() -> None:
    """The identity of a document is the hash of its text and of nothing else."""
    assert Document(text="é", title="a").id == "sha256:" + sha256("é".encode()).hexdigest()


def test_the_chain_depends_on_everything_before() -> None:
    """Another timeline, event, position or instant gives another hash."""
    at = datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    usual = (first_hash("main"), b"e" * 32, 1, at)
    others = [(first_hash("x"), b"e" * 32, 1, at), (usual[0], b"f" * 32, 1, at), (usual[0], b"e" * 32, 2, at)]
    others.append((usual[0], b"e" * 32, 1, at.replace(microsecond=2)))
    assert len({chained(*usual), *(chained(*other) for other in others)}) == 5
    microseconds = 1_704_067_200_000_001
    by_hand = usual[0] + b"e" * 32 + (1).to_bytes(8, "big") + microseconds.to_bytes(8, "big")
    assert chained(*usual) == sha256(by_hand).digest()


def test_a_text_that_looks_like_a_small_number_is_a_text() -> None:
    """What a view counts may be beyond what is exact, and still be compared."""
    assert canonical({"n": 2**60, "t": "Route-66"}) == b'{"n":1152921504606846976,"t":"Route-66"}'
