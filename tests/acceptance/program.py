"""The program as its users meet it: commands run against a database, and what a command that fails must look like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from timeline.cli import app

if TYPE_CHECKING:
    from typer.testing import Result

ROOT = Path(__file__).parents[2]

runner = CliRunner()


class Program:
    """The program with a database and a timeline."""

    def __init__(self, url: str, timeline: str = "main") -> None:
        """Remember the database and the timeline."""
        self.environment = {"TIMELINE_DATABASE_URL": url, "TIMELINE_TIMELINE": timeline, "COLUMNS": "100"}

    def __call__(self, *args: str | Path, given: str | None = None, code: int = 0) -> Result:
        """Run a command in this process; it must end with `code`."""
        result = runner.invoke(app, [str(arg) for arg in args], input=given, env=self.environment)
        assert result.exit_code == code, result.output
        return result

    def started(self, *args: str | Path, **how: Any) -> subprocess.Popen[str]:  # noqa: ANN401  as subprocess takes them
        """Start a command in a process of its own."""
        command = [sys.executable, "-m", "timeline", *map(str, args)]
        words = os.environ | {"PYTHONPATH": str(ROOT)} | self.environment
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=words, **(pipes | how))

    def answer(self, *args: str | Path) -> Any:  # noqa: ANN401  whatever JSON the command prints
        """Return what a command prints as JSON."""
        return json.loads(self(*args, "-o", "json").stdout)

    def refused(self, code: int, *args: str | Path) -> tuple[str, str]:
        """Run a command that must fail with `code`; return its one sentence and its remedy."""
        result = self(*args, code=code)
        return failure(result.stdout, result.stderr)


def failure(stdout: str, stderr: str) -> tuple[str, str]:
    """Return the sentence and the remedy of a command that failed; it may have printed nothing else."""
    assert stdout == ""
    said, remedy = stderr.splitlines()
    assert said.startswith("timeline: ")
    assert remedy.startswith("→ ")
    assert "fault in this program" not in said
    return said.removeprefix("timeline: "), remedy.removeprefix("→ ")
