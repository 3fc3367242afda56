"""Measures of recording: in bulk, event by event, by eight writers at once, and what a correction costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benching import handwritten, library, writers
from benching.figures import Figure, in_turn, middle, seconds_of
from benching.shape import VIEW
from benching.store import paused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benching.store import Store

PEER_EVENTS = 200_000
_ONE_BY_ONE = 500
_BLOCK = 10
_CORRECTIONS = 100
_WRITING_SECONDS = 5.0


def bulk(store: Store, _small: Store) -> Iterator[Figure]:
    """Record the whole log through the public interface, against COPY and against the library's batches."""
    ours = store.load.rate
    yield Figure(what=f"record {store.shape.events:,} events in one transaction", value=ours, unit="events/s")
    copy = store.shape.events / handwritten.copied(store)
    yield Figure(what="binary COPY of the same finished rows", value=copy, unit="events/s")
    yield Figure(what="record against COPY", value=ours / copy, unit="x", at_least=0.6)
    events = min(PEER_EVENTS, store.shape.events)
    with library.opened(store.url) as application:
        done = library.append(application, store.shape, events)
        whole, saving = done.events / (done.making + done.saving), done.events / done.saving
        note = f"{done.events:,} events"
        yield Figure(what="eventsourcing, batches of 1,000 made and saved", value=whole, unit="events/s", note=note)
        yield Figure(what="eventsourcing, the saving alone", value=saving, unit="events/s", note=note)
        yield Figure(what="record against eventsourcing, made and saved", value=ours / whole, unit="x", at_least=2.5)
        yield Figure(what="record against eventsourcing, the saving alone", value=ours / saving, unit="x", at_least=2.5)
        theirs = done.events / seconds_of(lambda: library.read(application))
    yield Figure(what="eventsourcing, notification log read", value=theirs, unit="events/s", note=note)
    mine = store.shape.events / seconds_of(lambda: sum(1 for _ in store.line.log()))
    yield Figure(what="the log read as events", value=mine, unit="events/s")
    yield Figure(what="the log read against the notification log", value=mine / theirs, unit="x")


def one(store: Store, _small: Store) -> Iterator[Figure]:
    """Record and commit one event, the read model following, against one bare row inserted and committed."""
    assert store.build  # noqa: S101  the model has to exist
    _copied(store)
    insert = handwritten.inserting(store.sql, "main", 100_000_000)
    first = store.shape.events + 1_000_000

    def record(number: int) -> None:
        store.line.record([store.shape.assertion(first + number)])

    ours, bare = in_turn(record, insert, count=_ONE_BY_ONE)
    mine, theirs = middle("record one event, read model caught up", ours), middle("bare INSERT and COMMIT", bare)
    yield from (mine, theirs)
    yield Figure(what="record against bare INSERT", value=mine.value / theirs.value, unit="x", at_most=2)
    yield Figure(what="events that the read model is behind afterwards", value=_behind(store), unit="events", at_most=0)


def eight(store: Store, _small: Store) -> Iterator[Figure]:
    """Write with eight processes at once, on as many timelines and on one, against as many bare inserters."""
    _copied(store)
    several, single = [f"writer-{number}" for number in range(writers.WRITERS)], ["writers"] * writers.WRITERS
    for name in {*several, *single}:
        store.sql.execute(
            "INSERT INTO timeline.timelines (timeline, hash) VALUES (%s, sha256(convert_to(%s, 'UTF8')))",
            [name, f"timeline:{name}"],
        )
    bare = writers.rate(writers.bare, store.url, several, _WRITING_SECONDS)
    yield Figure(what="8 bare inserters", value=bare, unit="events/s")
    for what, names, goal in (("8 writers, 8 timelines", several, 0.8), ("8 writers, one timeline", single, 0.5)):
        ours = writers.rate(writers.ours, store.url, names, _WRITING_SECONDS)
        yield Figure(what=what, value=ours, unit="events/s")
        yield Figure(what=f"{what}, against bare inserters", value=ours / bare, unit="x", at_least=goal)


def correction(store: Store, small: Store) -> Iterator[Figure]:
    """Record single corrections, with the read model following, and the following alone."""
    goals = {small: None, store: 20.0}
    assert small.build and store.build  # noqa: S101, PT018  the models have to exist
    whole = in_turn(*map(_correcting, goals), count=_CORRECTIONS, block=10)
    alone: list[list[float]] = [[], []]
    for block in range(0, _CORRECTIONS, _BLOCK):
        for one_of, taken in zip(goals, alone, strict=True):
            taken.extend(_following(one_of, _CORRECTIONS + block))
    for one_of, taken in zip(goals, whole, strict=True):
        yield middle(f"record one correction, read model caught up, at {one_of.shape.events:,}", taken)
    figures = [
        middle(f"the read model catches up with one correction, at {one_of.shape.events:,}", taken, goal)
        for (one_of, goal), taken in zip(goals.items(), alone, strict=True)
    ]
    yield from figures
    ratio = figures[1].value / figures[0].value
    yield Figure(what="the read model catches up, against the small log", value=ratio, unit="x", at_most=1.3)


def _correcting(store: Store, first: int = 0) -> Callable[[int], object]:
    """Return a step that records one correction, each time of another fact."""
    end = store.shape.events

    def step(number: int) -> None:
        corrected = (first + number) * 7_919 % end
        store.line.record([store.shape.correction(end + first + number, of=corrected)])

    return step


def _following(store: Store, first: int) -> list[float]:
    """Return how long the read model takes to follow single corrections that were recorded while it was paused."""
    step = _correcting(store, first)
    taken = []
    for number in range(_BLOCK):
        with paused(store):
            step(number)
        taken.append(seconds_of(store.line.catch_up) * 1_000)
    return taken


def _copied(store: Store) -> None:
    """See to it that there is a table of copied rows to insert into."""
    assert store.load  # noqa: S101  it has to be there
    found = store.sql.execute("SELECT to_regclass('bench.copied')").fetchone()
    if found is None or found[0] is None:
        handwritten.copied(store)


def _behind(store: Store) -> float:
    key, on, known = store.shape.questions(1)[0]
    asked = f"SELECT coalesce(max(behind), 0) FROM timeline.ask('{VIEW}', '{on}', '{known}') WHERE key = '{key}'"  # noqa: S608
    found = store.sql.execute(asked.encode()).fetchone()
    return float(found[0]) if found else 0.0
