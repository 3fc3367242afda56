"""The sample data: every quote stands where it is said to, and nothing is claimed that its document does not bear."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from timeline import exchange
from timeline.border import event
from timeline.events import Document, Event
from timeline.exchange import Line
from timeline.kinds import BUILTIN
from timeline.temporal import Valid, known_of_publication

SEEDS = Path(__file__).parents[2] / "seeds"
ORDER = ("article", "second-reading", "follow-ups")
ARTICLE = "22b7a5d5a109d45ddd11707d2da6fbd0c3671525465252c838d663a4313bbbfc"
FIELDS = (
    "action",
    "fact",
    "kind",
    "subject",
    "data",
    "valid",
    "known",
    "source",
    "said_by",
    "modality",
    "polarity",
    "time",
    "confidence",
    "reason",
)
KINDS = {kind.name: kind for kind in BUILTIN}

LINES: list[tuple[Path, dict[str, Any]]] = [
    (file, json.loads(line))
    for folder in ORDER
    for file in sorted((SEEDS / folder).glob("*.jsonl"))
    for line in file.read_text(encoding="utf-8").splitlines()
]
TEXTS = sorted(SEEDS.rglob("*.txt"))
every_line = pytest.mark.parametrize("file,line", LINES, ids=[f"{file.stem}/{line['fact']}" for file, line in LINES])


def _document(file: Path, line: dict[str, Any]) -> Path:
    return file.parent / str(line["source"]["document"])


def _text(file: Path, line: dict[str, Any]) -> str:
    return _document(file, line).read_bytes().decode()


def _card(text: Path) -> dict[str, Any]:
    return tomllib.loads(text.with_suffix(".toml").read_text(encoding="utf-8"))


def _events(*folders: str) -> list[Event]:
    """Return the events that importing these folders, one after the other, would record."""
    documents: dict[str, Document] = {}
    found = []
    for folder in folders:
        for part in exchange.read(SEEDS / folder):
            if isinstance(part, Document):
                documents[part.id] = part
            else:
                assert isinstance(part, Line), part
                found.append(event(part.fields, KINDS.__getitem__, documents.get))
    return found


def test_the_article_is_as_it_was_found() -> None:
    """The article is there byte for byte."""
    assert sha256((SEEDS / "article/how-us-tried-but-failed.txt").read_bytes()).hexdigest() == ARTICLE


@every_line
def test_the_quote_stands_at_its_offsets(file: Path, line: dict[str, Any]) -> None:
    """Offsets count code points, the end is exclusive, and the quote stands there once."""
    source, text = line["source"], _text(file, line)
    assert text[source["start"] : source["end"]] == source["quote"]
    assert text.count(source["quote"]) == 1


@every_line
def test_the_data_satisfies_its_kind(file: Path, line: dict[str, Any]) -> None:
    """Every line has data of its kind and a valid time that can be read."""
    del file
    kind = KINDS[line["kind"]]
    kind.validate(line["data"], 1)
    assert Valid.parse(line["valid"], lasting=kind.lasting).text == line["valid"]


@every_line
def test_every_fact_has_speaker_time_and_confidence(file: Path, line: dict[str, Any]) -> None:
    """Every line says who is heard, how the time was resolved and how sure the reading is, in one order of fields."""
    assert line["said_by"]
    assert line["time"]["method"]
    assert line["confidence"]
    assert list(line) == [name for name in FIELDS if name in line]
    wording = line["time"].get("text", "")
    assert all(part in _text(file, line) for part in wording.split(" … "))


@every_line
def test_no_day_is_invented(file: Path, line: dict[str, Any]) -> None:
    """A day is that of publication or written in the text; any other was reached from there, and the line says how."""
    text = _text(file, line)
    published = Valid.parse(_card(_document(file, line))["published"])
    stated = f"{line['valid']} {json.dumps(line['data'])}"
    for day in map(date.fromisoformat, re.findall(r"\d{4}-\d\d-\d\d", stated)):
        written = f"{day.day} {day:%B} {day.year}" in " ".join(text.split())
        how = line["time"].get("anchor") or line["time"].get("note")
        assert written or published.possible(day) or how, day


def test_facts_are_asserted_once_and_before_they_are_corrected() -> None:
    """In the order of loading each identity is asserted once, and corrections are of facts that are there."""
    asserted: set[str] = set()
    for _, line in LINES:
        assert (line["fact"] in asserted) is (line["action"] == "correct"), line["fact"]
        asserted.add(str(line["fact"]))


def test_the_article_yields_all_its_datable_claims() -> None:
    """The article alone asserts the facts that an analyst looks for, of many kinds; opinions are marked as such."""
    facts = _events("article")
    named = {fact.fact for fact in facts}
    assert named >= {"sanction-rounds", "swift-cutoff", "diamond-ban", "payments-stuck", "s400-plan-1", "turnover-50bn"}
    assert len(facts) == 70
    manners = Counter(fact.modality for fact in facts)
    assert manners["expected"] == 3
    assert manners["opinion"] > 15
    assert not any(fact.kind == "delivery.made" for fact in facts)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_every_document_says_where_it_comes_from(text: Path) -> None:
    """Title, publisher, language and date are given, and how the date is known; the date has a last day."""
    card = _card(text)
    assert set(card) == {"title", "publisher", "language", "published", "published_how"}
    assert all(card.values())
    assert known_of_publication(Valid.parse(card["published"]))


def test_every_document_is_quoted() -> None:
    """No text lies about that no fact rests on."""
    quoted = {_document(file, line).resolve() for file, line in LINES}
    assert quoted == {text.resolve() for text in TEXTS}


def test_the_second_reading_replaces_one_fact() -> None:
    """Known time and quote stay, so that `recorded` alone tells the readings apart; the number of facts stays too."""
    first, second = _events("article"), _events("article", "second-reading")
    corrected = second[-1]
    misread = next(fact for fact in first if fact.fact == corrected.fact)
    assert (corrected.action, corrected.reason, len(second) - len(first)) == ("correct", "misread", 1)
    assert (corrected.known, corrected.source, corrected.valid) == (misread.known, misread.source, misread.valid)
    assert misread.data["target"] == ["Russia", "EU", "western allies"]
    assert (corrected.data["target"], corrected.data["authority"]) == ("Russia", ["EU", "western allies"])


def test_the_s400_plan_is_one_fact_with_its_history() -> None:
    """The plan is one fact; its versions are known when their sources told of them, before and after the article."""
    versions = [fact for fact in _events(*ORDER) if fact.fact == "s400-plan-1"]
    told = {fact.known.date().isoformat(): fact.data.get("due") or fact.data["stages"] for fact in versions}
    assert told == {
        "2018-10-31": "[..2023]",
        "2023-08-28": "[..2024]",
        "2023-12-26": "2024-01~/2024-04~",
        "2025-06-27": [{"ordinal": 4, "due": "2026"}, {"ordinal": 5, "due": "2027"}],
        "2026-02-28": [{"ordinal": 4, "due": "2026-06"}, {"ordinal": 5, "due": "2026-11"}],
    }
    assert {fact.modality for fact in versions} == {"expected"}
    assert {fact.known.year for fact in versions if "replaces" in fact.data} == {2025, 2026}


def test_the_adoption_of_round_12_was_public_before_it_was_recorded() -> None:
    """The article gives no day of adoption; a document of the follow-ups does, and it was public before the article."""
    early, late = ([fact for fact in _events(*ORDER[:end]) if "adopted" in fact.data] for end in (2, 3))
    assert early == []
    assert [(fact.data["adopted"], fact.known.date()) for fact in late] == [("2023-12-18", date(2023, 12, 18))]


def test_a_share_is_restated_once_and_new_periods_are_new_facts() -> None:
    """Only 2016-20 has two values; no publication gives the share that the article quotes for 2017-22."""
    shares = [fact for fact in _events(*ORDER) if fact.fact.startswith("arms-share-")]
    assert Counter(fact.fact for fact in shares if fact.data["compiler"] == "SIPRI").most_common(1) == [
        ("arms-share-2016-20", 2)
    ]
    assert [fact.data["value"] for fact in shares if fact.fact == "arms-share-2016-20"] == [49, 51]
    assert [fact.said_by for fact in shares if fact.fact == "arms-share-2017-22"] == [("SIPRI", "Sputnik India")]
