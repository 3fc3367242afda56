"""The consolidated list of the UN Security Council in eight dated versions, from XML through JSON Lines.

What the raw files say, counted without the program (runs of white space made one; without DATAID, VERSIONNUM and keys
of sorting; a part that says nothing is as one that is not there):

| version | entries | listed | removed | amended |
|---|---|---|---|---|
| 2017-06-20 | 1,024 | | | |
| 2017-06-30 | 1,024 | 0 | 0 | 1 |
| 2017-07-03 | 1,021 | 0 | 3 | 0 |
| 2018-08-24 | 1,098 | 92 | 15 | 40 |
| 2018-10-29 | 1,093 | 3 | 8 | 9 |
| 2024-09-21 | 875 | 61 | 279 | 664 |
| 2024-09-26 | 875 | 0 | 0 | 0 |
| 2026-02-27 | 1,003 | 134 | 6 | 171 |

- The days are those of the files' own dateGenerated, in New York until 2018: in UTC 2017-07-03 is already the 4th.
- The re-issue of 2017-06-30 is not quite the list of 2017-06-20: QDi.058 got a link. That of 2024-09-26 is.
- REFERENCE_NUMBER is unique in every version; one is printed with a blank behind it. DATAID was reassigned five times.
- 84 entries under Iran stand in 2017 and 2018, none in 2024, and 121 in 2026, those 84 among them, all with LISTED_ON
  of 2006 to 2012: on 2024-06-01 nobody had seen any of them listed.
- 2024-09-21 removes 25.5 % at once, which is true; a limit of 20 % would refuse it.
- LISTED_ON of TAi.004 is corrected on 2018-08-24 from 2001-01-31 to 2000-04-12.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from real.frame import MAPS, Scene, Stopwatch, mebibytes

from timeline import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from timeline import Row

FOLDER = "un-sanctions-versions"
FILES = "un_consolidated_*.xml*"
SOURCE = "un"
MAP = MAPS / "un.toml"
IGNORED = {"DATAID", "VERSIONNUM", "LIST_TYPE", "SORT_KEY", "SORT_KEY_LAST_MOD"}
"""What is left out: numbers that are reassigned, the number of the edition, this list's name, and keys of sorting."""
LIMIT = 0.2
"""The share of entries that a version may remove unless the map says otherwise."""
NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
CHANGES = [(1_024, 0, 0), (0, 0, 1), (0, 3, 0), (92, 15, 40), (3, 8, 9), (61, 279, 664), (0, 0, 0), (134, 6, 171)]
"""Entries listed, removed and amended by each version."""

Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the list: when it was made, and its entries as columns by reference number."""

    made: datetime
    entries: Entries


def replay(scene: Scene) -> None:
    """Sync every version in order, then ask for every version, and for Iran in the years between."""
    held = list(versions(scene))
    load(scene, held)
    check_versions(scene, held)
    check_gap(scene, held)
    if scene.whole:
        check_gold(scene)
    scene.check_log()
    scene.check_views()


# Loading


def load(scene: Scene, held: list[Version]) -> None:
    """Sync the versions, and hold the counts of each run against the files."""
    clock, found, expected, before = Stopwatch(), [], [], Entries()
    for version in held:
        path = written(scene, version)
        changed = changes(before, version.entries)
        if changed[1] > LIMIT * len(before):
            check_limit(scene, version, path)
        with clock.running():
            run = scene.line.sync(path, source=SOURCE, known=version.made, map=MAP)
        found.append((run.added + run.returned, run.removed, run.amended))
        expected.append(changed)
        before = version.entries
        if found[-1] == (0, 0, 0):
            scene.report.equal(f"the re-issue of {version.made.date()} makes no event", run.outcome, "unchanged")
    figures = f"{scene.line.stats()['events']:,} events, {mebibytes():.0f} MiB"
    scene.report.within(f"{len(held)} versions synced in order", clock, 30, figures)
    scene.report.equal("entries listed, removed and amended by each", found, expected)
    if scene.whole:
        scene.report.equal("as counted before", expected, CHANGES)


def check_limit(scene: Scene, version: Version, path: Path) -> None:
    """See that a version that removes more than a limit allows is refused by it."""
    try:
        scene.line.sync(path, source=SOURCE, known=version.made, map=MAP, max_removed=LIMIT, dry_run=True)
    except Refused as refused:
        scene.report.check(f"{version.made.date()} is refused by the usual limit", True, refused.message)
    else:
        scene.report.check(f"{version.made.date()} is refused by the usual limit", False)


def written(scene: Scene, version: Version) -> Path:
    """Write a version as JSON Lines and return the file."""
    path = scene.scratch / "un.jsonl"
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in version.entries.values()), encoding="utf-8")
    return path


# Checking


def check_versions(scene: Scene, held: list[Version]) -> None:
    """Hold the view on each version's day against the published file, all columns."""
    wrong, rows = [], 0
    for version in held:
        answer = scene.line.ask("listings", on=version.made.date(), known=version.made)
        found = {row.key.rpartition("/")[2]: columns(row) for row in answer.rows if row.state["status"] == "listed"}
        keys = sorted(found.keys() | version.entries.keys())
        pairs = ((key, found.get(key), version.entries.get(key)) for key in keys)
        wrong += [f"{version.made.date()} {key}: {one} for {other}" for key, one, other in pairs if one != other]
        rows += len(found)
    scene.report.check("each version's view is the published file, all columns", not wrong, f"{wrong[:1] or rows}")


def check_gap(scene: Scene, held: list[Version]) -> None:
    """See that whoever left the list and came back is listed before and after, and not in between."""
    back = {key: gap for key in held[-1].entries if (gap := _gap(key, held)) is not None}
    last = held[-1].made
    days: dict[date, dict[str, str | None]] = defaultdict(dict)
    for key, (before, away) in back.items():
        for version, status in ((before, "listed"), (away, None), (held[-1], "listed")):
            days[version.made.date()][key] = status
    wrong = []
    for day, expected in sorted(days.items()):
        rows = scene.line.ask("listings", on=day, known=last).rows
        found = {row.key.removeprefix("un/"): row.state["status"] for row in rows}
        wrong += [f"{key} on {day}: {found.get(key)}" for key, status in expected.items() if found.get(key) != status]
    scene.report.check("who left and came back was away in between", not wrong, f"{wrong[:3] or len(back)}")


def _gap(key: str, held: list[Version]) -> tuple[Version, Version] | None:
    """Return the last version before an entry left and the first without it, None if it never left and came back."""
    there = [key in version.entries for version in held]
    for number, (before, after) in enumerate(pairwise(there)):
        if before and not after:
            return held[number], held[number + 1]
    return None


def check_gold(scene: Scene) -> None:
    """See that LISTED_ON of years ago makes nobody listed on a day on which the list did not have him."""
    between = iran(scene, "2024-06-01")
    told = f"{len(between)} rows, {sorted(set(between))}"
    scene.report.check("nobody under Iran is listed on 2024-06-01 as known 2026-03", "listed" not in between, told)
    for day, expected in (("2018-10-29", 84), ("2024-09-21", 0), ("2026-02-27", 121)):
        scene.report.equal(f"under Iran, listed on {day}", iran(scene, day).count("listed"), expected)
    for known, expected in (("2018-08-23", "2001-01-31"), ("2018-08-25", "2000-04-12")):
        (row,) = scene.line.ask("listings", "un/TAi.004", on="2018-08-01", known=known).rows
        scene.report.equal(f"LISTED_ON of TAi.004 as known {known}", row.state["details"]["listed_on"], expected)


def iran(scene: Scene, day: str) -> list[str]:
    """Return the statuses on a day, as known in March 2026, of all entries under Iran."""
    rows = scene.line.ask("listings", on=day, known="2026-03-31").rows
    return [row.state["status"] for row in rows if row.state["programs"] == ["Iran"]]


def columns(row: Row) -> dict[str, Any]:
    """Return a row of the view as columns of the file."""
    state: dict[str, Any] = row.state
    told = {"reference": row.key.rpartition("/")[2], "name": state["name"], "program": state["programs"][0]}
    return told | state["details"]


# The oracle


def versions(scene: Scene) -> Iterator[Version]:
    """Yield the versions in order of the instant at which each file says it was made."""
    for path in sorted(scene.data.glob(FILES)):
        root = ET.fromstring(scene.bytes_of(path.name.removesuffix(".gz")))  # noqa: S314  files of a fixed origin
        found = (entry(item) for section in root for item in section)
        made = datetime.fromisoformat(root.attrib["dateGenerated"]).astimezone(UTC)
        yield Version(made, {one["reference"]: one for one in found})


def entry(item: ET.Element) -> dict[str, Any]:
    """Return an entry as columns: texts, and lists of texts for what may stand several times."""
    names = [text(item.find(name)) for name in NAMES]
    found: dict[str, Any] = {
        "reference": text(item.find("REFERENCE_NUMBER")),
        "name": " ".join(name for name in names if name),
        "program": text(item.find("UN_LIST_TYPE")),
        "type": item.tag.lower(),
    }
    for part in item:
        if part.tag in {*IGNORED, *NAMES, "REFERENCE_NUMBER", "UN_LIST_TYPE"}:
            continue
        name = part.tag.lower().removeprefix("individual_").removeprefix("entity_")
        if len(part):
            found.setdefault(name, []).extend(_parts(part))
        elif said := text(part):
            found[name] = said
    return {name: value for name, value in found.items() if value}


def _parts(part: ET.Element) -> list[str]:
    """Return the values of a part, or one text of all its fields."""
    if {field.tag for field in part} == {"VALUE"}:
        return [said for field in part if (said := text(field))]
    told = "; ".join(f"{field.tag.lower()}: {said}" for field in part if (said := text(field)))
    return [told] * bool(told)


def text(element: ET.Element | None) -> str:
    """Return the text of an element, every run of white space made one blank."""
    return " ".join((element.text or "").split()) if element is not None else ""


def changes(before: Entries, now: Entries) -> tuple[int, int, int]:
    """Return how many entries were listed, removed and amended."""
    amended = sum(before[key] != now[key] for key in now.keys() & before.keys())
    return len(now.keys() - before.keys()), len(before.keys() - now.keys()), amended
