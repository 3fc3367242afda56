"""Arms transfers from Russia and the Soviet Union to India, as five downloads of one register told them.

What the raw file says, counted without the program:

- 1,512 rows: 301, 293, 305, 299 and 314 orders on 2024-03-18, 2024-10-13, 2025-03-13, 2025-10-23 and 2026-05-18.
- Rows have no identity. Supplier, year of order and designation name 337 orders, but in each register five to seven
  names stand twice. No other columns that stay the same tell those apart: all that are unique in every register hold
  what was delivered so far, or the comments, which hold the plan. BrahMos of 1998 stands twice with 400 ordered, Talwar
  of 2018 twice with 2 ordered and none delivered. So a running number within the name is added: the smaller order
  first, and of two alike the one whose comments come later in the alphabet. It stays with its order in all five.
- The registers of October hold only what was delivered: the export leaves out open orders, nobody withdrew them.
- "Number delivered" is flagged as doubtful in 207 rows of 2024-10-13, 52 of 2025-03-13 and 209 of 2025-10-23: a
  fault of that export. Flags are left out.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from real.frame import MAPS, Scene, Stopwatch

from timeline import Refused

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "sipri-india"
TABLE = "india_from_russia_5_vintages.csv"
SOURCE = "sipri"
MAP = MAPS / "sipri.toml"
NAMING = ("supplier", "order_year", "designation")
TOLD = ("description", "delivery_years", "status", "comments")
COUNTED = ("number_ordered", "number_delivered", "tiv_unit", "tiv_order", "tiv_delivered")
S400 = "Russia/2018/S-400 Triumf/1"
PLANS = {
    "2024-03-18": "delivery planned 2021-2024",
    "2024-10-13": "delivery planned 2021-2024",
    "2025-03-13": "delivery planned 2021-2025/2026",
    "2025-10-23": "delivery planned 2021-2025/2026",
    "2026-05-18": "delivery planned 2021-2027",
}
R77 = "Russia/1999/R-77/1"
ORDERED = {"2024-03-18": 1_000, "2024-10-13": 1_000, "2025-03-13": 1_000, "2025-10-23": 1_000, "2026-05-18": 263}

Cells = dict[str, str]
Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Register:
    """One download: its day, and its rows by the name of the order."""

    day: str
    rows: dict[str, Cells]


def replay(scene: Scene) -> None:
    """Sync the five registers, then ask what each of them said."""
    held = registers(scene)
    load(scene, held)
    check_registers(scene, held)
    check_absent(scene, held)
    check_told(scene, [register.day for register in held])
    check_naming(scene, held[0])
    scene.check_log()
    scene.check_views()


# Loading


def load(scene: Scene, held: list[Register]) -> None:
    """Sync the registers and hold the counts of each run against the files."""
    clock, found, expected = Stopwatch(), [], []
    known: dict[str, Said] = {}
    for register in held:
        path = written(scene, register.rows)
        with clock.running():
            run = scene.line.sync(path, source=SOURCE, known=register.day, map=MAP)
        found.append((run.added, run.amended, run.removed, run.returned))
        expected.append(changes(known, register))
    scene.report.within(f"{len(held)} registers synced in order", clock, 30, f"{scene.line.stats()['events']:,} events")
    scene.report.equal("facts added, amended, removed and returned by each", found, expected)


def written(scene: Scene, rows: dict[str, Cells]) -> Path:
    """Write rows as a register and return the file."""
    path = scene.scratch / "sipri.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(next(iter(rows.values()))))
        table.writeheader()
        table.writerows(rows.values())
    return path


# Checking


def check_registers(scene: Scene, held: list[Register]) -> None:
    """Hold what is known of every order at each register against what the registers said by then."""
    wrong, count = [], 0
    known: dict[str, Said] = {}
    for register in held:
        known |= {name: said(row) for name, row in register.rows.items()}
        rows = scene.line.ask("listings", on=register.day, known=register.day).rows
        found = {row.key: dict(row.state["details"]) for row in rows}
        expected = {f"sipri/{name}": told for name, told in known.items()}
        differ = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
        wrong += [f"{register.day} {key}: {found.get(key)} for {expected.get(key)}" for key in differ]
        count += len(found)
    scene.report.check("what is known of every order is what was said last", not wrong, f"{wrong[:1] or count}")


def check_absent(scene: Scene, held: list[Register]) -> None:
    """See that an order that a later register lacks is neither ended nor taken back."""
    retracted = [entry.fact for entry in scene.line.log() if entry.action == "retract"]
    scene.report.equal("facts taken back", len(retracted), 0)
    last = {row.key for row in scene.line.ask("listings", as_of=held[-1].day).rows if row.state["status"] == "listed"}
    ever = {f"sipri/{name}" for register in held for name in register.rows}
    scene.report.equal("orders once told and still held", len(last & ever), len(ever))


def check_told(scene: Scene, days: list[str]) -> None:
    """See the plan of the S-400 and the number of R-77 as known at each register."""
    plans = [_details(scene, S400, day)["comments"].rpartition("; ")[2] for day in days]
    scene.report.equal("the plan of the S-400 at each register", plans, [PLANS[day] for day in days])
    expected = [ORDERED[day] for day in days]
    ordered = [_details(scene, R77, day)["number_ordered"] for day in days]
    scene.report.equal("R-77 ordered in 1999 at each register", ordered, expected)
    quantities = [_quantity(scene, R77, day) for day in days]
    scene.report.equal("the same in the view of deliveries", quantities, expected)


def _details(scene: Scene, name: str, day: str) -> Said:
    (row,) = scene.line.ask("listings", f"sipri/{name}", as_of=day).rows
    return dict(row.state["details"])


def _quantity(scene: Scene, name: str, day: str) -> object:
    (row,) = scene.line.ask("deliveries", f"sipri/{name}", as_of=day).rows
    return row.state["ordered"]["value"]


def check_naming(scene: Scene, register: Register) -> None:
    """See that a register is refused, with its line, where two rows are of one name."""
    name = next((name for name in register.rows if name.endswith("/2")), None)
    if name is None:
        return
    row = register.rows[name]
    path = written(scene, {**register.rows, name: {**row, "nth": "1"}})
    try:
        scene.line.sync(path, source="sipri-unnumbered", known=register.day, map=MAP)
    except Refused as refused:
        scene.report.check("two rows of one name are refused", refused.place.line > 1, str(refused)[-120:])
    else:
        scene.report.check("two rows of one name are refused", False)


# The oracle


def registers(scene: Scene) -> list[Register]:
    """Return the registers in order of day, every row with its running number `nth` within its name."""
    found: dict[str, dict[str, list[Cells]]] = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(io.StringIO(scene.text_of(TABLE))):
        found[row.pop("vintage")]["/".join(row[column] for column in NAMING)].append(row)
    return [Register(day, _numbered(orders)) for day, orders in sorted(found.items())]


def _numbered(orders: dict[str, list[Cells]]) -> dict[str, Cells]:
    made: dict[str, Cells] = {}
    for name, rows in orders.items():
        rows.sort(key=itemgetter("comments"), reverse=True)
        rows.sort(key=lambda row: float(row["number_ordered"] or 0))
        made |= {f"{name}/{nth}": {**row, "nth": str(nth)} for nth, row in enumerate(rows, start=1)}
    return made


def said(row: Cells) -> Said:
    """Return what a row says of an order but for its name and the flags."""
    texts: Said = {name: row[name].strip() for name in TOLD}
    return {name: value for name, value in (texts | _figures(row)).items() if value not in {"", None}}


def _figures(row: Cells) -> Said:
    return {name: float(row[name]) if row[name].strip() else None for name in COUNTED}


def changes(known: dict[str, Said], register: Register) -> tuple[int, int, int, int]:
    """Return how many facts a register adds, amends, removes and brings back; take what it says into `known`.

    A row makes two facts: the entry of the register, and the order where it says how many were ordered.
    """
    added = amended = 0
    for name, row in register.rows.items():
        told = {f"{name}": said(row)}
        if row["number_ordered"].strip():
            told[f"{name}/order"] = {"quantity": float(row["number_ordered"])}
        for fact, value in told.items():
            added += fact not in known
            amended += fact in known and known[fact] != value
            known[fact] = value
    return added, amended, 0, 0
