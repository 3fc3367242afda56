"""Rows of tables: what a file says whatever its format, and what is refused with its line and column."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from timeline import rows
from timeline.errors import Place, Refused
from timeline.rows import Form, Row

FORM = Form(names=("id", "name"))


def told(path: Path, form: Form = FORM) -> list[Any]:
    """Return the rows of a file as line and cells, and of a refusal its place and message."""
    found = rows.read(path, form)
    return [(one.line, list(one.cells)) if isinstance(one, Row) else (str(one.place), one.message) for one in found]


def written(path: Path, content: str | bytes) -> Path:
    """Return the path, with this content in its file."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(path: Path, **columns: Any) -> Path:  # noqa: ANN401  lists, or arrays of one type
    """Return the path, with these columns in its Parquet file."""
    parquet.write_table(pa.table(columns), path)
    return path


def test_all_formats_say_the_same(tmp_path: Path) -> None:
    """Numbers are texts as printed, white space around cells is nothing, and so is the empty text."""
    expected = [["36", "A, B"], ["37", None]]
    files = [
        written(tmp_path / "a.csv", 'id,name\n36, "A"\n37,\n'.replace(' "A"', '" A, B "')),
        written(tmp_path / "a.tsv", "id\tname\n36\t A, B \n37\t \n"),
        written(tmp_path / "a.CSV", 'id,name\n36,"A, B"\n37,\n'),
        written(tmp_path / "a.jsonl", '{"id": 36, "name": "A, B "}\n\n{"id": "37"}\n'),
        written(tmp_path / "a.ndjson", '{"name": "A, B", "id": 36}\n{"id": 37, "name": null}'),
        table(tmp_path / "a.parquet", id=[36.0, 37.0], name=[" A, B", None]),
    ]
    for path in files:
        assert [cells for _, cells in told(path)] == expected, path.name


def test_texts_may_be_packed(tmp_path: Path) -> None:
    """The ending before `.gz` says what is inside."""
    for name in ("a.csv.gz", "list.of.A.CSV.GZ"):
        path = written(tmp_path / name, gzip.compress(b"id,name\n1,A\n"))
        assert told(path) == [(2, ["1", "A"])]


def test_columns_come_in_the_order_of_the_form(tmp_path: Path) -> None:
    """Whatever order the file has, and without those to ignore; one column and none at all are given as well."""
    path = written(tmp_path / "a.csv", "name,note,id\nA,x,1\n")
    ignore = frozenset({"note", "name", "id"})
    assert told(path, FORM._replace(ignore=ignore)) == [(2, ["1", "A"])]
    assert told(path, Form(names=("note",), ignore=ignore)) == [(2, ["x"])]
    assert told(path, Form(names=(), ignore=ignore)) == [(2, [])]


def test_a_row_stands_where_it_begins(tmp_path: Path) -> None:
    """Cells may hold line breaks, and blank lines are no rows."""
    path = written(tmp_path / "a.csv", 'id,name\r\n1,"A\r\nB"\r\n\r\n2,"say ""yes"""\r\n')
    assert told(path) == [(2, ["1", "A\r\nB"]), (5, ["2", 'say "yes"'])]
    assert next(iter(rows.read(path, FORM))).place == Place(str(path), 2)


def test_tab_separated_values_have_no_quoting(tmp_path: Path) -> None:
    """A quotation mark is a character like any other, alone as well as around a cell."""
    path = written(tmp_path / "a.tsv", 'id\tname\n1\t"A\n2\t5" B\n3\t"C"\n')
    assert told(path) == [(2, ["1", '"A']), (3, ["2", '5" B']), (4, ["3", '"C"'])]


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    """As long as a line may be, over one line or many."""
    long, lined = "A" * 3_000_000, "A\n" * 200_000 + "A"
    path = written(tmp_path / "a.csv", f'id,name\n1,{long}\n2,"{lined}"\n3,C\n')
    assert told(path) == [(2, ["1", long]), (3, ["2", lined]), (200_004, ["3", "C"])]


def test_a_header_may_be_wide(tmp_path: Path) -> None:
    """Time is no more than in proportion; of the columns some are named."""
    names = [f"c{number}" for number in range(60_000)]
    path = written(tmp_path / "a.csv", f"{','.join(names)}\n1\n")
    (refused,) = rows.read(path, FORM)
    assert isinstance(refused, Refused)
    assert refused.remedy.endswith("c199 …")
    ((place, _),) = told(written(tmp_path / "b.csv", f"{','.join([*names, 'c7'])}\n1\n"))
    assert place == f"{tmp_path / 'b.csv'}:1: c7"
    object_ = "".join(f'"{name}": 1, ' for name in names)
    ((place, message), _) = told(written(tmp_path / "a.jsonl", f'{{{object_} "c7": 1}}\n{{"id": 1}}'))
    assert (place, message) == (f"{tmp_path / 'a.jsonl'}:1: c7", "the name stands twice in one object")


def test_a_file_without_header_ends_with_its_mark(tmp_path: Path) -> None:
    """The list of the US Treasury: latin-1, `-0-` for nothing, and a lone 0x1A at the end."""
    form = FORM._replace(
        header=("id", "name", "title"),
        ignore=frozenset({"title"}),
        encoding="latin-1",
        missing=frozenset({"-0-"}),
        ends_with="\x1a",
    )
    content = '36,"AÉRO",-0- \n173,-0- ,-0- \n'.encode("latin-1")
    assert told(written(tmp_path / "a.csv", content + b"\x1a\n"), form) == [(1, ["36", "AÉRO"]), (2, ["173", None])]
    cut = told(written(tmp_path / "b.csv", content), form)
    assert cut[-1] == (str(tmp_path / "b.csv"), "the last line is not '\\x1a': the file is cut short")
    more = told(written(tmp_path / "c.csv", content + b"\x1a\n1,2,3\n"), form)
    assert more[-1] == (f"{tmp_path / 'c.csv'}:4", "the row comes after the last line")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_is_taken_off(tmp_path: Path, encoding: str) -> None:
    """As spreadsheets write it."""
    content = "id,name\n1,É\n".encode(encoding)
    content = content if encoding in {"utf-16", "utf-32"} else "\ufeff".encode(encoding) + content
    assert told(written(tmp_path / "a.csv", content), FORM._replace(encoding=encoding)) == [(2, ["1", "É"])]


ENCODINGS = {
    "utf-16": ("id,name\n1,É\n2,".encode("utf-16") + b"\x00\xdcx\0", "3", "byte 0x00 is not utf-16"),
    "utf-16-le": ("\ufeffid,name\n1,É\n2,".encode("utf-16-le") + b"\x00\xdcx\0", "3", "byte 0x00 is not utf-16-le"),
    "UTF-16": ("id,name\n1,É\n".encode("utf-16-le"), "1", "not UTF-16, or lacks its byte order mark"),
    "utf-32": ("id,name\n1,É\n".encode("utf-32-le"), "1", "not utf-32, or lacks its byte order mark"),
    "punycode": (b"id,name\n1,-A\n2,B\n", "1", "not punycode"),
    "cp1251": (b"id,name\n1,\xc9\n2,\x98\n", "3", "byte 0x98 is not cp1251"),
    "utf-7": (b"id,name\n1,+BBk-\n2,+2AA-\n", "3", "a character is U+D800"),
}
"""Encodings with texts that are not written in them, and where they cease to be."""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_in_another_encoding_is_refused_with_its_line(tmp_path: Path, encoding: str) -> None:
    """Even where its first bytes are damaged; what stands before is read as it is written."""
    content, line, message = ENCODINGS[encoding]
    path = written(tmp_path / "a.csv", content)
    *given, (place, said) = told(path, FORM._replace(encoding=encoding))
    letter = "É" if "16" in encoding else "Й"
    assert given == ([(2, ["1", letter])] if line == "3" else [])
    assert place == f"{path}:{line}"
    assert message in said


BROKEN: dict[str, tuple[str | bytes, str, str, str]] = {
    "no header": ("\n", "", "no header", ""),
    "empty": ("", "", "the file is empty", ""),
    "a header and nothing else": ("id,name\n", "", "no rows", ""),
    "a column without a name": ("id,name, \n1,A,\n", ":1", "column 3 has no name", ""),
    "a column named twice": ("id,name,id\n1,A,2\n", ":1: id", "column 3 has the name of another", ""),
    "a column too few": ("id\n1\n", ": name", "no such column", ""),
    "a column too many": ("id,name,nmae\n1,A,B\n", ": nmae", "no fact uses this column", ""),
    "a cell too many": ("id,name\n1,A\n2,A,B\n3,C\n", ":3", "the row has 3 cells, not 2", "13"),
    "a cell too few": ("id,name\n1,A\n2\n3,C\n", ":3", "the row has 1 cell, not 2", "13"),
    "a quotation mark within": ('id,name\n1,A\n2,"A" B\n3,C\n', ":3", "cannot be divided into cells", "1"),
    "a quotation mark never closed": ('id,name\n1,A\n2,"B\n3,C\n', ":3", "cannot be divided into cells", "1"),
    "a broken header": ('id,"name\n1,A\n', ":1", "cannot be divided into cells", ""),
    "a cell without end": ('id,name\n1,"' + "A,\n" * 50_000, ":2", "cannot be divided into cells", ""),
    "NUL": ("id,name\n1,A\n2,\0\n3,C\n", ":3", "U+0000", "1"),
    "another encoding": (b"id,name\n1,A\n2,\xe9t\xe9\n3,C\n", ":3", "byte 0xe9 is not utf-8", "1"),
    "cut within a letter": (b"id,name\n1,A\n2,\xc3", ":3", "byte 0xc3 is not utf-8", "1"),
    "an old line break": ("id,name\n1,A\n2,B\r3,C\n", ":3", "cannot be divided into cells", "1"),
    "one endless row": ("id,name\n1,A\n" + '"a\n",' * (6 << 20), ":3", "the row is longer than 16 MiB", "1"),
    "one endless cell": ('id,name\n1,A\n2,"' + "B,\n" * (12 << 20), ":3", "the row is longer than 16 MiB", "1"),
    "one endless line": ("id,name\n1," + "A" * (17 << 20), ":2", "longer than 16 MiB", ""),
}
"""Broken tables: content, place and message of the refusal, and the identities of the rows that are given."""


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    """What stands before is given; after a row that is broken by itself the reading goes on."""
    content, place, message, given = BROKEN[case]
    found = told(written(tmp_path / "a.csv", content))
    assert "".join(cells[0] for line, cells in found if isinstance(line, int)) == given
    refused = next(one for one in found if isinstance(one[0], str))
    assert refused[0] == f"{tmp_path / 'a.csv'}{place}"
    assert message in refused[1]


OBJECTS = {
    "no JSON": ('{"id": 1', "", "not JSON (at column 10)"),
    "no object": ("[1]", "", "not an object"),
    "nested too deep": ('{"id": ' + "[" * 100_000, "", "not JSON"),
    "a name given twice": ('{"id": 1, "id": 2}', ": id", "stands twice"),
    "a name nobody uses": ('{"id": 1, "nmae": 2}', ": nmae", "no fact uses this column"),
    "half a letter": ('{"id": 1, "name": "\\ud800"}', ": name", "the cell has the character U+D800"),
    "a letter that is none": ('{"id": 1, "name": "A\\u0000"}', ": name", "the cell has the character U+0000"),
    "half a letter in a name": ('{"id": 1, "\\ud800": 1}', ": \\ud800", "no fact uses this column"),
    "NUL in a name given twice": ('{"a\\u0000": 1, "a\\u0000": 2}', ": a\\x00", "stands twice"),
    "what is no number": ('{"id": 1, "name": NaN}', ": name", "the cell is NaN or infinite"),
    "an infinite number": ('{"id": 1, "name": -Infinity}', ": name", "the cell is NaN or infinite"),
    "an object as a cell": ('{"id": 1, "name": {"en": "A"}}', ": name", "the cell is an object"),
    "a list as a cell": ('{"id": 1, "name": ["A"]}', ": name", "the cell is a list"),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_a_broken_object_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    """The lines around it are read."""
    line, place, message = OBJECTS[case]
    path = written(tmp_path / "a.jsonl", f'{{"id": 1}}\n{line}\n{{"id": 3}}\n')
    first, refused, last = told(path)
    assert (first, last) == ((1, ["1", None]), (3, ["3", None]))
    assert refused[0] == f"{path}:2{place}"
    assert message in refused[1]


def test_json_numbers_are_read_as_they_are_written(tmp_path: Path) -> None:
    """No digit is lost, even of a number that is not exact as a float."""
    path = written(tmp_path / "a.jsonl", '{"id": 12345678901234567890, "name": 1.10}\n{"id": true, "name": -0}\n')
    assert told(path) == [(1, ["12345678901234567890", "1.10"]), (2, ["true", "-0"])]


def test_lists_are_cells_where_the_form_allows_them(tmp_path: Path) -> None:
    """Of texts and numbers; what is missing in them is left out, and an empty one is nothing."""
    form = FORM._replace(lists=frozenset({"name"}), missing=frozenset({"-"}))
    content = '{"id": 1, "name": ["A ", 2, "-", null]}\n{"id": 2, "name": []}\n{"id": 3, "name": [["A"]]}\n'
    first, second, third = told(written(tmp_path / "a.jsonl", content), form)
    assert (first, second) == ((1, ["1", ["A", "2"]]), (2, ["2", None]))
    assert third == (f"{tmp_path / 'a.jsonl'}:3: name", "the cell is a list within a list")
    assert told(table(tmp_path / "a.parquet", id=[1], name=[["A", "B"]]), form) == [(1, ["1", ["A", "B"]])]


def test_parquet_cells_are_printed(tmp_path: Path) -> None:
    """Dates and instants as in ISO 8601, decimals with their digits; a NaN is nothing."""
    names: list[Any] = [date(2024, 5, 3), datetime(2024, 5, 3, 1, tzinfo=UTC), Decimal("1.50"), True, 0.1, float("nan")]
    texts = ["2024-05-03", "2024-05-03T01:00:00+00:00", "1.50", "true", "0.1", None]
    for name, text in zip(names, texts, strict=True):
        assert told(table(tmp_path / "a.parquet", id=[1], name=[name])) == [(1, ["1", text])]
    numbers = pa.array([0.1, 1e20, float("nan"), None, -2.0], pa.float32())
    found = told(table(tmp_path / "a.parquet", id=[1] * 5, name=numbers))
    assert [cells[1] for _, cells in found] == ["0.1", str(10**20), None, None, "-2"]
    lists = pa.array([[0.1, None, 0.5]], pa.list_(pa.float32()))
    form = FORM._replace(lists=frozenset({"name"}))
    assert told(table(tmp_path / "a.parquet", id=[1], name=lists), form) == [(1, ["1", ["0.1", "0.5"]])]
    decimals = pa.array([Decimal(0), Decimal("0.0000001")], pa.decimal128(20, 10))
    assert [cells[1] for _, cells in told(table(tmp_path / "a.parquet", id=[1, 1], name=decimals))] == [
        "0",
        "0.0000001000",
    ]
    refused = told(table(tmp_path / "a.parquet", id=[1, 2], name=[b"\xff", None]))
    assert refused == [(f"{tmp_path / 'a.parquet'}:1: name", "the cell is binary"), (2, ["2", None])]


def test_parquet_columns_are_checked_like_others(tmp_path: Path) -> None:
    """One that is lacking, one of no use, a file that is none, and one without rows."""
    path = tmp_path / "a.parquet"
    assert told(table(path, id=[1])) == [(f"{path}: name", "the table has no such column")]
    assert told(table(path, id=[1], name=["A"], x=[1])) == [(f"{path}: x", "no fact uses this column")]
    assert told(table(path, id=[], name=[])) == [(str(path), "the file has no rows")]
    ((place, message),) = told(written(path, "id,name\n1,A\n"))
    assert place == str(path)
    assert message.startswith("the file cannot be read as Parquet")


def test_damaged_parquet_is_refused_in_one_line(tmp_path: Path) -> None:
    """Wherever the damage lies: in a page, in a name, in a text."""
    path = table(tmp_path / "a.parquet", id=[str(number) for number in range(100)], name=["A"] * 100)
    content = path.read_bytes()
    for damaged in (content[:4] + bytes(60) + content[64:], content[:-20], content[:4] + b"\xff" * 60 + content[64:]):
        (refused,) = rows.read(written(path, damaged), FORM)
        assert isinstance(refused, Refused)
        assert refused.message.startswith("the file cannot be read as Parquet")
        assert "\n" not in refused.message
        assert refused.remedy == "Fetch it again"
    assert told(table(path, id=["1"], name=["A\0"])) == [(f"{path}:1: name", "the cell has the character U+0000")]
    assert told(table(path, id=["1"], **{"na\0me": ["A"]})) == [
        (f"{path}: na\\x00me", "column 2 has a name that is no text")
    ]


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: who reads no Parquet does not need it."""
    path = table(tmp_path / "a.parquet", id=[1], name=["A"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (refused,) = rows.read(path, FORM)
    assert isinstance(refused, Refused)
    assert "pip install 'timeline[parquet]'" in refused.remedy


def test_a_file_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    """One that is not there, a folder, one of no known format, and a packed one that is damaged or cut."""
    packed = gzip.compress(b"id,name\n" + b"1,A\n" * 100_000)
    damaged = bytearray(packed)
    damaged[40:60] = bytes(20)
    cases = {
        tmp_path / "none.csv": "No such file",
        tmp_path: "names no format of tables",
        Path("-"): "tables are not read from standard input",
        written(tmp_path / "a.xlsx", "PK"): "the ending '.xlsx' names no format of tables",
        written(tmp_path / "cut.csv.gz", packed[:-20]): "damaged or cut short",
        written(tmp_path / "bad.csv.gz", bytes(damaged)): "damaged or cut short",
        written(tmp_path / "no.csv.gz", "id,name\n1,A\n"): "damaged or cut short",
    }
    (tmp_path / "folder.csv").mkdir()
    cases[tmp_path / "folder.csv"] = "Is a directory"
    for path, message in cases.items():
        place, said = told(path)[-1]
        assert place == str(path)
        assert message in said


def test_the_format_may_be_told_apart_from_the_ending(tmp_path: Path) -> None:
    """As of files that come from a feed under any name."""
    path = written(tmp_path / "sdn.txt", "id\tname\n1\tA\n")
    assert told(path, FORM._replace(format="tsv")) == [(2, ["1", "A"])]


def test_rows_stream(tmp_path: Path) -> None:
    """Of a table of 40 MB no more than some blocks are held, and lines are counted across them."""
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({"id": number, "name": "A" * 1_000}) + "\n" for number in range(40_000))
    tracemalloc.start()
    try:
        for number, row in enumerate(rows.read(path, FORM)):
            assert row[1:] == (number + 1, [str(number), "A" * 1_000])  # type: ignore[index]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert number == 39_999


def test_blocks_divide_no_row(tmp_path: Path) -> None:
    """Wherever a block of bytes ends: within a letter, a line break, a quoted cell."""
    buffer = io.StringIO()
    buffer.write("id,name\r\n")
    names = [f"É{'x' * (number % 97)}\r\n“{number}”" for number in range(9_000)]
    buffer.writelines(f'{number},"{name}"\r\n' for number, name in enumerate(names))
    path = written(tmp_path / "a.csv", buffer.getvalue())
    assert path.stat().st_size > 3 << 17
    assert told(path) == [(2 + 2 * number, [str(number), name]) for number, name in enumerate(names)]
