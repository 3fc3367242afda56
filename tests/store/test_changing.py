"""Correcting what the log holds: facts and documents, previews, and writers that come between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from makers import line
from store.rain import NEWS, REASON, four, rain, value

from timeline.append import Appender
from timeline.corrections import Correction
from timeline.errors import Conflict, NotFound, Refused

if TYPE_CHECKING:
    from timeline.app import Timeline


@pytest.fixture
def recorded(opened: Timeline) -> Timeline:
    """Return a timeline that holds the news and what it says."""
    opened.record([NEWS, rain()])
    return opened


def test_a_misreading_is_told_apart_by_recorded_alone(recorded: Timeline) -> None:
    """At every known time the new value holds, and the old answer is given again by its position."""
    assert recorded.correct([four()]).recorded == 1
    assert [value(recorded), value(recorded, known="2023-12-26"), value(recorded, recorded=1)] == [4, 4, 3]
    assert recorded.verify() == 2


def test_a_source_that_changes_its_story_is_believed_from_then_on(recorded: Timeline) -> None:
    """And what was known before stays."""
    recorded.correct([four(known="2024-02-01")])
    assert [value(recorded), value(recorded, known="2024-01-31")] == [4, 3]


def test_a_preview_says_what_will_be_and_records_nothing(recorded: Timeline) -> None:
    """The events are those that are then recorded, and the rows those that are then answered."""
    preview = recorded.preview([four()], on="2023-12-26")
    assert recorded.stats()["position"] == 1
    (effect,) = preview.effects
    (change,) = effect.changes
    assert (effect.view, change.key, change.fields["value"]) == ("observations", "delhi/rain", (3, 4))
    assert preview.facts[0].fields == {"data.value": (3, 4)}
    before = recorded.ask("observations", on="2023-12-26").rows
    assert change.before == before[0]
    recorded.correct([four()])
    assert recorded.ask("observations", on="2023-12-26").rows[0].state == change.after.state  # type: ignore[union-attr]
    assert [entry.event for entry in recorded.log()][1:] == [entry.event for entry in preview.events]


def test_a_preview_compares_at_the_basis_of_the_asker_and_now(recorded: Timeline) -> None:
    """A correction may change only one of them; facts of the same key that stay are part of both."""
    recorded.record([line(fact="sleet", subject="delhi", valid="2023-12-26", known="2024-01-01")])
    preview = recorded.preview([four(known="2024-02-01")], on="2023-12-26", known="2024-01-15")
    assert preview.effects == ()
    token = recorded.ask("observations", on="2023-12-26", known="2024-03-01").basis.token
    (effect,) = recorded.preview([four(known="2024-02-01")], basis=token).effects
    assert effect.known == recorded.preview([four()], basis=token).basis.known
    assert sorted(effect.changes[0].before.facts) == ["rain", "sleet"]  # type: ignore[union-attr]


def test_a_preview_holds_no_lock_and_waits_for_none(recorded: Timeline) -> None:
    """While another appends it is computed all the same."""
    with recorded.engine.connect() as connection:
        Appender(connection, recorded.name).lock()
        assert recorded.preview([four()]).events
        connection.rollback()


def test_a_retracted_fact_is_gone_and_can_be_reinstated(recorded: Timeline) -> None:
    """The correction of a retraction states again what it took back."""
    recorded.correct([Correction(fact="rain", retract=True, misread=True, reason="no such thing")])
    assert value(recorded) is None
    recorded.correct([Correction(fact="rain", misread=True, reason="it does say so")])
    assert value(recorded) == 3


def test_many_corrections_are_one_transaction(recorded: Timeline) -> None:
    """Each builds on those before it; the first that comes to nothing refuses all."""
    with pytest.raises(Refused, match="nothing would change"):
        recorded.correct([four(), four()])
    assert recorded.stats()["position"] == 1
    assert recorded.correct([four(), four(set={"value": 5}), four(set={"unit": "cm"})]).recorded == 3
    assert recorded.show("rain").versions[-1].data == {"measure": "rain", "value": 5, "unit": "cm"}


def test_a_dry_run_corrects_nothing(recorded: Timeline) -> None:
    """Its receipt is that of a real one."""
    assert recorded.correct([four()], dry_run=True).last == 2
    assert recorded.stats()["position"] == 1


def test_a_correction_that_was_displaced_needs_another_reason(recorded: Timeline) -> None:
    """An event is recorded once, so the same one could not come into force again."""
    recorded.correct([four()])
    recorded.correct([four(set={"value": 5})])
    with pytest.raises(Refused, match="holds this very event at 2"):
        recorded.correct([four()])
    assert recorded.correct([four(reason="it was 4 after all")]).recorded == 1


def test_what_was_corrected_since_the_preview_is_a_conflict(recorded: Timeline) -> None:
    """The basis of the preview is what guards it, and nothing is recorded."""
    seen = recorded.preview([four()]).basis.token
    recorded.correct([four(set={"value": 5})])
    with pytest.raises(Conflict, match="has taken the place of") as caught:
        recorded.correct([four()], basis=seen)
    assert recorded.show("rain").versions[-1].event[:16] in caught.value.message
    assert recorded.stats()["position"] == 2
    recorded.record([line(fact="other")])
    assert recorded.correct([four()], basis=recorded.preview([four()]).basis.token).recorded == 1


@pytest.mark.parametrize("known", ["2023-12-28", "2024-01-01"])
def test_nobody_overrides_what_came_between_at_the_same_known_time(recorded: Timeline, known: str) -> None:
    """Be it earlier than the version that is in force now, or later."""
    recorded.correct([four(known="2023-12-30", set={"value": 5})])
    asked = [four(known=known, set={"value": 6})]
    seen = recorded.preview(asked).basis.token
    recorded.correct([four(known=known, set={"value": 7})])
    with pytest.raises(Conflict, match=recorded.show("rain").versions[-1].event[:16]):
        recorded.correct(asked, basis=seen)


def test_an_old_basis_overrides_nothing_newer(recorded: Timeline) -> None:
    """A version that it does not show is named; a later basis, or an earlier known time, builds on what is there."""
    recorded.correct([four(known="2024-02-01", set={"unit": "cm"})])
    asked = [four(known="2024-03-01")]
    with pytest.raises(Conflict, match="at 2 is in force at 2024-03-01T00:00:00Z") as caught:
        recorded.correct(asked, known="2024-01-01")
    assert "--basis" in caught.value.remedy
    recorded.correct(asked, known="2024-02-15")
    assert recorded.show("rain").versions[-1].data["unit"] == "cm"


def test_what_is_still_to_come_is_not_known(recorded: Timeline) -> None:
    """So of two such corrections none can be lost."""
    with pytest.raises(Refused, match="still to come"):
        recorded.correct([four(known="2999-01-01")])


def test_a_correction_before_the_version_in_force_shows_the_rows_of_that_time(recorded: Timeline) -> None:
    """It builds on what was said then, and what was said later stays."""
    recorded.correct([four(known="2024-02-01", set={"value": 5, "unit": "cm"})])
    preview = recorded.preview([four(known="2024-01-01")], on="2023-12-26")
    assert [(effect.known.month, effect.changes[0].fields["value"]) for effect in preview.effects] == [(1, (3, 4))]
    assert "unit" not in preview.events[0].data


def test_of_two_writers_that_expect_the_same_event_one_is_refused(recorded: Timeline) -> None:
    """Whoever comes second would have built on what is no longer in force."""
    held = recorded.show("rain").versions[0].event

    def write(number: int) -> bool:
        try:
            recorded.correct([four(set={"value": number}, expect=held)])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(10, 18))) == 1
    assert recorded.verify() == 2


def test_writers_that_expect_nothing_build_on_one_another(recorded: Timeline) -> None:
    """Each changes a field of its own, and none is lost."""
    fields = ["unit", "comparator"]
    words = {"unit": "cm", "comparator": "about"}

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: recorded.correct([four(set={name: words[name]})]), fields))
    assert recorded.show("rain").versions[-1].data == {"measure": "rain", "value": 3} | words


def test_what_is_not_there_cannot_be_corrected(opened: Timeline, recorded: Timeline) -> None:
    """No such fact, no such document, no such timeline."""
    with pytest.raises(NotFound, match="no fact 'snow'"):
        recorded.correct([four(fact="snow")])
    with pytest.raises(NotFound, match="no document"):
        recorded.correct_document("sha256:" + "0" * 64, published="2024", reason=REASON)
    with pytest.raises(Refused, match="not recorded"):
        recorded.correct([four(source="sha256:" + "0" * 64)])
    for name, why in (("\udcff", "surrogate"), ("a\0", "U\\+0000")):
        with pytest.raises(Refused, match=why):
            recorded.correct([four(fact=name)])
        with pytest.raises(Refused, match=why):
            recorded.correct_document(name, published="2024", reason=REASON)
    with pytest.raises(NotFound, match="no timeline"):
        replace(opened, name="nowhere").correct([four()])
