"""Appending: what is recorded, what is left out, what is refused, and that nothing is ever half done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from makers import line

from timeline.errors import Conflict, NotFound, Place, Refused, Unavailable
from timeline.events import Document
from timeline.exchange import Line
from timeline.recording import Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.app import Timeline


def _rain(value: float, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return line(fact="rain", data={"measure": "rain", "value": value}, **fields)


def test_positions_begin_at_one_and_have_no_gaps(opened: Timeline) -> None:
    """Several records make one sequence; the receipt tells which positions were taken."""
    first = opened.record([line(subject="a"), line(subject="b")])
    second = opened.record([line(subject="a"), line(subject="c")])
    assert (first.first, first.last, first.recorded) == (1, 2, 2)
    assert (second.first, second.last, second.recorded, second.duplicates) == (3, 3, 1, 1)
    assert [entry.position for entry in opened.log()] == [1, 2, 3]


def test_recorded_rises_and_never_comes_from_the_caller(opened: Timeline) -> None:
    """Instants rise strictly with position and lie in the present; a line that brings one is refused."""
    before = datetime.now(UTC) - timedelta(minutes=5)
    opened.record([line(subject=f"s{number}") for number in range(50)])
    instants = [entry.recorded for entry in opened.log()]
    assert instants == sorted(set(instants))
    assert before < instants[0] <= instants[-1] < datetime.now(UTC) + timedelta(minutes=5)
    with pytest.raises(Refused, match="recorded"):
        opened.record([line(recorded="2020-01-01")])


def test_a_fact_asserted_with_other_content_is_a_conflict(opened: Timeline) -> None:
    """A conflicting assertion is refused whole, with its place, and nothing is recorded."""
    opened.record([_rain(1)])
    with pytest.raises(Conflict, match="recorded already") as caught:
        opened.record([line(subject="new"), Line(Place("facts.jsonl", 7), _rain(2))])
    assert caught.value.place == Place("facts.jsonl", 7, "fact")
    assert opened.stats()["position"] == 1


def test_a_conflict_within_one_record_is_a_conflict(opened: Timeline) -> None:
    """Two assertions of one fact in the same record conflict like those of two records."""
    with pytest.raises(Conflict):
        opened.record([_rain(1), _rain(2)])
    assert opened.stats()["position"] == 0


def test_revise_turns_an_assertion_into_a_correction(opened: Timeline) -> None:
    """With `revise` the new content is a correction; the same once more is a duplicate."""
    opened.record([_rain(1, known="2024-01-01")])
    assert opened.record([_rain(2, known="2024-02-01")], revise=True).recorded == 1
    assert opened.record([_rain(2.0, known="2024-02-01")], revise=True).duplicates == 1
    assert [entry.action for entry in opened.log()] == ["assert", "correct"]
    assert opened.ask("observations", on="2023-12-05").rows[0].state["value"] == 2


def test_revise_keeps_every_time_that_the_source_said_it(opened: Timeline) -> None:
    """A value said again is recorded, so that one found late between the two does not displace it."""
    for month, value in ((1, 1), (3, 1), (2, 2)):
        assert opened.record([_rain(value, known=f"2024-0{month}-01")], revise=True).recorded == 1
    asked = [opened.ask("observations", on="2023-12-05", known=f"2024-0{month}-15") for month in (1, 2, 3)]
    assert [answer.rows[0].state["value"] for answer in asked] == [1, 2, 1]


@pytest.mark.parametrize("action", ["correct", "retract"])
def test_what_was_never_asserted_cannot_be_corrected(opened: Timeline, action: str) -> None:
    """A correction or retraction of a fact that the log does not hold is refused and names the fact."""
    fields = _rain(1) if action == "correct" else {"fact": "rain", "known": "2024-01-01"}
    with pytest.raises(Refused, match="does not hold") as caught:
        opened.record([fields | {"action": action}])
    assert caught.value.place.field == "fact"


def test_skip_bad_records_the_rest_and_lists_the_bad(opened: Timeline) -> None:
    """Good lines are recorded, each bad one is in the receipt with its place."""
    bad = Refused("the file ends in the middle of a line", place=Place("facts.jsonl", 9))
    items: list[Item] = [
        line(subject="a"),
        Line(Place("facts.jsonl", 2), line(valid="2023-99")),
        bad,
        _rain(1),
        _rain(2),
        line(subject="b"),
    ]
    receipt = opened.record(items, skip_bad=True)
    assert receipt.recorded == 3
    assert [str(error.place) for error in receipt.bad] == ["facts.jsonl:2: valid", "facts.jsonl:9", "item:5: fact"]
    assert opened.verify() == 3


def test_a_bad_line_in_a_later_batch_leaves_nothing(opened: Timeline) -> None:
    """All or nothing holds across batches."""
    lines = [line(subject=f"s{number}") for number in range(4_500)]
    with pytest.raises(Refused):
        opened.record([*lines, line(valid="never")])
    assert opened.stats()["position"] == 0
    assert opened.record(lines).recorded == 4_500


def test_a_connection_lost_in_the_middle_leaves_nothing(opened: Timeline, database_url: str) -> None:
    """What a batch that is written while the next one is read comes to is told, and all can be recorded again."""
    lines = [line(subject=f"s{number}") for number in range(4_500)]

    def cut() -> Iterator[dict[str, Any]]:
        yield from lines[:2_500]
        with psycopg.connect(database_url, autocommit=True) as server:
            others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
            server.execute(f"{others} AND pid <> pg_backend_pid()".encode())
        yield from lines[2_500:]

    with pytest.raises(Unavailable):
        opened.record(cut())
    assert opened.stats()["position"] == 0
    assert opened.record(lines).recorded == 4_500
    assert opened.verify() == 4_500


def test_documents_are_read_while_a_batch_is_written(opened: Timeline, database_url: str) -> None:
    """Lines that cite are checked by the log, whatever is under way there; what fails there is told."""
    documents = [Document(text=f"It rained {number} mm.", published="2023-12-26") for number in range(80)]
    opened.record(documents)
    cited = [line(subject=f"d{n}", source={"document": d.id, "quote": d.text}) for n, d in enumerate(documents)]
    lines = [line(subject=f"s{number}") for number in range(2_000)]
    assert opened.record([*lines, *cited]).recorded == 2_080
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE timeline.events ADD CONSTRAINT no_snow CHECK (subject <> 't7') NOT VALID")
    with pytest.raises(Refused, match="no_snow"):
        opened.record([*(line(subject=f"t{number}") for number in range(2_000)), *cited])
    assert opened.verify() == 2_080


def test_a_dry_run_does_everything_but_record(opened: Timeline) -> None:
    """The receipt is that of a real record, and nothing is there afterwards."""
    assert opened.record([line(), line()], dry_run=True).duplicates == 1
    assert opened.stats()["position"] == 0


def test_nothing_is_recorded_of_nothing(opened: Timeline) -> None:
    """An empty record is fine and takes no position."""
    receipt = opened.record([])
    assert (receipt.recorded, receipt.first, receipt.last) == (0, None, None)


def test_a_document_is_recorded_once(opened: Timeline) -> None:
    """The same document again adds nothing; the same text with another date is a conflict."""
    news = Document(text="It rained.", publisher="The Post", published="2023-12-26")
    assert opened.record([news, news]).documents == 1
    assert opened.record([news]).documents == 0
    with pytest.raises(Conflict, match="published"):
        opened.record([Document(text="It rained.", publisher="The Post", published="2023-12-27")])


def test_a_fact_is_shown_with_its_quote_in_context(opened: Timeline) -> None:
    """All versions come with both clocks, the document and the quote between what stands around it."""
    news = Document(text="On Monday it rained a lot.", publisher="The Post", published="2023-12-26")
    fields = _rain(1, known=None, source={"document": news.id, "quote": "it rained"})
    opened.record([news, {name: value for name, value in fields.items() if value is not None}])
    opened.record([_rain(2, action="correct", known="2024-02-01", reason="misprint")])
    shown = opened.show("rain").to_dict()["versions"]
    assert shown[0]["context"] == ["On Monday ", "it rained", " a lot."]
    assert shown[0]["believed"] == ["2023-12-26T00:00:00Z", "2024-02-01T00:00:00Z"]
    assert shown[1]["believed"] == ["2024-02-01T00:00:00Z", None]
    with pytest.raises(NotFound, match="snow"):
        opened.show("snow")


def test_the_log_of_a_subject_holds_its_facts_whole(opened: Timeline) -> None:
    """Events of a fact that ever had the subject are listed, retractions included."""
    opened.record([_rain(1), line(subject="agra"), {"action": "retract", "fact": "rain", "known": "2024-01-01"}])
    assert [entry.position for entry in opened.log("delhi")] == [1, 3]
    assert [entry.position for entry in opened.log("rain")] == [1, 3]
    assert list(opened.log("nothing")) == []


def test_timelines_share_nothing(opened: Timeline, other: Timeline) -> None:
    """Each timeline has positions and a chain of its own, and a fact of one is no duplicate in another."""
    opened.record([_rain(1)])
    assert other.record([_rain(2), _rain(2)]).recorded == 1
    assert opened.stats()["hash"] != other.stats()["hash"]
    assert [opened.verify(), other.verify()] == [1, 1]


def test_a_document_may_come_after_it_was_missed(opened: Timeline) -> None:
    """A line that cites a missing document is bad; the next one, whose document has come meanwhile, is not."""
    news = Document(text="It rained.", publisher="The Post", published="2023-12-26")
    cited = {"document": news.id, "quote": "rained"}
    receipt = opened.record([line(subject="a", source=cited), news, line(subject="b", source=cited)], skip_bad=True)
    assert (receipt.recorded, len(receipt.bad)) == (1, 1)


BAD_DOCUMENTS = [
    (Document(text="a\0b"), "U+0000"),
    (Document(text="a", published="garbage"), "garbage"),
    (Document(text="a", publisher="x" * 201), "200 characters"),
    (Document(text="a", title="\ud800"), "surrogate"),
]


@pytest.mark.parametrize("document, said", BAD_DOCUMENTS)
def test_a_bad_document_is_refused_and_can_be_skipped(opened: Timeline, document: Document, said: str) -> None:
    """What could not be stored or exported again does not pass, whatever way it came."""
    with pytest.raises(Refused, match=said.replace("+", r"\+")):
        opened.record([document])
    assert len(opened.record([document, line()], skip_bad=True).bad) == 1
    assert opened.stats()["documents"] == 0


def test_a_question_may_be_asked_while_the_input_is_read(opened: Timeline) -> None:
    """Nothing is locked before there is something to write: input that asks the same timeline is not blocked."""

    def lines() -> Iterator[dict[str, Any]]:
        for number in range(3):
            assert opened.facts(recorded=datetime.now(UTC) - timedelta(seconds=1)).facts == ()
            yield line(subject=f"s{number}")

    assert opened.record(lines()).recorded == 3


def test_true_is_not_one(opened: Timeline) -> None:
    """A state that turns from the number 1 into true has changed, in days and in knowledge."""
    opened.record(
        [_rain(1, valid="2023-12-01"), line(fact="dry", valid="2023-12-02", data={"measure": "rain", "value": True})]
    )
    opened.record([_rain(True, valid="2023-12-01", action="correct", known="2024-02-01")])
    first = opened.ask("observations", on="2023-12-01", known="2024-01-01").to_dict()["rows"][0]
    assert (first["since"], first["until"]) == ("2023-12-01", "2023-12-01")
    later = opened.ask("observations", on="2023-12-01", known="2024-03-01").to_dict()["rows"][0]
    assert later["known_since"] == "2024-02-01T00:00:00Z"
