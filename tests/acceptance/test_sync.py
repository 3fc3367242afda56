"""Snapshots of lists on the command line: what is said of a look, and how a fault of a feed ends."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

import pytest
from acceptance.program import Program

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

NUMBERS = count()
MAP = """
ignore = ["note"]

[[facts]]
fact = "{id}"
kind = "entry.listed"
subject = "{id}"
said_by = ["The List"]

[facts.data]
list = "L"
name = "{name}"

[facts.data.details]
born = { column = "born", as = "number" }
"""
VERSIONS = """
source = "gdp"
[[facts]]
fact = "{area}"
kind = "observation"
subject = "{area}"
valid = "2020"
known = "{published}"
data = { measure = "gdp", value = { column = "value", as = "number" } }
"""
FOUR = ("1,Ann,1967", "2,Ben,1970", "3,Cid,", "4,Dee,1981")
HEADER = "id,name,born"


class List:
    """A list that is fetched now and then, and the program that is told of it."""

    def __init__(self, program: Program, folder: Path) -> None:
        """Begin with a map."""
        self.program, self.file, self.map = program, folder / "list.csv", folder / "map.toml"
        self.map.write_text(MAP)

    def written(self, *rows: str, header: str = HEADER) -> List:
        """Let the list read so."""
        self.file.write_text("\n".join((header, *rows)) + "\n")
        return self

    def args(self, known: str, *how: str | Path) -> list[str | Path]:
        """Return the command that takes a look at it."""
        return ["sync", self.file, "--source", "list", "--known", known, "--map", self.map, *how]

    def look(self, known: str, *how: str | Path) -> Result:
        """Take a look at it."""
        return self.program(*self.args(known, *how))

    def runs(self) -> list[dict[str, object]]:
        """Return the looks that were kept."""
        found: list[dict[str, object]] = self.program.answer("sources", "list")["runs"]
        return found


@pytest.fixture
def lists(shared_database_url: str, tmp_path: Path) -> List:
    """Return a list of four that was looked at on 1 March 2023, in a timeline of its own."""
    made = List(Program(shared_database_url, f"sync-{next(NUMBERS)}"), tmp_path)
    made.written(*FOUR).look("2023-03-01")
    return made


def test_a_look_says_what_it_found(lists: List) -> None:
    """Rows, changes, positions and the number of the run, on stderr; stdout carries data only."""
    told = lists.written("1,Ann,1968", *FOUR[1:3], "5,Eve,").look("2023-03-05", "--max-removed", "0.5")
    assert told.stdout == ""
    assert told.stderr == "4 rows, 1 added, 1 amended, 1 removed, recorded at 5-7: run 2 of list\n"
    assert lists.look("2023-03-06").stderr == "4 rows, unchanged: run 3 of list\n"
    gone = lists.program.answer("log", "list/4")["events"][-1]
    assert gone["valid"] == "2023-03-01/[2023-03-01..2023-03-04]"
    assert gone["time"] == {"method": "inferred", "note": "gone from the list"}
    rows = lists.program.answer("ask", "listings", "--as-of", "2023-03-05")["rows"]
    assert [row["state"]["name"] for row in rows] == ["Ann", "Ben", "Cid", "Eve"]
    assert rows[0]["state"]["details"] == {"born": 1968}
    before = lists.program.answer("ask", "listings", "--on", "2023-03-05", "--known", "2023-03-04")["rows"]
    assert [row["state"]["name"] for row in before] == ["Ann", "Ben", "Cid", "Dee"]


def test_absence_is_what_the_caller_says(lists: List) -> None:
    """The flag wins over the map: retracted, the entry was never there."""
    lists.written(*FOUR[:3]).look("2023-03-05", "--absent", "retract", "--max-removed", "0.5")
    assert lists.program.answer("log", "list/4")["events"][-1]["action"] == "retract"
    lists.written(*FOUR[:2]).look("2023-03-06", "--absent", "ignore")
    assert len(lists.program.answer("ask", "listings", "--as-of", "2023-03-06")["rows"]) == 3


def test_a_dry_run_says_what_would_be(lists: List) -> None:
    """Nothing is kept, the run neither."""
    told = lists.written(*FOUR, "5,Eve,").look("2023-03-05", "--dry-run").stderr
    assert told == "5 rows, 1 added, nothing kept: run 2 of list\n"
    assert len(lists.runs()) == 1


def test_sources_are_listed_with_their_looks(lists: List) -> None:
    """All sources, or every look at one; a source that nobody looked at is not found."""
    lists.program.refused(2, *lists.written().args("2023-03-05"))
    (source,) = lists.program.answer("sources")["sources"]
    assert source == {
        "source": "list",
        "runs": 2,
        "refused": 1,
        "first_known": "2023-03-01T00:00:00Z",
        "last_known": "2023-03-01T00:00:00Z",
        "rows": 4,
    }
    taken, refused = lists.runs()
    assert (taken["run"], taken["outcome"], taken["added"], taken["first"], taken["last"]) == (1, "recorded", 4, 1, 4)
    assert (refused["run"], refused["outcome"], refused["known"]) == (2, "refused", "2023-03-05T00:00:00Z")
    assert str(refused["reason"]).endswith("the file has no rows")
    table = lists.program("sources", "list", "-o", "csv").stdout.splitlines()
    columns = "run,form,known,recorded,outcome,file,rows,added,amended,removed,returned,first,last,reason"
    assert table[0].startswith(columns)
    assert len(table) == 3
    assert lists.program.refused(3, "sources", "other") == (
        "there is no source 'other'",
        "List sources with: timeline sources",
    )


@pytest.mark.parametrize(
    "rows, known, code, said, remedy",
    [
        ((), "2023-03-05", 2, "list.csv: the file has no rows", "Fetch it again"),
        (FOUR[:3], "2023-03-05", 2, "1 of 4 entries are gone, more than 20%", "--max-removed 0.25"),
        (FOUR, "2023-02-28", 5, "older than the last one, of 2023-03-01", "in the order of their dates"),
        (
            (*FOUR, "2,Ben,"),
            "2023-03-05",
            2,
            "list.csv:6: the entry '2' stands in line 3 already",
            "tell them apart",
        ),
        ((*FOUR, "5,Eve,old"), "2023-03-05", 2, "list.csv:6: born:", ""),
        ((*FOUR, "5,Eve"), "2023-03-05", 2, "list.csv:6: the row has 2 cells, not 3", ""),
        ((*FOUR, ",Eve,1990"), "2023-03-05", 2, "list.csv:6:", ""),
    ],
)
def test_a_fault_of_the_feed_is_refused_and_kept(
    lists: List, rows: tuple[str, ...], known: str, code: int, said: str, remedy: str
) -> None:
    """One sentence and a remedy; the log is what it was, and the run says why it was refused."""
    before = lists.program("export").stdout
    sentence, advice = lists.program.refused(code, *lists.written(*rows).args(known))
    assert said in sentence
    assert remedy in advice
    assert lists.program("export").stdout == before
    kept = lists.runs()[-1]
    assert (kept["run"], kept["outcome"], kept["first"]) == (2, "refused", None)
    assert kept["reason"] == sentence
    lists.program("verify")


def test_a_column_of_no_known_use_is_a_fault_of_the_feed(lists: List) -> None:
    """A list that has changed its form is not read by the old map; a column left out on purpose does no harm."""
    lists.written("1,Ann,1967,x", header=f"{HEADER},sex")
    sentence, _ = lists.program.refused(2, *lists.args("2023-03-05"))
    assert sentence.endswith("list.csv: sex: no fact uses this column")
    lists.written("1,Ann", header="id,name")
    sentence, _ = lists.program.refused(2, *lists.args("2023-03-05"))
    assert "list.csv: born: " in sentence
    assert [run["outcome"] for run in lists.runs()] == ["recorded", "refused", "refused"]
    lists.written(*(f"{row},x" for row in FOUR), header=f"{HEADER},note")
    assert lists.look("2023-03-05").stderr == "4 rows, unchanged: run 4 of list\n"


@pytest.mark.parametrize(
    "how, said",
    [
        (("--map", "none.toml"), "none.toml: "),
        (("--source", "a/b"), "--source: 'a/b' cannot name a source"),
        (("--absent", "vanish"), "--absent: 'vanish'"),
        (("--max-removed", "20"), "--max-removed: 20.0 is no share"),
        (("--known", "03/04/2023"), "--known: "),
        (("--known", "2999-01-01"), "--known: 2999-01-01T00:00:00Z is still to come"),
        (("--known", "2023-03-05T12:00"), "--known: "),
    ],
)
def test_a_wrong_flag_leaves_no_run(lists: List, how: tuple[str, str], said: str) -> None:
    """It is no fault of the feed: nothing is kept."""
    sentence, _ = lists.program.refused(2, *lists.args("2023-03-05", *how))
    assert said in sentence
    assert len(lists.runs()) == 1


def test_a_list_that_is_not_there_leaves_no_run(lists: List) -> None:
    """There is nothing to keep of it."""
    lists.file.unlink()
    sentence, _ = lists.program.refused(2, *lists.args("2023-03-05"))
    assert sentence == f"{lists.file}: the file cannot be read (No such file or directory)"
    assert len(lists.runs()) == 1


def test_a_correction_outlives_the_next_look(lists: List) -> None:
    """What was misread is put right; the same list again has nothing to say of it."""
    lists.program("correct", "list/1", "--set", "data.name=Anne", "--misread", "--reason", "a slip", "--yes")
    assert lists.look("2023-03-05").stderr == "4 rows, unchanged: run 2 of list\n"
    rows = lists.program.answer("ask", "listings", "--as-of", "2023-03-05")["rows"]
    assert rows[0]["state"]["name"] == "Anne"


def test_a_day_may_be_given_in_words(lists: List) -> None:
    """What people type where a flag takes a day, from its start."""
    lists.look("5 March 2023")
    assert lists.runs()[-1]["known"] == "2023-03-05T00:00:00Z"


def test_an_export_goes_on_where_the_list_was_left(lists: List, tmp_path: Path) -> None:
    """The log alone is enough to take the next look."""
    lists.program("export", tmp_path / "copy")
    other = List(Program(lists.program.environment["TIMELINE_DATABASE_URL"], f"sync-{next(NUMBERS)}"), tmp_path)
    other.program("import", tmp_path / "copy")
    assert other.written(*FOUR, "5,Eve,").look("2023-03-05").stderr == "5 rows, 1 added, recorded at 5: run 1 of list\n"


def test_a_table_of_versions_is_imported_by_its_map(lists: List, tmp_path: Path) -> None:
    """Each row is compared with what was in force at its own date; a second time nothing is recorded."""
    (tmp_path / "map.toml").write_text(VERSIONS)
    table = tmp_path / "table.csv"
    table.write_text("area,published,value\nCH,2021-03-01,3\nCH,2021-01-01,1\nCH,2021-02-01,1.0\n")
    args = ("import", table, "--revise", "--map", tmp_path / "map.toml")
    assert lists.program(*args, "--dry-run").stderr == "2 events would be recorded, 1 duplicate\n"
    assert lists.program(*args).stderr == "2 events recorded at 5-6, 1 duplicate\n"
    assert lists.program(*args).stderr == "0 events recorded, 3 duplicates\n"
    for known, value in (("2021-02-28", 1), ("2021-03-01", 3)):
        asked = ("ask", "observations", "--on", "2020-06-01", "--known", known)
        assert [row["state"]["value"] for row in lists.program.answer(*asked)["rows"]] == [value]
    table.write_text("area,published,value\nCH,2021-01-15,2\n")
    sentence, remedy = lists.program.refused(5, *args)
    assert "'gdp/CH' has another value at 2021-01-15" in sentence
    assert remedy.startswith("Import the whole table")
    lists.program.refused(2, *args, "--skip-bad")


def test_an_entry_is_explained_by_the_row_it_came_from(lists: List) -> None:
    """The event is an ordinary one: show, export and verify take it as any other."""
    history = json.loads(lists.program("show", "list/1", "-o", "json").stdout)
    assert history["versions"][0]["said_by"] == ["The List"]
    assert lists.program("verify").stderr == "4 events are as they were recorded\n"
