"""Random histories: asserts, corrections and retractions in batches, with every shape of valid time; random bases."""

from __future__ import annotations

import calendar
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from laws.oracle import DAY, FUTURE, PAST, Told

from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable

Bounded = tuple[str, tuple[date, date, date, date]]

START = date(2023, 1, 1)
DAYS = st.integers(0, 70).map(lambda number: START + number * DAY)
INSTANTS = st.integers(0, 9).map(lambda number: datetime(2023, 1, 1, tzinfo=UTC) + number * timedelta(days=5, hours=7))

_SHARE = int(os.environ.get("TIMELINE_TEST_SHARE", "1"))


def tried(histories: int) -> settings:
    """Let a law be tried on so many histories: on one in TIMELINE_TEST_SHARE of them if it was tried before."""
    return settings(max_examples=max(1, histories // _SHARE))


def _month(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


@st.composite
def _ends(draw: st.DrawFn) -> tuple[str, date, date]:
    """Return one end of a period: its text, and the first and the last day that it may be."""
    match draw(st.integers(0, 2)):
        case 0:
            day = draw(DAYS)
            return day.isoformat(), day, day
        case 1:
            first, last = _month(2023, draw(st.integers(1, 3)))
            return f"{first:%Y-%m}" + draw(st.sampled_from(["", "~", "?", "%"])), first, last
        case _:
            first, last = sorted([draw(DAYS), draw(DAYS)])
            return f"[{first}..{last}]", first, last


@st.composite
def valid_times(draw: st.DrawFn) -> Bounded:  # noqa: PLR0911  one a shape
    """Return a valid time with its four bounds, of a kind that is not lasting."""
    shape = draw(st.sampled_from(["day", "month", "set", "from", "until", "period", "ended", "unknown", "always"]))
    day = draw(DAYS)
    text, first, last = draw(_ends())
    match shape:
        case "day":
            return day.isoformat(), (day, day, day, day)
        case "month":
            first, last = _month(2023, draw(st.integers(1, 3)))
            return f"{first:%Y-%m}", (first, first, last, last)
        case "set":
            first, last = sorted([day, draw(DAYS)])
            return f"[{first}..{last}]", (first, last, first, last)
        case "from":
            return f"{text}/..", (first, last, FUTURE, FUTURE)
        case "until":
            return f"../{text}", (PAST, PAST, first, last)
        case "ended":
            return f"{day}/", (day, day, day, FUTURE)
        case "period":
            other, begin, end = draw(_ends().filter(lambda found: found[2] >= first))
            return f"{text}/{other}", (first, min(last, end), max(begin, first), end)  # neither end beyond the other
        case "always":
            return "../..", (PAST, PAST, FUTURE, FUTURE)
        case _:
            return "unknown", (PAST, FUTURE, PAST, FUTURE)


@st.composite
def _told(draw: st.DrawFn, fact: str, action: str, known: datetime) -> Told:
    line: dict[str, Any] = {"action": action, "fact": fact, "known": format_instant(known)}
    if action == "retract":
        return Told(line | {"reason": draw(st.sampled_from(["withdrawn", "mistaken"]))}, known, None)
    text, bounds = draw(valid_times())
    data = {"measure": draw(st.sampled_from("mn")), "value": draw(st.integers(0, 3)), "due": draw(DAYS).isoformat()}
    subject = draw(st.sampled_from("ab"))
    return Told(line | {"kind": "law.stated", "subject": subject, "data": data, "valid": text}, known, bounds)


@st.composite
def histories(
    draw: st.DrawFn, instants: Callable[[], st.SearchStrategy[datetime]] = lambda: INSTANTS
) -> list[list[Told]]:
    """Return batches of events; of each fact the first is an assertion, and no event stands twice."""
    seen: set[str] = set()
    lines: list[dict[str, Any]] = []
    batches: list[list[Told]] = []
    for size in draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)):
        batch: list[Told] = []
        for _ in range(size):
            fact = draw(st.sampled_from(["f", "g", "h"]))
            action = draw(st.sampled_from(["correct", "correct", "retract"])) if fact in seen else "assert"
            told = draw(_told(fact, action, draw(instants())))
            if told.line not in lines:
                seen.add(fact)
                lines.append(told.line)
                batch.append(replace(told, position=len(lines)))
        if batch:
            batches.append(batch)
    return batches


bases = st.tuples(DAYS, INSTANTS, st.integers(0, 20))
