"""Replays real lists: loads them through the public interface and checks every answer against the raw files.

Run as `scripts/replay_real [--data FOLDER] [--every N] [SET...]`. The folder, by default that of TIMELINE_REAL_DATA,
holds one folder a set, as each module of `real` names it. Everything is recorded in a temporary folder, with a Postgres
of its own. Prints one line a check; the exit code is 1 if one fails. Every set has a process of its own, so that the
peak memory it prints is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

from real import covid, gdp, icews, ofac, sipri, un
from real.frame import Report, Scene, Stopwatch

import timeline

SETS = {"ofac": ofac, "covid": covid, "gdp": gdp, "un": un, "sipri": sipri, "icews": icews}


def play(name: str, data: Path, home: Path, scratch: Path, every: int) -> None:
    """Replay one set in a timeline of its own; exit with 1 if a check failed."""
    played, report, clock = SETS[name], Report(name), Stopwatch()
    scratch.mkdir()
    with clock.running(), timeline.connect(home=home, timeline=name) as line:
        played.replay(
            Scene(
                line=line,
                data=data / played.FOLDER,
                scratch=scratch,
                report=report,
                whole=True,
                environment={"TIMELINE_HOME": str(home)},
                every=every,
            )
        )
    report.check("whole replay", not report.failed, f"{len(report.failed)} checks failed, {clock.seconds:.0f} s")
    sys.exit(bool(report.failed))


def main() -> int:
    """Replay the sets that are named, or all; return 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("TIMELINE_REAL_DATA"), help="folder of the raw files")
    parser.add_argument(
        "--every", type=int, default=28, help="ask for the whole view of every so many versions of ofac (28)"
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"{', '.join(SETS)}; default: all")
    given = parser.parse_args()
    unknown = set(given.sets) - SETS.keys()
    if unknown or not given.data:
        named = f"there is no set {min(unknown)!r}" if unknown else "name the folder: --data or TIMELINE_REAL_DATA"
        parser.error(named)
    data = Path(given.data).resolve()
    start = multiprocessing.get_context("spawn").Process
    failed = False
    with tempfile.TemporaryDirectory(prefix="timeline-replay-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        with timeline.connect(home=home):
            for name in given.sets or SETS:
                process = start(target=play, args=(name, data, home, Path(folder) / name, given.every))
                process.start()
                process.join()
                failed |= process.exitcode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
