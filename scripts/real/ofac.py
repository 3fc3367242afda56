"""The sanctions list of the US Treasury: 308 dated versions, synced in order and asked for one by one.

What the raw files say, counted without the program:

- 9,083 entries on 2021-08-18, 14,965 on 2024-05-03; 3,587,089 entry-rows in 308 versions on 295 days.
- `ent_num` is unique in every version, and no number that is gone ever comes back.
- From version to version 6,809 listings, 927 removals and 1,126 amendments: entries of which any column differs as
  printed. Stripping the cells changes none of the figures; with runs of white space made one there are 1,124.
- No two neighbouring versions are alike. The largest share removed at once is 1.6 %.
- Version 308, of 2024-05-04, is an empty file: the fetch failed, nobody was delisted.
- 2022-11-09: TORNADO CASH leaves as 38499 and enters as 39796 in one version.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from real.frame import MAPS, Scene, Stopwatch, mebibytes

from timeline import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline import Entry, Row

FOLDER = "ofac-sdn-history"
BASE = "base_2021-08-18.csv"
SOURCE = "ofac"
MAP = MAPS / "ofac.toml"
COLUMNS = (
    "ent_num",
    "sdn_name",
    "sdn_type",
    "program",
    "title",
    "call_sign",
    "vess_type",
    "tonnage",
    "grt",
    "vess_flag",
    "vess_owner",
    "remarks",
)
PROGRAM = "RUSSIA-EO14024"
TOTALS = (6_809, 927, 1_126)
GOLD = {
    "2022-02-21": (9_056, 15),
    "2022-02-23": (9_121, 69),
    "2022-02-25": (9_214, 139),
    "2022-03-01": (9_226, 147),
    "2022-12-31": (11_430, 1_843),
    "2023-12-27": (13_817, 3_527),
}
"""By the end of a day: entries, and those under a programme whose name holds PROGRAM. Four of the last are blocked
pending investigation, under BPI-RUSSIA-EO14024."""

Entries = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the list as it was published, and the instant at which it was seen."""

    number: int
    seen: datetime
    content: bytes

    @property
    def day(self) -> str:
        """Return the day on which it was seen."""
        return self.seen.date().isoformat()


def replay(scene: Scene) -> None:
    """Sync every version in order, then ask for every version."""
    runs = load(scene)
    check_runs(scene, runs)
    check_facts(scene)
    check_views(scene)
    check_empty(scene)
    check_unchanged(scene)
    if scene.whole:
        check_gold(scene)
    scene.check_log()
    scene.check_views()


# Loading


def load(scene: Scene) -> list[tuple[int, int, int]]:
    """Sync all versions but the empty one; return what each added, removed and amended."""
    clock, counts, path = Stopwatch(), [], scene.scratch / "sdn.csv"
    for version in versions(scene):
        path.write_bytes(version.content)
        with clock.running():
            run = scene.line.sync(path, source=SOURCE, known=version.seen, map=MAP)
        counts.append((run.added, run.removed, run.amended))
    events = scene.line.stats()["events"]
    figures = f"{len(counts)} versions, {events:,} events, {mebibytes():.0f} MiB"
    scene.report.within("synced in order", clock, 180, figures)
    return counts


# Checking


def check_runs(scene: Scene, runs: list[tuple[int, int, int]]) -> None:
    """Hold what each run added, removed and amended against two neighbouring files."""
    before: Entries = {}
    wrong = []
    for version, run in zip(versions(scene), runs, strict=True):
        now = entries(version.content)
        if run != (changed := changes(before, now)):
            wrong.append((version.number, run, changed))
        before = now
    scene.report.check("each run counts what the files show", not wrong, f"{wrong[:3] or len(runs)}")
    if scene.whole:
        totals = tuple(map(sum, zip(*runs[1:], strict=True)))
        scene.report.equal("listings, removals and amendments after the base", totals, TOTALS)


def check_facts(scene: Scene) -> None:
    """Hold the facts that surely hold on a version's day, as known at its instant, against the published file."""
    wrong, count, rows, clock = [], 0, 0, Stopwatch()
    for version in versions(scene):
        now, day = entries(version.content), version.seen.date()
        with clock.running():
            _, facts = scene.line.stream_facts(kind="entry.listed", on=day, known=version.seen)
            found = dict(_entry(fact) for fact in facts if fact.valid and fact.valid.certain(day))
        if found != now:
            wrong.append((version.number, difference(found, now)))
        count, rows = count + 1, rows + len(now)
    told = f"{count} versions, {rows:,} entries, {clock.seconds:.0f} s"
    scene.report.check("each version's facts are the published file, all columns", not wrong, f"{wrong[:2] or told}")


def check_views(scene: Scene) -> None:
    """Hold the view on a version's day, as known at its instant, against the published file."""
    wrong, views, rows, clock = [], 0, 0, Stopwatch()
    for version in versions(scene):
        if version.number % scene.every == 0:
            now = entries(version.content)
            with clock.running():
                answer = scene.line.ask("listings", on=version.day, known=version.seen)
            if (found := listed(answer.rows)) != now:
                wrong.append((version.number, difference(found, now)))
            views, rows = views + 1, rows + len(now)
    told = f"{views} versions, {rows:,} entries, {clock.seconds:.0f} s"
    scene.report.check("a version's view is the published file, all columns", not wrong, f"{wrong[:2] or told}")


def check_empty(scene: Scene) -> None:
    """See that the empty file is refused and delists nobody."""
    *_, last = versions(scene)
    path = scene.scratch / "empty.csv"
    path.write_bytes(b"")
    head = scene.line.stats()["position"]
    known = datetime.fromisoformat(manifest(scene)[-1]["observed_at"])
    try:
        scene.line.sync(path, source=SOURCE, known=known, map=MAP)
    except Refused as refused:
        scene.report.check("the empty file is refused", True, refused.message)
    else:
        scene.report.check("the empty file is refused", False)
    outcomes = [run.outcome for run in scene.line.runs(SOURCE)]
    scene.report.equal("the refused look is kept as a run", outcomes[-1], "refused")
    rows = scene.line.ask("listings", on=known.date(), known=known).rows
    still = scene.line.stats()["position"] == head and listed(rows) == entries(last.content)
    scene.report.check("nobody is delisted by it", still, f"{len(rows):,} entries")


def check_unchanged(scene: Scene) -> None:
    """Time one sync of an unchanged list as a whole command."""
    *_, last = versions(scene)
    path = scene.scratch / "sdn.csv"
    path.write_bytes(last.content)
    head = scene.line.stats()["position"]
    given = ("--source", SOURCE, "--known", "2024-05-04T07:00:00Z", "--map", str(MAP))
    clock = scene.command("sync", str(path), *given)
    scene.report.within("an unchanged sync as a whole command", clock, 3)
    scene.report.equal("it records no event", scene.line.stats()["position"], head)


def check_gold(scene: Scene) -> None:
    """Hold the counts at the end of a few days against the gold answers."""
    for day, expected in GOLD.items():
        found = listed(scene.line.ask("listings", as_of=day).rows)
        under = sum(PROGRAM in entry["program"] for entry in found.values())
        scene.report.equal(f"entries, and those under {PROGRAM}, as of {day}", (len(found), under), expected)
    found = listed(scene.line.ask("listings", as_of="2022-11-09").rows)
    scene.report.equal("TORNADO CASH enters anew", ("38499" in found, "39796" in found), (False, True))


def listed(rows: tuple[Row, ...]) -> Entries:
    """Return rows of the view that are surely listed, as columns of the file."""
    return {row.key.rpartition("/")[2]: _columns(row) for row in rows if row.state["status"] == "listed"}


def _entry(fact: Entry) -> tuple[str, dict[str, str]]:
    number, data = fact.subject.rpartition("/")[2], fact.data
    told = {"ent_num": number, "sdn_name": data["name"], "program": "] [".join(data["program"])}
    return number, told | data.get("details", {})


def _columns(row: Row) -> dict[str, str]:
    state: dict[str, Any] = row.state
    told = {"ent_num": row.key.rpartition("/")[2], "sdn_name": state["name"], "program": "] [".join(state["programs"])}
    return told | state.get("details", {})


def difference(found: Entries, expected: Entries) -> str:
    """Return in a few words where two readings differ."""
    keys = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    return f"{len(keys)} entries differ, such as {keys[0]}: {found.get(keys[0])} for {expected.get(keys[0])}"


# The oracle


def manifest(scene: Scene) -> list[dict[str, str]]:
    """Return the list of all versions, the empty one last."""
    return list(csv.DictReader(io.StringIO(scene.text_of("manifest.csv"))))


def versions(scene: Scene) -> Iterator[Version]:
    """Yield every version but the empty one, byte for byte as published, rebuilt from the base and its differences."""
    told = manifest(scene)
    content = scene.bytes_of(BASE)
    yield _version(content, told[0])
    for record in map(json.loads, scene.text_of("deltas.jsonl").splitlines()):
        if record["rcs_diff"] is not None:
            content = patched(content, record["rcs_diff"].encode("latin-1"))
            yield _version(content, told[record["seq"]])


def _version(content: bytes, told: dict[str, str]) -> Version:
    if hashlib.sha256(content).hexdigest() != told["sha256"]:
        raise SystemExit(f"version {told['seq']} of the list is not what the manifest says")
    return Version(int(told["seq"]), datetime.fromisoformat(told["observed_at"]), content)


def patched(old: bytes, script: bytes) -> bytes:
    """Return a text after a script of `diff -n`: `dLINE COUNT` takes lines out, `aLINE COUNT` puts some in."""
    lines, orders, made, taken, at = old.split(b"\n"), script.split(b"\n"), [], 0, 0
    while at < len(orders) and orders[at]:
        line, count = map(int, orders[at][1:].split())
        if orders[at].startswith(b"d"):
            made += lines[taken : line - 1]
            taken, at = line - 1 + count, at + 1
        else:
            made += [*lines[taken:line], *orders[at + 1 : at + 1 + count]]
            taken, at = line, at + 1 + count
    return b"\n".join([*made, *lines[taken:]])


def entries(content: bytes) -> Entries:
    """Return the entries of a version by their number: the stripped cells that say something, by column."""
    table = csv.reader(io.StringIO(content.decode("latin-1").removesuffix("\x1a"), newline=""))
    return {row[0]: _told(row) for row in table}


def _told(row: list[str]) -> dict[str, str]:
    cells = zip(COLUMNS, (cell.strip() for cell in row), strict=True)
    return {name: cell for name, cell in cells if cell not in {"", "-0-"}}


def changes(before: Entries, now: Entries) -> tuple[int, int, int]:
    """Return how many entries were added, removed and amended."""
    amended = sum(before[key] != now[key] for key in now.keys() & before.keys())
    return len(now.keys() - before.keys()), len(before.keys() - now.keys()), amended
