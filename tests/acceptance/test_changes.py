"""What changed and why, on the samples: comparisons, blame, histories and replays as people and programs meet them.

The expected causes are those that the texts under `seeds/` give, read by people.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from acceptance.program import ROOT, Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORDER = ("deliveries", "s-400-india")
SWIFT, ROUND = "russia/financial_restriction/swift", "russia/round/12"
SHARE = "india/share/import/arms/russia/2016-2020"


@pytest.fixture(scope="module")
def program(shared_database_url: str) -> Program:
    """Return the program with the samples recorded in the order in which a newsroom would have come to them."""
    program = Program(shared_database_url)
    for step in ("article", "second-reading", "follow-ups"):
        program("import", ROOT / "seeds" / step)
    return program


@pytest.fixture(scope="module")
def elsewhere(program: Program, shared_database_url: str) -> Program:
    """Return a second timeline that holds the first folder only."""
    del program
    other = Program(shared_database_url, "elsewhere")
    other("import", ROOT / "seeds" / "article")
    return other


def changes(program: Program, *flags: str, command: str = "diff") -> Iterator[dict[str, Any]]:
    """Yield the changes that a command prints, as JSON."""
    yield from program.answer(command, *flags)["changes"]


def why(change: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return cause, fact and direction of each event behind a change."""
    return [(cause["cause"], cause["fact"], cause["undone"]) for cause in change["why"]]


def test_a_plan_put_off_is_a_source_correction(program: Program) -> None:
    """The plan was told anew between two days; the explanation names who, when, where and what it displaced."""
    (change,) = changes(program, *ORDER, "--from", "2023-12-26", "--to", "2025-07-01", "--why")
    assert change["change"] == "changed"
    assert change["fields"]["due"] == ["2024-01~/2024-04~", None]
    assert [stage["due"] for stage in change["fields"]["stages"][1]] == ["2026", "2027"]
    told = [cause for cause in change["why"] if cause["fact"] == "s400-plan-1"]
    assert [cause["cause"] for cause in told] == ["source correction"]
    assert told[0]["known"] == "2025-06-27T00:00:00Z"
    assert told[0]["said_by"] == ["The Times of India"]
    assert told[0]["particulars"]["publisher"] == "The Times of India"
    assert told[0]["quote"].startswith("After the meeting of 26 June 2025")
    displaced = [
        event for event in program.answer("show", "s400-plan-1")["versions"] if event["event"] == told[0]["displaced"]
    ]
    assert [event["known"] for event in displaced] == ["2023-12-26T00:00:00Z"]


def test_a_misreading_shows_on_the_recorded_axis_alone(program: Program) -> None:
    """No document changed: at one instant of knowledge the two readings differ by when they were recorded."""
    shared = ("--on", "2023-12-26", "--known", "2023-12-26")
    rows = {
        c["key"]: c
        for c in changes(program, "sanctions", "--from", "recorded=70", "--to", "recorded=71", "--why", *shared)
    }
    assert {key: row["change"] for key, row in rows.items()} == {
        "eu/financial_restriction/swift": "gone",
        SWIFT: "changed",
        "western-allies/financial_restriction/swift": "gone",
    }
    assert {key: why(row) for key, row in rows.items()} == {
        key: [("misreading", "swift-cutoff", False)] for key in rows
    }
    assert rows[SWIFT]["fields"]["target"] == [["Russia", "EU", "western allies"], "Russia"]
    later = ("--on", "2023-12-26", "--recorded", "71")
    assert list(changes(program, "sanctions", SWIFT, "--from", "known=2023-12-26", "--to", "now", *later)) == []


def test_a_document_found_late_is_told_from_news(program: Program) -> None:
    """The adoption of the 12th round was public all along; this store came to it later."""
    shared = ("--on", "2023-12-26", "--known", "2023-12-26", "--why")
    (found,) = changes(program, "sanctions", ROUND, "--from", "recorded=71", "--to", "recorded=91", *shared)
    assert {cause["cause"] for cause in found["why"]} == {"late-found document"}
    (told,) = changes(
        program,
        "sanctions",
        ROUND,
        "--from",
        "known=2023-11-30",
        "--to",
        "known=2023-12-18",
        "--on",
        "2023-12-26",
        "--why",
    )
    assert {cause["cause"] for cause in told["why"]} == {"news"}


def test_a_restated_share_is_a_source_correction_and_reads_like_one(program: Program) -> None:
    """SIPRI put 2016-20 at 49 per cent, and five years later at 51: one question, told anew."""
    flags = ("trade", SHARE, "--on", "2018-06-01", "--from", "known=2021-06-01", "--to", "known=2026-04-01", "--why")
    (change,) = changes(program, *flags)
    assert change["fields"]["value"] == [49, 51]
    assert [cause[0] for cause in why(change)] == ["source correction"]
    lines = program("diff", *flags, "-o", "table").stdout.splitlines()
    assert lines[0] == f"{SHARE} has changed"
    assert "  value: 49 → 51" in lines
    assert any("SIPRI said: »For 2016-20 the share is now put at 51 per cent«" in line for line in lines)
    assert any(
        "SIPRI said on 15 March 2021: »Of India's arms imports in 2016-20, 49 per cent" in line for line in lines
    )


def test_the_way_back_undoes_what_the_way_there_did(program: Program) -> None:
    """Comparisons may go from later to earlier; the same event stands behind, as undone."""
    sides = ("known=2021-06-01", "known=2026-04-01")
    there, back = (
        next(changes(program, "trade", SHARE, "--on", "2018-06-01", "--from", one, "--to", other, "--why"))
        for one, other in (sides, sides[::-1])
    )
    assert there["fields"]["value"] == back["fields"]["value"][::-1]
    assert [cause["event"] for cause in there["why"]] == [cause["event"] for cause in back["why"]]
    assert [cause["undone"] for cause in (*there["why"], *back["why"])] == [False, True]


def test_an_outlet_left_out_is_the_cause(program: Program) -> None:
    """What would be believed without Reuters: two squadrons, since the third is its report alone."""
    (change,) = changes(
        program, *ORDER, "--from", "now", "--to", "without=publisher:Reuters", "--on", "2024-06-01", "--why"
    )
    assert change["fields"]["delivered.value"] == [3, 2]
    assert ("choice", "s400-delivery-3", True) in why(change)
    tokens = program.answer("diff", *ORDER, "--from", "now", "--to", "without=publisher:Reuters", "--on", "2024-06-01")
    assert tokens["to"]["without"] == ["publisher:Reuters"]
    assert "without" not in tokens["from"]


def test_a_day_that_passes_is_a_cause_of_its_own(program: Program) -> None:
    """Nobody said anything: the plan's last day went by."""
    flags = (*ORDER, "--known", "2023-12-31", "--from", "on=2024-04-30", "--to", "on=2024-05-01", "--why")
    (change,) = changes(program, *flags)
    assert change["fields"]["overdue"] == [False, True]
    assert why(change) == [("day", "s400-plan-1", False)]
    assert change["why"][0]["day"] == "2024-05-01"


def test_a_comparison_is_counted_named_and_coded(program: Program) -> None:
    """Scripts ask how much, which keys, and whether at all."""
    flags = (
        "diff",
        "sanctions",
        "--on",
        "2023-12-26",
        "--known",
        "2023-12-26",
        "--from",
        "recorded=70",
        "--to",
        "recorded=71",
    )
    counts = program.answer(*flags, "--stat")["counts"]
    assert {row["change"]: row["rows"] for row in counts if row["field"] is None} == {"changed": 1, "gone": 2}
    assert {row["field"] for row in counts if row["field"]} >= {"target", "authority"}
    keys = program.answer(*flags, "--name-only")["keys"]
    assert [row["key"] for row in keys] == [
        "eu/financial_restriction/swift",
        SWIFT,
        "western-allies/financial_restriction/swift",
    ]
    program(*flags, "--exit-code", code=1)
    program("diff", "sanctions", "--from", "recorded=71", "--to", "recorded=71", "--exit-code")
    csv = program(*flags, "-o", "csv").stdout.splitlines()
    assert csv[0] == "key,change,field,from,to"
    assert any(line.startswith(f"{SWIFT},changed,target,") for line in csv)


def test_a_comparison_by_tokens_gives_the_same_bytes_for_ever(program: Program) -> None:
    """Whatever is recorded since, two tokens mean the same two answers."""
    first = program.answer("diff", "trade", "--from", "2021-06-01", "--why")
    tokens = ("--from", first["from"]["token"], "--to", first["to"]["token"], "--why", "-o", "json")
    before = program("diff", "trade", *tokens).stdout
    event = {"fact": "later", "kind": "trade.measured", "subject": "india", "valid": "2016/2020", "known": "2021-01-01"}
    data = {"measure": "share", "flow": "import", "of": "arms", "partner": "Russia", "period": "2016/2020", "value": 1}
    program("import", "-", given=json.dumps(event | {"data": data}))
    assert program("diff", "trade", *tokens).stdout == before
    assert program("diff", "trade", "--from", "2021-06-01", "-o", "json").stdout != before
    program("import", "-", given=json.dumps({"action": "retract", "fact": "later", "known": "2021-01-01"}))


def test_explanations_by_token_describe_documents_as_they_did_then(shared_database_url: str) -> None:
    """A document's particulars are corrected later; who is asked by an old token still hears the old ones."""
    program = Program(shared_database_url, "described")
    program("import", ROOT / "seeds" / "article")
    document = program.answer("show", "arms-rank")["versions"][0]["source"]["document"]
    token = _token(program, "trade", "--as-of", "2023-12-26")
    rows = [row["key"] for row in program.answer("ask", "trade", "--basis", token)["rows"]]
    commands: list[tuple[str, ...]] = [
        *((command, "trade", rows[0], "--basis", token, "-o", "json") for command in ("blame", "history")),
        ("diff", "trade", "--from", token, "--to", token.replace("2023-12-26/", "2023-12-20/"), "--why", "-o", "json"),
    ]
    before = [program(*command).stdout for command in commands]
    assert any("Sputnik India" in text for text in before)
    program("correct-document", document, "--publisher", "Another Paper", "--reason", "misread imprint", "--yes")
    assert [program(*command).stdout for command in commands] == before
    assert "Another Paper" in program("blame", "trade", rows[0], "--as-of", "2023-12-26", "-o", "json").stdout


def _token(program: Program, *flags: str) -> str:
    return str(program.answer("ask", *flags)["basis"]["token"])


def test_a_token_that_the_log_cannot_honour_is_refused_and_says_which(program: Program, elsewhere: Program) -> None:
    """Another timeline, another view, another version of it, a longer log: each has its sentence."""
    token = _token(program, "deliveries", "--as-of", "2023-12-26")
    for command in ("ask", "blame", "history", "replay"):
        key = () if command == "ask" else ("s-400-india",)
        said, _ = elsewhere.refused(2, command, "deliveries", *key, "--basis", token)
        assert said == "the basis belongs to the timeline 'main', not 'elsewhere'"
    said, _ = elsewhere.refused(2, "diff", "deliveries", "--from", token)
    assert said == "the basis belongs to the timeline 'main', not 'elsewhere'"
    said, _ = program.refused(2, "ask", "sanctions", "--basis", token)
    assert (
        said
        == "the basis belongs to an answer of the view deliveries in version 1, not of the view sanctions in version 1"
    )
    said, _ = program.refused(2, "ask", "deliveries", "--basis", token.replace("deliveries-1", "deliveries-7"))
    assert "in version 7, not of the view deliveries in version 1" in said
    longer = token.replace("tl1/main/", "tl1/elsewhere/")
    said, remedy = elsewhere.refused(2, "ask", "deliveries", "--basis", longer)
    assert said == "the basis belongs to a longer log: this one has 70 events"
    assert remedy == "Ask the database that gave the answer"
    said, _ = program.refused(3, "ask", "deliveries", "--basis", f"{token}/only=publisher:Nobody")
    assert said == "the log has no publisher 'Nobody'"
    said, _ = program.refused(2, "ask", "deliveries", "--basis", f"{token}/only=document:sha256:22")
    assert said == "the basis shortens who is believed: only=document:sha256:22"
    said, _ = program.refused(2, "ask", "deliveries", "--basis", f"{token}/only=publisher:%00")
    assert said.endswith("is not a basis")


@pytest.mark.parametrize(
    "basis, message",
    [
        ("knwon=2023-12-31", "'knwon=2023-12-31' is no part of a basis"),
        ("known=", "'known=' is no part of a basis"),
        ("known=2023-12-31;recorded=70", "known: `2023-12-31;recorded=70` is no date that can be read"),
        ("recorded=5000", "the log has"),
        ("tl1/main/1", "'tl1/main/1' is not a basis"),
        ("without=publisher:Reuter", "the log has no publisher 'Reuter'"),
    ],
)
def test_a_basis_that_cannot_be_read_is_refused(program: Program, basis: str, message: str) -> None:
    """Nothing is guessed: a misspelt axis or name would answer another question."""
    code = 3 if basis.startswith("without") else 2
    said, _ = program.refused(code, "diff", "deliveries", "--from", basis)
    assert said.removeprefix("--").startswith(message), said


def test_each_field_is_blamed_on_the_words_that_set_it(program: Program) -> None:
    """The due date is the ambassador's, as the article quotes him; it displaced what he had said in August."""
    origin = program.answer("blame", *ORDER, "--on", "2024-06-01", "--known", "2023-12-31")
    fields = {field["field"]: field for field in origin["fields"]}
    assert "claims" not in fields
    due = fields["due"]
    assert (due["value"], due["displaced"]) == ("2024-01~/2024-04~", "[..2024]")
    assert (due["fact"], due["said_by"]) == ("s400-plan-1", ["Denis Alipov", "Sputnik India"])
    assert "will be delivered" in due["quote"]
    assert due["particulars"]["publisher"] == "Sputnik India"
    assert (fields["delivered"]["fact"], fields["delivered"]["displaced"]["value"]) == ("s400-delivery-3", 2)
    assert fields["price"]["fact"] == "s400-order"
    assert fields["price"]["displaced"] is None
    assert {other["fact"] for other in fields["disputes.schedule"]["others"]} <= {
        "s400-delay-reuters",
        "s400-delay-deccan-herald",
        "s400-delay-testimony",
    }


def test_blame_reads_by_who_said_what(program: Program) -> None:
    """On a terminal each voice is named once, with its words, and below it the fields that it set."""
    lines = program("blame", *ORDER, "--on", "2024-06-01", "--known", "2023-12-31", "-o", "table").stdout.splitlines()
    (alipov,) = [number for number, line in enumerate(lines) if line.startswith("Denis Alipov, through Sputnik India,")]
    assert lines[alipov].startswith(
        "Denis Alipov, through Sputnik India, expected on 26 December 2023: »five batteries"
    )
    assert "  due: 2024-01~/2024-04~ ([..2024] without it)" in lines[alipov:]
    assert sum("Three of the five S-400 squadrons" in line for line in lines) == 1
    assert "  delivered: 3 squadron (2 squadron without it)" in lines
    (contract,) = [line for line in lines if line.strip().startswith("price:")]
    assert contract == "  price: about 5430000000 USD (nothing without it)"


def test_blame_of_no_row_is_not_found(program: Program) -> None:
    """Without a row there is nothing to blame anybody for."""
    said, remedy = program.refused(3, "blame", "deliveries", "s-500-india")
    assert said == "the view deliveries has no row 's-500-india' there"
    assert remedy == "List its keys with: timeline ask deliveries"


def test_a_history_is_made_of_transitions(program: Program) -> None:
    """Each instant at which the answer changed, and no other; the last state is the answer at the basis."""
    course = program.answer("history", "trade", SHARE, "--on", "2018-06-01")
    assert [step["at"] for step in course["transitions"]] == ["2021-03-15T00:00:00Z", "2026-03-09T00:00:00Z"]
    assert [step["after"]["state"]["value"] for step in course["transitions"]] == [49, 51]
    assert [step["why"][0]["cause"] for step in course["transitions"]] == ["news", "source correction"]
    over = program.answer(
        "history", "sanctions", SWIFT, "--on", "2023-12-26", "--known", "2023-12-26", "--over", "recorded"
    )
    assert [step["at"] for step in over["transitions"]][-1] == 71
    assert over["transitions"][-1]["why"][0]["cause"] == "misreading"
    days = program.answer("history", *ORDER, "--known", "2023-12-31", "--over", "on")
    turned = [
        step["at"]
        for step in days["transitions"]
        if "overdue" in step["fields"] and step["fields"]["overdue"] == [False, True]
    ]
    assert turned == ["2024-05-01"]
    lines = program("history", "trade", SHARE, "--on", "2018-06-01", "-o", "table").stdout.splitlines()
    assert lines[0] == "known 2021-03-15T00:00:00Z"
    assert program("history", "trade", "nothing").stdout == ""


def test_a_replay_folds_what_is_answered(program: Program) -> None:
    """From zero to the same basis the log folds into the answers of every view; to an earlier one into others."""
    assert program("replay", "--exit-code", "-o", "jsonl").stdout == ""
    flags = ("sanctions", "--recorded", "70", "--on", "2023-12-26", "--against", "on=2023-12-26", "--why")
    rows = {row["key"]: row for row in changes(program, *flags, command="replay")}
    assert rows[SWIFT]["fields"]["target"] == ["Russia", ["Russia", "EU", "western allies"]]
    assert why(rows[SWIFT]) == [("misreading", "swift-cutoff", True)]
    program("replay", *flags, "--exit-code", code=1)


def test_a_replay_folds_with_a_projection_of_ones_own(program: Program, tmp_path: Path) -> None:
    """Before a view is changed, its new version shows what it would answer otherwise."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import replace\n"
        "from timeline.views.trade import TRADE\n"
        "def present(state, on):\n"
        "    return {**TRADE.present(state, on), 'sources': len(state['claims'])}\n"
        "MINE = replace(TRADE, version=2, present=present)\n"
    )
    flags = ("trade", SHARE, "--on", "2018-06-01", "--with", str(file))
    found = program.answer("replay", *flags)
    assert (found["from"]["token"].split("/")[-1], found["to"]["token"].split("/")[-1]) == ("trade-1", "trade-2")
    assert [change["fields"] for change in found["changes"]] == [{"sources": [None, 1]}]
    said, remedy = program.refused(3, "replay", "deliveries", "--with", str(file))
    assert said == f"{file}: this file has no projection named 'deliveries'"
    assert remedy == "It gives trade: name it 'deliveries'"


def test_many_changes_are_explained_in_order_each_by_its_own_event(shared_database_url: str) -> None:
    """However many keys change, each comes once, in order, with the event of its own fact as the only cause."""
    many = Program(shared_database_url, "many")
    names = [f"place-{number:03}" for number in range(401)]
    usual = {"kind": "observation", "valid": "2024", "known": "2024-02-01", "data": {"measure": "rain", "value": 1}}
    many("import", "-", given="\n".join(json.dumps(usual | {"fact": name, "subject": name}) for name in names))
    found = list(changes(many, "observations", "--from", "known=2024-01-15", "--on", "2024-03-01", "--why"))
    assert [(change["key"], why(change)) for change in found] == [
        (f"{name}/rain", [("news", name, False)]) for name in names
    ]
