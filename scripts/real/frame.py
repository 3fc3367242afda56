"""What every replay shares: a scene to play in, and a report that prints one line a check.

A replay loads real data through the public interface and holds every answer against an oracle: the raw files, read by
plain Python that knows nothing of the program's maps. What the two have in common is the file alone.
"""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from timeline import Timeline

MAPS = Path(__file__).parent / "maps"
COMMAND = (sys.executable, "-m", "timeline")


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent within `running`, summed up: on the wall, and those that this process used."""

    seconds: float = 0.0
    used: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time spent within."""
        started, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started
            self.used += time.process_time() - used


@dataclass(slots=True)
class Report:
    """The checks of one set: each is printed at once, and those that failed are remembered.

    Times are checked only where they are `judged`; they are always printed.
    """

    name: str
    judged: bool = True
    failed: list[str] = field(default_factory=list)

    def check(self, claim: str, holds: bool, figures: str = "") -> None:  # noqa: FBT001  what is checked is a yes or no
        """Print whether a claim holds, with figures."""
        if not holds:
            self.failed.append(claim)
        self._print("ok  " if holds else "FAIL", claim, figures)

    def equal(self, claim: str, found: object, expected: object) -> None:
        """Print whether what was found is what was expected: the figure, or both where they differ."""
        same = found == expected
        self.check(claim, same, f"{found}" if same else f"found {found}, expected {expected}")

    def within(self, claim: str, clock: Stopwatch, most: float, figures: str = "") -> None:
        """Print whether a time is within its bound."""
        told = f"{clock.seconds:.1f} s of {most:.0f} s ({clock.used:.1f} s in this process)"
        self.check(claim, clock.seconds <= most or not self.judged, f"{told}, {figures}" if figures else told)

    def _print(self, outcome: str, claim: str, figures: str) -> None:
        sys.stdout.write(f"{outcome} {self.name:<6} {claim}" + (f": {figures}\n" if figures else "\n"))
        sys.stdout.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a replay plays: an empty timeline, the raw files, a folder to write in, and the report.

    `whole` says that the data are all there, so that the gold answers of their README must come out. `environment`
    leads a command to the same database. Of a long series of versions the whole view is asked for `every` so many.
    """

    line: Timeline
    data: Path
    scratch: Path
    report: Report
    whole: bool
    environment: Mapping[str, str]
    every: int = 1

    def path(self, name: str) -> Path:
        """Return the path of a raw file, which may be packed."""
        plain = self.data / name
        return plain if plain.exists() else plain.with_name(f"{name}.gz")

    def bytes_of(self, name: str) -> bytes:
        """Return the content of a raw file, unpacked."""
        path = self.path(name)
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()

    def text_of(self, name: str) -> str:
        """Return the text of a raw file in UTF-8, unpacked, its line ends as they are."""
        return self.bytes_of(name).decode("utf-8")

    def timeline(self, name: str) -> Timeline:
        """Return a new timeline of the same database."""
        made = replace(self.line, name=name)
        made.create()
        return made

    def check_log(self) -> None:
        """Hash the whole log anew."""
        self.report.equal("events that are as recorded", self.line.verify(), self.line.stats()["events"])

    def check_views(self, line: Timeline | None = None) -> None:
        """Build every view of a timeline anew, by default of the scene's, and prove those that have rows.

        What was kept up while events arrived, if anything was, must be what is built from nothing.
        """
        line = line or self.line
        kinds = {entry.kind for entry in line.log()}
        for name in sorted(name for name, view in line.vocabulary.views.items() if view.kinds & kinds):
            self._check_view(line, name)

    def _check_view(self, line: Timeline, name: str) -> None:
        kept = [found["rows"] for found in line.views.status() if found["view"] == name and found["state"] == "serving"]
        building, proving = Stopwatch(), Stopwatch()
        with building.running():
            built = line.rebuild(name)
        with proving.running():
            proof = line.views.verify(line.vocabulary.view(name))
        stuck = list(line.views.errors(name))
        size = f"{built.events} events, {built.rows} rows of {proof.keys} keys"
        times = f"built in {building.seconds:.1f} s, verified in {proving.seconds:.1f} s, {mebibytes():.0f} MiB"
        sound = not built.differing and not stuck and proof.difference is None
        wrong = f"; {built.differing} rows differ, {built.differences[:1]}, {proof.difference}, {stuck[:1]}"
        claim = f"{name} kept up, built anew and folded again is the same" if kept else f"{name} is built as folded"
        self.report.check(claim, sound, f"{size}, {times}" + ("" if sound else wrong))

    def command(self, *arguments: str) -> Stopwatch:
        """Return the time that a whole command takes on the scene's timeline; a failure ends everything."""
        given = {**os.environ, **self.environment, "TIMELINE_TIMELINE": self.line.name}
        clock = Stopwatch()
        with clock.running():
            done = subprocess.run([*COMMAND, *arguments], env=given, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise SystemExit(f"timeline {' '.join(arguments)} failed:\n{done.stderr}")
        return clock


def mebibytes() -> float:
    """Return the peak memory of this process so far in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
