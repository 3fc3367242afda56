"""What is stored and cannot be answered from, or kept up: of another version or plug-in, half built, or by a reader."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from acceptance.program import Program, failure
from psycopg.conninfo import make_conninfo

import timeline
from timeline import readmodels, rebuilding, vocabulary
from timeline.errors import Conflict

if TYPE_CHECKING:
    from pathlib import Path

    from timeline.readmodels import ReadModel

PLUGIN = """
from timeline import Projection

GAUGE = Projection(
    name="gauge", version={version}, about="Rain.", kinds=frozenset({{"observation"}}),
    keys=lambda event: [event.subject], fold=lambda state, entry: {{"value": entry.data["value"]}},
)
"""
RAIN = {"fact": "rain", "kind": "observation", "subject": "delhi", "valid": "2023-12", "known": "2023-12-26"}
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'timeline' AND tablename ~ '^(rows|keys)_[0-9]'"


def plug_in(program: Program, folder: Path, version: int) -> None:
    """Give the program a view by a plug-in."""
    path = folder / f"gauge_{version}.py"
    path.write_text(PLUGIN.format(version=version))
    program.environment["TIMELINE_PLUGINS"] = str(path)


@pytest.fixture
def program(database_url: str, tmp_path: Path) -> Program:
    """Return the program with the rain recorded, and stored by two views, of which a plug-in gives one."""
    program = Program(database_url)
    plug_in(program, tmp_path, 1)
    program("import", "-", given=json.dumps(RAIN | {"data": {"measure": "rain", "value": 3}}))
    program("views", "rebuild", "gauge", "observations")
    return program


def tables(url: str) -> int:
    """Return how many tables hold what is stored."""
    with psycopg.connect(url) as connection:
        ((count,),) = connection.execute(TABLES)
    return int(count)


def standing(program: Program) -> list[dict[str, object]]:
    """Return how the view of the plug-in stands."""
    return [row for row in program.answer("views", "status")["views"] if row["view"] == "gauge"]


def test_rows_by_another_version_are_not_said_to_be_wrong(program: Program, tmp_path: Path) -> None:
    """Nor are they proved; the others are, and it takes a rebuild or a question to prove it as well."""
    plug_in(program, tmp_path, 2)
    result = program("views", "verify", "-o", "json", code=1)
    assert [row["view"] for row in json.loads(result.stdout)["verified"]] == ["observations"]
    assert result.stderr.splitlines() == [
        "gauge is stored by another version of the view, which alone could prove it",
        "→ Store it by this one: timeline views rebuild gauge",
    ]
    program("views", "rebuild", "gauge")
    assert program("views", "verify").stderr == "2 stored views verified\n"


def test_what_a_newer_version_stores_is_left_to_it(program: Program, tmp_path: Path) -> None:
    """Nothing says that it be built anew, which would set it back, and a pause stays."""
    plug_in(program, tmp_path, 2)
    program("views", "rebuild", "gauge")
    program("views", "pause", "gauge")
    plug_in(program, tmp_path, 1)
    newer, remedy = (
        "gauge is stored by a newer version of the view",
        "Use the program that stores it, or upgrade this one",
    )
    said = program("views", "verify", "gauge", code=1).stderr.splitlines()
    assert said == [f"{newer}, which alone could prove it", f"→ {remedy}"]
    checks = json.loads(program("doctor", "-o", "json", code=1).stdout)["checks"]
    assert [(check["found"], check["fix"]) for check in checks if not check["passed"]] == [(newer, remedy)]
    for command in ("resume", "pause"):
        assert program.refused(4, "views", command, "gauge") == (newer, remedy)
    assert f"{newer}: left as it is" in program("views", "run", "gauge", "--once").stderr
    (row,) = program.answer("ask", "gauge", "--on", "2023-12-26")["rows"]
    assert row["state"] == {"value": 3}
    plug_in(program, tmp_path, 2)
    assert [row["state"] for row in standing(program)] == ["paused"]


def test_what_nobody_keeps_up_is_told(program: Program) -> None:
    """Without its plug-in a view is neither proved nor kept, and can be looked at and dropped."""
    del program.environment["TIMELINE_PLUGINS"]
    assert [row["state"] for row in standing(program)] == ["not loaded"]
    result = program("views", "verify", code=1)
    assert result.stderr.splitlines() == ["gauge: stored, and not proved: no plug-in that is loaded gives it"]
    checks = json.loads(program("doctor", "-o", "json", code=1).stdout)["checks"]
    assert [(check["check"], check["fix"]) for check in checks if not check["passed"]] == [
        ("view gauge", "Load it, or run: timeline views drop gauge")
    ]
    left = "gauge is stored, and no plug-in that is loaded gives it: left as it is"
    assert left in program("views", "run", "observations", "--once").stderr.splitlines()
    assert program("views", "errors", "gauge").stderr == "0 keys cannot be folded\n"
    for command in ("verify", "rebuild"):
        said = program.refused(3, "views", command, "gauge")
        assert said[0] == "gauge is stored, and no plug-in that is loaded gives it"
    assert program("views", "drop", "gauge").stderr == "gauge is not stored any more\n"
    assert program.refused(3, "views", "drop", "gauge")[0] == "there is no view 'gauge'"
    assert program("views", "verify").stderr == "1 stored view verified\n"


def test_what_is_read_while_it_is_dropped_goes_with_the_next_drop(program: Program, database_url: str) -> None:
    """It is not stored any more at once, and whoever reads it ends in peace."""
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM timeline.rows")
        said = program("views", "drop", "gauge").stderr.splitlines()
        assert said == [
            "gauge is not stored any more; the next question stores it again",
            "it is still being read or built: when that has ended, remove the rest: timeline views drop gauge",
        ]
        assert [row["state"] for row in standing(program)] == ["not stored"]
        assert tables(database_url) == 4
    assert len(program("views", "drop", "gauge").stderr.splitlines()) == 1
    assert tables(database_url) == 2


def test_a_build_that_was_broken_off_can_be_dropped(program: Program, database_url: str) -> None:
    """It stands nowhere yet, which the doctor tells as well."""
    program("views", "drop", "gauge")

    def broken(phase: str, _done: int, _all: int) -> None:
        if phase == "indexed":
            (row,) = standing(program)
            assert (row["state"], row["position"], row["lag"]) == ("building", None, None)
        if phase == "compared":
            raise KeyboardInterrupt

    with timeline.connect(database_url) as line:
        gauge = vocabulary.load([program.environment["TIMELINE_PLUGINS"]]).view("gauge")
        with pytest.raises(KeyboardInterrupt):
            line.views.rebuild(gauge, broken)
    assert tables(database_url) == 4
    assert [row["state"] for row in standing(program)] == ["unfinished"]
    checks = json.loads(program("doctor", "-o", "json", code=1).stdout)["checks"]
    left = "the building of it was broken off"
    fix = "Run: timeline views rebuild gauge, or timeline views drop gauge"
    assert [(check["found"], check["fix"]) for check in checks if not check["passed"]] == [(left, fix)]
    assert len(program("views", "drop", "gauge").stderr.splitlines()) == 1
    assert [row["state"] for row in standing(program)] == ["not stored"]
    assert tables(database_url) == 2


def test_a_drop_stops_a_build_that_has_just_begun(
    program: Program, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no model yet that could be told so."""
    made, dropping = readmodels.make, threading.Event()

    def make(*given: Any) -> ReadModel:  # noqa: ANN401
        dropping.set()
        time.sleep(0.3)
        return made(*given)

    monkeypatch.setattr(readmodels, "make", make)
    gauge = vocabulary.load([program.environment["TIMELINE_PLUGINS"]]).view("gauge")
    with timeline.connect(database_url) as line, ThreadPoolExecutor() as pool:
        built = pool.submit(line.views.rebuild, gauge)
        assert dropping.wait(30)
        program("views", "drop", "gauge")
        with pytest.raises(Conflict):
            built.result(30)
    assert [row["state"] for row in standing(program)] == ["not stored"]
    assert tables(database_url) == 2


@pytest.mark.parametrize("phase", ["gathered", "indexed", "compared"])
def test_a_build_ends_where_its_view_is_dropped(
    program: Program, database_url: str, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is dropped does not come back, however far the building of it was, and is built no further."""
    lines = [json.dumps(RAIN | {"fact": f"rain-{n}", "data": {"measure": "rain", "value": n}}) for n in range(8)]
    program("import", "-", given="\n".join(lines))
    monkeypatch.setattr(rebuilding, "READ", 1)
    seen: list[str] = []

    def dropping(now: str, _done: int, _all: int) -> None:
        seen.append(now)
        if now == phase and seen.count(now) == 1:
            assert len(program("views", "drop", "gauge").stderr.splitlines()) == 2

    with timeline.connect(database_url) as line:
        gauge = vocabulary.load([program.environment["TIMELINE_PLUGINS"]]).view("gauge")
        with pytest.raises(Conflict) as raised:
            line.views.rebuild(gauge, dropping)
    assert raised.value.message == "the view gauge was dropped while it was being built"
    assert (seen[-1], seen.count(phase)) == (phase, 1)
    assert [row["state"] for row in standing(program)] == ["not stored"]
    assert tables(database_url) == 2
    (row,) = program.answer("ask", "gauge", "--on", "2023-12-26")["rows"]
    assert (row["state"], [row["state"] for row in standing(program)]) == ({"value": 7}, ["serving"])


def test_who_was_let_in_to_read_is_told_that_he_may_not_record(program: Program, database_url: str) -> None:
    """By the doctor, and by a command that would."""
    login = f"reader_{uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("SELECT timeline.admit_reader(%s, '1 minute')", [login])
        program.environment["TIMELINE_DATABASE_URL"] = make_conninfo(database_url, user=login)
        try:
            checks = json.loads(program("doctor", "-o", "json", code=1).stdout)["checks"]
            assert [row["found"] for row in checks if not row["passed"]] == [f"{login} may read, and not record"]
            retracted = program("retract", "rain", "--reason", "wrong", "--misread", "--yes", code=4)
            said, remedy = failure("", retracted.stderr)
            assert "read-only transaction" in said
            assert (
                remedy
                == "This login may only read, or the server is a replica: use one that may record, at the primary"
            )
        finally:
            owner.execute(f"DROP OWNED BY {login}; DROP ROLE {login}".encode())
