"""What differs between two readings: keys and fields, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from timeline.difference import Change, changes
from timeline.fold import Row


def _row(key: str = "k", **given: Any) -> Row:  # noqa: ANN401
    usual: dict[str, Any] = {"state": {}, "certainty": "certain", "disputed": False, "since": None, "until": None}
    usual |= {"known_since": datetime(2024, 1, 1, tzinfo=UTC), "facts": ()}
    return Row(key=key, **(usual | given))


def _fields(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return Change("k", _row(state=before), _row(state=after)).fields


def test_keys_come_stay_and_go() -> None:
    """Two streams in order of key are merged: added, gone or changed, and nothing where a row stays the same."""
    before = [_row("a", state={"n": 1}), _row("b", state={"n": 1}), _row("d", state={"n": 1})]
    after = [_row("b", state={"n": 2}), _row("c", state={"n": 1}), _row("d", state={"n": 1})]
    assert [(c.key, c.change) for c in changes(before, after)] == [("a", "gone"), ("b", "changed"), ("c", "added")]


def test_either_reading_may_be_empty() -> None:
    """Without rows on one side all the others are added, or gone; without any there is nothing to tell."""
    assert [c.change for c in changes([], [_row("a"), _row("b")])] == ["added", "added"]
    assert [c.change for c in changes([_row("a"), _row("b")], [])] == ["gone", "gone"]
    assert list(changes([], [])) == []


def test_how_far_a_row_reaches_is_no_change() -> None:
    """The days around, since when it has been known and the facts behind are not what a row says."""
    other = _row(
        since=date(2024, 1, 1), until=date(2024, 2, 1), facts=("f",), known_since=datetime(2023, 1, 1, tzinfo=UTC)
    )
    assert list(changes([_row()], [other])) == []


def test_true_is_not_one() -> None:
    """Values are compared as JSON, where true and 1 differ and 1.0 and 1 do not."""
    assert _fields({"n": 1}, {"n": True}) == {"n": (1, True)}
    assert _fields({"n": 1}, {"n": 1}) == {}


def test_objects_are_compared_field_by_field() -> None:
    """A difference within an object is named by its dotted path; what is on one side only stands there whole."""
    assert _fields({"due": {"day": "2024", "by": "A"}}, {"due": {"day": "2025", "by": "A"}}) == {
        "due.day": ("2024", "2025")
    }
    assert _fields({}, {"due": {"day": "2025"}}) == {"due": (None, {"day": "2025"})}
    assert _fields({"due": {"day": "2025"}}, {}) == {"due": ({"day": "2025"}, None)}


def test_lists_are_compared_whole() -> None:
    """A list of values is one value."""
    assert _fields({"by": ["A", "B"]}, {"by": ["A"]}) == {"by": (["A", "B"], ["A"])}


def test_claims_are_compared_fact_by_fact() -> None:
    """Objects of a list that name a fact each are told apart by it, wherever they stand."""
    before = {"claims": [{"fact": "f", "n": 1}, {"fact": "g", "n": 1}]}
    after = {"claims": [{"fact": "h", "n": 1}, {"fact": "f", "n": 2}]}
    assert _fields(before, after) == {
        "claims.f.n": (1, 2),
        "claims.g": ({"fact": "g", "n": 1}, None),
        "claims.h": (None, {"fact": "h", "n": 1}),
    }


def test_another_order_of_the_same_claims_is_a_difference_of_the_list() -> None:
    """Where no fact says otherwise but their order does, the list differs as a whole."""
    first, second = {"fact": "f"}, {"fact": "g"}
    assert _fields({"claims": [first, second]}, {"claims": [second, first]}) == {
        "claims": ([first, second], [second, first])
    }


def test_a_list_that_names_a_fact_twice_is_compared_whole() -> None:
    """Where a fact does not tell the items apart they are not paired by it."""
    twice = [{"fact": "f", "n": 1}, {"fact": "f", "n": 2}]
    assert _fields({"sides": twice}, {"sides": twice[:1]}) == {"sides": (twice, twice[:1])}


def test_certainty_and_dispute_stand_beside_the_state() -> None:
    """Both are fields of their own; a field of the state that has the same name keeps its prefix."""
    before, after = _row(state={"certainty": 1}), _row(state={"certainty": 2}, certainty="possible", disputed=True)
    assert Change("k", before, after).fields == {
        "state.certainty": (1, 2),
        "certainty": ("certain", "possible"),
        "disputed": (False, True),
    }


def test_a_change_is_printed_with_both_rows() -> None:
    """As JSON a change has its key, what happened, each field as a pair, and the rows as answers print them."""
    printed = Change("k", None, _row(state={"n": 1})).to_dict()
    assert (printed["key"], printed["change"], printed["before"]) == ("k", "added", None)
    assert printed["after"]["state"] == {"n": 1}
    assert printed["fields"] == {"n": [None, 1], "certainty": [None, "certain"], "disputed": [None, False]}
