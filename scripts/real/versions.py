"""Tables of versions: what such a table says as of each of its versions, and whether the program says the same.

The oracle is the table itself, put in order of version: a value stands from the version that states it until one that
states another. Values of the program that differ by no more than a tolerance are those of the table.

All values as known at every version are read from the log, by the rule and nothing else. What the program answers when
it is asked is read for a few days a version: asking for every day as known at every version would take hours.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isclose
from typing import TYPE_CHECKING

from real.frame import Stopwatch, mebibytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from real.frame import Scene

    from timeline import Entry

SEED = 20231226

Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table: the fact that it is about, a day on which that holds, the version, and the value if any."""

    fact: str
    day: str
    version: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a table by version, in order of version, and the tolerance within which two values are one."""

    versions: Mapping[str, list[Cell]]
    tolerance: float

    @classmethod
    def of(cls, cells: Iterable[Cell], tolerance: float) -> Table:
        """Return the table of cells in any order."""
        found: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            found[cell.version].append(cell)
        return cls(dict(sorted(found.items())), tolerance)

    def same(self, one: float | None, other: float | None) -> bool:
        """Return whether two values, or their absence, are one and the same."""
        if one is None or other is None:
            return one is other
        return one == other or isclose(one, other, rel_tol=self.tolerance, abs_tol=0)

    def news(self) -> tuple[int, int, int]:
        """Return how many values are a first, how many another than the one before, how many are none after one."""
        held: Values = {}
        first = other = none = 0
        for cell in self.cells():
            before = held.get(cell.fact)
            if cell.value is None:
                none += before is not None
                held.pop(cell.fact, None)
            elif not self.same(before, cell.value):
                first, other = first + (before is None), other + (before is not None)
                held[cell.fact] = cell.value
        return first, other, none

    def cells(self) -> Iterator[Cell]:
        """Yield all cells in order of version."""
        for cells in self.versions.values():
            yield from cells


@dataclass(slots=True)
class Wrong:
    """The readings that differ from the table: how many, and the first of them."""

    count: int = 0
    first: str = ""

    def add(self, reading: str) -> None:
        """Take one more."""
        self.first = self.first or reading
        self.count += 1

    def told(self, figures: str) -> str:
        """Return the figures, or what is wrong."""
        return f"{self.count:,} differ, first {self.first}" if self.count else figures


def load(scene: Scene, path: Path, how: Path, table: Table, seconds: float) -> None:
    """Record a table of versions, and hold the number of events against the table; then once more, for nothing."""
    clock = Stopwatch()
    with clock.running():
        scene.line.revise(path, how)
    events = scene.line.stats()["events"]
    rate = f"{events:,} events, {events / clock.seconds:,.0f} a second, {mebibytes():.0f} MiB"
    scene.report.within("recorded with their versions", clock, seconds, rate)
    first, other, none = table.news()
    scene.report.equal("events are first values, other values and values taken back", events, first + other + none)
    scene.line.revise(path, how)
    scene.report.equal("doing it again records nothing", scene.line.stats()["events"], events)


def named(entry: Entry) -> str:
    """Return the name that a fact has in the table: without its source."""
    return entry.fact.partition("/")[2]


def check_all(scene: Scene, table: Table) -> None:
    """Hold all values as known on each version's day, read from the log, against the table."""
    log = sorted((entry.known, entry.position, entry) for entry in scene.line.log())
    believed: Values = {}
    stated: Values = {}
    wrong, count, at = Wrong(), 0, 0
    for version, cells in table.versions.items():
        _put(stated, ((cell.fact, cell.value) for cell in cells))
        while at < len(log) and log[at][0].date().isoformat() <= version:
            entry = log[at][2]
            _put(believed, [(named(entry), None if entry.action == "retract" else entry.data["value"])])
            at += 1
        for fact in stated.keys() | believed.keys():
            count += 1
            if not table.same(believed.get(fact), stated.get(fact)):
                wrong.add(f"{fact} as known {version}: {believed.get(fact)} for {stated.get(fact)}")
    figures = f"{len(table.versions)} versions, {count:,} values"
    scene.report.check("all values as known at each version are the table's", not wrong.count, wrong.told(figures))


def check_asked(scene: Scene, table: Table, days: int) -> None:
    """Ask for the facts of a few days, drawn with a fixed seed, as known at each version."""
    drawn, clock = random.Random(SEED), Stopwatch()  # noqa: S311  a repeatable choice, not a secret
    stated: dict[str, Values] = defaultdict(dict)
    wrong, count, values = Wrong(), 0, 0
    for version, cells in table.versions.items():
        for cell in cells:
            _put(stated[cell.day], [(cell.fact, cell.value)])
        for day in drawn.sample(sorted(stated), min(days, len(stated))):
            with clock.running():
                facts = scene.line.facts(on=day, known=version).facts
            found = {named(entry): entry.data["value"] for entry in facts}
            expected = stated[day]
            count, values = count + 1, values + len(expected)
            if found.keys() != expected.keys() or not all(table.same(found[key], expected[key]) for key in found):
                wrong.add(f"{day} as known {version}: {found} for {expected}")
    figures = f"{count:,} questions, {values:,} values, {clock.seconds:.0f} s"
    scene.report.check("asked for days as known at each version, it answers so", not wrong.count, wrong.told(figures))


def _put(held: Values, given: Iterable[tuple[str, float | None]]) -> None:
    for fact, value in given:
        if value is None:
            held.pop(fact, None)
        else:
            held[fact] = value
