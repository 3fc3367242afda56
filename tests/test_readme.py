"""The README tells the truth: its commands run as printed, its files load, and what it shows is what comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import timeline
from timeline.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELLIPSIS = "…"
LONGEST = 400


@dataclass(frozen=True)
class Step:
    """A command as printed, and the lines that the README shows of what it prints."""

    command: str
    shown: tuple[str, ...]


def steps(block: str) -> list[Step]:
    """Return the commands of a console block; a here-document belongs to its command."""
    found: list[Step] = []
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line.removeprefix("$ ")
            if command.endswith("<<'END'"):
                command = "\n".join([command, *iter(lambda: next(lines), "END"), "END"])
            found.append(Step(command, ()))
        else:
            found[-1] = Step(found[-1].command, (*found[-1].shown, line))
    return found


def stands_in_order(shown: tuple[str, ...], printed: list[str]) -> str | None:
    """Return the first shown line that is not printed after the one before.

    An ellipsis stands for anything; how far columns lie apart depends on what else is printed, and does not matter.
    """
    rest = iter(printed)
    for line in shown:
        pattern = ".*".join(re.escape(part) for part in " ".join(line.split()).split(ELLIPSIS))
        if not any(re.fullmatch(pattern, " ".join(candidate.split())) for candidate in rest):
            return line
    return None


@pytest.fixture
def environment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of a user who has run the demo, in an empty folder, on a terminal."""
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {"TIMELINE_DATABASE_URL": database_url, "TIMELINE_OUTPUT": "table", "PATH": paths}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["demo"]).exit_code == 0
    return {**os.environ, **ours}


def test_every_block_runs_and_prints_what_is_shown(environment: dict[str, str]) -> None:
    """In order of the page: commands are run in a shell, files written, Python executed."""
    for language, block in BLOCK.findall(README):
        file = re.match(r"# ([\w.]+)\n", block)
        if language == "console":
            for step in steps(block):
                _run(step, environment)
        elif language in {"python", "toml"} and file:
            Path(file[1]).write_text(block, "utf-8")
        elif language == "python":
            exec(compile(block, "README.md", "exec"), {})  # noqa: S102  our own page


def _run(step: Step, environment: dict[str, str]) -> None:
    shell = ["bash", "-c", step.command]
    ran = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    printed = [*ran.stdout.splitlines(), *ran.stderr.splitlines()]
    missing = stands_in_order(step.shown, printed)
    assert missing is None, f"{step.command}\ndoes not print\n{missing}\nbut\n{ran.stdout}{ran.stderr}"


def test_the_readme_is_the_only_manual_and_short() -> None:
    """It has at most 400 lines, and names every view and kind that there is."""
    from timeline import vocabulary  # noqa: PLC0415

    assert len(README.splitlines()) <= LONGEST
    words = vocabulary.load()
    for view in words.views:
        assert f"| `{view}` |" in README
    for kind in words.kinds:
        prefix, _, suffix = kind.partition(".")
        assert f"`{kind}`" in README or (f"`{prefix}." in README and f"`.{suffix}`" in README), kind


def test_every_command_stands_in_the_readme() -> None:
    """No command is without a word, and none is promised that is not there."""
    commands = {command.name or command.callback.__name__ for command in _commands() if command.callback}
    table = README[README.index("## Command line") :]
    for name in commands:
        assert f"`{name}" in table or f" {name}" in table, name


def _commands() -> list[typer.models.CommandInfo]:
    groups = [group.typer_instance for group in app.registered_groups]
    return [command for group in groups if group for command in group.registered_commands]


def test_the_package_has_few_public_names() -> None:
    """At most twenty names, each of them there."""
    assert len(timeline.__all__) <= 20
    for name in timeline.__all__:
        assert getattr(timeline, name)
