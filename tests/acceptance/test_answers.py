"""The samples answer as their sources did: an article, its second reading, and what others had said and said later.

The expected values are those of the texts under `seeds/`, read by people.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from acceptance.program import ROOT, Program

import timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline import Timeline

SEEDS = ROOT / "seeds"
STEPS = ("article", "second-reading", "follow-ups")
FIRST_READING, SECOND_READING, ALL = 70, 71, 91
ORDER = ("deliveries", "s-400-india")
ROUND, SWIFT = "russia/round/12", "russia/financial_restriction/swift"
AIR_FORCE = ["Indian Air Force", "committee of the Indian Parliament"]
READ_ON = "2023-12-26"


@pytest.fixture(scope="module")
def program(shared_database_url: str) -> Program:
    """Return the program with the samples recorded in the order in which a newsroom would have come to them."""
    program = Program(shared_database_url)
    for step in STEPS:
        program("import", SEEDS / step)
    return program


@pytest.fixture(scope="module")
def line(program: Program, shared_database_url: str) -> Iterator[Timeline]:
    """Yield the same timeline for callers in Python."""
    del program
    with timeline.connect(shared_database_url) as line:
        yield line


def row(program: Program, view: str, key: str, *flags: str) -> dict[str, Any]:
    """Return the one row of a key."""
    (found,) = program.answer("ask", view, key, *flags)["rows"]
    return dict(found)


def shares(program: Program, on: str, known: str) -> dict[str, int]:
    """Return India's share of arms from Russia by the period that it was measured over."""
    rows = program.answer("ask", "trade", "--on", on, "--known", known, "--where", "compiler=SIPRI")["rows"]
    return {found["state"]["period"]: found["state"]["value"] for found in rows}


def test_the_three_steps_take_their_places_in_one_log(program: Program) -> None:
    """Seventy facts of the article, one correction by the second reading, twenty events of other sources."""
    assert program.answer("stats")["position"] == ALL
    events = program.answer("log")["events"]
    assert [event["position"] for event in events] == list(range(1, ALL + 1))
    corrected = [(event["position"], event["fact"]) for event in events if event["action"] == "correct"]
    assert corrected[0] == (SECOND_READING, "swift-cutoff")
    assert len(corrected) == 6


@pytest.mark.parametrize(
    "day, due, due_by, voice",
    [
        (READ_ON, "2024-01~/2024-04~", "2024-04-30", "Sputnik India"),
        ("2023-12-25", "[..2024]", "2024-12-31", "The Hindu BusinessLine"),
    ],
)
def test_the_plan_is_the_one_announced_last_and_disputed(
    program: Program, day: str, due: str, due_by: str, voice: str
) -> None:
    """Three of five have come; the ambassador's dates move, and the Indian Air Force contradicts them all."""
    found = row(program, *ORDER, "--as-of", day)
    state = found["state"]
    amounts = [state[name]["value"] for name in ("ordered", "delivered", "pending")]
    assert amounts == [5, 3, 2]
    assert (state["due"], state["due_by"], state["overdue"]) == (due, due_by, False)
    assert found["disputed"] is True
    assert list(state["disputes"]) == ["schedule"]
    voices = {tuple(side["said_by"]): side["value"] for side in state["disputes"]["schedule"]}
    assert voices == {
        ("Denis Alipov", voice): "kept",
        tuple(AIR_FORCE): "delayed",
        (*AIR_FORCE, "Reuters"): "delayed",
        (*AIR_FORCE, "Deccan Herald"): "delayed",
    }


@pytest.mark.parametrize("day, fourth, fifth", [("2025-07-01", "2026", "2027"), ("2026-03-01", "2026-06", "2026-11")])
def test_a_plan_in_stages_admits_the_delay(program: Program, day: str, fourth: str, fifth: str) -> None:
    """It names what it gives up, so nobody contradicts anybody any more."""
    found = row(program, *ORDER, "--as-of", day)
    state = found["state"]
    assert [(stage["ordinal"], stage["due"]) for stage in state["stages"]] == [(4, fourth), (5, fifth)]
    assert (state["replaces"], state["overdue"], found["disputed"]) == ("[..2023]", False, False)
    assert (state["delivered"]["value"], state["pending"]["value"]) == (3, 2)
    assert "due" not in state


def test_what_was_promised_is_overdue_and_not_delivered(program: Program) -> None:
    """On 1 June 2024, as known then, the end of April has passed with two to come."""
    state = row(program, *ORDER, "--on", "2024-06-01", "--known", "2024-06-01")["state"]
    assert (state["overdue"], state["due_by"], state["overdue_since"]) == (True, "2024-04-30", "2024-05-01")
    assert (state["delivered"]["value"], state["pending"]["value"]) == (3, 2)
    assert state["status"] == "partly_delivered"


def test_the_article_alone_has_nothing_delivered(program: Program) -> None:
    """It promises five batteries and reports none: on 1 June 2024 the promise is overdue, and undisputed."""
    flags = ("--on", "2024-06-01", "--known", "2024-06-01", "--recorded", str(FIRST_READING))
    found = row(program, *ORDER, *flags)
    state = found["state"]
    assert state["delivered"] == {"value": 0, "unit": "battery"}
    assert (state["status"], state["overdue"], state["due_by"]) == ("planned", True, "2024-04-30")
    assert (found["facts"], found["disputed"]) == (["s400-plan-1"], False)


@pytest.mark.parametrize("known", ["2024-06-01", "2026-03-31"])
def test_five_are_delivered_on_no_day(line: Timeline, known: str) -> None:
    """Month by month: none before December 2021, one to March 2022, then perhaps three, and three for good."""
    months = [date(year, month, 1) for year in range(2018, 2027) for month in range(1, 13)]
    for day in months:
        found = line.ask(*ORDER, on=day, known=known).rows
        delivered = found[0].state["delivered"]["value"] if found else None
        if day < date(2018, 10, 1):
            assert delivered is None
        else:
            assert delivered == (0 if day < date(2021, 12, 1) else 1 if day < date(2022, 4, 1) else 3), day


def test_every_plan_stays_in_the_history(program: Program) -> None:
    """Each with its source, in the order of recording: what was said before the article came to light after it."""
    versions = program.answer("show", "s400-plan-1")["versions"]
    told = [(v["known"][:10], v["said_by"][0], v["data"].get("due"), v["document"]["publisher"]) for v in versions]
    assert [part[:3] for part in told] == [
        (READ_ON, "Denis Alipov", "2024-01~/2024-04~"),
        ("2018-10-31", "contract of October 2018", "[..2023]"),
        ("2023-08-28", "Denis Alipov", "[..2024]"),
        ("2025-06-27", "The Times of India", None),
        ("2026-02-28", "India's defence secretary", None),
    ]
    assert told[0][3] == "Sputnik India"
    assert all(publisher for *_, publisher in told)


def test_the_sanctions_of_the_article_rest_on_its_words(program: Program) -> None:
    """Twelve rounds, the banks cut off from SWIFT, the diamonds of round 12: each fact shows its quote and speaker."""
    rows = {found["key"]: found for found in program.answer("ask", "sanctions", "--as-of", READ_ON)["rows"]}
    assert rows["russia/rounds"]["state"]["rounds"]["value"] == 12
    swift = rows[SWIFT]["state"]
    assert (swift["status"], swift["object"], swift["affected"]) == ("in_force", "SWIFT", "major Russian banks")
    ban = rows["russia/import_restriction/diamonds"]["state"]
    assert (ban["status"], ban["authority"], ban["round"]) == ("in_force", ["EU"], 12)
    quoted = {}
    for name in {fact for found in rows.values() for fact in found["facts"]}:
        for version in program.answer("show", name)["versions"]:
            quoted[name] = version["source"]["quote"]
            assert version["context"][1] == quoted[name]
            assert all(version["said_by"])
            assert version["said_by"]
    assert quoted["sanction-rounds"] == "12 rounds of coordinated sanctions against Russia"
    assert quoted["swift-cutoff"].endswith(
        "have cut off major Russian banks from the US-dollar dominated SWIFT Network"
    )
    assert 'transfer of diamonds from Russia"' in quoted["diamond-ban"]


def test_what_was_public_and_what_was_recorded_are_two_questions(program: Program) -> None:
    """The adoption of round 12 was public on 26 December 2023; this store took it later, and both answers are right."""
    flags = ("--on", READ_ON, "--known", READ_ON)
    assert row(program, "sanctions", ROUND, *flags)["state"]["adopted"] == "2023-12-18"
    earlier = row(program, "sanctions", ROUND, *flags, "--recorded", str(SECOND_READING))["state"]
    assert (earlier["status"], "adopted" in earlier, "act" in earlier) == ("adopted", False, False)
    before = row(program, "sanctions", ROUND, "--on", READ_ON, "--known", "2023-12-17")["state"]
    assert (before["announced"], "adopted" in before) == ("2023-12-06", False)


def test_the_store_is_asked_by_its_own_clock(program: Program) -> None:
    """The instant at which the second reading was recorded means its position."""
    instant = program.answer("log", "swift-cutoff")["events"][1]["recorded"]
    by_instant = program.answer("ask", "sanctions", "--as-of", READ_ON, "--recorded", instant)
    assert by_instant["basis"]["recorded"] == SECOND_READING
    assert by_instant == program.answer("ask", "sanctions", "--as-of", READ_ON, "--recorded", str(SECOND_READING))


def test_a_misreading_is_told_apart_by_recorded_alone(program: Program) -> None:
    """Two readings of one quote, known since the same instant: who is the target, and who acts."""
    readings = program.answer("show", "swift-cutoff")["versions"]
    assert len({reading["known"] for reading in readings}) == 1
    assert len({reading["source"]["quote"] for reading in readings}) == 1
    flags = ("--as-of", READ_ON, "--recorded")
    first, second = (row(program, "sanctions", SWIFT, *flags, str(n))["state"] for n in (FIRST_READING, SECOND_READING))
    assert (first["target"], first["authority"]) == (["Russia", "EU", "western allies"], ["Biden administration"])
    assert (second["target"], second["authority"]) == ("Russia", ["EU", "western allies"])
    assert row(program, "sanctions", SWIFT, "--as-of", READ_ON)["state"] == second
    assert program.answer("ask", "sanctions", "eu/financial_restriction/swift", "--as-of", READ_ON)["rows"] == []


def test_a_second_reading_adds_no_fact(program: Program) -> None:
    """As many facts are effective as before, and reading a second time once more adds not even an event."""
    facts = [
        program.answer("facts", "--as-of", READ_ON, "--recorded", str(n))["facts"]
        for n in (FIRST_READING, SECOND_READING)
    ]
    first, second = ({fact["fact"] for fact in given} for given in facts)
    assert first == second
    assert len(facts[0]) == len(facts[1]) == len(first)
    assert program("import", SEEDS / "second-reading").stderr == "0 events recorded, 1 duplicate\n"
    assert program.answer("stats")["position"] == ALL


def test_an_answer_given_once_can_be_asked_for_again(fresh_database_url: str) -> None:
    """By its basis it comes byte for byte, though the article was read again and other sources were recorded since."""
    program = Program(fresh_database_url)
    program("init")
    program("import", SEEDS / STEPS[0])
    given = program("ask", "sanctions", "--on", "2024-06-01", "--known", "2023-12-31", "-o", "json").stdout
    token = program.answer("ask", "sanctions", "--on", "2024-06-01", "--known", "2023-12-31")["basis"]["token"]
    for step in STEPS[1:]:
        program("import", SEEDS / step)
    assert program("ask", "sanctions", "--basis", token, "-o", "json").stdout == given
    now = program("ask", "sanctions", "--on", "2024-06-01", "--known", "2023-12-31", "-o", "json").stdout
    assert now != given


@pytest.mark.parametrize(
    "known, share", [("2021-06-30", 49), ("2026-03-08", 49), ("2026-03-09", 51), ("2026-04-30", 51)]
)
def test_a_share_is_restated(program: Program, known: str, share: int) -> None:
    """SIPRI put 2016-20 at 49 per cent, and from 9 March 2026 at 51."""
    assert shares(program, "2018-06-01", known)["2016/2020"] == share


@pytest.mark.parametrize(
    "period, on, published, share",
    [
        ("2016/2020", "2018-06-01", "2021-03-15", 49),
        ("2017/2021", "2018-06-01", "2022-03-14", 46),
        ("2018/2022", "2020-06-01", "2023-03-13", 45),
        ("2019/2023", "2020-06-01", "2024-03-11", 36),
        ("2021/2025", "2023-06-01", "2026-03-09", 40),
    ],
)
def test_a_share_is_known_from_its_publication(
    program: Program, period: str, on: str, published: str, share: int
) -> None:
    """A new period is a new fact and no correction of the one before; the eve of its publication knows nothing."""
    assert shares(program, on, published)[period] == share
    eve = date.fromordinal(date.fromisoformat(published).toordinal() - 1)
    assert period not in shares(program, on, eve.isoformat())


def test_the_share_that_nobody_published_stays_the_articles(program: Program) -> None:
    """It says 45 per cent for 2017-22: kept beside SIPRI's own periods as what was reported."""
    assert shares(program, "2018-06-01", "2023-12-26") == {
        "2016/2020": 49,
        "2017/2021": 46,
        "2017/2022": 45,
        "2018/2022": 45,
    }
    quoted = row(program, "trade", "india/share/import/arms/russia/2017-2022", "--on", "2018-06-01")
    assert quoted["state"]["modality"] == "reported"


def test_every_quote_stands_in_its_document(line: Timeline) -> None:
    """Each recorded fact points at words that its document has at that place, and the document is what it was."""
    documents = {document.id: document for document in line.documents()}
    assert len(documents) == 17
    assert all(f"sha256:{sha256(text.text.encode()).hexdigest()}" == name for name, text in documents.items())
    entries = list(line.log())
    assert len(entries) == ALL
    for entry in entries:
        source = entry.source
        assert source is not None
        assert source.quote
        assert documents[source.document].text[source.start : source.end] == source.quote


def test_a_condition_looks_into_lists_and_a_misspelt_one_is_hinted_at(program: Program) -> None:
    """A search for compliance must not come back empty because of a slip."""
    flags = ("ask", "sanctions", "--on", READ_ON)
    found = program.answer(*flags, "--where", "authority=EU")["rows"]
    assert found
    assert all("EU" in row["state"]["authority"] for row in found)
    result = program(*flags, "--where", "stauts=in_force", "-o", "jsonl")
    assert result.stdout == ""
    assert "no row there has a field 'stauts'; did you mean status?" in result.stderr
    assert "has a field" not in program(*flags, "--where", "status=unheard-of", "-o", "jsonl").stderr
