"""Tables of versions in a real log: recorded as they were published, whatever order they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from timeline.errors import Conflict, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from timeline.app import Timeline

TABLE = """
source = "figures"
[[facts]]
fact = "{area}/{year}"
kind = "observation"
subject = "{area}"
valid = "{year}"
known = "{published}"
stated = ["value"]
tolerance = 1e-9
[facts.data]
measure = "gdp"
value = { column = "value", as = "number" }
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of versions, out of order, with noise and a value withdrawn; its map stands beside it."""
    (tmp_path / "table.toml").write_text(TABLE)
    path = tmp_path / "table.csv"
    path.write_text(
        "area,year,published,value\n"
        "CH,2020,2021-03-01,3.381574670952132\n"
        "CH,2020,2021-02-01,3.3815746709521317\n"
        "CH,2020,2021-01-01,3\n"
        "CH,2021,2021-01-01,\n"
        "CH,2021,2021-05-01,\n"
        "CH,2021,2021-04-01,7\n"
    )
    return path


def test_a_table_of_versions_answers_as_of_each_version(opened: Timeline, table: Path) -> None:
    """Every version is compared with the one before; asked by any date the table's own row answers."""
    receipt = opened.revise(table, table.with_suffix(".toml"))
    assert (receipt.recorded, receipt.duplicates) == (4, 2)
    known = ("2020-12-31", "2021-01-31", "2021-02-01", "2021-06-01")
    answers = [opened.ask("observations", on="2020-06-01", known=day).rows for day in known]
    found = [[row.state["value"] for row in rows] for rows in answers]
    assert found == [[], [3], [3.3815746709521317], [3.3815746709521317]]
    assert [entry.action for entry in opened.log("figures/CH/2021")] == ["assert", "retract"]
    assert [entry.known for entry in opened.log()] == sorted(entry.known for entry in opened.log())


def test_a_table_twice_records_nothing(opened: Timeline, table: Path) -> None:
    """As a whole, or one more version of it."""
    opened.revise(table, table.with_suffix(".toml"))
    again = opened.revise([table], table.with_suffix(".toml"))
    assert (again.recorded, again.duplicates) == (0, 6)
    table.write_text(table.read_text() + "CH,2020,2021-06-01,4\n")
    assert opened.revise(table, table.with_suffix(".toml"), dry_run=True).recorded == 1
    assert opened.revise(table, table.with_suffix(".toml")).recorded == 1
    assert opened.verify() == 5


def test_a_bad_row_of_a_table_leaves_nothing(opened: Timeline, table: Path) -> None:
    """All or nothing, with the line and the column."""
    table.write_text(table.read_text() + "CH,2020,2021-06-01,much\n")
    with pytest.raises(Refused) as caught:
        opened.revise(table, table.with_suffix(".toml"))
    assert (caught.value.place.line, caught.value.place.field) == (8, "value")
    assert opened.stats()["events"] == 0


def test_a_late_version_is_a_conflict(opened: Timeline, table: Path) -> None:
    """Another value between two that are held would change what repeats in between."""
    opened.revise(table, table.with_suffix(".toml"))
    table.write_text("area,year,published,value\nCH,2020,2021-01-15,9\n")
    with pytest.raises(Conflict, match="was read up to 2021-05-01"):
        opened.revise(table, table.with_suffix(".toml"))


def test_a_version_between_two_that_were_read_is_a_conflict(opened: Timeline, table: Path) -> None:
    """That the value stood at the second was left out as a repeat: what comes in between would change it unseen."""
    head = "area,year,published,value\n"
    table.write_text(f"{head}CH,2020,2021-01-01,1\nCH,2020,2021-03-01,1\n")
    opened.revise(table, table.with_suffix(".toml"))
    table.write_text(f"{head}CH,2020,2021-02-01,2\n")
    with pytest.raises(Conflict, match="was read up to 2021-03-01"):
        opened.revise(table, table.with_suffix(".toml"))
    assert [row.state["value"] for row in opened.ask("observations", on="2020-06-01", known="2021-03-01").rows] == [1]


def test_a_table_does_not_undo_what_people_corrected(opened: Timeline, table: Path) -> None:
    """The table said so before, and says nothing new; what was read in it otherwise since stands."""
    opened.revise(table, table.with_suffix(".toml"))
    right = {"measure": "gdp", "value": 3.5}
    line = {"kind": "observation", "subject": "CH", "valid": "2020", "known": "2021-02-01", "data": right}
    opened.record([{"action": "correct", "fact": "figures/CH/2020", "reason": "misread", **line}])
    again = opened.revise(table, table.with_suffix(".toml"))
    assert (again.recorded, again.duplicates) == (0, 6)
    assert [row.state["value"] for row in opened.ask("observations", on="2020-06-01").rows] == [3.5]


def test_a_table_is_a_look_at_its_source(opened: Timeline, table: Path) -> None:
    """What it brought is kept as a run, dated by its last version; a table of no source is refused."""
    opened.revise(table, table.with_suffix(".toml"))
    opened.revise(table, table.with_suffix(".toml"))
    runs = [
        (run.outcome, f"{run.known:%Y-%m-%d}", run.added, run.amended, run.removed) for run in opened.runs("figures")
    ]
    assert runs == [("recorded", "2021-05-01", 2, 1, 1), ("unchanged", "2021-05-01", 0, 0, 0)]
    assert opened.verify() == 4
    table.with_suffix(".toml").write_text(TABLE.replace('source = "figures"', ""))
    with pytest.raises(Refused, match="a table of versions belongs to a source"):
        opened.revise(table, table.with_suffix(".toml"))


def test_a_table_that_lacks_a_version_says_what_it_says(opened: Timeline, table: Path) -> None:
    """It repeats itself, but not what its source said in between: the value is what it was, once more."""
    head = "area,year,published,value\n"
    table.write_text(f"{head}CH,2020,2021-01-01,1\nCH,2020,2021-02-01,2\n")
    opened.revise(table, table.with_suffix(".toml"))
    table.write_text(f"{head}CH,2020,2021-01-01,1\nCH,2020,2021-03-01,1\n")
    assert opened.revise(table, table.with_suffix(".toml")).recorded == 1
    known = ("2021-01-31", "2021-02-28", "2021-03-31")
    assert [opened.ask("observations", on="2020-06-01", known=day).rows[0].state["value"] for day in known] == [1, 2, 1]
