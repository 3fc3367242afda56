"""The promises about snapshots: whatever a list did, asked at each look the log gives that look again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.histories import tried

from timeline import vocabulary
from timeline.app import Timeline
from timeline.database import engine
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from timeline.runs import Run

    Sync = Callable[[Timeline, "Snapshot", str], Run]

START = datetime(2023, 1, 30, 3, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NUMBERS = count()
MAP = """
max_removed = 1.0
[[facts]]
fact = "{id}"
kind = "entry.listed"
subject = "{id}"
data = { list = "L", name = "{name}" }
"""


class Snapshot(NamedTuple):
    """A list as it read at an instant: names by identity."""

    known: datetime
    entries: dict[str, str]

    @property
    def day(self) -> date:
        """The day of the look."""
        return self.known.date()


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Return looks at one list, several a day or days apart; entries come, go, return and are reworded."""
    known, looks = START, []
    lists = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["p", "q"]), min_size=1)
    for entries in draw(st.lists(lists, min_size=1, max_size=8)):
        looks.append(Snapshot(known, entries))
        known += draw(st.sampled_from([timedelta(hours=2), timedelta(hours=9), DAY, 3 * DAY]))
    return looks


@pytest.fixture(scope="module")
def fresh(shared_database_url: str) -> Iterator[Callable[[], Timeline]]:
    """Open a new timeline each time it is called."""
    connections, words = engine(shared_database_url), vocabulary.load()
    yield lambda: Timeline(engine=connections, name=f"sync-{next(NUMBERS)}", vocabulary=words)
    connections.dispose()


@pytest.fixture(scope="module")
def sync(tmp_path_factory: pytest.TempPathFactory) -> Sync:
    """Return how a look is taken."""
    folder: Path = tmp_path_factory.mktemp("lists")
    (folder / "map.toml").write_text(MAP)

    def taken(line: Timeline, look: Snapshot, absent: str) -> Run:
        text = "".join(f"{name},{wording}\n" for name, wording in look.entries.items())
        (folder / "list.csv").write_text(f"id,name\n{text}")
        known, table, how = format_instant(look.known), folder / "list.csv", folder / "map.toml"
        return line.sync(table, source="list", known=known, map=how, absent=absent)

    return taken


def asked(line: Timeline, on: date, known: datetime) -> dict[str, str]:
    """Return the names by identity that the view gives."""
    return {row.key: row.state["name"] for row in line.ask("listings", on=on, known=known).rows}


@tried(75)
@given(looks=histories(), absent=st.sampled_from(["end", "retract"]))
def test_asked_at_each_look_the_log_gives_that_look(
    fresh: Callable[[], Timeline], sync: Sync, looks: list[Snapshot], absent: str
) -> None:
    """Nothing more and nothing less, in the wording of that look; and each run counts what a set difference counts."""
    line, before, once = fresh(), dict[str, str](), set[str]()
    for look in looks:
        run = sync(line, look, absent)
        new = look.entries.keys() - before.keys()
        assert (run.added, run.returned) == (len(new - once), len(new & once))
        assert run.removed == len(before.keys() - look.entries.keys())
        assert run.amended == sum(look.entries[name] != before[name] for name in look.entries.keys() & before.keys())
        before, once = look.entries, once | look.entries.keys()
    for look in looks:
        assert asked(line, look.day, look.known) == look.entries
        assert {row.state["status"] for row in line.ask("listings", on=look.day, known=look.known).rows} == {"listed"}
    assert line.verify() == sum(run.last - run.first + 1 for run in line.runs("list") if run.first and run.last)


@tried(75)
@given(looks=histories(), hands=st.lists(st.sampled_from("abc"), min_size=8, max_size=8))
def test_what_people_corrected_stays_until_the_list_says_otherwise(
    fresh: Callable[[], Timeline], sync: Sync, looks: list[Snapshot], hands: list[str]
) -> None:
    """After each look somebody rewords an entry: it reads so until it is reworded by the list, or gone."""
    line, before, shown, seen = fresh(), dict[str, str](), dict[str, str](), list[dict[str, str]]()
    for look, name in zip(looks, hands, strict=False):
        run = sync(line, look, "end")
        kept = {name for name in look.entries if before.get(name) == look.entries[name]}
        assert run.amended == len(look.entries.keys() & before.keys() - kept)
        shown = look.entries | {name: shown[name] for name in kept}
        seen.append(dict(shown))
        if name in look.entries:
            reworded(line, name, look.known + HOUR)
            shown[name] = "hand"
        before = look.entries
    assert [asked(line, look.day, look.known) for look in looks] == seen


def reworded(line: Timeline, name: str, known: datetime) -> None:
    """Let somebody correct the stay of an entry that was news last."""
    *_, last = (entry.fields() for entry in line.log(name) if entry.action != "retract")
    data = {**last["data"], "name": "hand"}
    line.record([{**last, "action": "correct", "data": data, "known": format_instant(known), "reason": "misread"}])


@tried(75)
@given(looks=histories())
def test_absence_that_means_nothing_keeps_everything(
    fresh: Callable[[], Timeline], sync: Sync, looks: list[Snapshot]
) -> None:
    """Asked at each look the log gives all that ever stood in the list, in its last wording."""
    line, ever = fresh(), list[dict[str, str]]()
    for look in looks:
        sync(line, look, "ignore")
        ever.append((ever[-1] if ever else {}) | look.entries)
    assert [asked(line, look.day, look.known) for look in looks] == ever


@tried(75)
@given(looks=histories())
def test_days_without_a_look_are_as_sure_as_the_looks_around_them(
    fresh: Callable[[], Timeline], sync: Sync, looks: list[Snapshot]
) -> None:
    """As best known, an entry is listed between two looks that saw it, and unconfirmed between one that did not."""
    line = fresh()
    for look in looks:
        sync(line, look, "end")
    day = looks[0].day - DAY
    while day <= looks[-1].day + DAY:
        rows = line.ask("listings", on=day, known=looks[-1].known).rows
        assert {row.key: row.state["status"] for row in rows} == expected(looks, day)
        assert {row.key for row in rows if row.certainty == "certain"} == {
            row.key for row in rows if row.state["status"] == "listed"
        }
        day += DAY


def expected(looks: list[Snapshot], day: date) -> dict[str, str]:
    """Return the status of each entry on a day, from the looks alone."""
    found = {}
    for name in "abc":
        for stay in stays(looks, name):
            came = stay[0] and min(stay[0] + DAY, stay[1])
            gone = stay[3] and stay[3] - DAY
            possible = (came or stay[1]) <= day and (gone is None or day <= gone) and (gone is None or stay[1] <= gone)
            surely = stay[1] <= day and (gone is None or day <= min(stay[2], gone))
            if possible:
                found[name] = "listed" if surely else "unconfirmed"
    return found


def stays(looks: list[Snapshot], name: str) -> list[tuple[date | None, date, date, date | None]]:
    """Return for each stay the day of the look before, of the first and last that saw it, and of the one after."""
    found: list[tuple[date | None, date, date, date | None]] = []
    seen = [None, *looks, None]
    for before, look in pairwise(seen):
        here, there = look is not None and name in look.entries, before is not None and name in before.entries
        if here and look and not there:
            found.append((before.day if before else None, look.day, look.day, None))
        elif here and look:
            found[-1] = (*found[-1][:2], look.day, None)
        elif there and look and not here:
            found[-1] = (*found[-1][:3], look.day)
    return found


@tried(40)
@given(looks=histories())
def test_each_look_again_says_nothing_new(fresh: Callable[[], Timeline], sync: Sync, looks: list[Snapshot]) -> None:
    """A look is taken twice: the second time nothing is recorded."""
    line = fresh()
    for look in looks:
        sync(line, look, "end")
        assert sync(line, look, "end").outcome == "unchanged"
