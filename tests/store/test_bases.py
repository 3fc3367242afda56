"""Bases: how questions resolve, and which ones a log cannot honour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING

import pytest
from makers import line

from timeline import border
from timeline.append import Appender
from timeline.errors import NotFound, Place, Refused
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from timeline.app import Timeline


def test_without_anything_the_basis_is_today_now_and_the_whole_log(opened: Timeline) -> None:
    """The default basis comes from the clock and the head."""
    opened.record([line(), line(subject="agra")])
    clock = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    basis = replace(opened, clock=lambda: clock).ask("observations").basis
    assert (basis.on, basis.known, basis.recorded) == (date(2025, 3, 4), clock, 2)


def test_a_day_of_knowledge_is_the_whole_day(opened: Timeline) -> None:
    """Known as of a day includes all that became public on it, in UTC."""
    opened.record([line(known="2023-12-26T23:59:59.999999Z")])
    assert len(opened.facts(on="2023-12-05", known="2023-12-26").facts) == 1
    assert len(opened.facts(on="2023-12-05", known="2023-12-25").facts) == 0


def test_as_of_sets_the_day_and_the_knowledge(opened: Timeline) -> None:
    """`as_of` stands for both, and not beside one of them."""
    opened.record([line()])
    both = opened.ask("observations", on="2023-12-26", known="2023-12-26").basis
    assert opened.ask("observations", as_of="2023-12-26").basis == both
    with pytest.raises(Refused, match="as-of"):
        opened.ask("observations", as_of="2023-12-26", on="2023-12-26")


def test_an_instant_resolves_to_the_last_position_by_then(opened: Timeline) -> None:
    """An instant of recording gives the position of the last event recorded by it; before the first it is 0."""
    for subject in "abc":
        opened.record([line(subject=subject)])
    instants = [entry.recorded for entry in opened.log()]
    asked = [*instants, instants[0] - timedelta(microseconds=1), format_instant(instants[1]), 2, "2"]
    assert [opened.facts(recorded=basis).basis.recorded for basis in asked] == [1, 2, 3, 0, 2, 2, 2]


@pytest.mark.parametrize("recorded", [99, "99", -1, "-1", datetime(2999, 1, 1, tzinfo=UTC), "2999-01-01"])
def test_what_is_not_recorded_yet_cannot_be_asked_by(opened: Timeline, recorded: str | int | datetime) -> None:
    """A position beyond the log and an instant still to come are refused: their answer could change."""
    opened.record([line()])
    with pytest.raises(Refused):
        opened.facts(recorded=recorded)


def test_an_instant_is_settled_for_ever(opened: Timeline) -> None:
    """Once asked by, an instant after the last event stays before every later one."""
    opened.record([line()])
    now = datetime.now(UTC)
    assert opened.facts(recorded=now).basis.recorded == 1
    opened.record([line(subject="later")])
    assert list(opened.log())[-1].recorded > now
    assert opened.facts(recorded=now).basis.recorded == 1


def test_asking_by_an_instant_waits_for_the_append_under_way(opened: Timeline) -> None:
    """An append that has drawn its instants but is not committed is waited for, and is then part of the answer."""
    opened.record([line()])
    with opened.engine.connect() as connection:
        append = Appender(connection, opened.name)
        append.lock()
        sleep(0.01)
        instant, answers = datetime.now(UTC), []
        asker = Thread(target=lambda: answers.append(opened.facts(recorded=instant).basis.recorded))
        asker.start()
        asker.join(0.3)
        assert asker.is_alive()
        late = border.event(line(subject="late"), opened.vocabulary.kind, lambda _: None)
        append.record([(Place(), late)], list[Refused]().append)
        connection.commit()
        asker.join(10)
    assert answers == [2]


def test_a_token_gives_the_same_answer(opened: Timeline) -> None:
    """The token of an answer is its basis."""
    opened.record([line()])
    answer = opened.ask("observations", as_of="2023-12-26")
    opened.record([line(subject="more")])
    assert opened.ask("observations", basis=answer.basis.token) == answer


def test_a_token_is_honoured_only_where_it_belongs(opened: Timeline, other: Timeline) -> None:
    """A token of another timeline, view or log, a longer log, a broken token and one beside other flags are refused."""
    opened.record([line()])
    other.record([line(subject="agra")])
    token = opened.ask("observations").basis.token
    with pytest.raises(Refused, match="belongs to the timeline"):
        other.ask("observations", basis=token)
    with pytest.raises(Refused, match="view observations in version"):
        opened.facts(basis=token)
    with pytest.raises(Refused, match="another log"):
        other.ask("observations", basis=token.replace(f"/{opened.name}/", f"/{other.name}/"))
    with pytest.raises(Refused, match="a longer log"):
        opened.ask("observations", basis=token.replace("/1-", "/2-"))
    with pytest.raises(Refused, match="not a basis"):
        opened.ask("observations", basis=token[:-40])
    with pytest.raises(Refused, match="stands alone"):
        opened.ask("observations", basis=token, on="2023-12-26")


def test_an_unknown_timeline_is_not_found(opened: Timeline) -> None:
    """Asking a timeline that nobody made says so and how to make it."""
    with pytest.raises(NotFound, match="there is no timeline named 'nowhere'"):
        replace(opened, name="nowhere").ask("observations")


def test_an_empty_timeline_answers_with_nothing(opened: Timeline) -> None:
    """No events, no rows, and a basis all the same."""
    answer = opened.ask("sanctions")
    assert (answer.rows, answer.basis.recorded) == ((), 0)
    assert opened.ask("sanctions", basis=answer.basis.token) == answer


@pytest.mark.parametrize(
    "where, rows", [("value=3", 1), ("state.value=3", 1), ("key=delhi/rain", 1), ("valeu=3", 0), ("value=4", 0)]
)
def test_rows_are_filtered_by_what_is_printed(opened: Timeline, where: str, rows: int) -> None:
    """A condition names a field as answers print it."""
    opened.record([line()])
    assert len(opened.ask("observations", on="2023-12-05", where=[where]).rows) == rows
