"""Gross domestic product of four areas by quarter, in 89 vintages.

What the raw file says, counted without the program:

- 47,980 rows, each (area, quarter, vintage) once, no empty value: 716 first values, 33,086 changes, 14,178 repeats.
- 183 changes are smaller than one part in 10^12; from there the sizes rise without a gap, so that no tolerance parts
  noise from revision, and none is set.
- Three vintages of Switzerland leave out quarters that they had before: 2004Q1 40 of them, 2005Q2 and 2006Q1 four each.
  A row that is not there says nothing, so their last values stay: 80 values that a vintage does not repeat.
- A vintage is named by its quarter of publication alone.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from real.frame import MAPS, Scene
from real.versions import Cell, Table, check_all, check_asked, load

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "gdp-vintages"
TABLE = "gdp_4areas_vintages.csv"
MAP = MAPS / "gdp.toml"
GOLD = {"2009-01-01": -1.6, "2010-01-01": -1.371, "2015-01-01": -2.113, "2024-10-01": -2.189}
"""Growth of the fourth quarter of 2008 over the third, in the United States, in percent."""
LEVELS = 11
"""How many distinct levels that fourth quarter has had."""


def replay(scene: Scene) -> None:
    """Record the table with its vintages, then read each of them back."""
    table = Table.of(cells(scene), 0)
    load(scene, scene.path(TABLE), MAP, table, 30)
    check_all(scene, table)
    check_asked(scene, table, 10)
    if scene.whole:
        check_gold(scene)
    scene.check_log()
    scene.check_views()


def check_gold(scene: Scene) -> None:
    """Hold the growth at the turn of 2008 against the gold answers."""
    for known, expected in GOLD.items():
        before, after = (level(scene, day, known) for day in ("2008-08-15", "2008-11-15"))
        growth = round((after / before - 1) * 100, 3)
        scene.report.equal(f"growth of the fourth quarter of 2008 in the US, as known {known}", growth, expected)
    levels = {entry.data["value"] for entry in scene.line.show("gdp/US/2008-10-01").versions}
    scene.report.equal("levels that this quarter has had", len(levels), LEVELS)


def level(scene: Scene, day: str, known: str) -> float:
    """Return the product of the United States in the quarter of a day, as known then."""
    (entry,) = scene.line.facts(subject="US", on=day, known=known).facts
    return float(entry.data["value"])


def cells(scene: Scene) -> Iterator[Cell]:
    """Yield the values of the raw table."""
    for row in csv.DictReader(io.StringIO(scene.text_of(TABLE))):
        yield Cell(f"{row['id']}/{row['time']}", row["time"], row["pub_date"], float(row["value"]))
