"""Correcting at the command line: what is shown before anything is recorded, what is asked, and every refusal."""

from __future__ import annotations

import json
import os
import pty
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from acceptance.program import Program

from timeline.events import Document

if TYPE_CHECKING:
    from pathlib import Path

QUOTE = "five batteries will be delivered"
TEXT = f"Russia says {QUOTE} by early next year. Four are enough."
PLAN = {"item": "S-400", "quantity": 5, "unit": "battery", "supplier": "Russia", "recipient": "India"}
FACT = {
    "fact": "plan",
    "kind": "delivery.scheduled",
    "subject": "s-400-india",
    "data": PLAN | {"due": "2024-01~/2024-04~"},
    "valid": "2023-12-26/..",
    "source": {"document": "talks.txt", "quote": QUOTE},
    "modality": "expected",
    "time": {"text": "by early next year", "method": "relative"},
}
LATER = {name: value for name, value in FACT.items() if name not in {"source", "time"}}
LATER |= {"action": "correct", "data": PLAN | {"due": "2026"}, "known": "2025-06-27", "reason": "rescheduled"}
DAY = ("--on", "2026-06-01")


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Return a folder with a document and a plan that was read from it, and put off later."""
    (tmp_path / "talks.txt").write_text(TEXT)
    (tmp_path / "talks.toml").write_text('title = "Talks"\npublisher = "Sputnik"\npublished = 2023-12-26\n')
    write(tmp_path / "facts.jsonl", FACT, LATER)
    return tmp_path


@pytest.fixture
def program(database_url: str, news: Path) -> Program:
    """Return the program on a database in which the folder is recorded."""
    found = Program(database_url)
    found("import", news)
    return found


def write(path: Path, *lines: object) -> Path:
    """Write values as JSON Lines."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def in_force(program: Program) -> dict[str, Any]:
    """Return the version of the plan that is in force."""
    versions = program.answer("show", "plan")["versions"]
    return next(v for v in versions if v.get("believed", [""])[-1] is None and v["action"] != "retract")


def test_a_fact_is_corrected_and_shown_before_and_after(program: Program) -> None:
    """In a table: what the fact and the rows said, and what they say then; no claims."""
    result = program(
        "correct", "plan", "--set", "quantity=4", "--misread", "--reason", "r", "--yes", "-o", "table", *DAY
    )
    event = program.answer("show", "plan")["versions"][1]["event"]
    told = result.stdout.splitlines()
    assert told[:2] == [
        f"plan: corrected, known since 2025-06-27, in place of event {event[:16]}",
        "  data.quantity  5 → 4",
    ]
    assert "deliveries on 2026-06-01, known now" in result.stdout
    assert "    planned.value  5 → 4" in told
    assert "claims." not in result.stdout
    assert result.stderr == "1 event recorded at 3\n"
    assert in_force(program)["data"] == PLAN | {"quantity": 4, "due": "2026"}


def test_a_pipe_gets_the_same_as_json(program: Program) -> None:
    """The fact with the events before and after, then the rows with the fields that change."""
    asked = ("correct", "plan", "--set", "due=2027", "--known", "1 March 2026", "--reason", "r", "--dry-run", *DAY)
    fact, *rows = program.answer(*asked)["changes"]
    held = in_force(program)
    assert (fact["fact"], fact["in_force"], fact["known"]) == ("plan", held["event"], "2026-03-01T00:00:00Z")
    assert fact["fields"] == {"data.due": ["2026", "2027"], "known": ["2025-06-27T00:00:00Z", fact["known"]]}
    assert rows[0]["view"] == "deliveries"
    assert rows[0]["fields"]["due"] == ["2026", "2027"]
    program("correct", "plan", "--set", "due=2027", "--known", "1 March 2026", "--reason", "r", "--yes")
    assert in_force(program)["event"] == fact["event"]


def test_a_dry_run_says_what_it_would_do(program: Program) -> None:
    """And records nothing, on a terminal or not."""
    before = program("export").stdout
    result = program("retract", "plan", "--misread", "--reason", "r", "--dry-run", "-o", "table", *DAY)
    assert result.stdout.startswith("plan: retracted, known since 2025-06-27")
    assert "  s-400-india gone\n" in result.stdout
    assert result.stderr == "1 event would be recorded\n"
    assert program("export").stdout == before


def test_a_retracted_fact_is_gone(program: Program) -> None:
    """From when its source took it back."""
    program("retract", "plan", "--known", "2026-01-01", "--reason", "withdrawn", "--yes")
    assert program.answer("ask", "deliveries", *DAY)["rows"] == []
    assert len(program.answer("ask", "deliveries", *DAY, "--known", "2025-12-31")["rows"]) == 1


def test_a_correction_can_quote_another_document(program: Program, news: Path) -> None:
    """Its publication is then the known time."""
    (news / "more.txt").write_text("Four are enough, says Delhi.")
    (news / "more.toml").write_text('title = "More"\npublisher = "Post"\npublished = 2026-02-01\n')
    program("import", news / "more.txt")
    name = Document(text="Four are enough, says Delhi.").id
    program("correct", "plan", "--set", "quantity=4", "--source", f"{name}#Four are enough", "--reason", "r", "--yes")
    held = in_force(program)
    assert (held["known"], held["source"]["quote"]) == ("2026-02-01T00:00:00Z", "Four are enough")


def test_the_version_corrected_is_the_one_of_the_basis(program: Program) -> None:
    """An analyst who looks at an earlier reading corrects that one."""
    token = program.answer("ask", "deliveries", "--known", "2024-06-01", "--on", "2024-06-01")["basis"]["token"]
    program("correct", "plan", "--set", "quantity=4", "--misread", "--reason", "r", "--basis", token, "--yes")
    versions = program.answer("show", "plan")["versions"]
    assert versions[-1]["known"] == "2023-12-26T00:00:00Z"
    assert versions[-1]["data"]["due"] == "2024-01~/2024-04~"
    assert in_force(program)["data"]["quantity"] == 5


REFUSED: list[tuple[list[str], int, str]] = [
    (["correct", "snow", "--set", "quantity=4", "--misread"], 3, "there is no fact 'snow'"),
    (["retract", "snow", "--misread"], 3, "there is no fact 'snow'"),
    (
        ["correct", "plan", "--set", "quantity=4", "--misread", "--expect", "0" * 64],
        5,
        "event {event} at 2 is in force",
    ),
    (["retract", "plan", "--misread", "--expect", "0" * 64], 5, "event {event} at 2 is in force"),
    (["correct", "plan", "--set", "quantity=4", "--misread", "--expect", "12"], 2, "names no event"),
    (["correct", "plan", "--set", "quantity=5", "--misread"], 2, "nothing would change: event {event} at 2"),
    (["correct", "plan", "--misread"], 2, "nothing would change"),
    (["correct", "plan", "--set", "quantitty=4", "--misread"], 2, "data.quantitty: there is no such field"),
    (["correct", "plan", "--set", "item.name=4", "--misread"], 2, "data.item: nothing lies within this"),
    (["correct", "plan", "--set", "known=2024", "--misread"], 2, "known: this is not set by its path"),
    (["correct", "plan", "--set", "quantity", "--misread"], 2, "--set: 'quantity' sets nothing"),
    (["correct", "plan", "--set", "quantity=many", "--misread"], 2, "data.quantity: 'many' is not a number"),
    (["correct", "plan", "--set", "due=2024-13", "--misread"], 2, "data.due: "),
    (["correct", "plan", "--set", "kind=delivery.shceduled", "--misread"], 2, "kind: there is no kind"),
    (["correct", "plan", "--valid", "03/04/2024", "--misread"], 2, "--valid: "),
    (["correct", "plan", "--valid", "2024", "--set", "valid=2025", "--misread"], 2, "valid: given twice"),
    (["correct", "plan", "--set", "quantity=4", "--known", "2024"], 2, "--known: `2024` is not one day"),
    (["correct", "plan", "--set", "quantity=4", "--known", "2024-02-30"], 2, "known: "),
    (["correct", "plan", "--set", "quantity=4", "--misread", "--known", "2024-01-01"], 2, "known: either"),
    (["correct", "plan", "--set", "quantity=4"], 2, "known: missing: did the source change its story"),
    (["retract", "plan"], 2, "known: missing: did the source change its story"),
    (["correct", "plan", "--set", "quantity=4", "--source", f"sha256:{'0' * 64}"], 2, "source.document: "),
    (["correct", "plan", "--set", "quantity=4", "--misread", "--basis", "tl1/x"], 2, "is not a basis"),
    (["correct", "--misread"], 2, "one fact or one file of corrections"),
    (["correct", "plan", "--file", "c.jsonl", "--misread"], 2, "one fact or one file of corrections"),
    (["correct", "--file", "c.jsonl", "--set", "quantity=4"], 2, "--set: this is about one fact"),
    (["correct", "--file", "c.jsonl", "--expect", "0" * 64], 2, "--expect: this is about one fact"),
    (["correct", "--file", ""], 2, "--file: '' is no file"),
    (["correct", "--file", "."], 2, "--file: '.' is no file"),
    (
        ["correct", "plan", "--set", "quantity=3", "--set", "quantity=4", "--misread"],
        2,
        "--set: quantity is given twice",
    ),
    (
        ["correct", "plan", "--set", "quantity=3", "--set", "data.quantity=4", "--misread"],
        2,
        "data.quantity: given twice",
    ),
    (["correct", "plan", "--set", f"quantity={'[' * 100_000}", "--misread"], 2, "data.quantity: lists and objects lie"),
    (["correct", "plan", "--set", "quantity=4", "--known", "2999-01-01"], 2, "known: 2999-01-01T00:00:00Z is still to"),
    (["correct", "plan", "--set", "quantity=4", "--known", "2020-01-01"], 2, "known: at 2020-01-01T00:00:00Z the fact"),
    (["correct-document", "{talks}", "--published", "2023-12-26"], 2, "nothing would change"),
    (["correct-document", "{talks}", "--title", ""], 2, "title: empty"),
    (["correct-document", "{talks}", "--published-how", ""], 2, "published_how: empty"),
    (["correct", "--file", "nowhere.jsonl"], 2, "nowhere.jsonl: there is no such file"),
    (["correct-document", "nowhere.txt", "--published", "2024"], 2, "nowhere.txt: there is no such document"),
    (["correct-document", f"sha256:{'0' * 64}", "--published", "2024"], 3, "no document"),
    (["correct-document", "{talks}"], 2, "nothing would change"),
    (["correct-document", "{talks}", "--published", "03/04/2024"], 2, "--published: "),
    (["correct-document", "{talks}", "--published", "2024/.."], 2, "published: a publication 2024/.. has no last day"),
    (["correct-document", "{talks}", "--publisher", " x"], 2, "data.publisher: "),
]


@pytest.mark.parametrize("args, code, said", REFUSED, ids=lambda value: str(value)[:60])
def test_a_refusal_says_why_and_records_nothing(
    program: Program, news: Path, args: list[str], code: int, said: str
) -> None:
    """One sentence, one remedy, its exit code, and the log as it was."""
    before = program("export").stdout
    event = in_force(program)["event"][:16]
    given = [arg.replace("{talks}", str(news / "talks.txt")) for arg in args]
    sentence, remedy = program.refused(code, *given, "--reason", "r", "--yes")
    assert said.replace("{event}", event) in sentence
    assert remedy
    assert program("export").stdout == before


def test_a_reason_is_asked_for(program: Program) -> None:
    """An empty one is none, and leaving it out is a mistake in the command."""
    asked = ("correct", "plan", "--set", "quantity=4", "--misread", "--yes")
    assert "empty" in program.refused(2, *asked, "--reason", " ")[0]
    assert "--reason" in program(*asked, code=2).stderr


def test_without_a_terminal_nobody_is_asked(program: Program) -> None:
    """Whoever cannot be asked has to say so beforehand."""
    for command in (["correct", "plan", "--misread"], ["retract", "plan", "--misread"], ["correct-document", "x.txt"]):
        sentence, remedy = program.refused(2, *command, "--reason", "r")
        assert "no terminal" in sentence
        assert "--yes" in remedy


def test_a_displaced_correction_needs_another_reason(program: Program) -> None:
    """The log holds it already, so recording it once more would change nothing."""
    for quantity in (4, 6):
        program("correct", "plan", "--set", f"quantity={quantity}", "--misread", "--reason", "r", "--yes")
    again = ("correct", "plan", "--set", "quantity=4", "--misread", "--yes", "--reason")
    sentence, remedy = program.refused(2, *again, "r")
    assert "holds this very event at 3" in sentence
    assert remedy == "Give another reason"
    program(*again, "four after all")
    assert in_force(program)["data"]["quantity"] == 4


def test_many_corrections_are_recorded_from_a_file(program: Program, news: Path) -> None:
    """In one transaction, in order, each with what the command says of all."""
    path = write(
        news / "corrections.jsonl",
        {"fact": "plan", "set": {"quantity": 4}},
        {"fact": "plan", "set": {"data.unit": None}},
        {"fact": "plan", "known": "2026-01-01", "retract": True},
    )
    result = program("correct", "--file", path, "--misread", "--reason", "second reading", "--yes")
    assert "3 events recorded at 3-5" in result.stderr
    *_, unit, gone = program.answer("show", "plan")["versions"]
    assert unit["data"] == {name: value for name, value in PLAN.items() if name != "unit"} | {
        "quantity": 4,
        "due": "2026",
    }
    assert (gone["action"], gone["reason"]) == ("retract", "second reading")


BAD_LINES: list[tuple[object, int, str]] = [
    ({"fact": "snow", "set": {"quantity": 4}}, 3, ":2: there is no fact 'snow'"),
    ({"fact": "plan", "set": {"quantity": "4"}}, 2, ":2: data.quantity: '4' is not a number"),
    ({"fact": "\ud800", "set": {"quantity": 4}}, 2, ":2: fact: a text holds half of a surrogate pair"),
    ({"fact": "a\0", "set": {"quantity": 4}}, 2, ":2: fact: a text holds the character U+0000"),
    ({"fact": "plan", "sett": {"quantity": 4}}, 2, ":2: sett: there is no such field"),
    ({"fact": "plan", "set": {"quantity": 4}}, 2, ":2: nothing would change"),
    ({"fact": "plan", "set": {"quantity": 6}, "expect": "0" * 64}, 5, ":2: expect: event "),
    ([1], 2, ":2: a fact is an object, not a list"),
]


@pytest.mark.parametrize("line, code, said", BAD_LINES)
def test_one_bad_line_records_nothing(program: Program, news: Path, line: object, code: int, said: str) -> None:
    """It is named by its file and line."""
    before = program("export").stdout
    path = write(news / "corrections.jsonl", {"fact": "plan", "set": {"quantity": 4}}, line)
    sentence, _ = program.refused(code, "correct", "--file", path, "--misread", "--reason", "r", "--yes")
    assert f"{path}{said}" in sentence
    assert program("export").stdout == before


def test_a_document_is_dated_anew_with_all_that_hangs_on_it(program: Program, news: Path) -> None:
    """What it says is known from its new day, and early next year is another; what others said later stays."""
    talks = ("correct-document", news / "talks.txt", "--published", "2024-01-02", "--reason", "misdated", "--yes")
    result = program(*talks, "-o", "table", "--on", "2024-06-01")
    assert "document Talks\n  published      2023-12-26 → 2024-01-02\n" in result.stdout
    assert "  data.due  2024-01~/2024-04~ → 2025-01~/2025-04~\n" in result.stdout
    assert "  valid     2023-12-26/..     → 2024-01-02/..\n" in result.stdout
    assert program.answer("ask", "deliveries", "--as-of", "2024-01-01")["rows"] == []
    (row,) = program.answer("ask", "deliveries", "--as-of", "2024-01-02")["rows"]
    assert row["state"]["due"] == "2025-01~/2025-04~"
    assert in_force(program)["data"]["due"] == "2026"
    assert "0 events recorded, 2 duplicates" in program("import", news).stderr
    program("verify")


def answered(program: Program, answer: str, *args: str) -> tuple[int, str]:
    """Run a command on a terminal and answer its question; return its exit code and what is on the screen."""
    try:
        screen, terminal = pty.openpty()
    except OSError as error:
        pytest.skip(f"this machine has no pseudo terminal ({error}): nothing can be asked on one")
    with program.started(*args, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(screen, 4096)
        os.write(screen, f"{answer}\n".encode())
        with suppress(OSError):  # the terminal goes with its program
            while more := os.read(screen, 4096):
                shown += more
    os.close(screen)
    return process.returncode, shown.decode()


def test_on_a_terminal_the_question_is_answered_with_yes_or_no(program: Program) -> None:
    """Before and after stand above it; no records nothing."""
    before = program("export").stdout
    asked = ("correct", "plan", "--set", "quantity=4", "--misread", "--reason", "misread", *DAY)
    code, screen = answered(program, "n", *asked)
    assert (code, program("export").stdout) == (1, before)
    assert "data.quantity  5 → 4" in screen
    assert "Record 1 event? [y/N]" in screen
    assert "nothing is recorded" in screen
    code, screen = answered(program, "y", *asked)
    assert code == 0
    assert "1 event recorded at 3" in screen
    assert in_force(program)["data"]["quantity"] == 4
