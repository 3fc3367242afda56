"""Two figures of the pandemic for four states, as they stood in 547 versions.

What the raw file says, counted without the program:

- 129,638 rows, each (state, day, version) once; a row states both figures as they stood in that version.
- `percent_cli` is empty in 2,792 rows, always before its first value: no value ever becomes empty again. 16 of the
  2,192 pairs of state and day never get one.
- First values: 2,176 of `percent_cli`, 2,192 of `case_rate_7d_av`. Changes to another number: 114,948 and 7,190.
- Of those 7,190 the noise of a float (one part in 10^16) makes 136, and another 631 are one figure printed with seven
  decimals and in full (at most 1.6e-8 apart). The least true change is 1.9e-7; of `percent_cli`, which has no such
  noise, 6.1e-8. A tolerance of 2e-8 parts the two.
"""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import TYPE_CHECKING

from real.frame import MAPS, Scene
from real.versions import Cell, Table, check_all, check_asked, load

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "covid-archive-versions"
TABLE = "cases_doctorvisits_versions.csv"
MAP = MAPS / "covid.toml"
MEASURES = ("percent_cli", "case_rate_7d_av")
TOLERANCE = 2e-8
NOISY = "fl/2020-06-01/case_rate_7d_av"
"""Printed as 3.3815746709521317 and as 3.381574670952132."""


def replay(scene: Scene) -> None:
    """Record the table with its versions, then ask as known at each of them."""
    table = Table.of(cells(scene), TOLERANCE)
    load(scene, scene.path(TABLE), MAP, table, 30)
    scene.report.equal("values that become empty again", table.news()[2], 0)
    check_all(scene, table)
    check_asked(scene, table, 1)
    check_noise(scene, table)
    if scene.whole:
        check_gold(scene)
    scene.check_log()
    scene.check_views()


def check_noise(scene: Scene, table: Table) -> None:
    """See that a figure printed in two ways is one value: no version of a fact repeats the one before."""
    repeated, before = 0, dict[str, float]()
    for entry in scene.line.log():
        value = entry.data["value"]
        repeated += entry.fact in before and table.same(before[entry.fact], value)
        before[entry.fact] = value
    scene.report.equal("corrections that are the noise of a float", repeated, 0)


def check_gold(scene: Scene) -> None:
    """Hold a few values against the gold answers."""
    for known, expected in (("2020-12-23", 20.703264), ("2021-11-29", 18.974461)):
        facts = scene.line.facts(subject="ca", on="2020-12-20", known=known).facts
        found = next(entry.data["value"] for entry in facts if entry.data["measure"] == "percent_cli")
        scene.report.equal(f"percent_cli of California, 2020-12-20, as known {known}", found, expected)
    scene.report.equal(f"versions of {NOISY}", len(scene.line.show(f"covid/{NOISY}").versions), distinct(scene, NOISY))


def distinct(scene: Scene, fact: str) -> int:
    """Return how often a fact has another value than before, to eight significant figures."""
    texts = [f"{cell.value:.7e}" for cell in cells(scene) if cell.fact == fact and cell.value is not None]
    return 1 + sum(one != other for one, other in pairwise(texts))


def cells(scene: Scene) -> Iterator[Cell]:
    """Yield the values of the raw table."""
    for row in csv.DictReader(io.StringIO(scene.text_of(TABLE))):
        for measure in MEASURES:
            fact = f"{row['geo_value']}/{row['time_value']}/{measure}"
            value = float(row[measure]) if row[measure] else None
            yield Cell(fact, row["time_value"], row["version"], value)
