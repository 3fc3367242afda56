"""Building a read model: in halves side by side, from where it was left, and whatever the log holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from makers import line

from timeline import following, readmodels, rebuilding, vocabulary
from timeline.append import Appender
from timeline.cli import views as cli
from timeline.errors import Outdated
from timeline.fold import Projection
from timeline.processes import can_share
from timeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from timeline.app import Timeline
    from timeline.events import Event
    from timeline.fold import State

LINES: list[dict[str, Any]] = [
    line(fact=f"f{number}", subject=f"s{number % 7}", valid=f"2023-01-{number % 28 + 1:02}", known=f"2023-02-{n:02}")
    for n in range(1, 6)
    for number in range(n, 200, 5)
]


@pytest.fixture
def rainy(opened: Timeline) -> Timeline:
    """Return a timeline with some hundred facts on a few keys, of which some are corrected and some taken back."""
    opened.record(LINES)
    opened.record(
        [line(**{**told, "action": "correct", "known": "2023-03-01", "valid": "2023-01/.."}) for told in LINES[::9]]
    )
    opened.record([{"action": "retract", "fact": told["fact"], "known": "2023-03-02"} for told in LINES[::11]])
    return opened


@pytest.mark.skipif(
    not can_share(), reason="this process may not be copied: it has other threads, or there is one core"
)
def test_halves_make_the_same_as_one_process(rainy: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows do not depend on how many processes folded them."""
    alone = rainy.rebuild("observations")
    monkeypatch.setattr(rebuilding, "MANY", 0)
    halves = rainy.rebuild("observations")
    assert (halves.rows, halves.digest, halves.differing) == (alone.rows, alone.digest, 0)
    assert rainy.views.verify(rainy.vocabulary.view("observations")).difference is None


class Stopped(Exception):
    """What a test stops a build by."""


@pytest.mark.parametrize("step", ["gathered", "folded", "indexed", "compared"])
def test_a_build_that_was_stopped_goes_on(rainy: Timeline, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """What was committed before a build stopped is used, and what it comes to is the same."""
    monkeypatch.setattr(rebuilding, "READ", 10)
    monkeypatch.setattr(rebuilding, "FOLDED", 10)
    whole = rainy.rebuild("observations")

    def stop(what: str, _done: int, _all: int) -> None:
        if what == step:
            raise Stopped

    view = rainy.vocabulary.view("observations")
    with pytest.raises(Stopped):
        rainy.views.rebuild(view, stop)
    unfinished = [found["state"] for found in rainy.views.status() if found["view"] == view.name]
    assert sorted(unfinished) == ["serving", "unfinished"]
    rainy.record([line(fact="late", subject="s1", known="2023-03-05")])
    again = rainy.rebuild("observations")
    assert (again.position, again.differing) == (whole.position + 1, 0)
    assert rainy.views.verify(view).difference is None
    assert not [found for found in rainy.views.status() if found["state"] == "building"]


def test_looking_while_a_model_is_dropped(rainy: Timeline) -> None:
    """Who counts the rows of a model that is gone before he comes to it looks again."""
    rainy.rebuild("observations")
    waiting = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE NOT l.granted AND d.datname = current_database()"""
    with ThreadPoolExecutor() as beside, rainy.engine.connect() as connection:
        model = rainy.views.stored()["observations"]
        readmodels.drop(connection, rainy.name, model)
        looked = beside.submit(rainy.views.status)
        until = monotonic() + 30
        while not connection.exec_driver_sql(waiting).scalar_one():
            assert monotonic() < until
        connection.commit()
        states = {row["view"]: row["state"] for row in looked.result()}
    assert set(states.values()) == {"not stored"}
    assert "observations" in states


def test_a_build_ends_though_others_record_as_fast(rainy: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have to wait while it takes in what is left, and no event is missing from what answers then."""
    others: list[int] = []
    held: list[int] = []

    def follow(*given: Any) -> bool:  # noqa: ANN401
        if not held:
            others.append(rainy.record([line(fact=f"other-{len(others)}", subject="s1")]).recorded)
        return following.follow(*given)

    class Holding(Appender):
        def lock(self, *given: Any) -> Any:  # noqa: ANN401
            """Hold the log, and note when."""
            held.append(len(others))
            return super().lock(*given)

    for name, value in {"SMALL": 0, "follow": follow, "Appender": Holding}.items():
        monkeypatch.setattr(rebuilding, name, value)
    before = rainy.stats()["position"]
    built = rainy.rebuild("observations")
    assert held == [len(others)]
    assert built.position == before + len(others) == rainy.stats()["position"]
    assert rainy.views.lag("observations", built.position) is None
    assert rainy.views.verify(rainy.vocabulary.view("observations")).difference is None


def _places(event: Event) -> list[str]:
    if event.data["value"] == 666:
        raise ValueError("no such place")
    return [event.subject]


def _counted(state: State | None, _fact: Event) -> State:
    return {"facts": (state or {"facts": 0})["facts"] + 1}


MENDED = Projection(
    name="counts",
    version=2,
    about="Facts.",
    kinds=frozenset({"observation"}),
    keys=lambda event: [event.subject],
    fold=_counted,
)


def test_a_stuck_key_has_no_row_of_what_came_with_it(opened: Timeline) -> None:
    """Of a key with many facts only a part is folded anew: not that of a fact that came beside one without a key."""
    kinds = frozenset({"observation"})
    counts = Projection(name="counts", version=1, about="Facts.", kinds=kinds, keys=_places, fold=_counted)
    counting = replace(opened, vocabulary=Vocabulary.of(vocabulary.load().kinds.values(), [counts]))
    counting.record([line(fact=f"f{n}", valid=f"2023-01-{n:02}") for n in range(1, 25)])
    counting.rebuild("counts")
    spoilt = line(fact="f1", action="correct", known="2023-12-27", data={"measure": "rain", "value": 666})
    counting.record([spoilt, line(fact="new", valid="2023-01-20")])
    (row,) = counting.ask("counts", "delhi", on="2023-12-15").rows
    assert (row.state, row.facts, row.stuck) == ({}, ("f1",), "ValueError: no such place")
    assert [row.key for row in counting.ask("counts", on="2023-12-15").rows] == ["?f1", "delhi"]
    (row,) = counting.ask("counts", on="2023-01-20").rows
    assert (row.key, row.state, row.stuck) == ("delhi", {"facts": 2}, None)
    assert counting.views.verify(counts).difference is None


def test_errors_are_those_of_what_answers(opened: Timeline) -> None:
    """What has retired is kept while somebody reads it: its errors have been mended, or nobody asks it any more."""
    kinds = frozenset({"observation"})
    counts = Projection(name="counts", version=1, about="Facts.", kinds=kinds, keys=_places, fold=_counted)
    counting = replace(opened, vocabulary=Vocabulary.of(vocabulary.load().kinds.values(), [counts]))
    counting.record([line(fact="f1", data={"measure": "rain", "value": 666})])
    counting.rebuild("counts")
    with counting.engine.connect() as reader:
        old = counting.views.stored()["counts"]
        reader.exec_driver_sql(f"LOCK TABLE {old.rows} IN ACCESS SHARE MODE")
        mended = replace(counting, vocabulary=Vocabulary.of(counting.vocabulary.kinds.values(), [MENDED]))
        mended.rebuild("counts")
        assert [model.retired for model in readmodels.models(reader, counting.name, "counts", serving=False)] == [True]
        assert list(mended.views.errors()) == []
        assert cli._standing(mended.views, "counts") == "counts is at 1"
        mended.views.drop("counts")
        assert cli._standing(mended.views, "counts") == "counts is not stored any more"


def _unreadable(data: dict[str, Any]) -> dict[str, Any]:
    raise RuntimeError(f"nobody wrote {data}")


def test_what_became_of_a_fact_elsewhere_need_not_be_readable(opened: Timeline) -> None:
    """A version of a kind that the view does not read only ends what it read before, whatever its upcaster says."""
    words = vocabulary.load()
    plain = replace(words.kind("observation"), name="tide")
    newer = replace(plain, version=2, upcasters={1: _unreadable})
    kinds = [*words.kinds.values()]
    counts = Projection(
        name="counts", version=1, about="Facts.", kinds=frozenset({"observation"}), keys=_places, fold=_counted
    )
    before = replace(opened, vocabulary=Vocabulary.of([*kinds, plain], [counts]))
    before.record([line(fact="f1"), line(fact="f2")])
    before.record([line(fact="f1", action="correct", kind="tide", known="2024-01-05")])
    before.record([line(fact="f3", kind="tide"), line(fact="f3", action="correct", known="2024-01-06")])
    counting = replace(opened, vocabulary=Vocabulary.of([*kinds, newer], [counts]))

    def told() -> tuple[Any, ...]:
        asked = [counting.ask("counts", on="2023-12-26", known=day).rows for day in ("2024-01-04", "2024-01-07")]
        logged = [*counting.replay("counts", on="2023-12-26").changes]
        return (asked, logged, counting.views.verify(counts).difference, list(counting.views.errors()))

    counting.ask("counts")
    counting.record([line(fact="f4", known="2024-01-07"), line(fact="f1", action="correct", known="2024-01-07")])
    followed = told()
    assert [[row.state for row in rows] for rows in followed[0]] == [[{"facts": 2}], [{"facts": 4}]]
    assert followed[1:] == ([], None, [])
    counting.rebuild("counts")
    assert told() == followed
    assert counting.blame("counts", "delhi", on="2023-12-26").fields[0].value == 4


def _mended(data: dict[str, Any]) -> dict[str, Any]:
    return data if data["value"] != 666 else _unreadable(data)


def test_a_misreading_that_was_read_again_need_not_be_readable(opened: Timeline) -> None:
    """What is in force at no instant stops nothing, whether it was corrected before its upcaster failed or since."""
    words = vocabulary.load()
    tide = replace(words.kind("observation"), name="tide")
    counts = Projection(
        name="counts", version=1, about="Facts.", kinds=frozenset({"tide"}), keys=_places, fold=_counted
    )
    before = replace(opened, vocabulary=Vocabulary.of([*words.kinds.values(), tide], [counts]))
    bad = {"kind": "tide", "data": {"measure": "rain", "value": 666}}
    before.record([line(fact="f1", **bad), line(fact="f2", subject="pune", **bad)])
    before.correct([{"fact": "f1", "misread": True, "reason": "blurred", "set": {"value": 4}}])
    newer = replace(tide, version=2, upcasters={1: _mended})
    counting = replace(opened, vocabulary=Vocabulary.of([*words.kinds.values(), newer], [counts]))

    def told() -> list[tuple[str, str | None]]:
        stored = counting.ask("counts", on="2023-12-26")
        assert [*counting.replay("counts", basis=stored.basis.token).changes] == []
        assert counting.views.verify(counts).difference is None
        return [(row.key, row.stuck) for row in stored.rows]

    assert [key for key, stuck in told() if not stuck] == ["delhi"]
    assert [key for key, stuck in told() if stuck] == ["?f2"]
    mended = line(fact="f2", subject="pune", kind="tide", action="correct", schema=2, reason="blurred")
    counting.record([mended])
    assert told() == [("delhi", None), ("pune", None)]
    counting.rebuild("counts")
    assert told() == [("delhi", None), ("pune", None)]


def test_what_can_be_told_its_keys_again_is_missed_by_no_answer(opened: Timeline) -> None:
    """Whether the program was mended or only failed once: the same basis gives the same rows, stored or not."""
    readable = [False]

    def places(event: Event) -> list[str]:
        return [event.subject] if readable[0] else _places(event)

    counts = replace(MENDED, keys=places)
    counting = replace(opened, vocabulary=Vocabulary.of(vocabulary.load().kinds.values(), [counts]))
    bad = {"measure": "rain", "value": 666}
    counting.record([line(fact="f1"), line(fact="f2", data=bad), line(fact="f3", subject="pune")])

    def told(**question: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        asked = {"on": "2023-12-26", **question}
        rows = counting.ask("counts", **asked).rows
        for row in rows:
            one = counting.ask("counts", row.key, **asked).rows
            assert [(found.key, found.state, found.stuck) for found in one] == [(row.key, row.state, row.stuck)]
        assert [*counting.replay("counts", **asked).changes] == []
        assert [*counting.replay("counts", key="delhi", **asked).changes] == []
        return [(row.key, row.stuck or row.state["facts"]) for row in rows]

    stuck = [("?f2", "ValueError: no such place"), ("delhi", 1), ("pune", 1)]
    assert told() == told(recorded=3) == stuck
    readable[0] = True
    with pytest.raises(Outdated, match="lacks facts that could not be read, and can be now"):
        counting.views.verify(counts)
    for asked in ({"recorded": 3}, {}):
        readable[0] = True
        assert told(**asked) == [("delhi", 2), ("pune", 1)]
        readable[0] = False
        if asked:
            assert told(**asked) == stuck
    counting.views.pause("counts")
    readable[0] = True
    assert told() == [("delhi", 2), ("pune", 1)]
    counting.views.resume("counts")
    counting.record([line(fact="f4")])
    assert told() == [("delhi", 3), ("pune", 1)]
    assert counting.views.verify(counts).difference is None
    assert list(counting.views.errors()) == []


@pytest.mark.parametrize("turns", [lambda _: None, lambda _: [datetime(2023, 12, 10, tzinfo=UTC)], lambda _: ["2023"]])
def test_turns_that_are_no_days_are_the_same_mistake_everywhere(opened: Timeline, turns: Any) -> None:  # noqa: ANN401
    """A key is stuck for the rows as for the log."""
    counts = replace(MENDED, turns=turns)
    counting = replace(opened, vocabulary=Vocabulary.of(vocabulary.load().kinds.values(), [counts]))
    counting.record([line()])
    (row,) = counting.ask("counts", on="2023-12-26").rows
    assert row.stuck is not None
    assert row.stuck.startswith("TypeError: ")
    assert [*counting.replay("counts", on="2023-12-26").changes] == []
    assert [error["reason"] for error in counting.views.errors()] == [row.stuck]
