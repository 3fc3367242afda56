"""The day of a document put right, without a database: all is as if it had been dated right from the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import entry, retraction

from timeline import border, vocabulary
from timeline.corrections import claim
from timeline.events import Document, Entry, Event, Source
from timeline.redating import Description, Redating
from timeline.temporal import parse_known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

WORDS = vocabulary.load()
NEWS = Document(text="It rained 3 cm on Monday. It will snow by early next year.", publisher="The Post")
PLAN = {"item": "S-400", "supplier": "Russia", "recipient": "India", "quantity": 5, "due": "2024"}
LATE = parse_known("2030-01-01")


def read(line: Mapping[str, Any]) -> Event:
    """Return the event of a line, at the border of a log that holds one document."""
    return border.event(line, WORDS.kind, lambda name: NEWS if name == NEWS.id else None)


def plan(position: int = 1, **fields: Any) -> Entry:  # noqa: ANN401
    """Return a recorded plan of delivery."""
    usual: dict[str, Any] = {"fact": "plan", "kind": "delivery.scheduled", "subject": "s-400", "data": PLAN}
    return entry(position, **usual | {"valid": "2023-12-26/..", "known": "2023-12-26"} | fields)


OLD, NEW = "2023-12-26", "2024-01-10"


def redating(*taken: str, to: str = NEW) -> Redating:
    """Return a redating of the news, taken to be published on some days: from position 0, 100, 200 … on."""
    stages = [(100 * number, parse_known(day)) for number, day in enumerate(taken)]
    return Redating(document=NEWS.id, taken=stages, known=parse_known(to), reason=f"to {to}", read=read)


def quoting(position: int = 1, **fields: Any) -> Entry:  # noqa: ANN401
    """Return a version of the plan that was read from the news."""
    return plan(position, **{"source": Source(document=NEWS.id), "known": OLD} | fields)


def said(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Return when each event is known, and the days that it states."""
    return [(event.known.date().isoformat(), event.valid.text if event.valid else "-") for event in events]


def test_what_was_published_later_was_not_known_before() -> None:
    """It is retracted there, or what was known before stands again; it is stated again when it was public."""
    explicit = quoting(valid="2023/..", time={"method": "explicit"})
    assert said(list(redating(OLD).events([explicit]))) == [(OLD, "-"), (NEW, "2023/..")]
    before = plan(2, known="2020-01-01", valid="2020/..")
    assert said(list(redating(OLD).events([explicit, before]))) == [(OLD, "2020/.."), (NEW, "2023/..")]


def test_what_was_published_earlier_was_known_before() -> None:
    """Explicit days say the same as before, so one event is enough; others have to be put right at both instants."""
    explicit = quoting(valid="2023/..", time={"method": "explicit"})
    assert said(list(redating(OLD, to="2023-12-20").events([explicit]))) == [("2023-12-20", "2023/..")]
    stands = quoting(valid=f"{OLD}/..", time={"method": "none"})
    moved = [("2023-12-20", "2023-12-20/.."), (OLD, "2023-12-20/..")]
    assert said(list(redating(OLD, to="2023-12-20").events([stands]))) == moved


WORDINGS = [
    ("by early next year", "2023-12-26/..", "2024-01~/2024-04~", "2024-01-10/..", "2025-01~/2025-04~"),
    ("this year", "[2023-01-01..2023-12-26]", "2026", "[2024-01-01..2024-01-10]", "2026"),
    ("on Monday", "2023-12-25", "2026", "2024-01-08", "2026"),
    ("On the first day of his visit on Monday", "2023-12-25", "2026", "2024-01-08", "2026"),
    ("now", "2023-12-26/", "2026", "2024-01-10/", "2026"),
    ("last month", "2023-11", "2023-12-26", "2023-12", "2024-01-10"),
]


@pytest.mark.parametrize("text, valid, due, valid_now, due_now", WORDINGS)
def test_a_wording_is_reckoned_anew(text: str, valid: str, due: str, valid_now: str, due_now: str) -> None:
    """Wherever the old reading or the old day of publication stood, in the valid time or the data."""
    held = quoting(valid=valid, data=PLAN | {"due": due}, time={"method": "relative", "text": text})
    last = list(redating(OLD).events([held]))[-1]
    assert (last.valid and last.valid.text, last.data["due"]) == (valid_now, due_now)
    assert not redating(OLD).unclear(held)


@pytest.mark.parametrize(
    "method, text, valid",
    [("relative", "so far", f"{OLD}/"), ("anchored", None, f"[2022-02-24..{OLD}]"), ("inferred", "then", f"{OLD}/")],
)
def test_what_cannot_be_reckoned_is_left_to_a_person(method: str, text: str | None, valid: str) -> None:
    """The days stay; what is known moves all the same."""
    held = quoting(valid=valid, time={"method": method} | ({"text": text} if text else {}))
    assert redating(OLD).unclear(held)
    assert said(list(redating(OLD).events([held]))) == [(OLD, "-"), (NEW, valid)]


def test_days_that_the_source_names_itself_stay() -> None:
    """Even where they are the old day of publication."""
    held = quoting(valid=f"{OLD}/..", time={"method": "explicit", "text": "26 December"})
    assert said(list(redating(OLD).events([held])))[-1] == (NEW, f"{OLD}/..")
    assert not redating(OLD).unclear(held)


def test_days_that_would_end_before_they_begin_are_left_to_a_person() -> None:
    """The new reading is refused at the border, so the old one stays."""
    held = quoting(valid=f"{OLD}/2023-12-31", time={"method": "none"})
    assert said(list(redating(OLD).events([held])))[-1] == (NEW, f"{OLD}/2023-12-31")
    assert redating(OLD).unclear(held)


def test_what_is_known_since_an_instant_of_its_own_is_reckoned_anew_there() -> None:
    """A version with a known time of its own keeps that, and its days are counted from the right publication."""
    apart = quoting(2, action="correct", known="2025-01-01", valid=f"{OLD}/..", time={"method": "none"})
    moved = redating(OLD)
    assert said(list(moved.events([apart]))) == [("2025-01-01", f"{NEW}/..")]
    assert moved.read_last([apart]) is None
    assert moved.read_last([apart], apart.known) == apart


def test_a_description_says_how_the_new_date_is_known() -> None:
    """The old explanation would explain the wrong day."""
    was = Document(text="x", title="X", published="2023", published_how="guessed")
    about = Description(document="", particulars={"published": "2024"}, reason="printed on it")
    assert about.applied(was) == Document(text="x", title="X", published="2024", published_how="printed on it")
    assert Description(document="", particulars={"title": "Y"}, reason="r").applied(was).published_how == "guessed"


DAYS = [parse_known("2023-12-01") + timedelta(days=day) for day in range(6)]
OTHERS = st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from(["2019", "2020", None])), max_size=3)


def in_force(versions: Sequence[Entry], at: datetime) -> bytes:
    """Return what is believed at an instant: the rule, written down once more."""
    held = max((one for one in versions if one.known <= at), key=lambda one: (one.known, one.position), default=None)
    return b"null" if held is None else claim(held)


def others(first: int, drawn: Sequence[tuple[datetime, str | None]], hours: int) -> list[Entry]:
    """Return what another source said of the plan, or took back, that many hours into some days."""
    usual = {"action": "correct", "time": {"method": "explicit"}, "source": Source(document="sha256:other")}
    found = []
    for at, (day, valid) in enumerate(drawn, start=first):
        known = (day + timedelta(hours=hours)).isoformat()
        said_then = plan(at, known=known, valid=valid, confidence=str(at), **usual) if valid else None
        found.append(said_then or replace(retraction(at, "plan", known), source=Source(document="sha256:other")))
    return found


def own(known: datetime, *, misread: bool) -> list[Entry]:
    """Return what was read from the news, known since their publication; perhaps read a second time."""
    usual = {"known": known.isoformat(), "valid": "2023", "time": {"method": "explicit"}}
    return [quoting(4, **usual)] + ([quoting(8, action="correct", confidence="low", **usual)] if misread else [])


@settings(max_examples=400)
@given(OTHERS, OTHERS, st.lists(st.sampled_from(DAYS), min_size=2, max_size=5), st.booleans())
def test_a_redated_document_is_believed_as_if_it_had_been_dated_right_from_the_start(
    earlier: list[tuple[datetime, str | None]],
    later: list[tuple[datetime, str | None]],
    days: list[datetime],
    misread: bool,  # noqa: FBT001  drawn by hypothesis
) -> None:
    """However often: other sources stand wherever they are known later, at the same instant the one recorded later.

    Redated more than once, a document counts as recorded later than any other of the same instant.
    """
    hours = 0 if len(days) == 2 else 12
    around = [*others(1, earlier, hours), *others(5, later, hours)]
    log = sorted([*around, *own(days[0], misread=misread)], key=lambda one: one.position)
    for number in range(1, len(days)):
        taken = [(100 * stage, day) for stage, day in enumerate(days[:number])]
        moved = Redating(document=NEWS.id, taken=taken, known=days[number], reason=f"{number}", read=read)
        for place, event in enumerate(moved.events(log), start=1):
            values = {name: getattr(event, name) for name in Event.__dataclass_fields__}
            log.append(Entry(**values, position=100 * number + place, recorded=LATE, event=event.identity))
        right = [*around, *own(days[number], misread=misread)]
        instants = [day + timedelta(hours=passed) for day in DAYS for passed in (0, 12)]
        assert [in_force(log, at) for at in instants] == [in_force(right, at) for at in instants]
