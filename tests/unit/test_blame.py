"""Who set a field: the fewest facts that give it its value, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from makers import entry, retraction

from timeline.basis import Basis
from timeline.blame import Blame, blame, least
from timeline.causes import Side
from timeline.fold import Projection, State
from timeline.temporal import parse_instant
from timeline.views.trade import TRADE

if TYPE_CHECKING:
    from timeline.events import Entry

BASIS = Basis(timeline="t", on=date(2023, 6, 1), known=parse_instant("2024-06-01"), recorded=99, link="")


def _blamed(log: list[Entry], view: Projection = TRADE, key: str = "india/share") -> dict[str, Blame]:
    versions: dict[str, list[Entry]] = {}
    for event in log:
        versions.setdefault(event.fact, []).append(event)
    return {found.field: found for found in blame(view, key, Side.of(BASIS, versions))}


def _share(position: int, value: int | None, **fields: Any) -> Entry:  # noqa: ANN401
    data = {"measure": "share"} | ({} if value is None else {"value": value}) | fields.pop("data", {})
    usual = {"kind": "trade.measured", "subject": "india", "valid": "2023", "said_by": (f"voice {position}",)}
    return entry(position, **(usual | {"data": data} | fields))


def test_a_field_is_blamed_on_the_fact_known_last_that_states_it() -> None:
    """Of two facts that say the same the later is named; a field that only the earlier states is the earlier's."""
    log = [_share(1, 40, known="2024-01-01", data={"compiler": "A"}), _share(2, 40, known="2024-02-01")]
    found = _blamed(log)
    assert (found["value"].entry.position, found["compiler"].entry.position) == (2, 1)
    assert all(one.others == () for one in found.values())


def test_claims_are_blamed_on_nobody() -> None:
    """They are what the sources said, each under its own name."""
    assert "claims" not in _blamed([_share(1, 40)])


def test_each_dispute_is_a_field_of_its_own() -> None:
    """It takes all its sides: the one known last is named first, the others beside it."""
    dispute = _blamed([_share(1, 40, known="2024-01-01"), _share(2, 50, known="2024-02-01")])["disputes.value"]
    assert [side["value"]["value"] for side in dispute.value] == [50, 40]
    assert (dispute.entry.position, [other.position for other in dispute.others]) == (2, [1])


def test_what_a_correction_displaced_is_the_value_before_it() -> None:
    """With the version before in its place, the field has the value that it had."""
    corrected = _share(2, 50, fact="fact-1", action="correct", known="2024-02-01", said_by=("voice 1",))
    found = _blamed([_share(1, 40), corrected])["value"]
    assert (found.value, found.displaced) == (50, 40)


def test_what_an_assertion_displaced_is_the_value_without_it() -> None:
    """Nothing was in its place before; another fact is seen through it, or no field at all."""
    log = [_share(1, 40, known="2024-01-01"), _share(2, 50, known="2024-02-01", data={"compiler": "B"})]
    found = _blamed(log)
    assert (found["value"].displaced, found["compiler"].displaced) == (40, None)


def test_a_version_of_another_day_or_key_displaced_nothing_here() -> None:
    """Neither a retraction nor a version that would not be behind the row takes the place of what is in force."""
    elsewhere = {"subject": "china"}, {"valid": "2022"}
    for before in [_share(1, 40, fact="f", **fields) for fields in elsewhere]:
        assert _blamed([before, _share(2, 50, fact="f", action="correct")])["value"].displaced is None
    log = [_share(1, 40, fact="f"), retraction(2, "f", "2024-01-01"), _share(3, 50, fact="f", known="2024-02-01")]
    assert _blamed(log)["value"].displaced is None


def test_a_sum_is_blamed_on_all_its_parts() -> None:
    """Where the value needs several facts, none that counts is left out and none that does not is kept."""
    total = Projection(
        name="total",
        version=1,
        about="",
        kinds=frozenset({"observation"}),
        keys=lambda event: [event.subject],
        fold=lambda state, fact: {"sum": (state or {"sum": 0})["sum"] + fact.data["value"]},
    )
    log = [entry(n, valid="2023", data={"value": n % 3}) for n in range(1, 7)]
    found = _blamed(log, total, "delhi")["sum"]
    assert (found.value, found.displaced) == (6, 4)
    assert [held.position for held in (*found.others, found.entry)] == [1, 2, 4, 5]


def test_no_row_has_no_blame() -> None:
    """Where no fact holds there is no field."""
    assert _blamed([_share(1, 40, valid="2020")]) == {}


def test_what_is_left_is_the_least_that_holds() -> None:
    """One of many is found in few steps, and what needs several of them is found as well."""
    tried: list[list[int]] = []

    def holds(kept: list[Any]) -> bool:
        tried.append(kept)
        return 700 in kept

    assert least(list(range(1000)), holds) == [700]
    assert len(tried) < 50
    assert least(list(range(100)), lambda kept: {3, 50, 99} <= set(kept)) == [3, 50, 99]
    assert least([1], lambda _: True) == [1]


def test_a_blame_is_printed_flat_with_its_event() -> None:
    """As JSON it has the field, its value, the event with its source, the others and what was displaced."""
    log = [_share(1, 40, known="2024-01-01"), _share(2, 50, known="2024-02-01")]
    printed = _blamed(log)["disputes.value"].to_dict()
    assert (printed["field"], printed["fact"], printed["said_by"]) == ("disputes.value", "fact-2", ["voice 2"])
    assert printed["others"] == [{"fact": "fact-1", "event": log[0].event, "position": 1}]
    assert printed["displaced"] is None


def _after_the_first(state: State | None, fact: Entry) -> State:
    if state is None and fact.data["value"] > 1:
        message = "there is nothing yet to add to"
        raise ValueError(message)
    return {"sum": (state or {"sum": 0})["sum"] + fact.data["value"]}


def test_facts_that_cannot_be_folded_without_others_are_blamed_beside_them() -> None:
    """Leaving out the one that they build on leaves no field, not a failure."""
    view = replace(TRADE, fold=_after_the_first, present=lambda state, _: state)
    found = _blamed([_share(1, 1, known="2024-01-01"), _share(2, 40, known="2024-02-01")], view)["sum"]
    assert (found.value, found.entry.position, [one.position for one in found.others]) == (41, 2, [1])
