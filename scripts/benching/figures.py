"""Figures: what was measured, beside the goal that was set for it; and the machine that it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: what, how much, and the goal: `at_least` or `at_most`, where there is one."""

    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return {**{name: value for name, value in asdict(self).items() if value not in {None, ""}}, "met": self.met}

    def __str__(self) -> str:
        """Return the figure as a line of a table."""
        goal = f">= {self.at_least:,g}" if self.at_least is not None else ""
        goal = f"<= {self.at_most:,g}" if self.at_most is not None else goal
        met = {True: "met", False: "MISSED", None: ""}[self.met]
        note = f"  ({self.note})" if self.note else ""
        return f"  {self.what:<66} {_shown(self.value):>12} {self.unit:<14} {goal:<10} {met}{note}".rstrip()


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.3g}" if abs(value) < 1 else f"{value:,.2f}"  # noqa: PLR2004


def durations(step: Callable[[int], object], count: int, *, seconds: float = 30) -> list[float]:
    """Return the milliseconds of up to `count` steps; it ends early when they have taken too long, not before three."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    for number in range(count):
        began = time.perf_counter()
        step(number)
        ended = time.perf_counter()
        taken.append((ended - began) * 1_000)
        if ended > end and number > 1:
            break
    return taken


def in_turn(*steps: Callable[[int], object], count: int, block: int = 50, seconds: float = 60) -> list[list[float]]:
    """Return the milliseconds of several steps that take turns, so that what else the machine does falls on all."""
    taken: list[list[float]] = [[] for _ in steps]
    end = time.perf_counter() + seconds
    for first in range(0, count, block):
        for step, found in zip(steps, taken, strict=True):
            found.extend(durations(lambda number, at=first, step=step: step(at + number), min(block, count - first)))
        if time.perf_counter() > end:
            break
    return taken


@contextmanager
def apart(*servers: int) -> Iterator[None]:
    """Keep this program on one processor and some processes of a server on another, where the system lets one say so.

    Left to itself it wakes a server's process up beside who asks or elsewhere, as luck will have it, and that is worth
    as much as a short question.
    """
    everywhere = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(everywhere) < 2:  # noqa: PLR2004  one for each side
        yield
        return
    here, there, *_ = sorted(everywhere)
    try:
        for process in servers:
            os.sched_setaffinity(process, {there})
        os.sched_setaffinity(0, {here})
        yield
    finally:
        for process in (0, *servers):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(process, everywhere)


def middle(what: str, taken: Iterable[float], at_most: float | None = None) -> Figure:
    """Return the median of durations, with how many there were and how slow one in twenty was."""
    taken = sorted(taken)
    note = f"n {len(taken)}, p95 {_shown(taken[int(len(taken) * 0.95)])}"
    return Figure(what=what, value=statistics.median(taken), unit="ms p50", at_most=at_most, note=note)


def seconds_of(step: Callable[[], object]) -> float:
    """Return how long a step takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def machine() -> dict[str, str | int]:
    """Return what this machine is, as far as its figures depend on it."""
    processors, memory = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    models = [line.partition(":")[2].strip() for line in _read(processors) if line.startswith("model name")]
    kibibytes = next((int(line.split()[1]) for line in _read(memory) if line.startswith("MemTotal")), 0)
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_mib": kibibytes // 1024,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def peak_mebibytes() -> float:
    """Return the peak memory of this process since it was started.

    What getrusage says would be that of whoever started this process, where that was larger.
    """
    said = next((line for line in _read(Path("/proc/self/status")) if line.startswith("VmHWM")), None)
    if said is not None:
        return int(said.split()[1]) / 1024
    import resource  # noqa: PLC0415  for systems without /proc, whose unit is the byte

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
