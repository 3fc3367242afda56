"""Explanations in sentences, as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from makers import entry, retraction

from timeline.causes import Cause
from timeline.difference import Change
from timeline.events import Document, Source
from timeline.fold import Row
from timeline.telling import because, told

if TYPE_CHECKING:
    from timeline.events import Entry

TEXT = Document(text="By the end of 2024.", title="Ports", publisher="The Post")
DOCUMENTS = {TEXT.id: TEXT}
RECORDED = "1 January 2024, 00:00 UTC"
SENTENCE = "Ann, through The Post, said on 26 December 2023: »by the end of 2024«"


def _said(position: int, quote: str | None = "by the end\nof 2024", **fields: Any) -> Entry:  # noqa: ANN401
    source = Source(document=TEXT.id, quote=quote)
    return entry(position, **({"fact": "f", "source": source, "said_by": ("Ann", "The Post")} | fields))


def _lines(*causes: Cause) -> list[str]:
    return list(because(causes, DOCUMENTS))


def _row(state: dict[str, Any], **fields: Any) -> Row:  # noqa: ANN401
    usual: dict[str, Any] = {"certainty": "certain", "disputed": False, "since": None, "until": None, "facts": ()}
    return Row(key="port", state=state, known_since=datetime(2024, 1, 1, tzinfo=UTC), **(usual | fields))


FIRST = _said(1, known="2023-12-26")
AGAIN = _said(2, "in 2025", known="2024-02-01", reason="delayed", data={"measure": "rain", "value": 4})


def test_news_is_who_said_what_when_and_where() -> None:
    """The quote stands on one line, with the title of its document; a publisher who speaks is not named twice."""
    assert _lines(Cause(cause="news", entry=FIRST, missing="known")) == [
        "Public since 26 December 2023: Ann, through The Post, said: »by the end of 2024« (Ports)"
    ]


def test_a_restatement_tells_what_it_displaced_and_why() -> None:
    """What was said before follows, then what else is different, then the reason; a title is given once."""
    assert _lines(Cause(cause="source correction", entry=AGAIN, displaced=FIRST, missing="known")) == [
        "Restated on 1 February 2024: Ann, through The Post, said: »in 2025« (Ports)",
        f"  Before: {SENTENCE}",
        "  Changed in it: value 3 → 4",
        "  Reason: delayed",
    ]


def test_a_restatement_that_is_undone_tells_what_stands_in_its_place() -> None:
    """Going back, the event has not happened yet, and differences are told the other way round."""
    assert _lines(Cause(cause="source correction", entry=AGAIN, displaced=FIRST, missing="known", undone=True)) == [
        "Not public before 1 February 2024: Ann, through The Post, said: »in 2025« (Ports)",
        f"  In its place: {SENTENCE}",
        "  Changed in it: value 4 → 3",
        "  Reason: delayed",
    ]


def test_a_misreading_repeats_neither_speaker_nor_quote() -> None:
    """The same words were read in another way: only what was read is told before and after."""
    reread = _said(2, known="2023-12-26", data={"measure": "rain", "value": 5}, reason="misread")
    assert _lines(Cause(cause="misreading", entry=reread, displaced=FIRST, missing="recorded")) == [
        f"Misread, and read again on {RECORDED}: {SENTENCE} (Ports)",
        "  Changed in it: value 3 → 5",
        "  Reason: misread",
    ]


@pytest.mark.parametrize(
    "fields, opening",
    [
        (
            {"cause": "late-found document", "missing": "recorded"},
            f"Found late: public since 1 February 2024, recorded on {RECORDED}",
        ),
        ({"cause": "late-found document", "missing": "recorded", "undone": True}, f"Not recorded before {RECORDED}"),
        ({"cause": "source correction", "missing": "recorded"}, f"Restated on 1 February 2024, recorded on {RECORDED}"),
        ({"cause": "misreading", "missing": "recorded", "undone": True}, f"Misread until {RECORDED}"),
        ({"cause": "choice", "missing": "choice"}, "Let in by the choice of who is believed"),
        ({"cause": "choice", "missing": "choice", "undone": True}, "Left out by the choice of who is believed"),
        ({"cause": "day", "turn": "begins"}, "May hold since 5 May 2024"),
        ({"cause": "day", "turn": "begins", "undone": True}, "Could not hold before 5 May 2024"),
        ({"cause": "day", "turn": "ends"}, "Held until 5 May 2024"),
        ({"cause": "day", "turn": "ends", "undone": True}, "Still held until 5 May 2024"),
        ({"cause": "day", "turn": "turns"}, "Otherwise by the calendar since 5 May 2024"),
        ({"cause": "day", "turn": "turns", "undone": True}, "Not so by the calendar before 5 May 2024"),
        ({"cause": "day", "turn": "certain"}, "Certain since 5 May 2024"),
        ({"cause": "day", "turn": "possible", "undone": True}, "Still certain before 5 May 2024"),
    ],
)
def test_every_cause_has_its_opening(fields: dict[str, Any], opening: str) -> None:
    """What happened and when is said first, in each direction."""
    event = _said(2, "in 2025", known="2024-02-01", valid="2024-05/2024-06-30")
    assert _lines(Cause(entry=event, day=date(2024, 5, 5), **fields))[0].startswith(
        f"{opening}: Ann, through The Post,"
    )


def test_a_retraction_tells_what_was_taken_back() -> None:
    """What had been said stands first; who took it back, and in which words, follows where that is known."""
    silent = Cause(cause="retraction", entry=retraction(2, "f", "2024-03-01"), displaced=FIRST, missing="known")
    before = f"{SENTENCE} (Ports)"
    assert _lines(silent) == [f"Taken back on 1 March 2024: {before}"]
    told_so = entry(
        2, action="retract", fact="f", known="2024-03-01", kind="", subject="", data={}, valid=None, said_by=("Bob",)
    )
    assert _lines(Cause(cause="retraction", entry=told_so, displaced=FIRST, missing="known")) == [
        f"Taken back on 1 March 2024: {before}",
        "  Bob took it back",
    ]


def test_what_is_taken_back_as_of_when_it_was_said_was_never_said() -> None:
    """A retraction of the same knowledge says that the source had never said so; only its recording is a date."""
    cause = Cause(cause="retraction", entry=retraction(2, "f", "2023-12-26"), displaced=FIRST, missing="recorded")
    assert _lines(cause) == [f"Struck out as misread, recorded on {RECORDED}: {SENTENCE} (Ports)"]


def test_without_quotes_what_was_said_before_is_told_by_its_differences() -> None:
    """Lists have no words to quote: the fact is told whole once, and then what has changed in it."""
    listed = {"said_by": ("Office",), "subject": "x", "fact": "f"}
    before = entry(1, known="2024-01-05", valid="2024-01-05/..", data={"name": "X", "program": "A"}, **listed)
    ended = {"valid": "2024-01-05/2024-02-29", "data": {"name": "X", "program": "B"}, "reason": "gone from the list"}
    after = entry(2, known="2024-03-01", **ended, **listed)
    assert _lines(Cause(cause="source correction", entry=after, displaced=before, missing="known")) == [
        "Restated on 1 March 2024: Office said: x: name X, program B",
        "  Before: Office said on 5 January 2024",
        "  Changed in it: program A → B; valid from when it was said → 2024-01-05/2024-02-29",
        "  Reason: gone from the list",
    ]


def test_a_choice_tells_what_is_believed_without_the_event() -> None:
    """Nothing was before or after: the other version is what stands where this one is left out."""
    cause = Cause(cause="choice", entry=AGAIN, displaced=FIRST, missing="choice")
    assert _lines(cause)[:2] == [
        "Let in by the choice of who is believed: Ann, through The Post, said on 1 February 2024: »in 2025« (Ports)",
        f"  Without it: {SENTENCE}",
    ]


def test_a_retraction_can_be_left_out_by_choice() -> None:
    """What is let in or left out is then that the fact was taken back, and when."""
    cause = Cause(cause="choice", entry=retraction(2, "f", "2024-03-01"), displaced=FIRST, missing="choice")
    assert _lines(cause) == [f"Let in by the choice of who is believed: taken back on 1 March 2024: {SENTENCE} (Ports)"]


def test_a_reinstated_fact_had_been_taken_back() -> None:
    """What the correction displaced is the retraction, and when that was."""
    cause = Cause(cause="source correction", entry=AGAIN, displaced=retraction(3, "f", "2024-01-05"), missing="known")
    assert "  Before: taken back on 5 January 2024" in _lines(cause)


def test_what_happened_at_once_is_told_under_one_opening() -> None:
    """Several facts of the same news stand below each other, and their document is named with the first."""
    other = _said(2, "three berths", fact="g", known="2023-12-26", said_by=(), modality="reported", reason="late")
    assert _lines(*(Cause(cause="news", entry=event, missing="known") for event in (FIRST, other))) == [
        "Public since 26 December 2023:",
        "  Ann, through The Post, said: »by the end of 2024« (Ports)",
        "  The Post reported: »three berths«",
        "    Reason: late",
    ]


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({"modality": "expected"}, "Ann expected"),
        ({"modality": "opinion"}, "Ann thought"),
        ({"modality": "denied"}, "Ann denied"),
        ({"polarity": "negated"}, "Ann denied"),
        ({"said_by": ("Ann", "The Post", "Radio")}, "Ann, through The Post and Radio, said"),
        ({"said_by": ()}, "an unnamed source said"),
    ],
)
def test_the_verb_follows_from_how_it_was_said(fields: dict[str, Any], sentence: str) -> None:
    """Where there is no quote, what the fact says takes its place."""
    event = entry(1, **({"said_by": ("Ann",)} | fields))
    assert _lines(Cause(cause="news", entry=event, missing="known")) == [
        f"Public since 26 December 2023: {sentence}: delhi: measure rain, value 3"
    ]


def test_an_hour_is_told_where_there_is_one() -> None:
    """A day stands for its beginning; any other instant is told to the minute."""
    event = entry(1, known="2024-02-01T09:30:15Z")
    assert _lines(Cause(cause="news", entry=event, missing="known"))[0].startswith(
        "Public since 1 February 2024, 09:30 UTC:"
    )


def test_a_change_is_told_before_its_causes() -> None:
    """First the fields, but neither claims nor what a sentence says anyway; what they show is not told again."""
    before = _row({"value": 3, "by": ["Ann", "The Post"], "claims": [1]})
    after = _row({"value": 4, "unit": "berth", "by": ["Ann"], "claims": [2]}, certainty="possible")
    again = _said(2, "in 2025", known="2024-02-01", said_by=("Ann",), data={"measure": "rain", "value": 4})
    cause = Cause(cause="source correction", entry=again, displaced=FIRST, missing="known")
    assert list(told(Change("port", before, after), [cause], DOCUMENTS)) == [
        "port has changed",
        "  value: 3 → 4",
        "  certainty: certain → possible",
        "  unit: berth, new",
        "  Restated on 1 February 2024: Ann said: »in 2025« (Ports, The Post)",
        f"    Before: {SENTENCE}",
    ]


def test_a_row_comes_and_goes_in_a_line() -> None:
    """A new row is told with what it says; of one that is gone the causes tell enough."""
    row = _row({"due": {"value": 5, "unit": "berth", "comparator": "at_least"}, "open": True, "claims": []})
    assert list(told(Change("port", None, row), [], {})) == ["port is new: due at least 5 berth; open yes"]
    assert list(told(Change("port", row, None), [], {})) == ["port is gone"]


def test_objects_in_a_list_are_told_by_what_differs_in_them() -> None:
    """An item that stayed the same is left out; the others are named by their first field that did."""
    before = _row({"stages": [{"n": 1, "due": "2024"}, {"n": 2, "due": "2025"}]})
    after = _row({"stages": [{"n": 1, "due": "2024"}, {"n": 2, "due": "2026"}]})
    assert list(told(Change("port", before, after), [], {}))[1:] == ["  stages: n 2: due 2025 → 2026"]


def test_a_change_of_claims_alone_is_named_where_no_cause_is() -> None:
    """Another source said the same: where causes were not asked for, at least that much is told."""
    change = Change("port", _row({"claims": [{"fact": "f"}]}), _row({"claims": [{"fact": "f"}, {"fact": "g"}]}))
    assert list(told(change, [], {})) == ["port has changed", "  the same, but for the claims behind it"]


def test_disputes_of_another_form_are_fields_like_any_other() -> None:
    """A view of one's own may keep them as it likes, or only say that there are some."""
    calm, heated = _row({}), _row({"disputes": {"n": 2}}, disputed=True)
    assert list(told(Change("port", calm, heated), [], {}))[1:] == ["  disputed: no → yes", "  disputes: n 2, new"]


def test_disputes_are_told_by_their_sides() -> None:
    """What came into dispute is told with its values and first voices; what is settled is only named."""
    sides = [
        {"value": "late", "said_by": ["Ann", "The Post"], "fact": "f"},
        {"value": "late", "said_by": ["Bob"], "fact": "g"},
        {"value": "late", "said_by": ["Eve"], "fact": "h", "polarity": "negated"},
    ]
    calm, heated = _row({"claims": []}), _row({"disputes": {"schedule": sides}, "claims": []}, disputed=True)
    assert list(told(Change("port", calm, heated), [], {}))[1:] == [
        "  schedule is now in dispute: late (Ann, Bob); not late (Eve)"
    ]
    assert list(told(Change("port", heated, calm), [], {}))[1:] == ["  schedule is no longer in dispute"]
