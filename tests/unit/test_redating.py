"""The day of a document put right, without a database: all is as if it had been dated right from the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import retraction
from unit.makers_plan import LATE, NEWS, PLAN, plan, read

from timeline.corrections import claim
from timeline.events import Document, Entry, Event, Source
from timeline.redating import Description, Stage, Telling
from timeline.temporal import parse_known

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

OLD, NEW = "2023-12-26", "2024-01-10"


def telling(held: Sequence[Entry], *taken: str, to: str = NEW) -> Telling:
    """Return the versions of the plan, the news taken to be published on some days: from position 0, 100, 200 … on."""
    stages = [Stage(100 * number, parse_known(day), f"to {day}") for number, day in enumerate((*taken, to))]
    return Telling(held, {NEWS.id: stages}, read)


def redated(*held: Entry, taken: str = "2023-12-26", to: str = NEW) -> list[Event]:
    """Return the events that put the plan right."""
    return [event for _, event in telling(held, taken, to=to).put_right(f"to {to}", NEWS.id)]


def unclear(held: Entry) -> bool:
    """Return whether a person has to look at the days of a version."""
    last = telling([held], OLD).read_last(NEWS.id)
    return bool(last and last.unsure)


def quoting(position: int = 1, **fields: Any) -> Entry:  # noqa: ANN401
    """Return a version of the plan that was read from the news."""
    return plan(position, **{"source": Source(document=NEWS.id), "known": OLD} | fields)


def said(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Return when each event is known, and the days that it states."""
    return [(event.known.date().isoformat(), event.valid.text if event.valid else "-") for event in events]


def test_what_was_published_later_was_not_known_before() -> None:
    """It is retracted there, or what was known before stands again; it is stated again when it was public."""
    explicit = quoting(valid="2023/..", time={"method": "explicit"})
    assert said(redated(explicit)) == [(OLD, "-"), (NEW, "2023/..")]
    before = plan(2, known="2020-01-01", valid="2020/..")
    assert said(redated(explicit, before)) == [(OLD, "2020/.."), (NEW, "2023/..")]


def test_what_was_published_earlier_was_known_before() -> None:
    """Explicit days say the same as before, so one event is enough; others have to be put right at both instants."""
    explicit = quoting(valid="2023/..", time={"method": "explicit"})
    assert said(redated(explicit, to="2023-12-20")) == [("2023-12-20", "2023/..")]
    stands = quoting(valid=f"{OLD}/..", time={"method": "none"})
    moved = [("2023-12-20", "2023-12-20/.."), (OLD, "2023-12-20/..")]
    assert said(redated(stands, to="2023-12-20")) == moved


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
    last = redated(held)[-1]
    assert (last.valid and last.valid.text, last.data["due"]) == (valid_now, due_now)
    assert not unclear(held)


@pytest.mark.parametrize(
    "method, text, valid",
    [("relative", "so far", f"{OLD}/"), ("anchored", None, f"[2022-02-24..{OLD}]"), ("inferred", "then", f"{OLD}/")],
)
def test_what_cannot_be_reckoned_is_left_to_a_person(method: str, text: str | None, valid: str) -> None:
    """The days stay; what is known moves all the same."""
    held = quoting(valid=valid, time={"method": method} | ({"text": text} if text else {}))
    assert unclear(held)
    assert said(redated(held)) == [(OLD, "-"), (NEW, valid)]


def test_days_that_the_source_names_itself_stay() -> None:
    """Even where they are the old day of publication."""
    held = quoting(valid=f"{OLD}/..", time={"method": "explicit", "text": "26 December"})
    assert said(redated(held))[-1] == (NEW, f"{OLD}/..")
    assert not unclear(held)


def test_days_that_would_end_before_they_begin_are_left_to_a_person() -> None:
    """The new reading is refused at the border, so the old one stays."""
    held = quoting(valid=f"{OLD}/2023-12-31", time={"method": "none"})
    assert said(redated(held))[-1] == (NEW, f"{OLD}/2023-12-31")
    assert unclear(held)


def test_what_is_known_since_an_instant_of_its_own_is_reckoned_anew_there() -> None:
    """A version with a known time of its own keeps that, and its days are counted from the right publication."""
    apart = quoting(2, action="correct", known="2025-01-01", valid=f"{OLD}/..", time={"method": "none"})
    assert said(redated(apart)) == [("2025-01-01", f"{NEW}/..")]
    assert telling([apart], OLD).read_last(NEWS.id) is None


def test_what_a_redating_wrote_is_nobodys_statement() -> None:
    """Neither what stands again at the day given up nor what was moved; the same said for another reason is."""
    held = [quoting(valid="2023/..", time={"method": "explicit"}), plan(2, known="2020-01-01", valid="2020/..")]
    log = [*held, *entries(100, redated(*held))]
    once = telling(log, OLD)
    assert [one.entry.position for one in once.stated] == [1, 2]
    assert once.origins == {101: held[1], 102: held[0]}
    assert [one.entry.position for one in telling([*log[:-1], replace(log[-1], reason="r")], OLD).stated] == [1, 2, 102]


def test_a_version_that_is_shown_as_corrected_is_the_last_that_said_so() -> None:
    """Of a document dated anew twice, what the first redating wrote."""
    held = [quoting(valid=f"{OLD}/..", time={"method": "none"})]
    log = [*held, *entries(100, redated(*held))]
    last = telling(log, OLD, NEW, to="2024-02-01")
    assert last.said_before(last.stated[0], 200) == log[-1]
    assert last.said_before(last.stated[0], 100) == held[0]


def test_a_description_says_how_the_new_date_is_known() -> None:
    """The old explanation would explain the wrong day."""
    was = Document(text="x", title="X", published="2023", published_how="guessed")
    about = Description(document="", particulars={"published": "2024"}, reason="printed on it")
    assert about.applied(was) == Document(text="x", title="X", published="2024", published_how="printed on it")
    for same in ({"title": "Y"}, {"published": "2023"}):
        assert Description(document="", particulars=same, reason="r").applied(was).published_how == "guessed"


def entries(position: int, events: Sequence[Event]) -> list[Entry]:
    """Return events as recorded behind a position."""
    found = []
    for at, event in enumerate(events, start=position + 1):
        values = {name: getattr(event, name) for name in Event.__dataclass_fields__}
        found.append(Entry(**values, position=at, recorded=LATE, event=event.identity))
    return found


DAYS = [parse_known("2023-12-01") + timedelta(days=day) for day in range(6)]
NOON = timedelta(hours=12)
WHO = ["redated", "redated", "misread", "other", "unsourced", "kept", "retracted", "taken back"]
STEPS = st.lists(st.tuples(st.sampled_from(WHO), st.sampled_from(DAYS), st.booleans()), min_size=2, max_size=9)


def in_force(versions: Sequence[Entry], at: datetime) -> bytes:
    """Return what is believed at an instant: the rule, written down once more."""
    held = max((one for one in versions if one.known <= at), key=lambda one: (one.known, one.position), default=None)
    return b"null" if held is None else claim(held)


def stated(who: str, position: int, day: datetime, published: datetime) -> Entry:
    """Return what somebody says of the plan: the news at their publication, others on a day, or at its noon."""
    known = {"misread": published, "taken back": published, "other": day}.get(who, day + NOON).isoformat()
    mine = who in {"misread", "taken back", "kept"}
    source = Source(document=NEWS.id if mine else "sha256:other") if who != "unsourced" else None
    if who in {"retracted", "taken back"}:
        return replace(retraction(position, "plan", known), source=source, reason=f"{position}")
    usual: dict[str, Any] = {"action": "correct", "source": source, "reason": f"{position}"}
    return plan(position, **usual, known=known, valid=f"{1000 + position}", time={"method": "explicit"})


@settings(max_examples=400)
@given(STEPS)
def test_redated_documents_are_believed_as_if_they_had_been_dated_right_from_the_start(
    steps: list[tuple[str, datetime, bool]],
) -> None:
    """However often and whichever way, mixed with corrections by others, of misreadings, and of later days.

    Whoever stands at the same instant as what was recorded later is displaced by it. What is imported is put right
    by whatever is corrected next. A document is never redated to the day that it has: nothing would change.
    """
    first = quoting(1, known=DAYS[0].isoformat(), valid="1000", time={"method": "explicit"}, reason="first")
    log, model = [first], [first]
    stages = [Stage(0, DAYS[0])]
    for position, (who, day, imported) in zip(range(100, 2000, 100), steps, strict=False):
        if who == "redated" and day == stages[-1].known:
            continue
        if who == "redated":
            stages.append(Stage(position, day, f"{position}"))
        else:
            said_now = stated(who, position, day, stages[-1].known or day)
            log.append(said_now)
            model.append(said_now)
            if imported:
                continue
        events = Telling(log, {NEWS.id: stages}, read).put_right(f"{position}")
        log += entries(position, [event for _, event in events])
        moves = {one.position for one in model if one.known in DAYS and one.source == first.source}
        published = stages[-1].known or day
        right = [replace(one, known=published) if one.position in moves else one for one in model]
        instants = [day + passed for day in DAYS for passed in (timedelta(), NOON)]
        assert [in_force(log, at) for at in instants] == [in_force(right, at) for at in instants]
