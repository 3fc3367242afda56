"""Tables imported by a map: what is recorded of them, and what of a map or a table stops the import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from acceptance.program import Program
from pyarrow import parquet

if TYPE_CHECKING:
    from pathlib import Path

MAP = """
source = "deals"
ignore = ["note"]

[[facts]]
fact = "{id}"
kind = "delivery.ordered"
subject = "{item:slug}-{recipient:slug}"
valid = "{ordered:year}"
known = "{seen_on}"
said_by = ["SIPRI"]
stated = ["quantity"]

[facts.data]
item = "{item}"
recipient = "{recipient}"
supplier = "{supplier}"
quantity = { column = "quantity", as = "number" }
"""
HEADER = "id,item,supplier,recipient,quantity,ordered,seen_on,note\n"
GOOD = "1,S-400,Russia,India,5,2018-10-05,2024-03-18,x\n"
NEXT = '2,"Igla-S, MANPADS",Russia,India, 100 ,2021-06-01,2024-03-18,\n'
UNSAID = "3,Kamov,Russia,India,,2019-01-01,2024-03-18,\n"


@pytest.fixture(scope="module")
def url(shared_database_url: str) -> str:
    """Return the address of a database that this module shares: each test has a timeline of its own."""
    return shared_database_url


@pytest.fixture
def deals(tmp_path: Path) -> Path:
    """Return the path of a map; a table may lie beside it."""
    path = tmp_path / "deals.toml"
    path.write_text(MAP)
    return path


def table(folder: Path, *lines: str) -> Path:
    """Return the path of a table with these lines."""
    path = folder / "deals.csv"
    path.write_text("".join((HEADER, *lines)))
    return path


def test_the_rows_of_a_table_become_facts_once(url: str, deals: Path, tmp_path: Path) -> None:
    """A row that says nothing gives none, and the same command again changes nothing."""
    program, path = Program(url, "once"), table(tmp_path, GOOD, NEXT, UNSAID)
    assert program("import", "--map", deals, path).stderr == "2 events recorded at 1-2\n"
    assert program("import", "--map", deals, path).stderr == "0 events recorded, 2 duplicates\n"
    facts = program.answer("facts", "--on", "2021-06-01", "--known", "2024-03-18")["facts"]
    (one,) = [fact for fact in facts if fact["fact"] == "deals/2"]
    assert {name: one[name] for name in ("subject", "valid", "known", "said_by", "data")} == {
        "subject": "igla-s-manpads-india",
        "valid": "2021",
        "known": "2024-03-18T00:00:00Z",
        "said_by": ["SIPRI"],
        "data": {"item": "Igla-S, MANPADS", "recipient": "India", "supplier": "Russia", "quantity": 100},
    }


def test_json_lines_and_parquet_state_the_same_facts(url: str, deals: Path, tmp_path: Path) -> None:
    """What one format has recorded is a duplicate in every other."""
    program = Program(url, "formats")
    program("import", "--map", deals, table(tmp_path, GOOD))
    cells = dict(zip(HEADER.strip().split(","), GOOD.strip().split(","), strict=True)) | {"quantity": 5.0}
    lines, columns = tmp_path / "deals.jsonl", tmp_path / "deals.parquet"
    lines.write_text(json.dumps(cells) + "\n")
    parquet.write_table(pa.table({name: [cell] for name, cell in cells.items()}), columns)
    assert program("import", "--map", deals, lines, columns).stderr == "0 events recorded, 2 duplicates\n"


@pytest.mark.parametrize(
    "line, place, said",
    [
        ("2,S-500,Russia,India,many,2024,2024,\n", ":3: quantity", "'many' is not a number"),
        ("2,S-500,Russia,India\n", ":3", "the row has 4 cells, not 8"),
        ("2,S-500,Russia,,5,2024,2024,\n", ":3: recipient", "no value, though `subject` needs one"),
        ("2,S-500,Russia,India,5,soon,2024,\n", ":3: ordered", "'soon' is not an ISO date with its year"),
        ("2,S-500,Russia,India,5,2024,soon,\n", ":3: known", "`soon` is neither a day nor an instant"),
        ("2,S-500,Russia,India,-5,2024,2024-01-01,\n", ":3: data.quantity", "-5"),
    ],
)
def test_the_first_bad_row_refuses_all(url: str, deals: Path, tmp_path: Path, line: str, place: str, said: str) -> None:
    """Code 2, the line and the column, whether the map or the kind has no use for it; nothing is recorded."""
    program, path = Program(url, "refused"), table(tmp_path, GOOD, line)
    sentence, _ = program.refused(2, "import", "--map", deals, path)
    assert sentence.startswith(f"{path}{place}: ")
    assert said in sentence
    program("stats", code=3)


def test_bad_rows_are_skipped_and_told_one_by_one(url: str, deals: Path, tmp_path: Path) -> None:
    """The good ones around them are recorded, and code 1 says that there is something to look at."""
    path = table(tmp_path, GOOD, "x\n", NEXT, NEXT.replace(" 100 ", "many"))
    result = Program(url, "skips")("import", "--map", deals, path, "--skip-bad", code=1)
    first, second, counts = result.stderr.splitlines()
    assert first.startswith(f"{path}:3: ")
    assert second.startswith(f"{path}:5: quantity: ")
    assert counts == "2 events recorded at 1-2, 2 bad"


def test_a_map_that_does_not_fit_is_refused_once(url: str, deals: Path, tmp_path: Path) -> None:
    """A column that nobody uses, one that the table lacks, and a word that no map has."""
    program, path = Program(url, "unfit"), table(tmp_path, GOOD, NEXT)
    deals.write_text(MAP.replace('ignore = ["note"]', ""))
    assert program.refused(2, "import", "--map", deals, path)[0] == f"{path}: note: no fact uses this column"
    deals.write_text(MAP.replace("{supplier}", "{suplier}"))
    sentence, remedy = program.refused(2, "import", "--map", deals, path)
    assert sentence == f"{path}: suplier: the table has no such column"
    assert remedy == "Did you mean supplier?"
    deals.write_text(MAP.replace("ignore", "ignored"))
    assert program.refused(2, "import", "--map", deals, path)[1] == "Did you mean ignore?"
    skipped = program("import", "--map", deals.with_name("none.toml"), path, "--skip-bad", code=2)
    assert "No such file" in skipped.stderr


def test_what_is_read_by_a_map_and_what_is_not(url: str, deals: Path, tmp_path: Path) -> None:
    """A table without a map, and a map without a file."""
    program, path = Program(url, "unread"), table(tmp_path, GOOD)
    assert program.refused(2, "import", path)[1].endswith("a table needs --map FILE.toml")
    assert program.refused(2, "import", "--map", deals, "-") == (
        "-: tables are not read from standard input",
        "Name a file",
    )


def test_a_table_that_changed_is_a_conflict(url: str, deals: Path, tmp_path: Path) -> None:
    """The log holds what it holds: another value under the same identity is no news by itself."""
    program, path = Program(url, "changed"), table(tmp_path, GOOD)
    program("import", "--map", deals, path)
    sentence, _ = program.refused(5, "import", "--map", deals, table(tmp_path, GOOD.replace(",5,", ",6,")))
    assert sentence.startswith(f"{path}:2: fact: the fact 'deals/1' is recorded already")
