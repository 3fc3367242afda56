"""What SQL answers is what the rule says, driven with histories in which periods touch, cover and displace others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.crowded import DAYS, INSTANTS, histories
from laws.histories import tried
from laws.test_period_laws import VIEWS
from laws.test_rule_laws import KIND, NOW, NUMBERS, SEEN

from timeline.answers import row_fields
from timeline.app import Timeline
from timeline.database import engine
from timeline.temporal import format_instant
from timeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from laws.oracle import Told

    Open = Callable[[], Timeline]

ASK = """SELECT key, state, certainty, disputed, since, until, known_since, facts
           FROM timeline.ask(%(view)s, %(on)s, %(known)s) ORDER BY key"""
FACTS = "SELECT array_agg(fact) FROM timeline.facts_as_of(%(on)s, %(known)s, %(recorded)s)"


@pytest.fixture(scope="module")
def fresh(shared_database_url: str) -> Iterator[Open]:
    """Open a new timeline each time it is called."""
    connections = engine(shared_database_url)
    words = Vocabulary.of([KIND, SEEN], VIEWS.values())
    yield lambda: Timeline(engine=connections, name=f"sql-{next(NUMBERS)}", vocabulary=words, clock=lambda: NOW)
    connections.dispose()


def asked(line: Timeline, query: str, **given: Any) -> list[Any]:  # noqa: ANN401
    """Return what a query gives a session in some far time zone that asks this timeline."""
    with line.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("SELECT set_config('timeline.name', %s, true)", [line.name])
        driver.execute("SET LOCAL timezone = 'Pacific/Kiritimati'")
        return list(driver.execute(query, given).fetchall())


def told(line: Timeline, view: str, on: date, known: datetime) -> list[tuple[Any, ...]]:
    """Return the rows of a basis as the log gives them, whatever is stored."""
    projection = line.vocabulary.view(view)
    basis = line.ask(view, "no such key", on=on, known=known).basis
    return [tuple(row_fields(row).values()) for row in line._asker.folded(projection, None, basis)]


def printed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row of SQL as answers print it."""
    *fields, since, until, known_since, facts = row
    days = (day and day.isoformat() for day in (since, until))
    return (*fields, *days, format_instant(known_since), facts)


@tried(45)
@given(log=histories(), bases=st.lists(st.tuples(DAYS, INSTANTS), min_size=4, max_size=4), split=st.integers(0, 14))
def test_sql_answers_by_the_rule(fresh: Open, log: list[Told], bases: list[tuple[date, datetime]], split: int) -> None:
    """At any day and knowledge, with every field of a row, whether a view was built whole or kept up as events came."""
    line = fresh()
    line.create()
    line.record([event.line for event in log[:split]])
    for stored in VIEWS.values():
        line.rebuild(stored.name)
    line.record([event.line for event in log[split:]])
    for on, known in bases:
        for view in ("law", "last"):
            assert list(map(printed, asked(line, ASK, view=view, on=on, known=known))) == told(line, view, on, known)
        recorded = line.stats()["position"]
        [(facts,)] = asked(line, FACTS, on=on, known=known, recorded=recorded)
        assert (facts or []) == [entry.fact for entry in line.facts(on=on, known=known).facts]
