"""Eight writers at once, each a process with one connection, one event a transaction: ours and bare inserters."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any

import psycopg
from benching.handwritten import inserting
from benching.shape import Shape

import timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier

WRITERS = 8
_PATIENCE_SECONDS = 120
_held: list[Barrier] = []


def rate(write: Callable[..., tuple[int, float, float]], url: str, names: list[str], seconds: float) -> float:
    """Return how many events a second are committed by writers to timelines of these names, one process each."""
    spawned = multiprocessing.get_context("spawn")
    barrier = spawned.Barrier(len(names))
    with spawned.Pool(len(names), _begin, (barrier,)) as pool:
        given = [(url, name, number, seconds) for number, name in enumerate(names)]
        done = pool.starmap_async(write, given, chunksize=1).get(timeout=_PATIENCE_SECONDS + 2 * seconds)
    began, ended = min(began for _, began, _ in done), max(ended for _, _, ended in done)
    return sum(count for count, _, _ in done) / (ended - began)


def ours(url: str, name: str, number: int, seconds: float) -> tuple[int, float, float]:
    """Record events in a timeline, one a transaction; return how many, and from when to when."""
    shape = Shape(100_000, seed=number)
    with timeline.connect(url, timeline=name) as line:
        line.create()

        def step(at: int) -> None:
            made: dict[str, Any] = shape.assertion(at)
            line.record([made | {"fact": f"{number}/{made['fact']}"}])

        return _written(step, seconds)


def bare(url: str, name: str, number: int, seconds: float) -> tuple[int, float, float]:
    """Insert finished rows, one a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        return _written(inserting(connection, f"{name}", 10_000_000 * (number + 1)), seconds)


def _begin(barrier: Barrier) -> None:
    _held.append(barrier)


def _written(step: Callable[[int], object], seconds: float) -> tuple[int, float, float]:
    """Take a few steps to get ready, wait for the others, and count the steps until time is up."""
    ready = 8
    for number in range(ready):
        step(number)
    _held[0].wait(_PATIENCE_SECONDS)
    began = time.monotonic()
    count = 0
    while time.monotonic() < began + seconds:
        step(ready + count)
        count += 1
    return count, began, time.monotonic()
