"""Documents that are described anew, and what that does to the facts that were read from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from makers import line
from store.rain import NEWS, REASON, four, rain, value

from timeline import exporting
from timeline.corrections import Correction
from timeline.errors import Conflict, Refused
from timeline.exchange import read
from timeline.redating import Description

if TYPE_CHECKING:
    from pathlib import Path

    from timeline.app import Timeline
    from timeline.events import Entry


@pytest.fixture
def recorded(opened: Timeline) -> Timeline:
    """Return a timeline that holds the news and what it says."""
    opened.record([NEWS, rain()])
    return opened


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


def test_a_document_may_be_dated_to_and_fro_among_corrections(recorded: Timeline) -> None:
    """What the first redating put right is not moved by the second as if the document said so."""
    recorded.correct([four(known="2024-02-01", reason="story changed", valid="2023-12-26")])
    for day in ("2024-03-01", "2023-12-20", "2024-01-10"):
        recorded.correct_document(NEWS.id, published=day, reason=f"by {day}")
    known = ("2024-01-09", "2024-01-10", "2024-01-31", "2024-02-01", "2024-03-02")
    held = [recorded.facts(on=day, known=at).facts for at in known for day in ("2024-01-10",)]
    assert [[fact.data["value"] for fact in facts if fact.fact == "rain"] for facts in held] == [[], [3], [3], [], []]
    assert [value(recorded, known=at) for at in known] == [None, None, None, 4, 4]  # of no document, the day stays


@pytest.mark.parametrize("time", ["explicit", "none"])
def test_a_misreading_is_corrected_wherever_it_stands_repeated(recorded: Timeline, time: str) -> None:
    """At the publication in truth and at the one given up, with an event each, and the preview says so."""
    recorded.record([rain(fact="snow", subject="agra", time={"method": time})])
    recorded.correct_document(NEWS.id, published="2023-12-20", reason=REASON)
    preview = recorded.preview([four(fact="snow")])
    assert [told.after.known.day for told in preview.facts] == [20, 26]
    assert [told.fields["data.value"] for told in preview.facts] == [(3, 4), (3, 4)]
    assert recorded.correct([four(fact="snow")]).recorded == 2
    for known in ("2023-12-20", "2023-12-25", "2023-12-26", "2024-06-01"):
        (fact,) = (held for day in ("2023-12-20", "2023-12-26") for held in said(recorded, "agra", day, known))
        assert fact.data["value"] == 4
    recorded.correct_document(NEWS.id, published="2024-01-02", reason="no, by the header")
    assert not [day for day in ("2023-12-20", "2023-12-26") if said(recorded, "agra", day, "2024-01-01")]


def said(opened: Timeline, subject: str, on: str, known: str) -> tuple[Entry, ...]:
    """Return the facts about a subject."""
    return opened.facts(subject=subject, on=on, known=known).facts


def test_what_is_corrected_between_two_publications_is_not_hidden_by_what_was_put_right(recorded: Timeline) -> None:
    """Nobody said anything at the publication that was given up."""
    recorded.correct_document(NEWS.id, published="2023-12-20", reason=REASON)
    recorded.correct([four(known="2023-12-23", reason="story changed")])
    days = ("2023-12-22", "2023-12-23", "2023-12-26", "2024-06-01")
    assert [value(recorded, on="2023-12-20", known=day) for day in days] == [3, 4, 4, 4]


def test_particulars_that_are_no_date_move_nothing(recorded: Timeline) -> None:
    """Only the description is recorded; whoever is believed by publisher is found under the new name."""
    assert recorded.correct_document(NEWS.id[:20], publisher="The Times", reason="misprint").recorded == 1
    assert value(recorded, only=["publisher:The Times"]) == 3


def test_a_document_is_shown_as_it_is_described_now_and_was_at_a_position(recorded: Timeline) -> None:
    """Its text came as it came; a retracted description leaves that."""
    recorded.correct_document(NEWS.id, title="Heavy rain", reason="misprint")
    recorded.correct_document(NEWS.id, title="Rain in Delhi", reason="misprint again")
    with recorded._asker.log() as log:
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
    ({"published": "2023-12-26"}, "nothing would change"),
    *(({name: given}, f"{name}: empty") for name in ("title", "url", "published_how") for given in ("", " ")),
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
    with recorded._asker.log() as log:
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
