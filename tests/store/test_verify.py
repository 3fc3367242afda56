"""Verification finds every change that somebody with full power over the database can make to a log."""

from __future__ import annotations

from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from makers import line

from timeline.errors import Corrupt
from timeline.events import Document
from timeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from timeline.app import Timeline

TAMPERED: dict[str, tuple[LiteralString, int]] = {
    "content": ("UPDATE timeline.events SET content = replace(content::text, '3}', '4}')::json WHERE position = 2", 2),
    "identity": (
        "UPDATE timeline.events SET content = '{}', event = sha256('{}') WHERE position = 2",
        2,
    ),
    "column": ("UPDATE timeline.events SET subject = 'elsewhere' WHERE position = 2", 2),
    "knowledge": ("UPDATE timeline.events SET known = known - interval '1 day' WHERE position = 2", 2),
    "instant": ("UPDATE timeline.events SET recorded = recorded + interval '1 microsecond' WHERE position = 3", 3),
    "hash": ("UPDATE timeline.events SET hash = sha256('x') WHERE position = 1", 1),
    "deleted": ("DELETE FROM timeline.events WHERE position = 2", 2),
    "tail": ("DELETE FROM timeline.events WHERE position = 3", 3),
    "days": ("UPDATE timeline.events SET possible = '[1900-01-01,1900-01-02)' WHERE position = 2", 2),
    "head": ("UPDATE timeline.timelines SET position = 2", 2),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_found_and_the_first_bad_event_named(opened: Timeline, database_url: str, how: str) -> None:
    """With triggers and privileges out of the way, verification names the first position that is not as recorded."""
    opened.record([line(subject=subject) for subject in "abc"])
    statement, position = TAMPERED[how]
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE timeline.events DISABLE TRIGGER ALL")
        owner.execute(statement)
    with pytest.raises(Corrupt, match=f"position {position} "):
        opened.verify()


def test_a_sound_log_is_verified(opened: Timeline) -> None:
    """The number of events is returned; an empty log is sound."""
    assert opened.verify() == 0
    opened.record([line(subject=f"s{number}") for number in range(4_100)])
    assert opened.verify() == 4_100


def test_a_changed_document_is_found(opened: Timeline, database_url: str) -> None:
    """The text of a document is held against its identity."""
    opened.record([Document(text="It rained.", title="Rain")])
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE timeline.documents DISABLE TRIGGER ALL")
        owner.execute("UPDATE timeline.documents SET text = 'It snowed.'")
    with pytest.raises(Corrupt, match="Rain"):
        opened.verify()


def test_what_is_appended_meanwhile_is_no_fault(opened: Timeline) -> None:
    """Verification ends at the head that it began with, and takes later events for what they are."""
    opened.record([line(subject=f"s{number}") for number in range(3_000)])
    done = Event()

    def append() -> None:
        for number in range(200):
            opened.record([line(subject=f"late-{number}")])
        done.set()

    writer = Thread(target=append)
    writer.start()
    while not done.is_set():
        assert 3_000 <= opened.verify() <= 3_200
    writer.join()


def test_what_was_recorded_as_lasting_stays_so(opened: Timeline) -> None:
    """If a kind is no longer lasting, or no longer there, what was recorded keeps its days."""
    data = {"item": "ship", "supplier": "A", "recipient": "B", "quantity": 1}
    opened.record([line(kind="delivery.made", subject="ship", valid="2020-01-01", data=data)])
    without = replace(opened, vocabulary=Vocabulary.of([], []))
    facts = [line.facts(on="2024-01-01", known="2024-01-01").to_dict()["facts"] for line in (opened, without)]
    assert facts[0] == facts[1]
    assert facts[0][0]["last"] == [None, None]
    assert without.verify() == 1
