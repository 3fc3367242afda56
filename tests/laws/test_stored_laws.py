"""What is stored of a view is the fold of the log: however events came, and whenever it was asked for or built anew."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import crowded
from laws.crowded import INSTANTS, KEYS, MOMENT, WINDOW, Plane
from laws.histories import tried
from laws.test_period_laws import VIEWS
from laws.test_rule_laws import KIND, NOW, NUMBERS, SEEN

from timeline import append, following
from timeline.app import Timeline
from timeline.database import engine
from timeline.temporal import format_instant
from timeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from laws.oracle import Told

    Open = Callable[[], Timeline]
    Asked = list[tuple[date, datetime]]

WORDS = Vocabulary.of([KIND, SEEN], VIEWS.values())
BY = 4
"""Positions to a range of a proof."""
SAID = {VIEWS[last].name: last for last in VIEWS}
BASES = st.lists(
    st.tuples(st.sampled_from(WINDOW), st.tuples(INSTANTS, st.integers(-1, 1)).map(lambda at: at[0] + at[1] * MOMENT)),
    min_size=3,
    max_size=3,
)


@pytest.fixture(scope="module")
def fresh(shared_database_url: str) -> Iterator[Open]:
    """Open a new timeline each time it is called; what is stored of the one before goes."""
    connections = engine(shared_database_url)
    opened: list[Timeline] = []

    def _open() -> Timeline:
        for line in opened:
            forget(line)
        opened[:] = [Timeline(engine=connections, name=f"stored-{next(NUMBERS)}", vocabulary=WORDS, clock=lambda: NOW)]
        opened[0].create()
        return opened[0]

    yield _open
    connections.dispose()


@pytest.fixture(params=[0, following.FEW], ids=["a region at a time", "whole keys"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Set the size up to which a key is folded whole, and return it: 0 lets every key be followed in part."""
    monkeypatch.setattr(following, "FEW", request.param)
    return int(request.param)


def sql(line: Timeline, query: str, *given: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  as a driver takes them
    """Run a statement as the owner and return its rows, if it has any."""
    with line.engine.connect() as connection:
        done = connection.exec_driver_sql(query, given)
        found = [tuple(row) for row in done] if done.returns_rows else []
        connection.commit()
        return found


def forget(line: Timeline) -> None:
    """Remove what is stored of a timeline's views."""
    for (model,) in sql(line, "SELECT model FROM timeline.read_models WHERE timeline = %s", line.name):
        sql(line, f"DROP TABLE timeline.rows_{model}, timeline.keys_{model}")
        sql(line, "DELETE FROM timeline.read_models WHERE timeline = %s AND model = %s", line.name, model)


def stored(line: Timeline, view: str) -> list[tuple[Any, ...]]:
    """Return the rows that a view is answered from, as Postgres writes them, in an order of their own."""
    head = line.stats()["position"]
    query = "SELECT model, position FROM timeline.read_models WHERE timeline = %s AND view = %s AND serving"
    [(model, position)] = sql(line, query, line.name, view)
    assert position == head
    told = "key, days::text, known::text, state::text, certain::text, disputed, facts, known_since::text"
    found = sql(line, f"SELECT {told}, joined_before, joined_after FROM timeline.rows_{model}")  # noqa: S608  a number
    return sorted(found, key=repr)


def check(line: Timeline, log: list[Told], asked: Asked) -> None:
    """Hold what is stored of both views against the log: asked, folded again, and built anew."""
    for view, last in SAID.items():
        planes = {key: Plane(log, key, last) for key in KEYS}
        for on, known in asked:
            told = [(key, plane.row(on, known)) for key, plane in planes.items()]
            expected = [_fields(key, row) for key, row in told if row]
            assert line.ask(view, on=on, known=known).to_dict()["rows"] == expected
            for key in KEYS:
                one = line.ask(view, key, on=on, known=known).to_dict()["rows"]
                assert one == [row for row in expected if row["key"] == key]
        proof = line.views.verify(line.vocabulary.view(view), BY)
        assert proof.difference is None
        before = stored(line, view)
        assert proof.rows == len(before)
        assert [(part.first, part.last, part.rows, part.told) for part in proof.ranges] == ranges(line, view)
        assert line.rebuild(view).differing == 0
        assert stored(line, view) == before
        again = line.views.verify(line.vocabulary.view(view))
        assert (again.hash, again.difference) == (proof.hash, None)


def ranges(line: Timeline, view: str) -> list[tuple[int, int, int, None]]:
    """Return the ranges of positions with the rows of each, found in SQL by the rule as it is written down."""
    (head, model), behind = (line.stats()["position"], line.views.stored()[view]), Counter[int]()
    newest = f"""SELECT max(position) FROM {model.rows} r CROSS JOIN LATERAL unnest(r.facts) f(fact)
        CROSS JOIN LATERAL (SELECT position FROM timeline.events e
            WHERE e.timeline = %s AND e.fact = f.fact AND e.known <= lower(r.known)
            ORDER BY e.known DESC, e.position DESC LIMIT 1) version GROUP BY r.ctid"""  # noqa: S608  a number
    behind.update((position - 1) // BY for (position,) in sql(line, newest, line.name))
    return [(first, min(first + BY - 1, head), behind[first // BY], None) for first in range(1, head + 1, BY)]


def _fields(key: str, row: dict[str, Any]) -> dict[str, Any]:
    days = {name: row[name] and row[name].isoformat() for name in ("since", "until")}
    told = {
        "key": key,
        "disputed": False,
        "facts": list(row["facts"]),
        "known_since": format_instant(row["known_since"]),
    }
    return {**row, **days, **told}


def record(line: Timeline, log: list[Told]) -> None:
    """Record events in one transaction."""
    assert line.record([told.line for told in log]).recorded == len(log)


@tried(45)
@given(log=crowded.histories(), asked=BASES, data=st.data())
def test_models_taken_along_are_the_log(
    fresh: Open, few: int, log: list[Told], asked: Asked, data: st.DataObject
) -> None:
    """Views built on an empty log follow every append within it, and end as if they were built from all of it."""
    del few
    line = fresh()
    for view in SAID:
        line.rebuild(view)
    cuts = sorted({*data.draw(st.sets(st.integers(0, len(log)), max_size=4)), 0, len(log)})
    for begun, ended in pairwise(cuts):
        record(line, log[begun:ended])
        assert {model.position for model in line.views.stored().values()} == {ended}
    check(line, log, asked)


@tried(45)
@given(log=crowded.histories(), asked=BASES, data=st.data())
def test_a_prefix_that_was_asked_becomes_the_whole(
    fresh: Open, few: int, log: list[Told], asked: Asked, data: st.DataObject
) -> None:
    """Asking stores what is known by then; what comes later is followed, at once or when it is asked for again."""
    del few
    line, middle = fresh(), data.draw(st.integers(0, len(log)))
    if middle:
        record(line, log[:middle])
    check(line, log[:middle], asked)
    along = data.draw(st.sampled_from([0, append.SMALL]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(append, "SMALL", along)  # 0: an append leaves all models behind, and asking catches up
        patched.setattr(following, "FOLLOWED", data.draw(st.integers(1, 4)))
        if log[middle:]:
            record(line, log[middle:])
        check(line, log, asked)


@tried(40)
@given(log=crowded.histories(), last=st.booleans(), data=st.data())
def test_a_model_follows_up_to_where_it_is_told_and_no_further(
    fresh: Open,
    few: int,
    log: list[Told],
    last: bool,  # noqa: FBT001  drawn by hypothesis
    data: st.DataObject,
) -> None:
    """Many portions may be one transaction, and what the log holds beyond does not show in what is stored."""
    del few
    line, view, end = fresh(), VIEWS[last], data.draw(st.integers(0, len(log)))
    reading = WORDS.reading(view)
    line.rebuild(view.name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(append, "SMALL", 0)
        patched.setattr(following, "FOLLOWED", 1)
        record(line, log)
        with line.engine.connect() as connection:
            model = line.views.stored()[view.name].model
            portions = iter(lambda: following.follow(connection, line.name, reading, model, end), False)
            assert len(list(portions)) == end
            connection.commit()
    assert line.views.stored()[view.name].position == end
    assert line.views.verify(view).difference is None


@tried(30)
@given(log=crowded.histories(), asked=BASES, last=st.booleans(), data=st.data())
def test_an_earlier_basis_is_answered_as_it_was(
    fresh: Open,
    log: list[Told],
    asked: Asked,
    last: bool,  # noqa: FBT001  drawn by hypothesis
    data: st.DataObject,
) -> None:
    """What is stored is of one position only: asked by an earlier token, the same bytes come from the log."""
    line, view, middle = fresh(), VIEWS[last].name, data.draw(st.integers(1, len(log)))
    record(line, log[:middle])
    before = [line.ask(view, on=on, known=known) for on, known in asked]
    if log[middle:]:
        record(line, log[middle:])
    for (on, known), answer in zip(asked, before, strict=True):
        line.ask(view, on=on, known=known)
        again = line.ask(view, basis=answer.basis.token)
        assert orjson.dumps(again.to_dict()) == orjson.dumps(answer.to_dict())
