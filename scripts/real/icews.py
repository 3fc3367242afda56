"""90,730 dated events read from the news of 2014, recorded in ten shuffled orders: the answers are the same.

What the raw file says, counted without the program: each (date, subject, relation, object) stands once; 365 days, 7,128
actors, 230 relations; 586 relations name a sanction. A quotation mark within a cell is a letter like any other.

Each order has a timeline of its own. Every day of the year is asked for as known on that day, and what is answered is
hashed without what differs by order alone: positions and instants of recording.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from typing import TYPE_CHECKING

from real.frame import MAPS, Scene, Stopwatch, mebibytes

from timeline import maps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from timeline import Timeline

FOLDER = "icews14"
TABLE = "icews14_named.tsv"
MAP = MAPS / "icews.toml"
ORDERS = 10
SEED = 20140101

Told = tuple[str, str, str, str]
"""Date, subject, relation and object."""


def replay(scene: Scene) -> None:
    """Record the events in ten orders, one timeline each, and ask every timeline for every day."""
    header, *rows = scene.text_of(TABLE).splitlines()
    expected = oracle(rows)
    drawn = random.Random(SEED)  # noqa: S311  a repeatable order, not a secret
    recorded, asked, hashes = Stopwatch(), Stopwatch(), set[str]()
    wrong: list[str] = []
    for number in range(1, ORDERS + 1):
        drawn.shuffle(rows)
        line = scene.timeline(f"{scene.line.name}-{number}")
        with recorded.running():
            record(scene, line, [header, *rows])
        with asked.running():
            digest, days = answers(line, expected)
        wrong += [f"order {number}, {day}" for day in days]
        hashes.add(digest)
    events = len(rows) * ORDERS
    rate = f"{events:,} events in {recorded.seconds:.0f} s, {events / recorded.seconds:,.0f} a second"
    scene.report.check(f"recorded in {ORDERS} orders", line.stats()["events"] == len(rows), rate)
    told = f"{len(expected)} days, {asked.seconds:.0f} s, {mebibytes():.0f} MiB"
    scene.report.check("every day of every order is answered as in the file", not wrong, f"{wrong[:3] or told}")
    scene.report.equal("different answers over all orders", len(hashes), 1)
    scene.report.equal("events of the last order as recorded", line.verify(), len(rows))
    scene.check_views(line)


def record(scene: Scene, line: Timeline, rows: Iterable[str]) -> None:
    """Record a table through the map."""
    path = scene.scratch / TABLE
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    line.record(maps.lines(maps.load(MAP), [path]))


def answers(line: Timeline, expected: dict[str, set[Told]]) -> tuple[str, list[str]]:
    """Return the hash of what is answered for every day, and the days on which it is not what the file says."""
    digest, wrong = hashlib.sha256(), []
    for day in sorted(expected):
        facts = line.facts(as_of=day).facts
        found = {(entry.valid.text, entry.subject, entry.data["measure"], entry.data["value"]) for entry in facts}
        if found != expected[day] or len(facts) != len(found):
            wrong.append(day)
        for told in sorted(json.dumps(entry.fields(), sort_keys=True) for entry in facts):
            digest.update(told.encode())
    return digest.hexdigest(), wrong


def oracle(rows: Iterable[str]) -> dict[str, set[Told]]:
    """Return what happened on each day, read from the lines of the raw file."""
    found: dict[str, set[Told]] = defaultdict(set)
    for row in rows:
        date, subject, relation, thing, _ = row.split("\t")
        found[date].add((date, subject, relation, thing))
    return found
