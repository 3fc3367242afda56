"""Stored views: they follow the log with every append, answer as the log does, and say so where they cannot."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from makers import line
from psycopg.conninfo import make_conninfo

from timeline.append import SMALL
from timeline.database import engine
from timeline.errors import Conflict
from timeline.fold import Projection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from timeline.app import Timeline
    from timeline.events import Entry, Event
    from timeline.fold import Row, State

DAY = "2023-12-15"
SPOILT, HIDDEN, NOWHERE = "spoilt", "hidden", "nowhere"


def _keys(event: Event) -> Iterable[str]:
    if event.data["value"] == NOWHERE:
        raise LookupError("no such place")
    return [event.subject]


def _fold(state: State | None, entry: Entry) -> State:
    if entry.data["value"] == SPOILT:
        raise ValueError("the gauge was spoilt")
    return {"values": [*(state or {"values": []})["values"], entry.data["value"]]}


def _present(state: State, _on: date) -> State:
    if HIDDEN in state["values"]:
        raise RuntimeError("it is hidden")
    return state


GAUGE = Projection(
    name="gauge",
    version=1,
    about="What was measured, by subject.",
    kinds=frozenset({"observation"}),
    keys=_keys,
    fold=_fold,
    present=_present,
)
MENDED = replace(
    GAUGE,
    keys=lambda event: [event.subject],
    fold=lambda state, entry: {"values": [*(state or {"values": []})["values"], entry.data["value"]]},
    present=lambda state, _on: state,
)
SUMMED = replace(
    MENDED, version=2, fold=lambda state, entry: {"sum": (state or {"sum": 0})["sum"] + entry.data["value"]}
)


def seeing(opened: Timeline, view: Projection) -> Timeline:
    """Return a timeline whose vocabulary has a view of that name so."""
    words = opened.vocabulary
    return replace(opened, vocabulary=replace(words, views={**words.views, view.name: view}))


@pytest.fixture
def gauged(opened: Timeline) -> Timeline:
    """Return a timeline in which it has rained in two places, with the gauge stored."""
    gauged = seeing(opened, GAUGE)
    rain(gauged, delhi=3, pune=1)
    gauged.rebuild("gauge")
    return gauged


def rain(opened: Timeline, **measured: Any) -> int:  # noqa: ANN401
    """Record what was measured by subject, and return the last position."""
    lines = [line(subject=name, data={"measure": uuid4().hex, "value": value}) for name, value in measured.items()]
    last = opened.record(lines).last
    assert last is not None
    return last


def values(opened: Timeline, **question: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what the gauge answers, by key."""
    return {row.key: row.state.get("values") for row in opened.ask("gauge", **{"on": DAY} | question).rows}


def told_by_log(opened: Timeline, view: str, on: str = DAY) -> tuple[Row, ...]:
    """Return the rows of now as the log gives them, whatever is stored."""
    basis = opened.ask(view, "no such key", on=on).basis
    return tuple(opened._asker.folded(opened.vocabulary.view(view), None, basis))


def position(opened: Timeline, view: str = "gauge") -> int:
    """Return the position of the last event in a stored view."""
    return opened.views.stored()[view].position


def execute(opened: Timeline, statement: str) -> None:
    """Run a statement by hand."""
    with opened.engine.connect() as connection:
        connection.exec_driver_sql(statement)
        connection.commit()


def test_a_reader_sees_his_own_write(gauged: Timeline) -> None:
    """An append takes the stored views along in its own transaction: they are at its last event before anybody asks."""
    for turn in range(1, 6):
        last = rain(gauged, delhi=turn)
        assert position(gauged) == last
        assert values(gauged)["delhi"] == [3, *range(1, turn + 1)]
    assert gauged.ask("gauge", on=DAY).rows == told_by_log(gauged, "gauge")


def test_what_was_recorded_by_nobody_is_in_no_view(gauged: Timeline) -> None:
    """A dry run leaves the stored views where they were."""
    before = position(gauged)
    gauged.record([line(subject="delhi", data={"measure": "x", "value": 9})], dry_run=True)
    assert position(gauged) == before
    assert values(gauged) == {"delhi": [3], "pune": [1]}


def test_a_large_append_is_caught_up_at_the_next_question(gauged: Timeline) -> None:
    """It leaves the views behind, for the append not to take twice as long."""
    before = position(gauged)
    rain(gauged, **{f"s{number:05}": number for number in range(SMALL + 1)})
    assert position(gauged) == before
    assert values(gauged) == {"delhi": [3], "pune": [1], **{f"s{n:05}": [n] for n in range(SMALL + 1)}}
    assert position(gauged) == before + SMALL + 1


def test_corrections_and_retractions_are_followed(gauged: Timeline) -> None:
    """Whatever is recorded later, in whatever order of knowledge, the stored rows are those of the log."""
    (fact,) = {entry.fact for entry in gauged.log("delhi")}
    gauged.correct([{"fact": fact, "set": {"value": 5}, "known": "2024-02-01", "reason": "restated"}])
    gauged.correct([{"fact": fact, "set": {"value": 4}, "known": "2024-01-01", "reason": "found late"}])
    gauged.correct([{"fact": fact, "retract": True, "known": "2024-03-01", "reason": "withdrawn"}])
    known = {"2023-12-31": [3], "2024-01-31": [4], "2024-02-28": [5], "2024-03-02": None}
    assert {day: values(gauged, known=day).get("delhi") for day in known} == known
    assert gauged.views.verify(GAUGE).difference is None


def test_a_paused_view_is_answered_from_the_log(gauged: Timeline) -> None:
    """It stays behind, says by how much, and follows again once it is resumed."""
    gauged.views.pause("gauge")
    before, last = position(gauged), rain(gauged, delhi=4)
    assert values(gauged)["delhi"] == [3, 4]
    assert position(gauged) == before
    assert f"gauge is paused at {before}, 1 event behind the log" in str(gauged.views.lag("gauge", last))
    assert gauged.views.resume("gauge") == 0
    assert position(gauged) == last
    assert gauged.views.lag("gauge", last) is None
    assert values(gauged)["delhi"] == [3, 4]


@pytest.mark.parametrize("paused", [False, True])
def test_another_version_never_answers_from_the_rows_of_the_one_before(gauged: Timeline, paused: bool) -> None:  # noqa: FBT001
    """It is built anew before it serves; where it is paused the log answers."""
    if paused:
        gauged.views.pause("gauge")
    summed = seeing(gauged, SUMMED)
    rain(summed, delhi=4)
    assert [row.state for row in summed.ask("gauge", on=DAY).rows] == [{"sum": 7}, {"sum": 1}]
    assert summed.views.stored()["gauge"].version == (1 if paused else 2)
    if paused:
        assert "gauge is stored by another version of the view, and paused" in str(summed.views.lag("gauge", 3))
        assert summed.views.resume("gauge") == 0
        assert summed.views.stored()["gauge"].version == 2
        assert [row.state for row in summed.ask("gauge", on=DAY).rows] == [{"sum": 7}, {"sum": 1}]


@pytest.mark.parametrize(
    "value, stuck, reason",
    [
        (SPOILT, "delhi", "ValueError: the gauge was spoilt"),
        (HIDDEN, "delhi", "RuntimeError: it is hidden"),
        (NOWHERE, "?bad", "LookupError: no such place"),
    ],
)
def test_what_cannot_be_folded_stops_its_key_only(gauged: Timeline, value: str, stuck: str, reason: str) -> None:
    """The key has no state and says that it is stuck; others go on; a mended projection frees it."""
    gauged.record([line(fact="bad", subject="delhi", data={"measure": "x", "value": value})])
    last = rain(gauged, pune=2)
    assert position(gauged) == last
    answer = gauged.ask("gauge", on=DAY)
    rows = {row.key: row for row in answer.rows}
    assert {key for key, row in rows.items() if row.stuck} == {stuck}
    assert rows[stuck].stuck == reason
    assert rows["pune"].state == {"values": [1, 2]}
    assert rows[stuck].state == {}
    assert answer.rows == tuple(gauged._asker.folded(GAUGE, None, answer.basis))
    (found,) = gauged.views.errors("gauge")
    assert (found["view"], found["key"], found["reason"]) == ("gauge", stuck, reason)
    assert gauged.views.verify(GAUGE).difference is None
    assert gauged.views.resume("gauge") == 1
    mended = seeing(gauged, MENDED)
    assert mended.views.resume("gauge") == 0
    assert values(mended) == {"delhi": [3, value], "pune": [1, 2]}
    assert mended.ask("gauge", on=DAY).rows == told_by_log(mended, "gauge")
    assert list(mended.views.errors()) == []


@pytest.mark.parametrize("value", [SPOILT, HIDDEN, NOWHERE])
def test_a_build_goes_on_past_what_cannot_be_folded(gauged: Timeline, value: str) -> None:
    """The new model lists it too, and the other keys are there."""
    gauged.record([line(fact="bad", subject="agra", data={"measure": "x", "value": value})])
    gauged.rebuild("gauge")
    stuck = {row.key: row.state for row in gauged.ask("gauge", on=DAY).rows if row.stuck}
    assert stuck == {"?bad" if value == NOWHERE else "agra": {}}
    assert {key: found for key, found in values(gauged).items() if found} == {"delhi": [3], "pune": [1]}
    assert seeing(gauged, MENDED).views.resume("gauge") == 0
    assert values(gauged)["agra"] == [value]


def test_a_key_whose_fact_cannot_be_told_its_keys_any_more_is_stuck(gauged: Timeline) -> None:
    """Its rows would be stale without a word; a retraction of the fact frees it."""
    (fact,) = {entry.fact for entry in gauged.log("delhi")}
    gauged.record([line(action="correct", fact=fact, subject="delhi", data={"measure": "x", "value": NOWHERE})])
    (row,) = gauged.ask("gauge", "delhi", on=DAY).rows
    assert (row.state, row.stuck) == ({}, "LookupError: no such place")
    answer = gauged.ask("gauge", on=DAY)
    assert [row.key for row in answer.rows if row.stuck] == [f"?{fact}", "delhi"]
    assert answer.rows == tuple(gauged._asker.folded(GAUGE, None, answer.basis))
    assert gauged.views.verify(GAUGE).difference is None
    mended = seeing(gauged, MENDED)
    assert mended.views.resume("gauge") == 0
    assert values(mended) == {"delhi": [NOWHERE], "pune": [1]}


@contextmanager
def reading(opened: Timeline, url: str) -> Iterator[Timeline]:
    """Yield the timeline as a login may see it that may read only."""
    login = f"reader_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN IN ROLE timeline_reader".encode())
        connections = engine(make_conninfo(url, user=login))
        try:
            yield replace(opened, engine=connections)
        finally:
            connections.dispose()
            owner.execute(f"DROP ROLE {login}".encode())


def test_who_may_only_read_is_answered_all_the_same(opened: Timeline, database_url: str) -> None:
    """From the log where nothing is stored, or what is stored is behind or of another version; else from the rows."""
    gauged = seeing(opened, GAUGE)
    rain(gauged, delhi=3)
    with reading(gauged, database_url) as reader:
        assert values(reader) == {"delhi": [3]}
        assert reader.views.stored() == {}
        gauged.rebuild("gauge")
        execute(gauged, 'UPDATE timeline.rows SET state = \'{"values": ["stored"]}\'')
        assert values(reader) == {"delhi": ["stored"]}
        rain(gauged, **{f"s{number}": number for number in range(SMALL + 1)})
        assert values(reader)["delhi"] == [3]
        assert [row.state for row in seeing(reader, SUMMED).ask("gauge", "delhi", on=DAY).rows] == [{"sum": 3}]


def test_questions_while_a_model_takes_the_place_of_another(gauged: Timeline) -> None:
    """None fails, none is answered from before what its asker had seen recorded, and each is as the log says."""
    ended, wrong, asked = threading.Event(), list[Any](), list[int]()

    def ask() -> None:
        while not ended.is_set():
            try:
                seen = gauged.stats()["position"]
                answer = gauged.ask("gauge", on=DAY)
                held = [value for row in answer.rows for value in row.state["values"]]
                if answer.basis.recorded < seen or len(held) != answer.basis.recorded:
                    wrong.append((seen, answer))
                asked.append(seen)
            except Exception as error:  # noqa: BLE001  whatever it is, the test must tell
                wrong.append(error)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for turn in range(8):
        rain(gauged, delhi=turn)
        gauged.rebuild("gauge")
        rain(gauged, pune=turn)
    ended.set()
    for asker in askers:
        asker.join()
    assert not wrong
    assert len(asked) > 8


def test_the_first_questions_of_a_view_may_come_all_at_once(opened: Timeline) -> None:
    """One of them builds it, the others are answered from the log meanwhile; the status can be looked at too."""
    gauged = seeing(opened, GAUGE)
    rain(gauged, **{f"s{number}": number for number in range(SMALL + 1)})
    with ThreadPoolExecutor(6) as pool:
        looked = pool.submit(gauged.views.status)
        asked = list(pool.map(lambda _: len(values(gauged)), range(5)))
        assert looked.result()
    assert asked == [SMALL + 1] * 5
    assert [found["state"] for found in gauged.views.status() if found["view"] == "gauge"] == ["serving"]


def test_a_row_that_was_changed_by_hand_is_found(gauged: Timeline) -> None:
    """Verifying names it, and building anew tells both readings of it."""
    execute(gauged, "UPDATE timeline.rows SET state = '{\"values\": [4]}' WHERE key = 'delhi'")
    said = gauged.views.verify(GAUGE).difference
    assert said is not None
    assert said.startswith("delhi at position 1: the log folds into")
    built = gauged.rebuild("gauge")
    assert built.differing == 2
    told = [(found.key, found.only_in, found.state) for found in built.differences]
    assert told == [("delhi", "old", '{"values": [4]}'), ("delhi", "new", '{"values":[3]}')]
    assert gauged.views.verify(GAUGE).difference is None
    assert values(gauged)["delhi"] == [3]
    assert gauged.rebuild("gauge").differing == 0


@pytest.mark.parametrize("change", ["DELETE FROM timeline.rows", "UPDATE timeline.rows SET key = 'agra'"])
def test_rows_that_are_missing_or_too_many_are_found(gauged: Timeline, change: str) -> None:
    """The first place where the two differ is named, whichever side has nothing there."""
    execute(gauged, f"{change} WHERE key = 'pune'")
    assert "no such row" in (gauged.views.verify(GAUGE).difference or "")


def test_two_cannot_build_the_same_view_at_once(gauged: Timeline) -> None:
    """The second is a Conflict, and who only asks is answered meanwhile."""
    outcome: list[Any] = []

    def second(phase: str, _done: int, _all: int) -> None:
        if phase == "compared":
            with pytest.raises(Conflict) as raised:
                gauged.rebuild("gauge")
            outcome.append(raised.value.message)
            outcome.append(values(seeing(gauged, SUMMED)) and values(gauged))

    gauged.views.rebuild(GAUGE, second)
    assert outcome == ["the view gauge is being built already", {"delhi": [3], "pune": [1]}]


def test_a_build_that_was_broken_off_is_gone_on_with(gauged: Timeline) -> None:
    """What it has done is kept, the old model answers meanwhile, and nothing is left over in the end."""

    def broken(phase: str, _done: int, _all: int) -> None:
        if phase == "indexed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gauged.views.rebuild(GAUGE, broken)
    rain(gauged, delhi=4)
    states = [(found["state"], found["lag"]) for found in gauged.views.status() if found["view"] == "gauge"]
    assert sorted(states, key=str) == [("serving", 0), ("unfinished", None)]
    gauged.rebuild("gauge")
    assert [found["state"] for found in gauged.views.status() if found["view"] == "gauge"] == ["serving"]
    assert values(gauged) == {"delhi": [3, 4], "pune": [1]}


def test_periods_that_overlap_cannot_be_stored(gauged: Timeline) -> None:
    """Not even by hand."""
    copied = """INSERT INTO ROWS (key, days, known, state, certain, disputed, facts, joined_before, joined_after)
        SELECT key, '[2023-12-31,2024-02-01)', known, state, certain, disputed, facts, false, false
        FROM ROWS WHERE key = 'delhi'""".replace("ROWS", gauged.views.stored()["gauge"].rows)
    with pytest.raises(psycopg.errors.ExclusionViolation, match="two periods of the key delhi overlap"):
        _execute_raw(gauged, copied)
    execute(gauged, copied.replace("2023-12-31", "2024-01-01"))


def _execute_raw(opened: Timeline, statement: str) -> None:
    with opened.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(statement)
        driver.commit()


def test_timelines_in_one_database_are_never_mixed_up(gauged: Timeline, other: Timeline) -> None:
    """The same keys, positions and view: each has its own rows, its own checkpoint, its own pause."""
    other = seeing(other, GAUGE)
    rain(other, delhi=8, agra=9)
    other.rebuild("gauge")
    gauged.views.pause("gauge")
    rain(gauged, delhi=4)
    last = rain(other, delhi=7)
    assert values(gauged) == {"delhi": [3, 4], "pune": [1]}
    assert values(other) == {"delhi": [8, 7], "agra": [9]}
    assert position(other) == last
    execute(gauged, "UPDATE ROWS SET state = '{}'".replace("ROWS", gauged.views.stored()["gauge"].rows))
    assert gauged.views.verify(GAUGE).difference is not None
    assert other.views.verify(GAUGE).difference is None
    gauged.rebuild("gauge")
    assert [found["state"] for found in other.views.status() if found["view"] == "gauge"] == ["serving"]
    assert values(other) == {"delhi": [8, 7], "agra": [9]}
