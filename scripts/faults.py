"""Kills parts of the program at random moments, and checks that nothing is lost, doubled or stale afterwards.

Run as `scripts/faults [--rounds N] [--seed S]`: in each round a client records and asks, a worker keeps the views up,
sometimes a rebuild runs, and one of them is killed, or the server is, or one of its backends. Then everything is
started again and held against the log. `scripts/faults --race SECONDS` lets a rebuild in a loop race eight writers.
Everything happens in a temporary folder, with a Postgres of its own; only processes started here are killed, each by
its number. Prints a table; the exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from faulting import findings
from faulting.parts import VIEW, Stage, client, rebuild, started, worker, writer

from timeline import database, server
from timeline.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.process import BaseProcess
    from random import Random

    from timeline.app import Timeline

VICTIMS = ("client", "worker", "rebuild", "backend", "server")
SAME = 8
"""Rounds that one timeline lasts: a longer log would only take longer to check."""
LONGEST = 0.7
WRITERS = 8
PATIENCE = 30
GLANCE = 0.05
EXPECTED = {0, 4, 5, -signal.SIGKILL}
"""How a command may end whose server is killed, or whose view somebody else is building."""


@dataclass(slots=True)
class Place:
    """A server in a folder, started again whenever it was killed."""

    home: Path
    url: str = ""
    _held: ExitStack = field(default_factory=ExitStack)

    def up(self) -> str:
        """Return the address of the server, which runs now."""
        before, self._held = self._held, ExitStack()
        given = os.environ.get("TIMELINE_TEST_BINARIES")
        self.url = self._held.enter_context(server.running(self.home, binaries=Path(given) if given else None))
        before.close()
        return self.url

    def down(self) -> None:
        """Stop the server."""
        self._held.close()

    def processes(self) -> tuple[int, list[int]]:
        """Return the number of the server's first process, and those of its backends that have clients."""
        (path,) = self.home.glob("pg*/postmaster.pid")
        first = int(path.read_text().split()[0])
        return first, [number for number, parent, title in _running() if parent == first and "timeline" not in title]


def _running() -> Iterator[tuple[int, int, str]]:
    """Yield the processes of the system: number, number of the parent, and title."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            yield int(path.name), int(parent), (path / "cmdline").read_text()


@dataclass(slots=True)
class Count:
    """What came of the rounds in which one thing was killed."""

    rounds: int = 0
    builds: int = 0
    events: int = 0
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)


def play(home: Path, rounds: int, seed: int) -> dict[str, Count]:
    """Play some rounds and return what came of them, by what was killed."""
    counts, told = {name: Count() for name in VICTIMS}, set[str]()
    place = Place(home / "home")
    database.upgrade(place.up())
    try:
        for number in range(rounds):
            begun, folder = time.monotonic(), home / f"faults-{number // SAME}"
            folder.mkdir(exist_ok=True)
            stage = Stage(place.url, folder.name, folder, seed)
            chance = stage.chance(f"round-{number}")
            stage.create()
            victim = VICTIMS[number % len(VICTIMS)]
            count = counts[victim]
            found = _round(place, stage, victim, number, chance)
            interrupted, after = _checked(place, stage, chance)
            count.rounds, count.builds = count.rounds + 1, count.builds + interrupted
            count.seconds += time.monotonic() - begun
            fresh = [sentence for sentence in [*found, *after] if sentence not in told]
            count.found += [f"round {number} of seed {seed}, {victim}: {sentence}" for sentence in fresh]
            told |= {*fresh}
            count.events += findings.acknowledged(folder, number)
    finally:
        place.down()
    return counts


def _round(place: Place, stage: Stage, victim: str, number: int, chance: Random) -> list[str]:
    """Let the parts run, kill one of them, let the others go on for a while, and end those too."""
    parts = {"client": client, "worker": worker}
    if victim == "rebuild" or chance.random() < 0.5:  # noqa: PLR2004  every other round
        parts["rebuild"] = rebuild
    running = {name: started(stage, f"{name}-{number}", part) for name, part in parts.items()}
    time.sleep(chance.uniform(0, LONGEST))
    _kill(place, running, victim, chance)
    time.sleep(chance.uniform(0, LONGEST / 2))
    for process in running.values():
        process.kill()
        process.join()
    wrong = {name: process.exitcode for name, process in running.items() if process.exitcode not in EXPECTED}
    return [f"the {name} ended with {code}: {_last_words(stage, f'{name}-{number}')}" for name, code in wrong.items()]


def _last_words(stage: Stage, name: str) -> str:
    path = stage.folder / f"{name}.log"
    return " ".join((path.read_text() if path.exists() else "").splitlines()[-3:])


def _kill(place: Place, running: dict[str, BaseProcess], victim: str, chance: Random) -> None:
    if victim in running:
        running[victim].kill()
        return
    first, backends = place.processes()
    hit = {"server": [first, *(backends if chance.random() < 0.5 else [])], "backend": backends}[victim]  # noqa: PLR2004
    for number in hit if victim == "server" else [chance.choice(hit)]:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _checked(place: Place, stage: Stage, chance: Random) -> tuple[int, list[str]]:
    """Start again and return how many builds were interrupted, and all that is found to be wrong."""
    place.up()
    line, end = stage.line(), time.monotonic() + PATIENCE
    try:
        while True:
            try:
                findings.wait_until_alone(line, end)
                interrupted = len(findings.shadows(line))
                found = findings.of_log(line, stage.folder)
                found += findings.of_models(line, chance) + findings.of_catching_up(line, chance)
            except (Unavailable, Conflict):  # the server is recovering, or has not seen yet that a client is gone
                if time.monotonic() > end:
                    raise
                time.sleep(GLANCE)
            else:
                orphans = findings.tables(line)
                return interrupted, [*found, *([f"{orphans} tables belong to no model"] if orphans else [])]
    finally:
        line.engine.dispose()


# A race


def race(home: Path, seconds: float, seed: int) -> tuple[str, list[str]]:
    """Let a rebuild in a loop race writers; return what was done, and what is found to be wrong."""
    place = Place(home / "home")
    database.upgrade(place.up())
    folder = home / "race"
    folder.mkdir()
    stage = Stage(place.url, "race", folder, seed)
    line = stage.line()
    line.create()
    try:
        writers = [started(stage, f"writer-{number}", writer) for number in range(WRITERS)]
        built, found = _built(line, time.monotonic() + seconds)
        (folder / "enough").touch()
        for process in writers:
            process.join()
        found += [f"a writer ended with {process.exitcode}" for process in writers if process.exitcode]
        chance = stage.chance("race")
        found += findings.of_log(line, folder) + findings.of_models(line, chance)
        found += findings.of_catching_up(line, chance)
        events = line.stats()["position"]
    finally:
        line.engine.dispose()
        place.down()
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in sorted(built.items()))
    return f"{WRITERS} writers recorded {events} events in {seconds:.0f} s, builds: {outcomes}", found


def _built(line: Timeline, end: float) -> tuple[Counter[str], list[str]]:
    built, found = Counter[str](), list[str]()
    while time.monotonic() < end:
        try:
            done = line.rebuild(VIEW)
        except (Conflict, Unavailable) as error:
            built[f"not done ({error})"] += 1
        else:
            built["done"] += 1
            found += [f"a build differs from what answered: {done.differences[:1]}"] if done.differing else []
    return built, found


def main() -> int:
    """Play and print; return 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="how often something is killed (200)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000, help="what decides when and what")
    parser.add_argument("--race", type=float, metavar="SECONDS", help="race writers for so long instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="timeline-faults-") as folder:
        Path(folder).chmod(0o711)  # root's server runs as another user, who must be able to pass
        if given.race:
            done, found = race(Path(folder), given.race, given.seed)
            sys.stdout.write(f"{done}, seed {given.seed}\n")
        else:
            counts = play(Path(folder), given.rounds, given.seed)
            found = [sentence for count in counts.values() for sentence in count.found]
            _print(counts, given.seed)
    sys.stdout.writelines(f"FOUND {sentence}\n" for sentence in found)
    return int(bool(found))


def _print(counts: dict[str, Count], seed: int) -> None:
    sys.stdout.write(f"seed {seed}\nkilled    rounds  events  builds interrupted  seconds a round  findings\n")
    for name, count in counts.items():
        each = count.seconds / max(count.rounds, 1)
        sys.stdout.write(
            f"{name:<8}{count.rounds:>8}{count.events:>8}{count.builds:>20}{each:>17.1f}{len(count.found):>10}\n"
        )


if __name__ == "__main__":
    sys.exit(main())
