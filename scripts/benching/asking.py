"""Measures of asking: one key and the whole view at a historical basis, against the best SQL and against DuckDB."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from benching import handwritten
from benching.columns import Columns
from benching.figures import Figure, apart, durations, in_turn, middle, seconds_of
from benching.shape import VIEW

from timeline.driver import Single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from benching.store import Store

    Question = tuple[str, date, datetime]

_ASK = f"SELECT * FROM timeline.ask('{VIEW}', '{{on}}'::date, '{{known}}'::timestamptz)"  # noqa: S608
_ASKED = 500
_ASKED_DUCK = 20
_WHOLE = 5
_WARM = 20


def key(store: Store, small: Store) -> Iterator[Figure]:
    """Ask one key at a random historical basis, on the small log and on the large one."""
    asked = (_asking(small), _asking(store), _asking(store, "world/hot-0"))
    filled = _filled(store)
    by_hand = handwritten.asking(store.sql, store.shape.questions(_ASKED))
    with apart(store.sql.info.backend_pid, *map(_lent, (store, small))):
        in_turn(*asked, by_hand, count=_WARM)
        taken = in_turn(*asked, by_hand, count=_ASKED)
    at_small = middle(f"ask one key, at {small.shape.events:,}", taken[0])
    ours = middle(f"ask one key, at {store.shape.events:,}", taken[1], at_most=1)
    yield from (at_small, ours)
    yield Figure(what="ask one key, against the small log", value=ours.value / at_small.value, unit="x", at_most=1.3)
    yield middle("ask the hottest key", taken[2])
    best = middle("hand-written indexed SELECT, one key", taken[3])
    yield from (filled, best)
    yield Figure(what="ask one key, against hand-written", value=ours.value / best.value, unit="x", at_most=2)
    with Columns(store).closing() as duck:
        one = duck.one(store.shape.questions(_ASKED_DUCK))
        theirs = middle(f"DuckDB {duck.version}, one key", durations(one, _ASKED_DUCK))
    yield theirs
    yield Figure(what="ask one key, faster than DuckDB", value=theirs.value / ours.value, unit="x", at_least=20)


def view(store: Store, _small: Store) -> Iterator[Figure]:
    """Ask the whole view at historical bases: in the server, against hand-written SQL and against DuckDB."""
    bases = [(on, known) for _, on, known in store.shape.questions(_WHOLE)]
    assert store.build  # noqa: S101  the model has to exist
    filled = _filled(store)
    with Columns(store).closing() as duck:
        theirs = statistics.median(_warm(lambda basis=basis: seconds_of(lambda: duck.whole(*basis))) for basis in bases)
        theirs *= 1_000
        ours, best = _served(store, (_ASK, handwritten.ALL_KEYS), bases)
        yield Figure(what="timeline.ask, whole view, rows written out", value=ours, unit="ms")
        yield Figure(what="hand-written query, whole view, rows written out", value=best, unit="ms")
        yield filled
        yield Figure(what="whole view, against hand-written", value=ours / best, unit="x", at_most=1.5)
        yield Figure(what=f"DuckDB {duck.version}, whole view, nothing written out", value=theirs, unit="ms")
        yield Figure(what="whole view, faster than DuckDB", value=theirs / ours, unit="x", at_least=3)
        yield _agreement(store, duck.rows(*bases[0]), bases[0])


def _asking(store: Store, name: str | None = None) -> Callable[[int], object]:
    """Return a step that asks for a key through the Python interface."""
    assert store.build  # noqa: S101  the model has to exist
    questions = [(key, on, known.isoformat()) for key, on, known in store.shape.questions(_ASKED)]

    def step(number: int) -> None:
        key, on, known = questions[number]
        store.line.ask(VIEW, name or key, on=on, known=known)

    return step


def _lent(store: Store) -> int:
    """Return the process of the server that answers who asks for one key."""
    with Single(store.line.engine) as cursor:
        return cursor.connection.info.backend_pid


def _served(store: Store, queries: tuple[str, ...], bases: list[tuple[date, datetime]]) -> list[float]:
    """Return for each query the median of the milliseconds that the server takes at some bases; they take turns."""
    taken: list[list[float]] = [[] for _ in queries]
    for on, known in bases:
        for query, found in zip(queries, taken, strict=True):
            asked = query.format(on=on, known=known.isoformat())
            found.append(_warm(lambda asked=asked: handwritten.milliseconds(store.sql, asked)))
    return [statistics.median(found) for found in taken]


def _warm(measure: Callable[[], float]) -> float:
    """Return what is measured the second time, when the pages that it takes are at hand, whatever was done before."""
    measure()
    return measure()


def _filled(store: Store) -> Figure:
    """Return how large the hand-made bitemporal table is, filled now where it is empty."""
    found = store.sql.execute("SELECT to_regclass('bench.periods_by_key')").fetchone()
    if found is None or found[0] is None:
        rows, seconds = handwritten.periods(store)
        note = f"filled and indexed in {seconds:,.0f} s"
    else:
        counted = store.sql.execute("SELECT count(*) FROM bench.periods").fetchone()
        rows, note = counted[0] if counted else 0, "filled before"
    return Figure(what="rows of the hand-made bitemporal table", value=rows, unit="rows", note=note)


def _agreement(store: Store, theirs: dict[str, float], basis: tuple[date, datetime]) -> Figure:
    """Return how many keys are answered otherwise than by DuckDB."""
    on, known = basis
    asked = store.sql.execute("SELECT key, state::text FROM timeline.ask(%s, %s, %s)", [VIEW, on, known])
    ours: dict[str, Any] = {name: json.loads(state)["value"] for name, state in asked}
    differing = sum(1 for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    note = f"of {len(theirs):,}"
    return Figure(what="keys whose value DuckDB tells otherwise", value=differing, unit="keys", at_most=0, note=note)
