"""The parts of the program that are killed: a client that records and asks, a worker, a rebuild, and writers.

Each runs in a process forked for it, and the portions in which models are built and followed are made small there, so
that a moment drawn at random falls between any two of their commits. A client writes down in a journal what it begins
and what was acknowledged, which outlives it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from timeline import append, following, rebuilding, vocabulary
from timeline.app import Timeline
from timeline.database import engine
from timeline.errors import Conflict, TimelineError, Unavailable
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from types import TracebackType

VIEW = "observations"
PORTION = 7
"""Events and rows after which a build or a follower commits."""
START = date(2023, 1, 1)
DAWN = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = 30
SUBJECTS = 500
"""What many writers write about: facts about a few keys all the time would soon overlap by the thousand."""
PAUSE = 0.02

_FORK = get_context("fork")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a round plays: the database, the timeline, a folder for journals, and what chance draws."""

    url: str
    timeline: str
    folder: Path
    seed: int

    def chance(self, name: str) -> Random:
        """Return what draws for a part, the same in every run."""
        return Random(f"{self.seed} {self.timeline} {name}")  # noqa: S311  repeatable, not secret

    def create(self) -> None:
        """Make the timeline, where it is new."""
        line = self.line()
        line.create()
        line.engine.dispose()

    def line(self) -> Timeline:
        """Return the timeline through connections of its own."""
        return Timeline(engine=engine(self.url), name=self.timeline, vocabulary=vocabulary.load())


def started(stage: Stage, name: str, part: Callable[[Stage, str], None]) -> BaseProcess:
    """Start a part in a process of its own; what it says goes into a file named for it."""
    process = _FORK.Process(target=_run, args=(stage, name, part), name=name, daemon=True)
    process.start()
    return process


def _run(stage: Stage, name: str, part: Callable[[Stage, str], None]) -> None:
    said = os.open(stage.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    chance = stage.chance(name)
    rebuilding.READ = rebuilding.FOLDED = following.FOLLOWED = PORTION
    following.FEW = chance.choice([0, 64])
    append.SMALL = chance.choice([0, 3, 1_000])
    part(stage, name)


# What they do


def worker(stage: Stage, _name: str) -> None:
    """Keep the views up: `timeline views run`."""
    command(stage, "views", "run")


def rebuild(stage: Stage, _name: str) -> None:
    """Build a view anew: `timeline views rebuild`."""
    command(stage, "views", "rebuild", VIEW)


def command(stage: Stage, *arguments: str) -> None:
    """Run a command of the program in this process."""
    from timeline.cli import app  # noqa: PLC0415  what only the parts need

    os.environ |= {"TIMELINE_DATABASE_URL": stage.url, "TIMELINE_TIMELINE": stage.timeline}
    app(list(arguments))


def client(stage: Stage, name: str) -> None:
    """Record and ask for ever; a batch that failed is recorded again until it is acknowledged."""
    line, chance = stage.line(), stage.chance(name)
    with journal(stage, name) as told:
        for number, batch in enumerate(_batches(chance, name)):
            told(f"begun {name}-{number} {len(batch)}")
            while not _done(told, line, batch):
                time.sleep(PAUSE)
            told(f"done {name}-{number}")
            if chance.random() < 0.5:  # noqa: PLR2004  every other time
                _ask(told, line, chance)


def writer(stage: Stage, name: str) -> None:
    """Record until a file says that it is enough."""
    line, chance = stage.line(), stage.chance(name)
    with journal(stage, name) as told:
        for number, batch in enumerate(_batches(chance, name, SUBJECTS)):
            if (stage.folder / "enough").exists():
                return
            told(f"begun {name}-{number} {len(batch)}")
            line.record(batch)
            told(f"done {name}-{number}")


class journal:  # noqa: N801  reads as what it is where it is used
    """A file that a part appends to, line by line, so that nothing is lost when it is killed."""

    def __init__(self, stage: Stage, name: str) -> None:
        """Name the file."""
        self._path = stage.folder / f"{name}.journal"

    def __enter__(self) -> Callable[[str], None]:
        """Return what writes a line."""
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return lambda line: _written(file, line)

    def __exit__(self, _kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        """Note what ended it, and where."""
        if error is not None:
            frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in extract_tb(trace)]
            said = f"{type(error).__name__}: {' '.join(str(error).split())} at {' '.join(frames)}"
            with self._path.open("a") as file:
                file.write(f"finding {self._path.stem} ended: {said}\n")


def _written(file: int, line: str) -> None:
    os.write(file, f"{line}\n".encode())


def _done(told: Callable[[str], None], line: Timeline, batch: list[dict[str, Any]]) -> bool:
    try:
        receipt = line.record(batch)
    except Unavailable:
        return False
    except TimelineError as error:
        told(f"finding a batch was refused: {error}")
        return True
    if receipt.recorded not in {0, len(batch)} or receipt.recorded + receipt.duplicates != len(batch):
        told(f"finding half a batch was recorded: {receipt}")
    return True


def _ask(told: Callable[[str], None], line: Timeline, chance: Random) -> None:
    """Ask for a view, and hold the answer against the log at the basis that it has."""
    try:
        answer = line.ask(VIEW, **basis(chance))
        computed = tuple(line._asker.folded(line.vocabulary.view(VIEW), None, answer.basis))  # noqa: SLF001  past what is stored
    except (Unavailable, Conflict):
        return
    if answer.rows != computed:
        told(f"finding a stale answer at {answer.basis.token}")


# What they record and ask


def basis(chance: Random) -> dict[str, Any]:
    """Return a day and an instant to ask by."""
    on = START + timedelta(days=chance.randrange(-1, DAYS + 1))
    return {"on": on, "known": DAWN + timedelta(hours=chance.randrange(24 * DAYS))}


def _batches(chance: Random, name: str, subjects: int = 3) -> Iterator[list[dict[str, Any]]]:
    """Yield batches of events of a client's own facts, about keys that all share; each has a reason of its own."""
    held: list[str] = []
    number = 0
    while True:
        batch: list[dict[str, Any]] = []
        for _ in range(chance.choice([1, 1, 2, 5, 12])):
            number += 1
            batch.append(_event(chance, held, f"{name}-{len(held)}", subjects) | {"reason": f"{name} {number}"})
            held += [batch[-1]["fact"]] if batch[-1]["action"] == "assert" else []
        yield batch


def _event(chance: Random, held: list[str], new: str, subjects: int) -> dict[str, Any]:
    known = format_instant(DAWN + timedelta(hours=chance.randrange(24 * DAYS)))
    action = chance.choice(["assert", "correct", "correct", "retract"]) if held else "assert"
    line = {"action": action, "fact": new if action == "assert" else chance.choice(held), "known": known}
    if action == "retract":
        return line
    first, last = sorted(START + timedelta(days=chance.randrange(DAYS)) for _ in range(2))
    valid = chance.choice([f"{first}", f"{first}/{last}", f"[{first}..{last}]", f"{first}/..", f"../{last}", "2023-01"])
    data = {"measure": chance.choice("mn"), "value": chance.randrange(3)}
    return {**line, "kind": "observation", "subject": f"s{chance.randrange(subjects)}", "data": data, "valid": valid}
