"""The command line on a real database: recording, asking, exporting, and the forms in which it prints."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from timeline.cli import app
from timeline.settings import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

QUOTE = "five batteries will be delivered"
PLAN = {"item": "S-400", "quantity": 5, "unit": "battery", "supplier": "Russia", "recipient": "India"}
FACT = {
    "fact": "plan",
    "kind": "delivery.scheduled",
    "subject": "s-400-india",
    "data": PLAN | {"due": "2024-01~/2024-04~"},
    "valid": "2023-12-26/..",
    "source": {"document": "talks.txt", "quote": QUOTE},
    "said_by": ["Denis Alipov"],
    "modality": "expected",
}
LATER = {**FACT, "action": "correct", "data": PLAN | {"due": "2026"}, "known": "2025-06-27", "reason": "rescheduled"}

runner = CliRunner()


class Program:
    """The program with a database of its own."""

    def __init__(self, url: str) -> None:
        """Remember the database."""
        self.environment = {"TIMELINE_DATABASE_URL": url, "COLUMNS": "100"}

    def __call__(self, *args: str | Path, given: str | None = None, code: int = 0) -> Result:
        """Run a command in this process; it must end with `code`."""
        result = runner.invoke(app, [str(arg) for arg in args], input=given, env=self.environment)
        assert result.exit_code == code, result.output
        return result

    def started(self, *args: str, **how: Any) -> subprocess.Popen[str]:  # noqa: ANN401
        """Start a command in a process of its own."""
        command = [sys.executable, "-m", "timeline", *args]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=os.environ | self.environment, **(pipes | how))


@pytest.fixture(scope="module")
def program(shared_database_url: str) -> Program:
    """Return the program on a database that this module shares: each test has a timeline of its own."""
    return Program(shared_database_url)


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Return a folder with a document, a fact read from it, and its later correction."""
    folder = tmp_path / "news"
    folder.mkdir()
    (folder / "talks.txt").write_text(f"Russia says {QUOTE} by early next year.")
    (folder / "talks.toml").write_text('title = "Talks"\npublisher = "Sputnik"\npublished = 2023-12-26\n')
    write(folder / "facts.jsonl", FACT, LATER)
    return folder


@pytest.fixture
def recorded(program: Program, news: Path, request: pytest.FixtureRequest) -> str:
    """Return the name of a timeline in which the folder is recorded."""
    name = f"t{abs(hash(request.node.nodeid))}"
    program("import", news, "--timeline", name)
    return name


def write(path: Path, *lines: object) -> Path:
    """Write values as JSON Lines, texts as they are."""
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_a_folder_is_recorded_once(program: Program, news: Path) -> None:
    """The same command again changes nothing and says so."""
    first = program("import", news, "--timeline", "once")
    again = program("import", news, "--timeline", "once")
    assert first.stderr == "2 events recorded at 1-2, 1 document\n"
    assert again.stderr == "0 events recorded, 2 duplicates\n"
    assert (first.stdout, again.stdout) == ("", "")


def test_a_dry_run_records_nothing(program: Program, news: Path) -> None:
    """It says what would be done."""
    assert "2 events would be recorded, 1 document" in program("import", news, "--timeline", "dry", "--dry-run").stderr
    assert "2 events recorded at 1-2" in program("import", news, "--timeline", "dry").stderr


def test_the_first_bad_line_refuses_all(program: Program, news: Path) -> None:
    """Code 2, the place with the field, and not a trace of the good lines."""
    path = write(news / "facts.jsonl", FACT, {**FACT, "fact": "b", "valid": "2023-13"})
    refused = program("import", news, "--timeline", "strict", code=2)
    assert refused.stderr.startswith(f"timeline: {path}:2: valid: ")
    program("stats", "--timeline", "strict", code=3)


def test_bad_lines_are_skipped_and_told_one_by_one(program: Program, news: Path) -> None:
    """Code 1, since there is something to look at; the good lines are recorded."""
    path = write(news / "facts.jsonl", FACT, "nonsense", {**FACT, "fact": "b", "kind": "delivery.shceduled"}, LATER)
    result = program("import", news, "--timeline", "skips", "--skip-bad", code=1)
    told = result.stderr.splitlines()
    assert told[0].startswith(f"{path}:2: not JSON")
    assert told[1].startswith(f"{path}:3: kind: ")
    assert told[-1] == "2 events recorded at 1-2, 1 document, 2 bad"


def test_other_content_is_a_conflict_unless_it_revises(program: Program, news: Path, recorded: str) -> None:
    """Code 5; with --revise it becomes a correction."""
    write(news / "facts.jsonl", {**FACT, "data": PLAN | {"due": "2025"}, "known": "2024-06-01"})
    program("import", news, "--timeline", recorded, code=5)
    assert "1 event recorded at 3" in program("import", news, "--timeline", recorded, "--revise").stderr


def test_facts_come_from_standard_input(program: Program) -> None:
    """A dash stands for it, and a place in it is named."""
    fact = {**FACT, "known": "2023-12-26"}
    del fact["source"]
    assert "1 event recorded" in program("import", "-", "--timeline", "stdin", given=json.dumps(fact)).stderr
    assert "standard input:1: " in program("import", "-", "--timeline", "stdin", given="{", code=2).stderr


def test_an_answer_is_json_with_its_basis(program: Program, recorded: str) -> None:
    """As it is written down for programs; asking by its token gives the same bytes."""
    asked = ("ask", "deliveries", "--timeline", recorded, "-o", "json")
    answer = program(*asked, "--on", "2024-06-01", "--known", "2023-12-31")
    fields = json.loads(answer.stdout)
    assert list(fields) == ["basis", "view", "version", "rows"]
    assert fields["basis"]["on"] == "2024-06-01"
    assert fields["basis"]["known"] == "2023-12-31T23:59:59.999999Z"
    assert fields["basis"]["recorded"] == 2
    columns = ["key", "state", "certainty", "disputed", "since", "until", "known_since", "facts"]
    assert [list(row) for row in fields["rows"]] == [columns]
    assert fields["rows"][0]["state"]["due"] == "2024-01~/2024-04~"
    assert "as of 2024-06-01, known 2023-12-31T23:59:59.999999Z, recorded 2\n" in answer.stderr
    assert program(*asked, "--basis", fields["basis"]["token"]).stdout == answer.stdout


def test_each_clock_is_asked_by_its_flag(program: Program, recorded: str) -> None:
    """The plan changed for the world in 2025, and for the store with its second event."""
    asked = ("ask", "deliveries", "s-400-india", "--timeline", recorded, "--on", "2025-12-01")
    for flags, due in (
        ((), "2026"),
        (("--known", "2025-06-26"), "2024-01~/2024-04~"),
        (("--recorded", "1"), "2024-01~/2024-04~"),
    ):
        assert json.loads(program(*asked, *flags).stdout)["state"]["due"] == due
    assert program("ask", "deliveries", "--timeline", recorded, "--as-of", "2023-12-25").stdout == ""


def test_rows_are_filtered_by_their_state(program: Program, recorded: str) -> None:
    """A filter that nothing passes leaves an empty answer, code 0, and a word about it."""
    asked = ("ask", "deliveries", "--timeline", recorded, "--on", "2024-06-01", "--known", "2023-12-31")
    assert len(program(*asked, "--where", "overdue=true").stdout.splitlines()) == 1
    empty = program(*asked, "--where", "overdue=false")
    assert empty.stdout == ""
    assert "no rows in deliveries for where overdue=false" in empty.stderr


def test_facts_are_listed_with_their_bounds(program: Program, recorded: str) -> None:
    """In the format of files, with their place in the log and the bounds of their days."""
    fields = json.loads(program("facts", "--timeline", recorded, "--kind", "delivery.scheduled", "-o", "json").stdout)
    (fact,) = fields["facts"]
    assert (fact["action"], fact["position"], fact["certainty"]) == ("correct", 2, "certain")
    assert (fact["first"], fact["last"]) == (["2023-12-26", "2023-12-26"], [None, None])
    assert (
        json.loads(program("facts", "--timeline", recorded, "--subject", "nobody", "-o", "json").stdout)["facts"] == []
    )


def test_a_fact_is_shown_with_its_versions_and_quote(program: Program, recorded: str) -> None:
    """Both clocks, who said it, the document, and the quote between what stands around it."""
    fields = json.loads(program("show", "plan", "--timeline", recorded, "-o", "json").stdout)
    first, second = fields["versions"]
    assert first["context"] == ["Russia says ", QUOTE, " by early next year."]
    assert first["document"]["publisher"] == "Sputnik"
    assert (first["said_by"], second["reason"]) == (["Denis Alipov"], "rescheduled")
    assert first["known"] < second["known"]
    assert first["recorded"] < second["recorded"]
    assert (
        f"Russia says »{QUOTE}« by early next year."
        in program("show", "plan", "--timeline", recorded, "-o", "table").stdout
    )
    program("show", "none", "--timeline", recorded, code=3)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("command", ["ask deliveries", "facts", "log", "show plan", "stats", "db status", "doctor"])
def test_every_command_prints_every_form(program: Program, recorded: str, command: str, form: str) -> None:
    """Each parses and holds as many rows; stdout holds nothing else, and nothing is cut."""
    asked = (*command.split(), "--timeline", recorded)
    expected = [json.loads(line) for line in program(*asked, "-o", "jsonl").stdout.splitlines()]
    text = program(*asked, "-o", form).stdout
    match form:
        case "json":
            found = json.loads(text)
            rows = next((value for value in reversed(found.values()) if isinstance(value, list)), [found])
            assert [list(row) for row in rows] == [list(row) for row in expected]
        case "jsonl":
            assert [json.loads(line).keys() for line in text.splitlines()] == [row.keys() for row in expected]
        case "csv":
            assert len(list(csv.DictReader(io.StringIO(text)))) == len(expected)
        case "md":
            assert len({line.replace(r"\|", "").count("|") for line in text.splitlines()}) == 1
        case "table":
            assert all(str(row[name]) in text for row in expected for name in ("fact", "key", "check") if name in row)
            assert "…" not in text


def test_the_form_may_be_pinned(program: Program, recorded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment; an explicit wish still wins."""
    monkeypatch.setenv("TIMELINE_OUTPUT", "csv")
    assert program("log", "--timeline", recorded).stdout.startswith("action,")
    assert program("log", "--timeline", recorded, "-o", "jsonl").stdout.startswith("{")


def test_an_export_is_the_same_after_an_import(program: Program, recorded: str, tmp_path: Path) -> None:
    """Byte for byte, on stdout and in a folder."""
    program("export", tmp_path / "one", "--timeline", recorded)
    program("import", tmp_path / "one", "--timeline", "copy")
    program("export", tmp_path / "two", "--timeline", "copy")
    for path in sorted((tmp_path / "one").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    lines = program("export", "--timeline", "copy").stdout
    assert lines == (tmp_path / "one" / "facts.jsonl").read_text()
    program("export", tmp_path / "one", "--timeline", recorded, code=2)


def test_what_is_unknown_is_told_apart(program: Program, recorded: str) -> None:
    """A view and a timeline are not found, an unknown key is an empty answer, an unread day is refused."""
    assert "Did you mean deliveries?" in program("ask", "deliverys", "--timeline", recorded, code=3).stderr
    program("log", "--timeline", "never-made", code=3)
    assert program("ask", "deliveries", "nothing", "--timeline", recorded).stdout == ""
    assert (
        "2024-03-04 or 2024-04-03"
        in program("ask", "deliveries", "--on", "03/04/2024", "--timeline", recorded, code=2).stderr
    )


def test_the_demo_records_the_samples_once_and_answers(program: Program) -> None:
    """Three steps, three answers with their basis; the store's earlier answer differs from the present one."""
    first = program("demo", "--timeline", "demo", "-o", "json")
    again = program("demo", "--timeline", "demo", "-o", "json")
    answers = json.loads(first.stdout)["answers"]
    assert len(answers) == 3
    assert all(answer["rows"] for answer in answers)
    assert again.stderr.count("0 events recorded") == 3
    for answer, repeated in zip(answers, json.loads(again.stdout)["answers"], strict=True):
        assert answer["rows"] == repeated["rows"]
    last = answers[2]
    view, key = last["command"].split()[2:4]
    now = json.loads(program("ask", view, key, "--on", last["basis"]["on"], "--timeline", "demo").stdout)
    assert now["state"] != last["rows"][0]["state"]
    assert "Russia, the EU" not in json.dumps(now)


def test_the_demo_keeps_out_of_other_peoples_facts(program: Program, recorded: str) -> None:
    """Nothing could be taken out again."""
    assert "timeline --timeline demo demo" in program("demo", "--timeline", recorded, code=5).stderr


def test_a_fresh_database_is_made_ready(fresh_database_url: str) -> None:
    """Before: code 4 and the command to type; afterwards every check of the doctor passes."""
    program = Program(fresh_database_url)
    assert "timeline init" in program("stats", code=4).stderr
    assert json.loads(program("db", "status", "-o", "json", code=1).stdout)["current"] is False
    assert '"check":"migrations","passed":false' in program("doctor", code=1).stdout
    program("init")
    assert json.loads(program("stats").stdout)["events"] == 0
    assert json.loads(program("db", "status", "-o", "json").stdout)["current"] is True
    assert "already at revision" in program("db", "upgrade").stderr
    program("doctor")


def test_the_doctor_sees_that_the_log_can_be_changed(fresh_database_url: str) -> None:
    """Code 1, and what to do about it."""
    import psycopg  # noqa: PLC0415

    program = Program(fresh_database_url)
    program("init")
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute("ALTER TABLE timeline.events DISABLE TRIGGER log_is_append_only")
    checks = json.loads(program("doctor", "-o", "json", code=1).stdout)["checks"]
    assert [check["check"] for check in checks if not check["passed"]] == ["append-only"]
    assert all(bool(check["fix"]) is not check["passed"] for check in checks)


def test_a_reader_that_goes_away_is_no_error(program: Program, tmp_path: Path) -> None:
    """As with `timeline log | head -1`: nothing on stderr."""
    fact = {**FACT, "known": "2023-12-26"}
    del fact["source"]
    many = write(tmp_path / "many.jsonl", *({**fact, "fact": f"plan-{number}"} for number in range(2_000)))
    program("import", many, "--timeline", "many")
    with program.started("log", "--timeline", "many") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_an_interrupted_import_leaves_nothing(program: Program) -> None:
    """Code 130, one sentence, and the same command again completes it."""
    fact = {**FACT, "known": "2023-12-26"}
    del fact["source"]
    with program.started("import", "-", "--timeline", "broken", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        for number in range(5_000):
            process.stdin.write(json.dumps({**fact, "fact": f"plan-{number}"}) + "\n")
        process.stdin.flush()
        time.sleep(2)  # the rest of the input never comes
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read().startswith("timeline: interrupted\n")
    program("stats", "--timeline", "broken", code=3)
