"""`timeline sql`: a query printed like every answer, psql for those who know it, and no way to write."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from acceptance.program import Program, failure
from makers import line

from timeline.opening import connect

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "SELECT key, state, since, known_since, behind FROM timeline.ask('observations') ORDER BY key"
DAY = ("--on", "2023-12-15")


@pytest.fixture
def program(database_url: str) -> Program:
    """Return the program with a database in which it has rained twice."""
    with connect(database_url) as opened:
        opened.create()
        opened.record([line(), line(subject="agra", known="2024-02-01")])
    return Program(database_url)


def test_a_query_is_printed_in_every_form(program: Program) -> None:
    """Nested objects, days and instants as answers have them; the views that it names are stored on the way."""
    rain = {"value": 3}
    found = [
        {"key": "agra/rain", "state": rain, "since": "2023-12-01", "known_since": "2024-02-01T00:00:00Z"},
        {"key": "delhi/rain", "state": rain, "since": "2023-12-01", "known_since": "2023-12-26T00:00:00Z"},
    ]
    answer = program.answer("sql", ROWS, *DAY)
    assert [{**row, "state": {"value": row["state"]["value"]}} for row in answer["rows"]] == [
        {**row, "behind": 0} for row in found
    ]
    assert len(program("sql", ROWS, *DAY).stdout.splitlines()) == 2
    assert program("sql", ROWS, *DAY, "-o", "csv").stdout.startswith("key,state.value,")
    assert program("sql", ROWS, *DAY, "-o", "md").stdout.startswith("| key | state.value |")
    assert "delhi/rain" in program("sql", ROWS, *DAY, "-o", "table").stdout
    known = program.answer("sql", ROWS, *DAY, "--known", "26 December 2023")
    assert [row["key"] for row in known["rows"]] == ["delhi/rain"]


def test_what_is_recorded_is_there_for_the_next_query(program: Program, tmp_path: Path) -> None:
    """The read models follow before the query is put."""
    assert program.answer("sql", ROWS, *DAY)["rows"]
    (tmp_path / "facts.jsonl").write_text(json.dumps(line(subject="pune")))
    program("import", tmp_path)
    assert [(row["key"], row["behind"]) for row in program.answer("sql", ROWS, *DAY)["rows"]] == [
        ("agra/rain", 0),
        ("delhi/rain", 0),
        ("pune/rain", 0),
    ]


def test_values_come_as_json_can_hold_them(program: Program) -> None:
    """Exact numbers are numbers, all else is text as Postgres writes it; a name that stands twice is told apart."""
    query = """SELECT 2.50 AS a, 0.1::float8 AS b, 12345678901234567890.5 AS c, 'NaN'::float8 AS d,
        true AS e, null AS f, 'infinity'::date AS g, timestamptz '2023-12-26 10:00Z' AS h, ARRAY[1.5, 2] AS i,
        interval '1 day' AS j, daterange('2023-01-01', NULL) AS k, '\\x00ff'::bytea AS l, 1 AS same, 2 AS same,
        3 AS same_2, 9007199254740993 AS m, 7::int8 AS n,
        '[1e400, 2.50]'::json AS o, timestamptz '2023-12-26 10:00:00.5Z' AS p,
        '{"n": 12345678901234567890123, "m": 0.10000000000000000001}'::jsonb AS q,
        (repeat('[', 3000) || repeat(']', 3000))::json AS r, (repeat('[', 252) || repeat(']', 252))::json AS s,
        '"\\ud800"'::json AS t, '1e1000000'::json AS u, '[1e19999999999999999999, -1e-1000000]'::json AS v"""
    assert program.answer("sql", query)["rows"] == [
        {"a": 2.5, "b": 0.1, "c": "12345678901234567890.5", "d": "NaN", "e": True, "f": None}
        | {"g": "infinity", "h": "2023-12-26T10:00:00Z", "i": [1.5, 2], "j": "1 day"}
        | {"k": "[2023-01-01,)", "l": "\\x00ff", "same": 1, "same_3": 2, "same_2": 3}
        | {"m": "9007199254740993", "n": 7, "o": ["1e400", 2.5], "p": "2023-12-26T10:00:00.500000Z"}
        | {"q": {"n": "12345678901234567890123", "m": "0.10000000000000000001"}, "r": "[" * 3000 + "]" * 3000}
        | {"s": "[" * 252 + "]" * 252, "t": '"\\ud800"', "u": "1e1000000"}
        | {"v": ["1e19999999999999999999", "-1e-1000000"]}
    ]


def test_no_row_is_an_answer(program: Program) -> None:
    """With its columns, where the form has any."""
    result = program("sql", f"SELECT * FROM ({ROWS}) AS rows WHERE false", "-o", "csv")  # noqa: S608
    assert (result.stdout, result.stderr) == ("key,state,since,known_since,behind\n", "no rows\n")


@pytest.mark.parametrize(
    "query, code, said",
    [
        ("SELEC 1", 2, 'syntax error at or near "SELEC"'),
        ("", 2, "the query is empty"),
        ("SELECT 1; SELECT 2", 2, "the query is more than one statement"),
        ("DELETE FROM timeline.events", 2, "the statement gives no rows"),
        ("UPDATE timeline.timelines SET position = 0 RETURNING 1", 2, "read-only transaction"),
        ("SELECT * FROM timeline.nothing", 2, 'relation "timeline.nothing" does not exist'),
        ("SELECT 1 / (n - 2) FROM generate_series(1, 3) n", 2, "division by zero"),
        ("SELECT * FROM timeline.ask('nothing')", 3, 'no read model that serves the view "nothing"'),
        ("SELECT pg_sleep(5)", 2, "the query took longer than 1 second"),
        ("SELECT $1::int", 2, "the query has parameters ($1), and nothing gives them"),
        ("SELECT set_config('transaction_read_only', 'off', false)", 2, "must be set before any query"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(program: Program, query: str, code: int, said: str) -> None:
    """And what to do, with the exit codes of every command."""
    sentence, remedy = program.refused(code, "sql", query, "--seconds", "1")
    assert said in sentence
    assert remedy


def test_a_query_that_somebody_cancelled_did_not_take_too_long(program: Program, database_url: str) -> None:
    """Nor is it wrong: it can be asked again."""
    cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = %s AND state = 'active'"
    query = "SELECT 'to be cancelled', pg_sleep(50)"
    with program.started("sql", query) as asking, psycopg.connect(database_url, autocommit=True) as owner:
        while asking.poll() is None and not owner.execute(cancel, [query]).rowcount:
            time.sleep(0.05)
        said = failure(*asking.communicate(timeout=30))
    assert (asking.returncode, *said) == (4, "the query was cancelled on the server", "Ask again")


@pytest.mark.parametrize(
    "query, remedy",
    [
        ("SELECT * FROM observations_current", "Names stand with their schema, as timeline.deliveries_current; "),
        ("SELECT staat FROM timeline.observations_current", "Perhaps you meant to reference the column"),
        ("SELECT * FROM timeline.observations_as_of('26.12.2023')", "Write a day as 2023-12-26"),
        ("SELECT * FROM timeline.observations_as_of('yesterdy')", "Write a day as 2023-12-26"),
        ("SELECT state = state FROM timeline.observations_current", "JSON is compared as state::jsonb"),
        ("SELECT timeline.admit_reader('anna')", "This acts as a reader: "),
        ("SELECT * FROM timeline.facts_as_of('2024-01-01', now(), 500)", "Ask by a position that is there"),
    ],
)
def test_what_people_write_wrong_is_put_right(program: Program, query: str, remedy: str) -> None:
    """By a sentence of this program where that of the server leads astray."""
    assert program.refused(2, "sql", query)[1].startswith(remedy)


def test_a_command_of_psql_is_run_by_psql(program: Program) -> None:
    """What there is, with its columns and comments."""
    for command, shown in ((r" \d timeline.observations_current", "certainty"), (r"\df timeline.ask", "on_day date")):
        with program.started("sql", command) as running:
            stdout, stderr = running.communicate(timeout=60)
        assert (running.returncode, stderr) == (0, "")
        assert shown in stdout
    with program.started("sql", r"\nonsense") as running:
        assert "invalid command" in running.communicate(timeout=60)[1]
    assert running.returncode == 2


@pytest.mark.parametrize("comment", ["-- how many\n", "--how many\n", "  -- how many\n", "/* how many */ "])
def test_a_query_may_begin_with_a_comment(program: Program, comment: str) -> None:
    """It is no option, and a misspelt option is no query."""
    query = f"{comment}TABLE timeline.timelines"
    assert program("sql", query, "-o", "csv").stdout.startswith("timeline,position,")
    assert program("sql", "-o", "csv", "--", query).stdout.startswith("timeline,position,")
    assert "No such option: --secnds" in program("sql", "--secnds", "5", query, code=2).stderr


def test_psql_prints_in_forms_of_its_own(program: Program) -> None:
    """One that is asked for is not left out without a word."""
    for command in ((r"\d",), ()):
        assert program.refused(2, "sql", *command, "-o", "csv")[0] == "--output: psql prints in a form of its own"


def test_who_stops_reading_ends_the_query(program: Program) -> None:
    """The server does not go on for nobody."""
    running = program.started("sql", "SELECT generate_series(1, 2000000000)", "-o", "jsonl", "--seconds", "0")
    assert running.stdout
    assert running.stderr
    assert running.stdout.readline() == '{"generate_series":1}\n'
    running.stdout.close()
    assert running.wait(60) == 0
    running.stderr.close()


def piped(program: Program, *args: str, given: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Pipe statements into the command, whose psql is looked for on a path."""
    if path is not None:
        program.environment["PATH"] = path
    running = program.started("sql", *args, stdin=subprocess.PIPE)
    stdout, stderr = running.communicate(given, timeout=60)
    return subprocess.CompletedProcess(args, running.returncode, stdout, stderr)


def test_without_a_query_psql_is_opened_as_a_reader(program: Program, tmp_path: Path) -> None:
    """The one of the server's programs where there is none on the path; Ctrl-C and the rest are psql's own."""
    program.answer("sql", ROWS)
    script = f"\\pset tuples_only on\n\\pset format unaligned\n{ROWS.replace('state, since, known_since, ', '')};\n"
    script += (
        "SELECT current_user, timeline.name(), timeline.on_day(), timeline.known_at();\nDELETE FROM timeline.events;"
    )
    for path in (None, str(tmp_path)):
        done = piped(program, *DAY, "--known", "2024-01-01", given=script, path=path)
        assert "delhi/rain|0\ntimeline_reader|main|2023-12-15|2024-01-01 23:59:59.999999+00\n" in done.stdout
        assert "read-only transaction" in done.stderr
        assert done.returncode == 2


def test_where_there_is_no_psql_that_is_said(program: Program, tmp_path: Path) -> None:
    """With what to do instead."""
    for name in ("postgres", "initdb"):
        (tmp_path / name).touch(0o755)
    program.environment["TIMELINE_SERVER_BINARIES"] = str(tmp_path)
    done = piped(program, given="", path=str(tmp_path))
    sentence, remedy = failure(done.stdout, done.stderr)
    assert (done.returncode, sentence) == (2, "psql is not installed")
    assert 'timeline sql "SELECT …"' in remedy


@pytest.mark.parametrize("named", ["timeline.OBSERVATIONS_CURRENT", "timeline.ask('obser' || 'vations')"])
def test_rows_that_are_behind_are_told_however_the_view_is_named(
    program: Program, database_url: str, named: str
) -> None:
    """The server warns of them, once for each part of a plan; people are told once."""
    program("ask", "observations", *DAY)
    program("views", "pause", "observations")
    with connect(database_url) as opened:
        opened.record([line(subject="pune")])
    result = program("sql", f"SELECT key FROM {named} ORDER BY key", *DAY)  # noqa: S608  names of ours
    assert [json.loads(row)["key"] for row in result.stdout.splitlines()] == ["agra/rain", "delhi/rain"]
    assert result.stderr.count('the view "observations" is 1 event behind the log') == 1
