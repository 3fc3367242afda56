"""Output: every form holds the same rows, parses, and is never cut."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest

from timeline.cli import output
from timeline.cli.output import Printed
from timeline.settings import FORMATS

LONG = "word " * 200 + "x" * 500
ROWS: list[dict[str, Any]] = [
    {"key": "a|b", "state": {"item": "S-400", "quantity": 5, "by": ["Russia", "India"]}, "until": None, "sure": True},
    {
        "key": "ü\n[2023-12-01..2023-12-26]",
        "state": {"text": LONG, "claims": [{"field": "due", "value": 1.5}]},
        "until": "x",
    },
]
HEADER = {"basis": {"on": "2023-12-26"}, "view": "deliveries"}


def printed(capfdbinary: pytest.CaptureFixture[bytes], form: str, rows: list[dict[str, Any]]) -> str:
    """Return what is written to stdout, which must be all that is written."""
    import sys  # noqa: PLC0415  pytest replaces its streams for each test

    count = output.write(Printed(name="rows", rows=iter(rows), header=HEADER, columns=("key", "state")), form)
    sys.stdout.flush()
    out, err = capfdbinary.readouterr()
    assert count == len(rows)
    assert err == b""
    return out.decode()


def test_json_holds_header_and_rows(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """One valid document, also when there are no rows."""
    assert json.loads(printed(capfdbinary, "json", ROWS)) == HEADER | {"rows": ROWS}
    assert json.loads(printed(capfdbinary, "json", [])) == HEADER | {"rows": []}


def test_json_lines_hold_a_row_a_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Without rows there are no lines."""
    assert [json.loads(line) for line in printed(capfdbinary, "jsonl", ROWS).splitlines()] == ROWS
    assert printed(capfdbinary, "jsonl", []) == ""


def test_csv_holds_every_field_of_every_row(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Columns are those of all rows together; lists are JSON; without rows there are the columns."""
    found = list(csv.DictReader(io.StringIO(printed(capfdbinary, "csv", ROWS))))
    assert [row["key"] for row in found] == [row["key"] for row in ROWS]
    assert (found[0]["state.quantity"], found[0]["state.by"]) == ("5", '["Russia","India"]')
    assert (found[0]["sure"], found[0]["until"]) == ("true", "")
    assert found[1]["state.text"] == LONG
    assert printed(capfdbinary, "csv", []) == "key,state\n"


def test_markdown_is_one_table(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Line breaks and bars within a cell do not break the table."""
    lines = printed(capfdbinary, "md", ROWS).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1
    assert r"a\|b" in lines[2]
    assert LONG in lines[3]


def test_a_table_is_never_cut(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """In a pipe it is as wide as it needs to be, and brackets are text."""
    text = printed(capfdbinary, "table", ROWS)
    assert LONG.strip() in text
    assert "[2023-12-01..2023-12-26]" in text
    assert "field: due; value: 1.5" in text
    assert printed(capfdbinary, "table", []) == ""


@pytest.mark.parametrize("width", [20, 80, 200])
def test_a_narrow_terminal_folds_what_is_long(width: int) -> None:
    """No character is lost on a terminal, however narrow."""
    cells = [{"key": "a", "text": LONG}, {"key": "b", "text": "short"}]
    drawn = re.sub("\x1b\\[[0-9]*m", "", output._drawn(["key", "text"], cells, width))
    assert max(map(len, drawn.splitlines())) <= width
    assert "".join(drawn.split()).count("x") >= 500


def test_a_quote_cannot_steer_the_terminal(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Control characters are written out where people read."""
    for form in ("table", "md"):
        assert "\x1b" not in printed(capfdbinary, form, [{"key": "\x1b[2Jgone"}])


def test_one_object_is_printed_in_every_form(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Each field and value is there."""
    import sys  # noqa: PLC0415

    for form in FORMATS:
        output.write_one({"timeline": "main", "events": 3}, form)
        sys.stdout.flush()
        out = capfdbinary.readouterr()[0].decode()
        assert all(word in out for word in ("timeline", "main", "events", "3"))


@pytest.mark.parametrize(
    "explicit, usual, expected", [("csv", "json", "csv"), (None, "json", "json"), (None, None, "jsonl")]
)
def test_the_form_asked_for_wins(explicit: str | None, usual: str | None, expected: str) -> None:
    """Without a wish it is JSON Lines, since stdout is no terminal here."""
    assert output.form(explicit, usual) == expected
