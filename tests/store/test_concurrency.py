"""Several writers at once, and writers that die: nothing lost, nothing reordered, nothing halved."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from makers import line

from timeline.append import Appender

if TYPE_CHECKING:
    from timeline.app import Timeline

SIZE = 7_000
IMPORTER = """
import sys
from timeline import vocabulary
from timeline.app import Timeline
from timeline.database import engine
sys.path.insert(0, {tests!r})
from makers import line
opened = Timeline(engine=engine(sys.argv[1]), name="main", vocabulary=vocabulary.load())
lines = [line(subject=f"s{{number}}") for number in range({size})]
print("ready", flush=True)
opened.record(lines)
print("done", flush=True)
"""


def _write(opened: Timeline, writer: int, rounds: int, shared: int) -> int:
    """Record some facts of this writer alone and some that every writer records, and return how many were new."""
    new = 0
    for turn in range(rounds):
        own = [line(subject=f"writer-{writer}", data={"measure": str(turn), "value": number}) for number in range(3)]
        new += opened.record([*own, line(subject=f"shared-{turn % shared}")]).recorded
    return new


@pytest.mark.parametrize("writers", [2, 4, 8])
def test_writers_at_once_lose_and_reorder_nothing(opened: Timeline, writers: int) -> None:
    """Every fact is there once, each writer's in the order in which it wrote them, in one unbroken chain."""
    rounds, shared = 12, 5
    with ThreadPoolExecutor(writers) as pool:
        new = sum(pool.map(lambda writer: _write(opened, writer, rounds, shared), range(writers)))
    log = list(opened.log())
    assert new == len(log) == writers * rounds * 3 + shared
    assert opened.verify() == len(log)
    for writer in range(writers):
        own = [entry for entry in log if entry.subject == f"writer-{writer}"]
        said = [(int(entry.data["measure"]), entry.data["value"]) for entry in own]
        assert said == [(turn, number) for turn in range(rounds) for number in range(3)]


def test_writers_of_different_timelines_do_not_wait(opened: Timeline, other: Timeline) -> None:
    """While one timeline's head is locked another takes events."""
    with opened.engine.connect() as connection:
        Appender(connection, opened.name).lock()
        assert other.record([line()]).recorded == 1
        connection.rollback()


def test_a_killed_import_leaves_all_or_nothing(opened: Timeline, database_url: str) -> None:
    """`kill -9` at random moments of an import: the log holds all of it or none, and importing again completes it."""
    chance = random.Random(20231226)  # noqa: S311  repeatable, not secret
    code = IMPORTER.format(tests=str(Path(__file__).parents[1]), size=SIZE)
    outcomes = []
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", code, database_url], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 1.2))
            process.send_signal(signal.SIGKILL)
        outcomes.append(opened.verify())
        assert outcomes[-1] in {0, SIZE}
    lines = [line(subject=f"s{number}") for number in range(SIZE)]
    receipt = opened.record(lines)
    assert receipt.recorded + receipt.duplicates == SIZE
    assert opened.verify() == SIZE
