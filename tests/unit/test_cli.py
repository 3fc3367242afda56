"""The command line without a database: help, options that stand anywhere, and errors as words and codes."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from timeline.cli import app, frame, records
from timeline.cli.frame import hoisted
from timeline.cli.views import Building, _End
from timeline.errors import Conflict, Corrupt, NotFound, Outdated, Place, Refused, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    "init",
    "demo",
    "import",
    "export",
    "ask",
    "facts",
    "log",
    "show",
    "doctor",
    "stats",
    "views list",
    "views drop",
    "views status",
    "views rebuild",
    "views verify",
    "views pause",
    "views resume",
    "views errors",
    "views run",
    "db upgrade",
    "db status",
)
NOWHERE = {"TIMELINE_DATABASE_URL": "postgresql://nobody@/none?host=/nonexistent"}

runner = CliRunner()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Its help has a summary, an example that begins with the program's name, and its exit codes."""
    result = runner.invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert re.search(f"Example: timeline .*{command}", result.stdout)
    assert "Exit codes: 0 fine" in result.stdout


def test_the_summary_lists_every_command() -> None:
    """Each command of the program stands in its help, with one line about it."""
    result = runner.invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert all(f" {command.split()[0]} " in result.stdout for command in COMMANDS)


def test_nothing_slow_is_imported_for_help() -> None:
    """The packages that take long are imported by the commands that need them."""
    import subprocess  # noqa: PLC0415  this test alone needs a program that has imported nothing yet

    slow = ("sqlalchemy", "alembic", "psycopg", "pydantic", "rich.table", "rich.progress", "timeline.kinds")
    code = f"import sys, timeline.cli; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "given, expected",
    [
        (["ask", "a", "--timeline=x", "--debug"], ["--timeline=x", "--debug", "ask", "a"]),
        (["ask", "--", "--timeline", "x"], ["ask", "--", "--timeline", "x"]),
        (["ask", "--timeline"], ["--timeline", "ask"]),
        (["--home", "h", "stats"], ["--home", "h", "stats"]),
    ],
)
def test_options_of_all_commands_stand_anywhere(given: list[str], expected: list[str]) -> None:
    """They are moved to the front with their values; what follows two dashes is left alone."""
    assert hoisted(given) == expected


@pytest.mark.parametrize(
    "error, code",
    [
        (Refused("no"), 2),
        (Conflict("no"), 5),
        (NotFound("no"), 3),
        (Outdated("no"), 4),
        (Unavailable("no"), 4),
        (Corrupt("no"), 1),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 1),
        (ValueError("no"), 1),
    ],
)
def test_an_error_is_a_sentence_and_a_code(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    """Never a traceback, and always what to do next."""
    _raising(monkeypatch, error)
    result = runner.invoke(app, ["stats"])
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("timeline: ")
    assert "Traceback" not in result.stderr


def test_an_error_tells_place_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place stands first, the remedy on a line of its own."""
    error = Refused("is not a day", remedy="Write a day", place=Place("facts.jsonl", 3, "valid"))
    _raising(monkeypatch, error)
    result = runner.invoke(app, ["stats"])
    assert result.stderr == "timeline: facts.jsonl:3: valid: is not a day\n→ Write a day\n"


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever reports it."""
    _raising(monkeypatch, ValueError("no"))
    assert "Traceback" in runner.invoke(app, ["stats", "--debug"]).stderr


def test_whoever_stops_listening_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that goes away is no error."""
    monkeypatch.setattr(frame, "_forget_output", lambda: None)
    _raising(monkeypatch, BrokenPipeError())
    result = runner.invoke(app, ["stats"])
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "args, words",
    [
        (["nonsense"], "No such command"),
        (["ask"], "Missing argument"),
        (["ask", "sanctions", "--onn", "2023"], "No such option"),
        (["ask", "sanctions", "-o", "xml"], "is not a format"),
        (["import", "none.jsonl"], "there is no such file"),
        (["stats", "--timeline", "My News"], "is no name for a timeline"),
    ],
)
def test_a_mistake_in_the_command_is_told(args: list[str], words: str) -> None:
    """With code 2 and nothing on stdout, before any database is looked for."""
    result = runner.invoke(app, args, env=NOWHERE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_an_argument_that_is_no_text_is_told() -> None:
    """Bytes that are not UTF-8 come as half surrogates; nothing further in could say what is wrong with them."""
    result = runner.invoke(app, ["show", "\udcff"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == "timeline: '\\udcff' is not UTF-8"


def test_a_database_that_is_not_there_is_told() -> None:
    """With code 4."""
    for args in (["stats"], ["ask", "sanctions"], ["log"], ["init"], ["db", "status"]):
        result = runner.invoke(app, args, env=NOWHERE)
        assert result.exit_code == 4
        assert "cannot be reached" in result.stderr


def test_the_doctor_looks_without_making_anything(tmp_path: Path) -> None:
    """Without a database there is none afterwards."""
    result = runner.invoke(app, ["doctor", "--home", str(tmp_path / "home")], env={"TIMELINE_DATABASE_URL": ""})
    assert '"check":"server","passed":true' in result.stdout
    assert not (tmp_path / "home").exists()


def test_views_and_kinds_are_completed() -> None:
    """From the vocabulary alone."""
    for words, expected in (
        ("ask del", "deliveries"),
        ("facts --kind sanction.l", "sanction.lifted"),
        ("log -o ta", "table"),
    ):
        number = str(len(words.split()))
        asked = {"_TIMELINE_COMPLETE": "complete_bash", "COMP_WORDS": f"timeline {words}", "COMP_CWORD": number}
        result = runner.invoke(app, [], env=asked | NOWHERE, prog_name="timeline")
        assert result.stdout.split() == [expected]


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Now and then, on stderr, with the pace."""
    times = iter([0.0, 1.0, 11.0, 12.0])
    monkeypatch.setattr("timeline.cli.records.time.monotonic", lambda: next(times))
    with records.progress() as told:
        for done in (1_000, 11_000, 12_000):
            told(done)
    assert capsys.readouterr() == ("", "11,000 lines, 1,000 a second\n")


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the next command fail with this error."""

    def fail(_given: object) -> None:
        raise error

    monkeypatch.setattr("timeline.opening.opened", fail)


def test_progress_is_one_line_that_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal it is rewritten and taken away; elsewhere nothing is said before it has been going on for long."""
    told = Building("trade", _End(), moving=True)
    told("folded", 0, 1_000)
    time.sleep(0.01)
    told("folded", 500, 1_000)
    told.clear()
    lines = capsys.readouterr().err.split("\r")
    assert re.fullmatch(r"trade: folded 500 of 1,000 events, [\d,]+ a second, 0 s to go\x1b\[K", lines[2])
    assert lines[-1] == "\x1b[K"
    Building("trade", _End(), moving=False)("folded", 500, 1_000)
    assert capsys.readouterr().err == ""
