"""One question, three ways to ask it: the command line, Python and SQL give the same rows.

`TIMELINE_TEST_BASES=1000 scripts/test tests/acceptance/test_interfaces.py` asks at so many random bases.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from acceptance.program import ROOT, Program

import timeline
from timeline.answers import row_fields
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.app import Timeline

BASES = int(os.environ.get("TIMELINE_TEST_BASES", "40"))
SEED = 20231226
FIRST, DAYS = date(2015, 1, 1), 4_200
COLUMNS = "key, state, certainty, disputed, since, until, known_since, facts"


@pytest.fixture
def line(database_url: str) -> Iterator[Timeline]:
    """Yield a timeline that holds the sample, recorded in three portions with the views stored after the first."""
    with timeline.connect(database_url, timeline="main") as opened:
        opened.create()
        items = list(timeline.read(ROOT / "seeds"))
        opened.record(items[: len(items) // 3], skip_bad=True)
        for view in opened.vocabulary.views:
            opened.ask(view)
        opened.record(items[len(items) // 3 : len(items) // 2], skip_bad=True)
        opened.record(items)
        yield opened


def in_sql(url: str, view: str, on: date, known: datetime) -> list[dict[str, Any]]:
    """Return the rows that SQL gives, as answers print them."""
    query = f"SELECT {COLUMNS} FROM timeline.{view}_as_of(%s, %s) ORDER BY key"  # noqa: S608  a view of ours
    with psycopg.connect(url, options="-c timezone=Asia/Kathmandu") as connection:
        found = connection.execute(query.encode(), [on, known]).fetchall()
    names = COLUMNS.split(", ")
    rows = [dict(zip(names, row, strict=True)) for row in found]
    days = ("since", "until")
    return [
        {**row, **{name: row[name] and row[name].isoformat() for name in days}}
        | {"known_since": format_instant(row["known_since"])}
        for row in rows
    ]


def test_the_same_rows_come_from_the_command_line_python_and_sql(line: Timeline, database_url: str) -> None:
    """At random bases of random views, every field of every row; and the log itself says so."""
    program, random = Program(database_url), Random(SEED)  # noqa: S311  a sample, not a secret
    rows = 0
    for _ in range(BASES):
        view = random.choice(sorted(line.vocabulary.views))
        on = FIRST + timedelta(days=random.randrange(DAYS))
        known = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(hours=random.randrange(70_000))
        answer = line.ask(view, on=on, known=known)
        told = [row_fields(row) for row in answer.rows]
        asked = ["ask", view, "--on", on.isoformat(), "--known", format_instant(known)]
        assert program.answer(*asked)["rows"] == told
        assert in_sql(database_url, view, on, known) == told
        assert [row_fields(row) for row in line._asker.folded(line.vocabulary.view(view), None, answer.basis)] == told
        rows += len(told)
    assert rows >= BASES // 8
