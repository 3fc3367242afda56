"""Measures what the README states: start-up, one answer, a large import and a whole view, as whole commands.

Run as `scripts/measure [--events N] [--runs N]`. Everything happens in a temporary folder, with an embedded Postgres
of its own. Prints one line a measure: the median and the range of wall seconds, and the peak memory of the command
itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import timeline

COMMAND = [sys.executable, "-m", "timeline"]
MONTHS = 12
SUBJECTS = 20_000


@dataclass(frozen=True)
class Run:
    """One run of a command: wall seconds and peak memory in MiB."""

    seconds: float
    mebibytes: float


def run(arguments: list[str], home: Path) -> Run:
    """Run a command with its output thrown away; a failure ends everything."""
    environment = {**os.environ, "TIMELINE_HOME": str(home)}
    with tempfile.TemporaryFile("w+") as said:
        streams = {"stdout": subprocess.DEVNULL, "stderr": said}
        started = time.perf_counter()
        process = subprocess.Popen([*COMMAND, *arguments], env=environment, **streams)  # noqa: S603
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            said.seek(0)
            raise SystemExit(f"timeline {' '.join(arguments)} failed:\n{said.read()}")
    return Run(seconds, usage.ru_maxrss / 1024)


def report(name: str, runs: list[Run], events: int = 0) -> None:
    """Print a measure."""
    seconds = [found.seconds for found in runs]
    median = statistics.median(seconds)
    rate = f", {events / median:,.0f} events/s" if events else ""
    memory = max(found.mebibytes for found in runs)
    spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
    sys.stdout.write(f"{name:<46} {median:7.2f} s ({spread}), {memory:5.0f} MiB{rate}\n")
    sys.stdout.flush()


def facts(path: Path, events: int) -> None:
    """Write facts of many subjects over a year, of which one in twenty corrects an earlier one."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(events):
            corrects = number % 20 == 19  # noqa: PLR2004
            about = number - 10 if corrects else number
            month = about % MONTHS + 1
            fields = {
                "action": "correct" if corrects else "assert",
                "fact": f"f{about}",
                "kind": "observation",
                "subject": f"subject-{about % SUBJECTS}",
                "data": {"measure": "share", "value": number / 4, "unit": "percent"},
                "valid": f"2023-{month:02d}",
                "known": f"2024-{month:02d}-{number % 28 + 1:02d}",
            }
            file.write(json.dumps(fields) + "\n")


def main() -> None:
    """Measure everything once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="events in the large import (default 100,000)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each short command (default 7)")
    given = parser.parse_args()
    sys.stdout.write(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    with tempfile.TemporaryDirectory(prefix="timeline-measure-") as folder, ExitStack() as held:
        home = Path(folder) / "home"
        Path(folder).chmod(0o755)
        report("timeline --help", [run(["--help"], home) for _ in range(given.runs)])
        report("first demo (makes the database)", [run(["demo"], home)])
        report("second demo", [run(["demo"], home)])
        one = ["ask", "deliveries", "s-400-india", "--as-of", "2023-12-26"]
        report("ask one key, server started and stopped", [run(one, home) for _ in range(given.runs)])
        held.enter_context(timeline.connect(home=home))
        report("ask one key, server running", [run(one, home) for _ in range(given.runs)])
        path = Path(folder) / "facts.jsonl"
        facts(path, given.events)
        large = ["--timeline", "large"]
        report(f"import {given.events:,} events", [run([*large, "import", str(path)], home)], given.events)
        report("the same import again", [run([*large, "import", str(path)], home)], given.events)
        whole = [*large, "ask", "observations", "--on", "2023-06-15"]
        report("first ask of a whole view (which stores it)", [run(whole, home)], given.events)
        report("ask of a whole view", [run(whole, home) for _ in range(3)])
        report("facts of them on a day", [run([*large, "facts", "--on", "2023-06-15"], home)], given.events)


if __name__ == "__main__":
    main()
