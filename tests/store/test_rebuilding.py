"""Building a read model: in halves side by side, from where it was left, and whatever the log holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from makers import line

from timeline import following, rebuilding
from timeline.append import Appender
from timeline.processes import can_share

if TYPE_CHECKING:
    from timeline.app import Timeline

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
    assert (halves.rows, halves.hash, halves.differing) == (alone.rows, alone.hash, 0)
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
    assert sorted(unfinished) == ["building", "serving"]
    rainy.record([line(fact="late", subject="s1", known="2023-03-05")])
    again = rainy.rebuild("observations")
    assert (again.position, again.differing) == (whole.position + 1, 0)
    assert rainy.views.verify(view).difference is None
    assert not [found for found in rainy.views.status() if found["state"] == "building"]


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
