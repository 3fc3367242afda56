"""Corrections of facts, without a database: what is asked becomes the right event, or is refused with its field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from makers import retraction
from unit.makers_plan import LATE, NEWS, PLAN, plan, read

from timeline.corrections import Correction, Typed, Versions, assignment, assignments, corrected, correction
from timeline.errors import Conflict, NotFound, Place, Refused
from timeline.events import Entry, Event, Source
from timeline.temporal import parse_known


def ask(*held: Entry, known: datetime = LATE, recorded: int = 99, **asked: Any) -> tuple[Entry, Event]:  # noqa: ANN401
    """Return what a correction of the plan comes to; we misread it unless the test says otherwise."""
    versions = Versions("plan", held, known, recorded, max((one.position for one in held), default=0), LATE)
    usual: dict[str, Any] = {"misread": not asked.keys() & {"since", "source"}, "reason": "because"}
    asked |= {"known": asked.pop("since")} if "since" in asked else {}
    return corrected(Correction(fact="plan", **usual | asked), versions, read)


def typed(*texts: str) -> dict[str, Typed]:
    """Return what is set by `--set`."""
    return assignments(texts)


SETTINGS = [
    ("data.quantity=4", {"quantity": 4}),
    ("quantity=4", {"quantity": 4}),
    ("due=2027", {"due": "2027"}),
    ("unit=null", {}),
    ("unit=battery", {"unit": "battery"}),
    ('stages=[{"ordinal": 1, "due": "2025"}]', {"stages": [{"ordinal": 1, "due": "2025"}]}),
    ("item=5", {"item": "5"}),
]


@pytest.mark.parametrize("text, differs", SETTINGS)
def test_a_value_is_read_as_the_kind_takes_it(text: str, differs: dict[str, Any]) -> None:
    """A number where a number belongs, the text itself where a text belongs; a bare name is one of data."""
    expected = {name: value for name, value in (PLAN | {"comparator": "about"} | differs).items() if value is not None}
    held = plan(data=PLAN | {"comparator": "about"} | ({"unit": "piece"} if text == "unit=null" else {}))
    assert ask(held, set=typed(text))[1].data == expected


def test_several_values_are_read_each_for_itself() -> None:
    """One may be a number, the next a text that looks like one."""
    _, event = ask(plan(), set=typed("quantity=4", "due=2027", "confidence=high", 'said_by=["Denis Alipov"]'))
    assert event.data == PLAN | {"quantity": 4, "due": "2027"}
    assert (event.confidence, event.said_by) == ("high", ("Denis Alipov",))


def test_values_that_are_given_as_they_are_stay_so() -> None:
    """A text of a file is never taken for a number, and None leaves out."""
    held = plan(kind="observation", data={"measure": "rain", "value": 3, "unit": "cm"})
    assert ask(held, set={"value": "45", "unit": None})[1].data == {"measure": "rain", "value": "45"}


def test_a_value_within_a_list_is_set_by_its_number() -> None:
    """Counted from 0."""
    data = {name: PLAN[name] for name in ("item", "supplier", "recipient")}
    held = plan(data=data | {"stages": [{"ordinal": 4, "due": "2026"}, {"ordinal": 5, "due": "2027"}]})
    _, event = ask(held, set=typed("stages.1.due=2028"))
    assert event.data["stages"] == [{"ordinal": 4, "due": "2026"}, {"ordinal": 5, "due": "2028"}]


BAD_SETTINGS = [
    ("data.quantity=-1", "data.quantity", "-1 is less than 0"),
    ("quantity=many", "data.quantity", "'many' is not a number"),
    ("due=2024-13", "data.due", "2024-13"),
    ("due=20", "data.due", "`20`"),
    ("quantitty=4", "data.quantitty", "no such field"),
    ("item.name=x", "data.item", "nothing lies within"),
    ("modality=sure", "modality", "none of"),
    ("known=2024-01-01", "known", "not set by its path"),
    ("source.quote=x", "source.quote", "not set by its path"),
    ("fact=other", "fact", "not set by its path"),
]


@pytest.mark.parametrize("text, field, said", BAD_SETTINGS)
def test_a_bad_path_or_value_is_refused_with_its_field(text: str, field: str, said: str) -> None:
    """The refusal is about what was meant: where a text stood, about the text."""
    with pytest.raises(Refused, match=said) as caught:
        ask(plan(), set=typed(text))
    assert caught.value.place.field == field
    assert caught.value.remedy


def test_a_list_has_no_item_beyond_its_end() -> None:
    """Nor one that is named by a word."""
    held = plan(data={name: PLAN[name] for name in ("item", "supplier", "recipient")} | {"stages": []})
    for path in ("stages.3.due", "stages.first.due"):
        with pytest.raises(Refused, match="none of them"):
            ask(held, set={path: "2027"})


@pytest.mark.parametrize("text", ["=4", "quantity", " =3"])
def test_what_assigns_nothing_is_refused(text: str) -> None:
    """A path and an equals sign are needed."""
    with pytest.raises(Refused, match="sets nothing"):
        assignment(text)


def test_a_misreading_is_known_as_what_it_corrects() -> None:
    """A source that changed its story is known when it said so."""
    held = plan(known="2023-12-26T08:00:00Z")
    assert ask(held, set=typed("quantity=4"))[1].known == datetime(2023, 12, 26, 8, tzinfo=UTC)
    assert ask(held, set=typed("quantity=4"), since="2024-02-01")[1].known == parse_known("2024-02-01")


def test_a_new_source_says_since_when() -> None:
    """Its publication is the known time, and the wording of the old one is gone."""
    held = plan(time={"method": "relative", "text": "soon"})
    _, event = ask(held, set=typed("quantity=4"), source=f"{NEWS.id}#It rained")
    assert event.known == parse_known("2023-12-31")
    assert event.source == Source(document=NEWS.id, quote="It rained", start=0, end=9)
    assert event.time is None


def test_the_source_stays_unless_another_is_given() -> None:
    """With its quote, its speakers and its wording."""
    kept: dict[str, Any] = {
        "source": Source(document=NEWS.id, quote="It rained", start=0, end=9),
        "said_by": ("The Post",),
    }
    _, event = ask(plan(**kept, time={"method": "none"}), set=typed("quantity=4"))
    assert (event.source, event.said_by, event.time) == (kept["source"], kept["said_by"], {"method": "none"})


def test_whether_the_source_or_we_were_wrong_must_be_said_once() -> None:
    """Neither and both are refused."""
    with pytest.raises(Refused, match="was it misread") as caught:
        ask(plan(), set=typed("quantity=4"), misread=False)
    assert "--misread" in caught.value.remedy
    with pytest.raises(Refused, match="either"):
        ask(plan(), set=typed("quantity=4"), misread=True, since="2024-01-01")


def test_a_correction_builds_on_the_version_in_force_when_it_was_said() -> None:
    """Not on a newer one, whose words nobody had said by then; before the first there is none."""
    held = [plan(), plan(2, action="correct", known="2025-01-01", data=PLAN | {"due": "2026"})]
    seen, event = ask(*held, since="2024-02-01", set=typed("quantity=4"))
    assert (seen, event.data) == (held[0], PLAN | {"quantity": 4})
    for asked in ({"set": typed("quantity=4")}, {"retract": True}):
        with pytest.raises(Refused, match="it is known since 2023-12-26T00:00:00Z") as caught:
            ask(*held, since="2023-01-01", **asked)
        assert caught.value.place.field == "known"
    with pytest.raises(Refused, match="2030-01-02T00:00:00Z is still to come"):
        ask(*held, since="2030-01-02", set=typed("quantity=4"))


def test_a_version_that_the_asker_does_not_see_is_not_overridden() -> None:
    """Neither where it is known later than the basis, nor where it was recorded behind it."""
    held = [plan(), plan(2, action="correct", known="2025-01-01", data=PLAN | {"due": "2026"})]
    early = parse_known("2024-06-01")
    with pytest.raises(Conflict, match=f"event {held[1].event[:16]} at 2 is in force at 2025-06-01") as caught:
        ask(*held, known=early, since="2025-06-01", set=typed("quantity=4"))
    assert "--basis" in caught.value.remedy
    with pytest.raises(Conflict, match=f"event {held[1].event[:16]} at 2 has taken the place"):
        ask(*held, recorded=1, since="2025-06-01", set=typed("quantity=4"))
    assert ask(*held, known=early, since="2024-09-01", set=typed("quantity=4"))[0] == held[0]
    assert ask(*held, recorded=1, since="2024-09-01", set=typed("quantity=4"))[0] == held[0]


def test_a_misreading_that_is_repeated_is_known_as_what_it_repeats() -> None:
    """Whatever repeats it stands at a publication that was given up."""
    held = (plan(known="2024-01-10"), plan(2, known="2024-01-06"), plan(3, known="2024-01-10", confidence="low"))
    moved = {1: parse_known("2024-01-06")}
    versions = Versions("plan", held, LATE, 9, 3, LATE, {2: held[0], 3: held[0]}, moved)
    asked = Correction(fact="plan", misread=True, reason="r", set={"quantity": 4})
    seen, event = corrected(asked, versions, read)
    assert (seen, event.known, event.confidence) == (held[2], moved[1], "low")
    nothing = Versions("plan", (*held, retraction(4, "plan", "2024-01-01")), LATE, 9, 4, LATE, {4: None})
    with pytest.raises(Refused, match="it is known since 2024-01-06"):
        corrected(Correction(fact="plan", known="2024-01-02", reason="r"), nothing, read)


@pytest.mark.parametrize("twice", [("quantity=3", "quantity=4"), ("quantity=3", "data.quantity=4")])
def test_a_value_is_set_once(twice: tuple[str, str]) -> None:
    """Which of two was meant nobody knows."""
    with pytest.raises(Refused, match="given twice"):
        ask(plan(), set=typed(*twice))


def test_what_lies_too_deep_is_refused_with_its_field() -> None:
    """However deep it is."""
    for depth in (200, 100_000):
        with pytest.raises(Refused, match="more than 100 deep") as caught:
            ask(plan(), set=typed(f"quantity={'[' * depth}{']' * depth}"))
        assert caught.value.place.field.startswith("data")


def test_a_reason_is_needed() -> None:
    """White space is none."""
    with pytest.raises(Refused, match="empty"):
        ask(plan(), set=typed("quantity=4"), reason=" ")


def test_what_changes_nothing_is_refused() -> None:
    """The same value, or one that is known already at that time."""
    held = [plan(), plan(2, action="correct", known="2024-06-01", data=PLAN | {"quantity": 4})]
    for asked in (
        {"set": typed("quantity=4")},
        {"set": typed("quantity=4"), "since": "2024-08-01"},
        {"valid": "2023-12-26/.."},
    ):
        with pytest.raises(Refused, match="nothing would change"):
            ask(*held, **asked)
    with pytest.raises(Refused, match="nothing would change"):
        ask(plan(), retraction(2, "plan", "2024-01-01"), retract=True, since="2024-02-01")


def test_the_version_corrected_is_the_one_that_the_asker_sees() -> None:
    """By what is known at the basis, whatever came later."""
    held = [plan(), plan(2, action="correct", known="2025-01-01", data=PLAN | {"due": "2026"})]
    seen, event = ask(*held, known=parse_known("2024-01-01"), set=typed("quantity=4"))
    assert (seen, event.data["due"]) == (held[0], "2024")
    seen, event = ask(*held, set=typed("quantity=4"))
    assert (seen, event.data["due"]) == (held[1], "2026")


def test_what_was_displaced_since_is_a_conflict() -> None:
    """A version recorded behind the basis has taken the place of the one seen; one known later has not."""
    held = [plan(), plan(2, action="correct", data=PLAN | {"due": "2026"})]
    with pytest.raises(Conflict, match=held[1].event[:16]):
        ask(*held, recorded=1, set=typed("quantity=4"))
    later = [plan(), plan(2, action="correct", known="2025-01-01", data=PLAN | {"due": "2026"})]
    assert ask(*later, recorded=1, known=parse_known("2024-01-01"), set=typed("quantity=4"))[0] == later[0]


def test_an_expected_event_must_be_in_force() -> None:
    """Its first digits are enough; another one is a conflict that names the one in force."""
    held = [plan(), plan(2, action="correct", data=PLAN | {"due": "2026"})]
    assert ask(*held, set=typed("quantity=4"), expect=held[1].event)[0] == held[1]
    with pytest.raises(Conflict, match=f"event {held[1].event[:16]} at 2 is in force"):
        ask(*held, set=typed("quantity=4"), expect="f" * 64)
    with pytest.raises(Refused, match="names no event"):
        ask(*held, set=typed("quantity=4"), expect="0000")


def test_what_is_not_there_is_not_found() -> None:
    """No such fact, or none as known or recorded by then."""
    with pytest.raises(NotFound, match="no fact 'plan'"):
        ask(set=typed("quantity=4"))
    with pytest.raises(NotFound, match="was not known by then"):
        ask(plan(), known=parse_known("2020-01-01"), set=typed("quantity=4"))
    with pytest.raises(NotFound, match="was not recorded by then"):
        ask(plan(), recorded=0, set=typed("quantity=4"))


def test_a_retraction_states_nothing_and_is_not_final() -> None:
    """A misread one keeps its document; a correction of it states again what it took back."""
    held = plan(source=Source(document=NEWS.id, quote="It rained", start=0, end=9))
    _, event = ask(held, retract=True)
    assert (event.action, event.known, event.valid, event.source) == ("retract", held.known, None, held.source)
    for stated in ({"set": typed("quantity=4")}, {"valid": "2024"}):
        with pytest.raises(Refused, match="states nothing"):
            ask(held, retract=True, **stated)
    _, again = ask(held, retraction(2, "plan", "2024-01-01"), since="2024-02-01")
    assert (again.action, again.data, again.known) == ("correct", PLAN, parse_known("2024-02-01"))


def test_a_line_of_a_file_is_a_correction() -> None:
    """What it does not say comes from the command; what it says wrongly is refused with the line."""
    place = Place("c.jsonl", 3)
    assert correction({"fact": "plan", "set": {"quantity": 4}}, place, misread=True, reason="r") == Correction(
        fact="plan", set={"quantity": 4}, misread=True, reason="r", place=place
    )
    assert not correction({"fact": "plan", "known": "2024-01-01"}, place, misread=True, reason="r").misread
    for line, field in (({"fakt": "plan"}, "fakt"), ({"set": {}}, "fact"), ({"fact": "plan", "set": "x"}, "set")):
        with pytest.raises(Refused) as caught:
            correction(line, place, reason="r")
        assert caught.value.place == Place("c.jsonl", 3, field)
