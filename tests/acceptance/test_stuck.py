"""Keys that a projection cannot fold: every command says so of them, and works for all others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from acceptance.program import Program

import timeline
from timeline import vocabulary
from timeline.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
from timeline import Data, Edtf, Kind, Projection


class Level(Data):
    value: {value}


def keys(event):
    if event.data["value"] == 1:
        raise LookupError("no such place")
    return [event.subject]


def fold(state, entry):
    if entry.data["value"] == 2:
        raise ValueError("the gauge was spoilt")
    return {{"value": entry.data["value"]}}


def present(state, on):
    if state["value"] == 3:
        raise RuntimeError("it is hidden")
    return state


def newer(data):
    if data["value"] == 4:
        raise OverflowError("out of range")
    return data


LEVEL = Kind(name="level.read", about="A level.", data=Level, version={version}, upcasters={upcasters})
GAUGE = Projection(
    name="gauge", version=1, about="Levels.", kinds=frozenset({{"level.read"}}), keys=keys, fold=fold, present=present
)
"""
REASONS = {
    "nowhere": "LookupError: no such place",
    "spoilt": "ValueError: the gauge was spoilt",
    "hidden": "RuntimeError: it is hidden",
    "range": "OverflowError: out of range",
}
ON = ("--on", "2023-12-15")


def level(subject: str, value: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a line of facts about a level."""
    usual = {"fact": f"of-{subject}", "kind": "level.read", "subject": subject, "valid": "2023-12"}
    return usual | {"known": "2023-12-26", "data": {"value": value}} | fields


@pytest.fixture
def program(database_url: str, tmp_path: Path) -> Program:
    """Return the program with levels read in five places, of which four read otherwise two days later."""
    program = Program(database_url)
    for version, upcasters in ((1, "{}"), (2, "{1: newer}")):
        path = tmp_path / f"gauge_{version}.py"
        path.write_text(PLUGIN.format(value="int", version=version, upcasters=upcasters))
        program.environment["TIMELINE_PLUGINS"] = str(path)
        if version == 1:
            lines = [level(place, 9) for place in (*REASONS, "delhi")]
            lines += [
                level(place, value, action="correct", known="2023-12-28")
                for value, place in enumerate(REASONS, start=1)
            ]
            program("import", "-", given="".join(json.dumps(line) + "\n" for line in lines))
    program("views", "rebuild", "gauge")
    return program


def test_all_that_explain_a_row_say_why_it_cannot_be_folded(program: Program) -> None:
    """Its history goes up to there and names the event; of other keys, and at earlier bases, nothing is different."""
    asked = {row["key"]: row.get("stuck") for row in program.answer("ask", "gauge", *ON)["rows"]}
    assert asked == {"delhi": None, **REASONS} | {f"?of-{key}": REASONS[key] for key in ("nowhere", "range")}
    for key, reason in REASONS.items():
        said, remedy = program.refused(2, "blame", "gauge", key, *ON)
        assert said == f"{key} cannot be folded ({reason})"
        assert remedy.endswith("timeline views resume gauge")
        (field,) = program.answer("blame", "gauge", key, *ON, "--known", "2023-12-27")["fields"]
        assert (field["field"], field["value"], field["position"]) == ("value", 9, 1 + [*REASONS].index(key))
        first, second = program.answer("history", "gauge", key, *ON)["transitions"]
        assert (first["change"], first["after"]["state"]) == ("added", {"value": 9})
        assert (second["after"]["stuck"], second["at"]) == (reason, "2023-12-28T00:00:00Z")
        assert [cause["position"] for cause in second["why"]] == [6 + [*REASONS].index(key)]
        over = program.answer("history", "gauge", key, "--over", "on")["transitions"]
        assert [step["change"] for step in over] == ["added", "gone"]
        assert f"{key} cannot be folded: {reason}" in program("history", "gauge", key, *ON, "-o", "table").stdout
    assert program.answer("blame", "gauge", "delhi", *ON)["fields"][0]["value"] == 9
    assert [step["change"] for step in program.answer("history", "gauge", "delhi", *ON)["transitions"]] == ["added"]
    with timeline.connect(program.environment["TIMELINE_DATABASE_URL"]) as line:
        words = vocabulary.load([program.environment["TIMELINE_PLUGINS"]])
        reading = replace(line, vocabulary=words)
        for _ in range(150):  # what was being read is let go of at once, not when garbage is collected
            with pytest.raises(Refused):
                reading.blame("gauge", "?of-range", on=ON[1])
    said, _ = program.refused(2, "blame", "gauge", "?of-range", *ON)
    assert said == f"?of-range cannot be folded ({REASONS['range']})"


def test_a_difference_says_why_a_key_cannot_be_folded(program: Program) -> None:
    """What the row said before is there no more, and no event is left out of the causes."""
    between = ("diff", "gauge", "--from", "known=2023-12-27", *ON, "--why")
    changes = {change["key"]: change for change in program.answer(*between)["changes"]}
    assert changes.keys() == {*REASONS, "?of-nowhere", "?of-range"}
    for number, (key, reason) in enumerate(REASONS.items()):
        assert changes[key]["fields"] == {
            "value": [9, None],
            "certainty": ["certain", None],
            "disputed": [False, None],
            "stuck": [None, reason],
        }
        assert [cause["position"] for cause in changes[key]["why"]] == [6 + number]
    told = program(*between, "-o", "table").stdout
    assert "spoilt cannot be folded: ValueError: the gauge was spoilt\n  Restated on 28 December 2023" in told
    assert "by another projection" not in told
    back = program("diff", "gauge", "--from", "now", "--to", "known=2023-12-27", *ON, "--why", "-o", "table").stdout
    assert "hidden has changed\n  stuck: RuntimeError: it is hidden, no more\n  value: 9, new" in back
    other_days = ("diff", "gauge", "--from", "on=2023-11-30", "--to", "on=2023-12-15", "--why")
    added = {
        change["key"]: [why["cause"] for why in change["why"]] for change in program.answer(*other_days)["changes"]
    }
    assert added == {key: ["day"] for key in ("delhi", *changes)}


def test_what_cannot_be_read_can_be_corrected_and_hinders_no_other_correction(program: Program) -> None:
    """Facts beside it are previewed and recorded, and it is itself read again or taken back."""
    reread = ("--misread", "--reason", "blurred", "--yes")
    shown = program("correct", "of-delhi", "--set", "data.value=8", *reread, *ON, "-o", "table").stdout
    assert "  delhi\n    value  9 → 8" in shown
    program("correct", "of-nowhere", "--set", "data.value=7", *reread)
    program("retract", "of-spoilt", *reread)
    program("retract", "of-range", *reread)
    rows = {row["key"]: row.get("stuck", row["state"]) for row in program.answer("ask", "gauge", *ON)["rows"]}
    assert rows == {"delhi": {"value": 8}, "nowhere": {"value": 7}, "hidden": REASONS["hidden"]}
    (proof,) = program.answer("views", "verify")["verified"]
    assert (proof["keys"], proof["stuck"], proof["difference"]) == (4, 1, None)
    assert "1 key of gauge cannot be folded and is not proved" in program("views", "verify").stderr


def test_every_answer_of_one_basis_agrees_on_what_is_stuck(program: Program) -> None:
    """A source said again what can be read: from then on its row stands, and before it is stuck, whoever is asked."""
    for place in REASONS:
        given = level(place, 7, action="correct", known="2023-12-30")
        program("import", "-", given=json.dumps(given))
    for key, reason in REASONS.items():
        for known, told in (("2023-12-27", {"value": 9}), ("2023-12-29", reason), ("2023-12-31", {"value": 7})):
            at = (*ON, "--known", known)
            (row,) = program.answer("ask", "gauge", key, *at)["rows"]
            assert row.get("stuck", row["state"]) == told
            last = program.answer("history", "gauge", key, *at)["transitions"][-1]["after"]
            assert last.get("stuck", last["state"]) == told
            assert row["facts"] == last["facts"] == [f"of-{key}"]
            over, _ = program.answer("history", "gauge", key, *at, "--over", "on")["transitions"]
            assert over["after"].get("stuck", over["after"]["state"]) == told
            if told == reason:
                assert program.refused(2, "blame", "gauge", key, *at)[0] == f"{key} cannot be folded ({reason})"
            else:
                assert program.answer("blame", "gauge", key, *at)["fields"][0]["value"] == row["state"]["value"]
    steps = program.answer("history", "gauge", "?of-range", *ON)["transitions"]
    assert [(step["change"], [why["position"] for why in step["why"]]) for step in steps] == [
        ("added", [9]),
        ("gone", [13]),
    ]


@pytest.mark.parametrize("value, reason", list(enumerate(REASONS.values(), start=1))[1:3])
def test_a_new_fact_that_makes_a_key_stuck_is_its_cause(program: Program, value: int, reason: str) -> None:
    """Be the key new, or have it had other facts before."""
    news = [level(place, value, fact=f"new-{place}", known="2023-12-29") for place in ("delhi", "agra")]
    program("import", "-", given="".join(json.dumps(line) + "\n" for line in news))
    between = ("diff", "gauge", "--from", "known=2023-12-28", *ON, "--why")
    for number, (key, facts) in enumerate({"agra": ["new-agra"], "delhi": ["of-delhi", "new-delhi"]}.items()):
        (change,) = [change for change in program.answer(*between)["changes"] if change["key"] == key]
        (step,) = program.answer("history", "gauge", key, *ON)["transitions"][-1:]
        for told in (change, step):
            assert (told["after"]["stuck"], told["after"]["facts"]) == (reason, facts)
            assert [(why["cause"], why["position"]) for why in told["why"]] == [("news", 11 - number)]
    told = program(*between, "-o", "table").stdout
    assert f"agra cannot be folded: {reason}\n  " in told
    assert "by another projection" not in told


def test_a_preview_shows_which_keys_a_correction_frees_or_stops(program: Program) -> None:
    """What is in force nowhere any more is not read at all: it hides nothing that is corrected beside it."""
    reread = ("--misread", "--reason", "blurred", *ON)

    def shown(*flags: str) -> dict[str, tuple[Any, Any]]:
        found = program.answer("correct", *flags, *reread, "--dry-run")["changes"]
        rows = {row["key"]: row["fields"] for row in found if row.get("on") == ON[1]}
        return {key: (fields.get("value"), fields["stuck"]) for key, fields in rows.items()}

    said = REASONS["spoilt"], REASONS["range"]
    assert shown("of-delhi", "--set", "data.value=2") == {"delhi": ([9, None], [None, said[0]])}
    freed = {"?of-range": (None, [said[1], None]), "range": ([None, 7], [said[1], None])}
    assert shown("of-range", "--set", "data.value=7") == freed
    table = program("correct", "of-range", "--set", "data.value=7", *reread, "--yes", "-o", "table").stdout
    assert f"  ?of-range gone\n    stuck  {said[1]} → -\n  range\n" in table
    program("import", "-", given=json.dumps(level("range", 6, fact="beside")))
    assert shown("beside", "--set", "data.value=2") == {"range": ([7, None], [None, said[0]])}
