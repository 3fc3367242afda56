"""Correcting what the log holds: facts and documents, previews, and writers that come between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from makers import line

from timeline import exporting
from timeline.append import Appender
from timeline.corrections import Correction
from timeline.errors import Conflict, NotFound, Refused
from timeline.events import Document
from timeline.exchange import read
from timeline.redating import Description

if TYPE_CHECKING:
    from pathlib import Path

    from timeline.app import Timeline

NEWS = Document(text="It rained 3 cm today. It may snow.", title="Rain", publisher="The Post", published="2023-12-26")
REASON = "dated by the print"


def rain(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a line read from the news, which says neither since when it is known nor by whom."""
    source = {"document": NEWS.id, "quote": "It rained 3 cm"}
    given = line(fact="rain", valid="2023-12-26", source=source, time={"method": "relative", "text": "today"})
    return {name: value for name, value in (given | fields).items() if name != "known" or "known" in fields}


def four(**fields: Any) -> Correction:  # noqa: ANN401
    """Return the correction that it rained 4 cm: misread unless the test says otherwise."""
    usual: dict[str, Any] = {
        "fact": "rain",
        "misread": not fields.keys() & {"known", "source"},
        "reason": "misread",
        "set": {"value": 4},
    }
    return Correction(**usual | fields)


@pytest.fixture
def recorded(opened: Timeline) -> Timeline:
    """Return a timeline that holds the news and what it says."""
    opened.record([NEWS, rain()])
    return opened


def value(opened: Timeline, **question: Any) -> Any:  # noqa: ANN401
    """Return how much it rained; None where nothing is known of it."""
    rows = opened.ask("observations", "delhi/rain", **{"on": "2023-12-26"} | question).rows
    return rows[0].state["value"] if rows else None


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
    recorded.record([line(fact="more", subject="delhi", valid="2023-12-26", known="2024-01-01")])
    preview = recorded.preview([four(known="2024-02-01")], on="2023-12-26", known="2024-01-15")
    assert preview.effects == ()
    token = recorded.ask("observations", on="2023-12-26", known="2024-03-01").basis.token
    (effect,) = recorded.preview([four(known="2024-02-01")], basis=token).effects
    assert effect.known == recorded.preview([four()], basis=token).basis.known
    assert set(effect.changes[0].before.facts) == {"rain", "more"}  # type: ignore[union-attr]


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
    with pytest.raises(NotFound, match="no timeline"):
        replace(opened, name="nowhere").correct([four()])


# Documents


def test_a_document_is_corrected_with_its_facts_or_not_at_all(recorded: Timeline) -> None:
    """Its description is a fact, but correcting that alone would leave behind what was reckoned from it."""
    recorded.correct_document(NEWS.id, title="Heavy rain", reason="misprint")
    with pytest.raises(Refused, match="with its particulars") as caught:
        recorded.correct([Correction(fact=f"document:{NEWS.id}", retract=True, misread=True, reason="as printed")])
    assert f"correct-document {NEWS.id}" in caught.value.remedy


def test_a_document_may_be_described_twice_at_once(recorded: Timeline) -> None:
    """The second description builds on the first, and the facts are where it says."""
    days = ("2023-12-28", "2023-12-20")
    recorded.correct([Description(document=NEWS.id, particulars={"published": day}, reason=day) for day in days])
    assert [value(recorded, on="2023-12-20", known=day) for day in ("2023-12-19", "2023-12-21", "2024-01-01")] == [
        None,
        3,
        3,
    ]


def test_a_document_published_later_was_not_known_before(recorded: Timeline) -> None:
    """What it says is known from then on, and the day that it calls today is another."""
    assert recorded.correct_document(NEWS.id, published="2023-12-28", reason=REASON).recorded == 3
    assert value(recorded, on="2023-12-28", known="2023-12-27") is None
    assert value(recorded, known="2023-12-27") is None
    assert [value(recorded), value(recorded, on="2023-12-28")] == [None, 3]
    assert value(recorded, recorded=1) == 3


def test_a_document_published_earlier_was_known_before(recorded: Timeline) -> None:
    """Before its old day and behind it."""
    recorded.correct_document(NEWS.id, published="2023-12-20", reason=REASON)
    assert [value(recorded, on="2023-12-20", known=day) for day in ("2023-12-19", "2023-12-21", "2024-01-01")] == [
        None,
        3,
        3,
    ]
    assert value(recorded, known="2024-01-01") is None


def test_a_preview_of_a_document_tells_what_moves(recorded: Timeline) -> None:
    """The particulars that change, the facts that were read from it, and whatever a person has to look at."""
    recorded.record([rain(fact="snow", time={"method": "relative", "text": "soon"}, subject="agra")])
    preview = recorded.preview([Description(document=NEWS.id, particulars={"published": "2023-12-28"}, reason=REASON)])
    described, *moved = preview.facts
    assert described.fields == {"published": ("2023-12-26", "2023-12-28"), "published_how": (None, REASON)}
    assert {told.after.fact: told.fields.get("valid") for told in moved} == {
        "rain": ("2023-12-26", "2023-12-28"),
        "snow": None,
    }
    assert [entry.fact for entry in preview.by_hand] == ["snow"]
    assert recorded.stats()["position"] == 2


def test_particulars_that_are_no_date_move_nothing(recorded: Timeline) -> None:
    """Only the description is recorded; whoever is believed by publisher is found under the new name."""
    assert recorded.correct_document(NEWS.id[:20], publisher="The Times", reason="misprint").recorded == 1
    assert value(recorded, only=["publisher:The Times"]) == 3


def test_a_document_is_shown_as_it_is_described_now_and_was_at_a_position(recorded: Timeline) -> None:
    """Its text came as it came; a retracted description leaves that."""
    recorded.correct_document(NEWS.id, title="Heavy rain", reason="misprint")
    recorded.correct_document(NEWS.id, title="Rain in Delhi", reason="misprint again")
    with recorded._log() as log:
        found = [log.document(NEWS.id, recorded=at) for at in (0, 1, 2, 3, None)]
    assert [told and told.title for told in found] == ["Rain", "Rain", "Heavy rain", "Rain in Delhi", "Rain in Delhi"]
    assert recorded.show("rain").documents[NEWS.id].title == "Rain in Delhi"
    assert [told.title for told in recorded.documents()] == ["Rain"]
    recorded.record([{"action": "retract", "fact": f"document:{NEWS.id}", "known": "2023-12-26"}])
    assert recorded.show("rain").documents[NEWS.id] == NEWS


BAD_PARTICULARS: list[tuple[dict[str, Any], str]] = [
    ({}, "nothing would change"),
    ({"title": "Snow", "reason": " "}, "empty"),
    ({"title": "Rain"}, "nothing would change"),
    ({"published": "soon"}, "soon"),
    ({"published": "2024/.."}, "no last day"),
    ({"publisher": " The Post"}, "white space"),
]


@pytest.mark.parametrize("particulars, said", BAD_PARTICULARS)
def test_bad_particulars_are_refused(recorded: Timeline, particulars: dict[str, Any], said: str) -> None:
    """And nothing is recorded."""
    with pytest.raises(Refused, match=said):
        recorded.correct_document(NEWS.id, **{"reason": REASON} | particulars)
    assert recorded.stats()["position"] == 1


def test_what_was_read_from_a_document_meanwhile_is_a_conflict(recorded: Timeline) -> None:
    """Another fact, a correction, or another description: the preview has not shown what would become of them."""
    asked = [Description(document=NEWS.id, particulars={"published": "2023-12-28"}, reason=REASON)]
    seen = recorded.preview(asked).basis.token
    recorded.record([rain(fact="more")])
    with pytest.raises(Conflict, match="meanwhile, about more"):
        recorded.correct(asked, basis=seen)
    seen = recorded.preview(asked).basis.token
    recorded.correct_document(NEWS.id, title="Heavy rain", reason="misprint")
    with pytest.raises(Conflict, match="meanwhile, about document:"):
        recorded.correct(asked, basis=seen)


def test_the_files_of_a_described_document_are_recorded_again_as_nothing(recorded: Timeline) -> None:
    """Neither the old particulars nor the new ones are a conflict, and lines mean what they meant; others are one."""
    recorded.correct_document(NEWS.id, published="2023-12-28", publisher="The Times", reason=REASON)
    position = recorded.stats()["position"]
    with recorded._log() as log:
        described = log.document(NEWS.id)
    assert described
    assert recorded.record([NEWS, rain()]).duplicates == 1
    assert recorded.record([described, rain()]).duplicates == 1
    assert recorded.stats()["position"] == position
    with pytest.raises(Conflict, match="published") as caught:
        recorded.record([replace(NEWS, published="2023-12-29", publisher="The Times")])
    assert f"timeline correct-document {NEWS.id} --published" in caught.value.remedy


def test_lines_behind_a_description_are_read_by_it(opened: Timeline) -> None:
    """Within one import as well: those before it by the old particulars, those behind it by the new."""
    told = {"kind": "document.described", "subject": NEWS.id, "valid": "../..", "known": "2023-12-26"}
    described = told | {"data": {"publisher": "The Times", "published": "2023-12-28"}}
    opened.record([NEWS, rain(), described, rain(fact="more")])
    assert [(e.known.day, e.said_by) for e in opened.log() if e.kind == "observation"] == [
        (26, ("The Post",)),
        (28, ("The Times",)),
    ]


DESCRIBED = {"kind": "document.described", "valid": "../..", "known": "2024", "data": {"title": "x"}}
BAD_DESCRIPTIONS: list[tuple[dict[str, Any], str]] = [
    (DESCRIBED | {"known": "2024-01-01", "subject": "sha256:" + "0" * 64}, "not recorded"),
    (DESCRIBED | {"known": "2024-01-01", "subject": NEWS.id, "fact": "mine"}, "are the fact document:"),
    (DESCRIBED | {"known": "2024-01-01", "subject": NEWS.id, "data": {"publisher": ""}}, "1 to 200"),
    (line(fact=f"document:{NEWS.id}"), "kept for the particulars"),
]


@pytest.mark.parametrize("fields, said", BAD_DESCRIPTIONS)
def test_a_description_is_of_a_recorded_document_and_named_by_it(
    recorded: Timeline, fields: dict[str, Any], said: str
) -> None:
    """No other fact bears that name."""
    with pytest.raises(Refused, match=said):
        recorded.record([fields])


def test_an_export_with_a_described_document_reads_back_byte_by_byte(
    recorded: Timeline, other: Timeline, tmp_path: Path
) -> None:
    """The text as it came, and what describes it among the events; importing it twice changes nothing."""
    recorded.correct_document(NEWS.id, published="2023-12-20", publisher="The Times", reason=REASON)
    recorded.record([rain(fact="more")])
    recorded.correct_document(NEWS.id, published="2023-12-28", reason="no, by the header")
    exporting.write(tmp_path / "one", recorded.export(), recorded.documents())
    for duplicates in (0, recorded.stats()["position"]):
        assert other.record(read(tmp_path / "one")).duplicates == duplicates
    exporting.write(tmp_path / "two", other.export(), other.documents())
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in ("one", "two"))
    assert one == two
    assert other.verify() == recorded.verify()


def test_a_line_stays_the_same_when_its_document_gets_a_publisher(opened: Timeline, other: Timeline) -> None:
    """An export is recorded twice as nothing, though the line would be read otherwise now."""
    bare = replace(NEWS, publisher=None)
    opened.record([bare, rain()])
    opened.correct_document(NEWS.id, publisher="The Post", reason="found out")
    lines = [entry.fields() for entry in opened.log()]
    for duplicates in (0, 2):
        assert other.record([bare, *lines]).duplicates == duplicates
    assert list(other.export()) == list(opened.export())
