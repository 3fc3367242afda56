"""Believing some and not others is the rule over the log without the others' events: nothing more, nothing less."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from laws import oracle
from laws.histories import bases, histories, tried
from laws.test_rule_laws import NOW, NUMBERS, vocabulary

from timeline.app import Timeline
from timeline.database import engine
from timeline.events import Document
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from laws.oracle import Told

DOCUMENTS = (Document(text="One.", publisher="P"), Document(text="Two.", publisher="Q"), Document(text="Three."))
PUBLISHERS = {document.id: document.publisher for document in DOCUMENTS}
WRITTEN = {"publisher": "source", "document": "source", "speaker": "said_by", "modality": "modality"}
"""The field of a line that an attribute is read from."""
MANNERS = ("asserted", "reported", "expected")


@st.composite
def attributed(draw: st.DrawFn) -> list[Told]:
    """Return a history whose events have documents, speakers and modalities, or lack them."""
    log: list[Told] = []
    for told in (told for batch in draw(histories()) for told in batch):
        line = dict(told.line)
        document = draw(st.sampled_from([None, *DOCUMENTS]))
        speakers = draw(st.lists(st.sampled_from(["s", "t"]), max_size=2, unique=True))
        line |= {"source": {"document": document.id}} if document else {}
        line |= {"said_by": speakers} if speakers else {}
        line |= {"modality": draw(st.sampled_from(MANNERS))} if line["action"] != "retract" else {}
        log.append(replace(told, line=line))
    return log


def _values(told: Told, attribute: str) -> set[str]:
    """Return what an event has of an attribute, by what was put into it and not by what was made of that."""
    document = told.line.get("source", {}).get("document")
    publisher = PUBLISHERS.get(document)
    retracts = told.line["action"] == "retract"
    unnamed = [] if retracts or publisher is None else [publisher]
    return {
        "publisher": {publisher} - {None},
        "document": {document} - {None},
        "speaker": set(told.line.get("said_by") or unnamed),
        "modality": set() if retracts else {told.line["modality"]},
    }[attribute]


def _counts(told: Told, only: list[str], without: list[str]) -> bool:
    """Return whether an event is believed."""
    for attribute, field in WRITTEN.items():
        values = _values(told, attribute)
        wanted = {text.partition(":")[2] for text in only if text.startswith(attribute)}
        free = told.line["action"] == "retract" and field not in told.line
        if wanted and not (values & wanted or free):
            return False
        if values & {text.partition(":")[2] for text in without if text.startswith(attribute)}:
            return False
    return True


NAMED = [
    "publisher:P",
    "publisher:Q",
    f"document:{DOCUMENTS[0].id}",
    f"document:{DOCUMENTS[2].id}",
    "speaker:s",
    "speaker:P",
    *(f"modality:{name}" for name in MANNERS),
]
CONDITIONS = st.lists(st.sampled_from(NAMED), max_size=2)


@tried(150)
@given(log=attributed(), only=CONDITIONS, without=CONDITIONS, asked=bases)
def test_a_choice_is_the_rule_over_the_log_without_the_others(
    shared_database_url: str,
    log: list[Told],
    only: list[str],
    without: list[str],
    asked: tuple[date, datetime, int],
) -> None:
    """Facts, rows and the answer by the token are those of a log that never had the others' events."""
    connections = engine(shared_database_url)
    line = Timeline(engine=connections, name=f"choice-{next(NUMBERS)}", vocabulary=vocabulary, clock=lambda: NOW)
    seen = {"kind": "law.seen", "subject": "z", "data": {}, "valid": "unknown", "known": "2020-01-01"}
    everybody = {**seen, "fact": "everybody", "said_by": ["s", "P"]}
    line.record([*DOCUMENTS, everybody, *(told.line for told in log)])
    shifted = [replace(told, position=told.position + 1) for told in log]
    on, known, recorded = asked
    question: dict[str, Any] = {"on": on, "known": known, "recorded": min(recorded, len(log)) + 1}
    choice: dict[str, Any] = {"only": only, "without": without}
    believed = [told for told in shifted if _counts(told, only, without)]
    facts = line.facts(**question, **choice, kind="law.stated")
    assert [entry.fact for entry in facts.facts] == [
        told.fact for told in oracle.effective(believed, *question.values())
    ]
    answer = line.ask("law", **question, **choice)
    expected = oracle.rows(believed, *question.values())
    assert answer.to_dict()["rows"] == [row | {"known_since": format_instant(row["known_since"])} for row in expected]
    assert line.ask("law", basis=answer.basis.token) == answer
    connections.dispose()
