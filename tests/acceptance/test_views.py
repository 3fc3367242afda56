"""Stored views as their users run them: looked at, built anew, proved, paused, mended, and kept up by a worker."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from acceptance.program import ROOT, Program
from psycopg.conninfo import make_conninfo

import timeline
from timeline.append import SMALL
from timeline.cli.records import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEEDS = 91
PLUGIN = """
from timeline import Projection

GAUGE = Projection(
    name="gauge",
    version={version},
    about="What was measured, by subject.",
    kinds=frozenset({{"observation"}}),
    keys=lambda event: [event.subject],
    fold=lambda state, entry: {{"value": {value}}},
)
"""
NUMBERS_ONLY = 'entry.data["value"] + 0'
ANYTHING = 'entry.data["value"]'


def execute(url: str, statement: str) -> None:
    """Run a statement as the owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def fact(subject: str, value: Any, name: str = "") -> str:  # noqa: ANN401
    """Return a line of facts about what was measured somewhere."""
    given = {"fact": name or uuid4().hex, "kind": "observation", "subject": subject, "valid": "2023-12"}
    return json.dumps(given | {"known": "2023-12-26", "data": {"measure": "rain", "value": value}}) + "\n"


@pytest.fixture
def program(database_url: str) -> Program:
    """Return the program with the samples recorded and the sanctions stored."""
    program = Program(database_url)
    program("import", ROOT / "seeds")
    program("views", "rebuild", "sanctions")
    return program


@pytest.fixture
def gauged(database_url: str, tmp_path: Path) -> Program:
    """Return the program with a view by a plug-in that takes numbers only, and rain in two places."""
    program = Program(database_url)
    program.environment["TIMELINE_PLUGINS"] = str(tmp_path / "gauge.py")
    plug_in(program, NUMBERS_ONLY)
    program("import", "-", given=fact("delhi", 3) + fact("pune", 1))
    program("views", "rebuild", "gauge")
    return program


def plug_in(program: Program, value: str, version: int = 1) -> None:
    """Write the plug-in anew; a name of its own keeps Python from taking what it compiled before."""
    path = ROOT.__class__(program.environment["TIMELINE_PLUGINS"]).with_name(f"gauge_{uuid4().hex}.py")
    path.write_text(PLUGIN.format(value=value, version=version))
    program.environment["TIMELINE_PLUGINS"] = str(path)


def gauge(program: Program) -> dict[str, Any]:
    """Return what the gauge shows, by key."""
    rows = program.answer("ask", "gauge", "--on", "2023-12-15")["rows"]
    return {row["key"]: row["state"].get("value") for row in rows}


def standing(program: Program, view: str) -> dict[str, Any]:
    """Return the status of a view."""
    return next(row for row in program.answer("views", "status")["views"] if row["view"] == view)


def test_the_views_are_listed_with_what_they_show(program: Program) -> None:
    """Each with its version, its kinds and whether it is stored."""
    listed = {row["view"]: row for row in program.answer("views", "list")["views"]}
    assert len(listed) == 10
    assert {name for name, row in listed.items() if row["stored"]} == {"sanctions"}
    assert listed["agreements"]["kinds"] == ["agreement.ended", "agreement.in_force", "agreement.signed"]
    assert listed["agreements"]["about"]


def test_the_status_says_how_far_behind_a_view_is(program: Program) -> None:
    """A view that is asked is stored from then on; one that was never asked is not."""
    program("ask", "trade")
    states = {row["view"]: (row["state"], row["lag"]) for row in program.answer("views", "status")["views"]}
    assert states["sanctions"] == states["trade"] == ("serving", 0)
    assert states["visits"] == ("not stored", SEEDS)
    for form in ("table", "csv", "md", "jsonl"):
        assert "sanctions" in program("views", "status", "-o", form).stdout


def test_every_view_can_be_built_anew(program: Program) -> None:
    """One line for each, all at the end of the log, and what they answer is what they answered."""
    before = program("ask", "sanctions", "--as-of", "2023-12-26").stdout
    rebuilt = program.answer("views", "rebuild", "--all")["rebuilt"]
    assert len(rebuilt) == 10
    assert {(row["position"], row["events"], row["differing"]) for row in rebuilt} == {(SEEDS, SEEDS, 0)}
    assert {row["view"]: row["compared"] for row in rebuilt if row["compared"]} == {"sanctions": SEEDS}
    assert all(row["digest"] and row["seconds"] > 0 and row["events_per_second"] > 0 for row in rebuilt)
    assert program("ask", "sanctions", "--as-of", "2023-12-26").stdout == before
    verified = program.answer("views", "verify")["verified"]
    assert {row["view"]: row["rows"] for row in verified} == {row["view"]: row["rows"] for row in rebuilt}


def test_what_cannot_be_run_is_refused(program: Program) -> None:
    """One sentence and the next command, with the code of its kind."""
    assert "--all" in program.refused(2, "views", "rebuild")[1]
    program.refused(2, "views", "rebuild", "sanctions", "--all")
    assert program.refused(3, "views", "rebuild", "sanction")[1] == "Did you mean sanctions?"
    assert program.refused(3, "views", "errors", "sanction")[1] == "Did you mean sanctions?"
    for command in ("verify", "pause", "resume"):
        sentence, remedy = program.refused(3, "views", command, "visits")
        assert (sentence, remedy) == ("the view visits is not stored", "Run: timeline views rebuild visits")
    remedy = program.refused(3, "views", "drop", "visits", "--timeline", "main")[1]
    assert remedy == "See which are: timeline --timeline main views list"
    program.refused(3, "views", "status", "--timeline", "nowhere")


def test_a_database_that_is_not_set_up_is_refused(fresh_database_url: str) -> None:
    """With what to type, by each of the commands."""
    program = Program(fresh_database_url)
    for command in ("list", "status", "verify", "run --once", "errors", "rebuild --all"):
        assert program.refused(4, "views", *command.split())[1] == "Run: timeline init"


def test_tampering_is_found_told_and_put_right(program: Program, database_url: str) -> None:
    """Verifying ends with 1 and names the key; building anew shows both readings of it."""
    changed = "UPDATE timeline.rows SET state = '{\"adopted\": \"never\"}' WHERE key = 'russia/round/12'"
    execute(database_url, changed)
    result = program("views", "verify", code=1)
    assert re.search(r"sanctions: russia/round/12 at position \d+: the log folds into", result.stderr)
    assert "→ timeline views rebuild sanctions" in result.stderr
    assert "round/12" in json.loads(result.stdout)["difference"]
    result = program("views", "rebuild", "sanctions")
    assert json.loads(result.stdout)["differing"] > 0
    assert re.search(r'no longer: russia/round/12 on \[.*\) known \[.*\): \{"adopted": "never"\}', result.stderr)
    assert re.search(r'new: russia/round/12 on .*: \{.*"authority":\["EU"\],.*…', result.stderr)
    assert "1 stored view verified" in program("views", "verify").stderr


def test_a_proof_by_ranges_tells_where_rows_are_not_the_same(program: Program, database_url: str) -> None:
    """One line for each range of each view; two of them can be held side by side."""
    program("views", "rebuild", "trade")
    before = program.answer("views", "verify", "--by", "40")["verified"]
    spans = [(1, 40), (41, 80), (81, SEEDS)]
    assert [(row["view"], row["first"], row["last"]) for row in before] == [
        (view, *span) for view in ("sanctions", "trade") for span in spans
    ]
    (whole,) = program.answer("views", "verify", "sanctions")["verified"]
    assert sum(row["rows"] for row in before if row["view"] == "sanctions") == whole["rows"]
    execute(database_url, "DELETE FROM timeline.rows WHERE key = 'russia/round/12'")
    result = program("views", "verify", "--by", "40", "-o", "jsonl", code=1)
    after = [json.loads(row) for row in result.stdout.splitlines()]
    position = re.search(r"sanctions: russia/round/12 at position (\d+): the log folds into", result.stderr)
    assert position is not None
    differing = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert any(new["first"] <= int(position[1]) <= new["last"] for _, new in differing)
    for old, new in differing:
        assert new["difference"] == f"the log folds into {counted(old['rows'], 'row')}, {old['hash']}"
        assert new["rows"] < old["rows"]
    assert {new["view"] for new in after if new["difference"]} == {"sanctions"} == {new["view"] for _, new in differing}
    assert program("views", "verify", "--by", "40", "-o", "csv", code=1).stdout.startswith("view,first,last,rows,hash,")


def test_a_range_is_one_position_or_more(program: Program) -> None:
    """Anything else is refused before the log is folded."""
    for by in ("0", "-5", "many"):
        result = program("views", "verify", "--by", by, code=2)
        assert (result.stdout, "Invalid value for '--by'" in result.stderr) == ("", True)


def test_with_nothing_stored_nothing_is_wrong(database_url: str) -> None:
    """What is not stored needs no proof."""
    program = Program(database_url)
    program("import", ROOT / "seeds")
    result = program("views", "verify")
    assert (result.stdout, result.stderr) == ("", "no view is stored\n")


def test_a_view_that_is_dropped_is_stored_again_when_it_is_asked(program: Program, database_url: str) -> None:
    """Nothing of it is left, and the answer is the same."""
    before = program("ask", "sanctions", "--as-of", "2023-12-26").stdout
    said = program("--timeline=main", "--home", "my home", "views", "pause", "sanctions").stderr
    assert said.endswith("→ timeline --home 'my home' --timeline main views resume sanctions\n")
    assert "not stored any more" in program("views", "drop", "sanctions").stderr
    assert standing(program, "sanctions")["state"] == "not stored"
    with psycopg.connect(database_url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'timeline' AND tablename ~ '^(rows|keys)_[0-9]'"
        assert connection.execute(tables).fetchone() == (0,)
    program("import", "-", given=fact("delhi", 1))
    assert program("ask", "sanctions", "--as-of", "2023-12-26").stdout == before
    assert standing(program, "sanctions")["state"] == "serving"


def test_a_rebuild_says_what_it_could_not_compare(program: Program) -> None:
    """A view that was left behind the log lacks events, and is left paused."""
    program("views", "pause", "sanctions")
    program("import", "-", given=fact("delhi", 1) + fact("pune", 1))
    result = program("views", "rebuild", "sanctions", "-o", "json")
    (row,) = json.loads(result.stdout)["rebuilt"]
    assert (row["position"], row["compared"], row["differing"]) == (SEEDS + 2, SEEDS, 0)
    assert "what was stored of sanctions lacked 2 events: their keys were not compared" in result.stderr
    assert "sanctions stays paused\n→ timeline views resume sanctions" in result.stderr
    assert standing(program, "sanctions")["state"] == "paused"


def test_a_paused_view_answers_from_the_log_and_says_so(program: Program) -> None:
    """The answer is right; why it took longer stands on stderr, and in what the doctor finds."""
    program("views", "pause", "sanctions")
    row = {"fact": "late", "kind": "sanction.round_adopted", "subject": "russia", "valid": "2024-02-23"}
    data = {"target": "Russia", "authority": ["EU"], "round": 13, "adopted": "2024-02-23"}
    program("import", "-", given=json.dumps(row | {"known": "2024-02-23", "data": data}))
    result = program("ask", "sanctions", "russia/round/13", "--on", "2024-03-01")
    assert json.loads(result.stdout)["facts"] == ["late"]
    said = f"sanctions is paused at {SEEDS}, 1 event behind the log: computed from the log"
    assert said in result.stderr.splitlines()
    assert "computed from" not in program("ask", "sanctions", "--recorded", "90").stderr
    (wrong,) = [check for check in json.loads(program("doctor", "-o", "json", code=1).stdout)["checks"] if check["fix"]]
    assert wrong == {
        "check": "view sanctions",
        "passed": False,
        "found": f"sanctions is paused at {SEEDS}, 1 event behind the log",
        "fix": "Run: timeline views resume sanctions",
    }
    assert f"at {SEEDS + 1}; 0 keys cannot" in program("views", "resume", "sanctions").stderr
    again = program("ask", "sanctions", "russia/round/13", "--on", "2024-03-01")
    assert (again.stdout, "computed from" in again.stderr) == (result.stdout, False)
    program("doctor")


def test_a_key_that_cannot_be_folded_is_told_and_mended(gauged: Program) -> None:
    """Answers and errors name it with the reason, others go on, and `resume` tries it again."""
    gauged("import", "-", given=fact("delhi", "a lot") + fact("pune", 2))
    result = gauged("ask", "gauge", "--on", "2023-12-15", "-o", "json")
    rows = {row["key"]: row for row in json.loads(result.stdout)["rows"]}
    assert {key: row["state"] for key, row in rows.items()} == {"delhi": {}, "pune": {"value": 2}}
    assert rows["delhi"]["stuck"].startswith("TypeError")
    assert "stuck" not in rows["pune"]
    assert gauged("sql", "SELECT DISTINCT key FROM timeline.rows", "-o", "csv").stdout.split() == ["key", "pune"]
    said = "1 key of gauge cannot be folded: timeline views errors gauge"
    assert said in result.stderr.splitlines()
    assert "cannot be folded" not in gauged("ask", "gauge", "pune", "--on", "2023-12-15").stderr
    (error,) = json.loads(gauged("views", "errors", "-o", "json", code=1).stdout)["errors"]
    assert (error["view"], error["key"], error["reason"]) == ("gauge", "delhi", rows["delhi"]["stuck"])
    assert gauged("views", "errors", "observations").stdout == ""
    checks = json.loads(gauged("doctor", "-o", "json", code=1).stdout)["checks"]
    assert [check["fix"] for check in checks if check["fix"]] == ["See: timeline views errors gauge"]
    assert "1 key cannot be folded" in gauged("views", "resume", "gauge").stderr
    plug_in(gauged, ANYTHING)
    assert "0 keys cannot be folded" in gauged("views", "resume", "gauge").stderr
    assert gauge(gauged) == {"delhi": "a lot", "pune": 2}
    gauged("views", "errors")


def test_another_version_of_a_view_is_built_before_it_answers(gauged: Program) -> None:
    """Nobody has to know that there was another one."""
    plug_in(gauged, "-entry.data['value']", version=2)
    assert gauge(gauged) == {"delhi": -3, "pune": -1}
    assert standing(gauged, "gauge")["version"] == 2
    plug_in(gauged, ANYTHING, version=3)
    assert "outdated" in gauged("views", "status", "-o", "table").stdout
    checks = json.loads(gauged("doctor", "-o", "json", code=1).stdout)["checks"]
    found = [check["found"] for check in checks if check["fix"]]
    assert found == ["gauge is stored by another version of the view"]
    gauged("views", "run", "--once")
    assert gauge(gauged) == {"delhi": 3, "pune": 1}


def test_a_view_is_built_by_one_at_a_time(program: Program, database_url: str) -> None:
    """The second is a conflict, and so is nobody who only asks."""
    outcomes: list[Any] = []

    def meanwhile(phase: str, _done: int, _all: int) -> None:
        if phase == "indexed":
            outcomes.append(program.refused(5, "views", "rebuild", "visits"))
            outcomes.append(program.answer("ask", "visits", "--on", "2021-12-06")["rows"])

    with timeline.connect(database_url) as line:
        line.views.rebuild(line.vocabulary.view("visits"), meanwhile)
    assert outcomes[0] == ("the view visits is being built already", "Wait for it: timeline views status")
    assert outcomes[1] == program.answer("ask", "visits", "--on", "2021-12-06")["rows"] != []


# Who may only read


@pytest.fixture
def reader(program: Program, database_url: str) -> Iterator[Program]:
    """Yield the program with a login that may read only."""
    login = f"reader_{uuid4().hex}"
    execute(database_url, f"CREATE ROLE {login} LOGIN IN ROLE timeline_reader")
    yield Program(make_conninfo(database_url, user=login), program.environment["TIMELINE_TIMELINE"])
    execute(database_url, f"DROP ROLE {login}")


def test_a_reader_gets_right_answers(program: Program, reader: Program) -> None:
    """From the rows or from the log, whichever is there, and never an error."""
    for view in ("sanctions", "trade"):
        asked = ("ask", view, "--as-of", "2023-12-26")
        mine = reader(*asked)
        assert f"{view} is not stored: computed from the log" in mine.stderr or view == "sanctions"
        assert mine.stdout == program(*asked).stdout != ""
    many = "".join(fact("delhi", number) for number in range(SMALL + 1))
    program("import", "-", given=many)
    behind = f"sanctions is stored at {SEEDS}, 1,001 events behind the log: computed from the log"
    assert behind in reader("ask", "sanctions").stderr.splitlines()


def test_a_reader_cannot_run_the_views(reader: Program) -> None:
    """He is told what right he lacks; he may look."""
    for command in ("rebuild sanctions", "pause sanctions", "resume sanctions", "run", "run --once"):
        assert "GRANT timeline_writer" in reader.refused(4, "views", *command.split())[1]
    for command in ("list", "status", "errors", "verify"):
        reader("views", command)


# The worker


def test_the_worker_catches_everything_up_once(program: Program) -> None:
    """Every view is stored afterwards, but the one that is paused."""
    program("views", "pause", "sanctions")
    program("import", "-", given=fact("delhi", 1))
    result = program("views", "run", "--once")
    lags = {row["view"]: row["lag"] for row in program.answer("views", "status")["views"]}
    assert lags == dict.fromkeys(lags, 0) | {"sanctions": 1}
    assert f"trade is at {SEEDS + 1}" in result.stderr
    assert f"sanctions is paused at {SEEDS}, 1 event behind the log: left as it is" in result.stderr


def test_some_views_can_be_kept_and_looked_at(program: Program) -> None:
    """Those that are named, and no others."""
    program("views", "pause", "sanctions")
    assert program("views", "run", "--once", "trade", "sanctions").stderr.splitlines() == [
        f"trade is at {SEEDS}",
        f"sanctions is paused at {SEEDS}",
    ]
    states = {row["view"]: row["state"] for row in program.answer("views", "status")["views"]}
    assert {view for view, state in states.items() if state != "not stored"} == {"sanctions", "trade"}
    (found,) = program.answer("views", "status", "trade")["views"]
    assert (found["view"], found["state"]) == ("trade", "serving")
    assert program.refused(3, "views", "status", "trad")[1] == "Did you mean trade?"


@pytest.mark.parametrize("told, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_worker_follows_until_it_is_told_to_end(program: Program, told: signal.Signals, code: int) -> None:
    """A large append, which leaves the views behind, is taken in without anybody asking."""
    with program.started("views", "run") as worker:
        try:
            _await(lambda: standing(program, "visits")["state"] == "serving")
            program("import", "-", given="".join(fact("delhi", number) for number in range(SMALL + 1)))
            _await(lambda: {row["lag"] for row in program.answer("views", "status")["views"]} == {0})
            worker.send_signal(told)
            assert worker.wait(timeout=30) == code
        finally:
            worker.kill()
        assert worker.stderr is not None
        said = worker.stderr.read()
    assert f"sanctions is at {SEEDS + SMALL + 1}" in said
    assert "Traceback" not in said
    program("views", "verify")


def test_the_worker_ends_between_two_steps_of_a_build(gauged: Program) -> None:
    """What it has done by then is kept, and gone on with by the next one."""
    plug_in(gauged, "__import__('os').kill(__import__('os').getpid(), 15) or 7", version=2)
    with gauged.started("views", "run") as worker:
        said = worker.communicate(timeout=60)[1]
        assert (worker.returncode, said.splitlines()[-1]) == (0, "ended; what is left is taken up where it stands")
    states = [row["state"] for row in gauged.answer("views", "status")["views"] if row["view"] == "gauge"]
    assert sorted(states) == ["outdated", "unfinished"]
    plug_in(gauged, "8", version=2)
    gauged("views", "run", "--once")
    assert gauge(gauged) == {"delhi": 7, "pune": 7}  # what was folded was not folded again


def _await(happened: Any) -> None:  # noqa: ANN401  a function without arguments
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.2)
