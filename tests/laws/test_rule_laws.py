"""The promises about answers, driven through a real Postgres and held against a second transcription of the rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import oracle
from laws.histories import INSTANTS, bases, histories, tried

from timeline.app import Timeline
from timeline.database import engine
from timeline.fold import Projection, State
from timeline.kinds import Data, Kind
from timeline.temporal import format_instant
from timeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from laws.oracle import Told

    from timeline.events import Entry, Event

    History = list[list[Told]]
    Open = Callable[[], Timeline]

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NUMBERS = count()


class Stated(Data):
    """What the facts of the laws say."""

    measure: str
    value: int
    due: str


def _keys(event: Event) -> list[str]:
    return [f"{event.subject}/{event.data['measure']}"]


def _fold(state: State | None, entry: Entry) -> State:
    values = state["values"] if state else []
    return {"values": [*values, entry.data["value"]], "due": entry.data["due"]}


def _present(state: State, on: date) -> State:
    return {"values": state["values"], "overdue": on.isoformat() > state["due"]}


def _turns(state: State) -> list[date]:
    return [date.fromisoformat(state["due"]) + timedelta(days=1)]


KIND = Kind(name="law.stated", about="A value with a due day.", data=Stated)
VIEW = Projection(
    name="law",
    version=1,
    about="Values in the order of folding.",
    kinds=frozenset({"law.stated"}),
    keys=_keys,
    fold=_fold,
    present=_present,
    turns=_turns,
)


class Seen(Data):
    """That somebody was there."""


SEEN = Kind(name="law.seen", about="Somebody spoke.", data=Seen)
vocabulary = Vocabulary.of([KIND, SEEN], [VIEW])


@pytest.fixture(scope="module")
def fresh(shared_database_url: str) -> Iterator[Open]:
    """Open a new timeline each time it is called."""
    connections = engine(shared_database_url)
    yield lambda: Timeline(engine=connections, name=f"law-{next(NUMBERS)}", vocabulary=vocabulary, clock=lambda: NOW)
    connections.dispose()


def _record(line: Timeline, history: History) -> None:
    for batch in history:
        receipt = line.record([told.line for told in batch])
        assert receipt.recorded == len(batch)


def _log(history: History) -> list[Told]:
    return [told for batch in history for told in batch]


def _asked(basis: tuple[date, datetime, int], last: int) -> dict[str, Any]:
    on, known, recorded = basis
    return {"on": on, "known": known, "recorded": min(recorded, last)}


def _expected_row(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"known_since": format_instant(found["known_since"])}


@tried(400)
@given(history=histories(), asked=st.lists(bases, min_size=3, max_size=3))
def test_facts_and_views_follow_the_rule(
    fresh: Open, history: History, asked: list[tuple[date, datetime, int]]
) -> None:
    """At any basis the facts and the rows are those of the rule, with all that a row says of itself."""
    line, log = fresh(), _log(history)
    _record(line, history)
    for basis in asked:
        question = _asked(basis, len(log))
        facts = [entry.fact for entry in line.facts(**question).facts]
        assert facts == [told.fact for told in oracle.effective(log, *question.values())]
        rows = line.ask("law", **question).to_dict()["rows"]
        assert rows == [_expected_row(found) for found in oracle.rows(log, *question.values())]


@tried(200)
@given(history=histories(), asked=bases, data=st.data())
def test_arrival_order_does_not_change_what_is_best_known(
    fresh: Open, history: History, asked: tuple[date, datetime, int], data: st.DataObject
) -> None:
    """With distinct known times and each fact asserted first, any order of arrival gives the same answer."""
    log = _distinct(_log(history))
    first = {told.fact: told for told in reversed(log)}
    rest = data.draw(st.permutations([told for told in log if first[told.fact] is not told]))
    opening = data.draw(st.permutations(list(first.values())))
    one, other = fresh(), fresh()
    one.record([told.line for told in log])
    other.record([told.line for told in [*opening, *rest]])
    on, known, _ = asked
    answers = [line.ask("law", on=on, known=known).to_dict()["rows"] for line in (one, other)]
    assert answers[0] == answers[1]


def _distinct(log: list[Told]) -> list[Told]:
    """Return the events with known times that differ, in the order that they had."""
    order = sorted(range(len(log)), key=lambda number: (log[number].known, number))
    distinct = {number: log[number].known + timedelta(minutes=place) for place, number in enumerate(order)}
    return [
        oracle.Told(
            told.line | {"known": format_instant(distinct[number])}, distinct[number], told.bounds, told.position
        )
        for number, told in enumerate(log)
    ]


@tried(200)
@given(history=histories(), later=histories(), asked=bases)
def test_the_answer_of_a_sealed_basis_never_changes(
    fresh: Open, history: History, later: History, asked: tuple[date, datetime, int]
) -> None:
    """Asking by the token of an answer gives the same bytes, whatever has been added since."""
    line, last = fresh(), len(_log(history))
    _record(line, history)
    question = _asked(asked, last)
    answer, facts = line.ask("law", **question), line.facts(**question)
    held = {told.fact for told in _log(history)}
    line.record([_following(told, held) for told in _log(later)])
    again = line.ask("law", basis=answer.basis.token), line.facts(basis=facts.basis.token)
    assert orjson.dumps(again[0].to_dict()) == orjson.dumps(answer.to_dict())
    assert orjson.dumps(again[1].to_dict()) == orjson.dumps(facts.to_dict())


def _following(told: Told, held: set[str]) -> dict[str, Any]:
    """Return the line of an event that comes after others: an assertion of what is held becomes a correction."""
    asserts = told.line["action"] == "assert" and told.fact in held
    return told.line | ({"action": "correct"} if asserts else {})


@tried(200)
@given(history=histories(), instants=st.lists(INSTANTS, min_size=1, max_size=2))
def test_recording_twice_is_recording_once(fresh: Open, history: History, instants: list[datetime]) -> None:
    """A second record of the same lines, in any batching, adds nothing and changes no answer."""
    line, log = fresh(), _log(history)
    _record(line, history)
    before = [line.facts(on=date(2023, 2, 1), known=known).to_dict() for known in instants]
    receipt = line.record([told.line for told in log])
    assert (receipt.recorded, receipt.duplicates) == (0, len(log))
    assert [line.facts(on=date(2023, 2, 1), known=known).to_dict() for known in instants] == before


@tried(200)
@given(history=histories())
def test_export_and_import_give_the_same_bytes(fresh: Open, history: History) -> None:
    """What is exported, recorded in an empty timeline and exported again is the same to the byte."""
    line, copy = fresh(), fresh()
    _record(line, history)
    exported = list(line.export())
    copy.record(orjson.loads(text) for text in exported)
    assert list(copy.export()) == exported
    assert [entry.position for entry in copy.log()] == list(range(1, len(exported) + 1))


@tried(200)
@given(history=histories())
def test_the_chain_can_be_computed_anew(fresh: Open, history: History) -> None:
    """Positions have no gaps, instants rise, and identities and hashes follow from the exported lines alone."""
    line = fresh()
    _record(line, history)
    link = sha256(b"timeline:" + line.name.encode()).digest()
    for position, (text, entry) in enumerate(zip(line.export(), line.log(), strict=True), start=1):
        assert (entry.position, entry.event) == (position, sha256(text).hexdigest())
        microseconds = int((entry.recorded - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        place = position.to_bytes(8, "big") + microseconds.to_bytes(8, "big")
        link = sha256(link + bytes.fromhex(entry.event) + place).digest()
    assert line.stats()["hash"] == link.hex()
    assert line.verify() == len(_log(history))


@tried(150)
@given(history=histories(), data=st.data())
def test_revising_in_any_order_gives_the_same_answer(fresh: Open, history: History, data: st.DataObject) -> None:
    """Versions of a table, each asserted and revised, may come in any order."""
    log = [told for told in _distinct(_log(history)) if told.bounds]
    versions = [told.line | {"action": "assert"} for told in log]
    one, other = fresh(), fresh()
    one.record(versions, revise=True)
    other.record(data.draw(st.permutations(versions)), revise=True)
    for known in [told.known for told in log]:
        rows = [line.ask("law", on=date(2023, 1, 20), known=known).to_dict()["rows"] for line in (one, other)]
        assert rows[0] == rows[1]
