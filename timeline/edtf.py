"""EDTF (ISO 8601-2): from a text to the four bounds of the days it speaks of, and the texts of dates near others.

It hides the grammar: `bounds` reads a text, and `ends`, `beside`, `third` and `month_after` write one. What is taken:
levels 0 and 1, and of level 2 the divisions of a year (21-41), one-of sets, qualifiers on parts of a date and
unspecified digits anywhere. What has no days of its own in our calendar (times of day, long or negative years, all-of
sets, weeks) is refused with what to write instead.

Invariant: a text is either refused or has `first_lo <= first_hi`, `last_lo <= last_hi` and `first_lo <= last_hi`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from timeline.errors import Refused

OPEN_PAST = date.min
OPEN_FUTURE = date.max

LONGEST = 100
"""Characters of a text that is looked at; no date is longer, and no text of this length can keep the parser busy."""

FIRST_YEAR, LAST_YEAR = 2, 9998
"""The years that can be written: 0001 and 9999 hold the days that stand for an open bound."""


class Bounds(NamedTuple):
    """The earliest and latest possible first day, and the earliest and latest possible last day."""

    first_lo: date
    first_hi: date
    last_lo: date
    last_hi: date


UNKNOWN = Bounds(OPEN_PAST, OPEN_FUTURE, OPEN_PAST, OPEN_FUTURE)

# The part of a year that a code after the year means: its first month and how many months it has.
_MONTHS = {f"{month:02}": (month, 1) for month in range(1, 13)}
_SEASONS = {"21": (3, 3), "22": (6, 3), "23": (9, 3), "24": (12, 3)}
_QUARTERS = {str(32 + n): (3 * n - 2, 3) for n in range(1, 5)}
_THIRDS = {str(36 + n): (4 * n - 3, 4) for n in range(1, 4)}
_HALVES = {str(39 + n): (6 * n - 5, 6) for n in range(1, 3)}
_PARTS = {"": (1, 12), **_MONTHS, **_SEASONS, **_QUARTERS, **_THIRDS, **_HALVES}

_DATE = re.compile(
    r"[?~%]?([0-9X]{4})[?~%]?(?:-[?~%]?([0-9X]{2})[?~%]?(?:-[?~%]?([0-9X]{2})[?~%]?)?)?",
    re.ASCII,
)

# What people write that is not EDTF, or not a valid time: what is wrong, and what to write instead.
_MISTAKES = tuple(
    (re.compile(pattern, re.ASCII | re.DOTALL), wrong, remedy)
    for pattern, wrong, remedy in (
        (r"", "is empty", "Write `unknown` where the source gives no time"),
        (r".*\s.*", "has white space in it", "Write EDTF, as 2024-03 or 2024-03-05"),
        (r".*[{}].*", "means all of several dates", "Record one fact for each of the dates"),
        (r".*\dT.*|.*\d:\d.*", "has a time of day, and a valid time counts whole days", r"Write the day alone"),
        (r"\.\.|/", "has neither a first nor a last day", "Write `../..` for always, `unknown` for no time given"),
        (r".*/.*/.*", "has more than two ends", "Write `first/last`"),
        (r"(?:.*/)?(?:open|now|present)(?:/.*)?", "is no EDTF", "Write `..` for an end that is open"),
        (r"unknown", "is no end of a period", "Leave an end empty that is unknown: `2023-12-18/`"),
        (r"(\d{4})(\d\d)(\d\d)", "is no EDTF", r"Write \1-\2-\3"),
        (r"\d{4}-?W.*", "counts weeks", "Write the first and the last day of the week: `2023-12-18/2023-12-24`"),
        (r"\d{4}-\d{3}", "counts the days of the year", "Write month and day: `2023-12-18`"),
        (r"Y.*|-.*|.*\dS\d+", "lies outside the years 0002 to 9998", "Write a year of four digits"),
        (r".*[0-9X]x.*|.*x[0-9X-].*|.*xx.*", "is no EDTF", "Write unspecified digits as `X`: `199X`"),
        (r".*[?~%]{2}.*", "has two marks at one place", "Write `%` for approximate and doubtful"),
        (r".*[\u2010-\u2015\u2212].*", "has a dash that is not a hyphen", "Write it with `-`"),
    )
)
_USUAL = "Write a day, month or year as 2023-12-18, 2023-12, 2023, or a period as first/last with `..` for open"


def bounds(text: str, *, lasting: bool = False) -> Bounds:
    """Return the four bounds of an EDTF text; `Refused` says what is wrong with it and what to write.

    A lasting fact goes on once it has begun: there a text with neither `/` nor `unknown` in it is read as `text/..`.

    >>> [str(day) for day in bounds("2021-12/2022-02-28")]
    ['2021-12-01', '2021-12-31', '2022-02-28', '2022-02-28']
    """
    if len(text) > LONGEST:
        raise Refused(f"a valid time of {len(text)} characters is too long", remedy=f"Write at most {LONGEST}")
    if text == "unknown":
        return UNKNOWN
    first, slash, last = text.partition("/")
    if slash:
        return _period(first, last, text)
    days = _single(text)
    return Bounds(days.first_lo, days.last_hi, OPEN_FUTURE, OPEN_FUTURE) if lasting else days


def _period(first: str, last: str, text: str) -> Bounds:
    """Return the bounds of a period from its ends.

    `..` is open: without beginning, without end. An end left empty is unknown: any day that the other end allows.
    Neither end can lie beyond the other, so a doubt about one that the other settles is gone: what began on
    15 December and ended in that December ended on the 15th or later.
    """
    if text == "/" or "/" in last:
        raise _refusal(text)
    first_lo, first_hi = _end(first, OPEN_PAST, text)
    last_lo, last_hi = _end(last, OPEN_FUTURE, text)
    if last_hi < first_lo:
        raise Refused(f"`{text}` ends before it begins", remedy=f"Write the earlier end first: {last}/{first}")
    return Bounds(first_lo, min(first_hi, last_hi), max(last_lo, first_lo), last_hi)


def _end(written: str, edge: date, text: str) -> tuple[date, date]:
    """Return the earliest and latest day that one end of a period may be; `edge` is what open means there."""
    if written == "..":
        return edge, edge
    if not written:
        return OPEN_PAST, OPEN_FUTURE
    try:
        days = _single(written)
    except Refused as refused:
        raise _within(text, refused) from None
    return days.first_lo, days.last_hi


def _within(text: str, refused: Refused) -> Refused:
    """Return the refusal of a part of a text, with the whole of it shown as well."""
    shown = f"`{_printable(text)}`"
    return refused if shown in refused.message else Refused(f"{shown}: {refused.message}", remedy=refused.remedy)


@lru_cache(maxsize=1 << 15)
def _single(text: str) -> Bounds:
    """Return the bounds of a date or one-of set that stands alone."""
    if len(text) == 10 and text[4] == text[7] == "-" and text[:4].isdecimal():  # noqa: PLR2004 - YYYY-MM-DD, the most by far
        with suppress(ValueError):
            day = date.fromisoformat(text)
            if FIRST_YEAR <= day.year <= LAST_YEAR:
                return Bounds(day, day, day, day)
    if text.startswith("[") and text.endswith("]"):
        return _one_of(text)
    return _date(text)


def _one_of(text: str) -> Bounds:
    """Return the bounds of `[a..b]`, `[..b]`, `[a..]` or `[a,b,c]`: one unknown day from the first to the last named.

    Days between those named are possible too, as four bounds cannot hold a gap.
    """
    written = text[1:-1].split(",")
    if not all(written):
        named = ",".join(filter(None, written))
        remedy = f"Write [{named}]" if named else "Write `unknown` where the source gives no time"
        raise Refused(f"`{_printable(text)}` has an empty place where a date belongs", remedy=remedy)
    try:
        members = [_member(member, text) for member in written]
    except Refused as refused:
        raise _within(text, refused) from None
    lo, hi = min(lo for lo, _ in members), max(hi for _, hi in members)
    return Bounds(lo, hi, lo, hi)


def _member(written: str, text: str) -> tuple[date, date]:
    """Return the earliest and the latest day of one member of a set: a date, or a range that may be open."""
    first, dots, last = written.partition("..")
    if not dots:
        days = _date(written)
        return days.first_lo, days.last_hi
    if not (first or last):
        raise _refusal(text)
    lo = _date(first).first_lo if first else OPEN_PAST
    hi = _date(last).last_hi if last else OPEN_FUTURE
    if hi < lo:
        raise Refused(f"`{text}` ends before it begins", remedy=f"Write the earlier date first: [{last}..{first}]")
    return lo, hi


def _date(text: str) -> Bounds:
    """Return the bounds of a date, qualified or not.

    Unspecified digits leave open *which* day, month or year is meant, so the bounds are those of the earliest and of
    the latest date that fits: `2021-12-XX` is one unknown day of that month, `199X` one unknown year, begun between
    1 January 1990 and 1999 and over between 31 December 1990 and 1999. Without `X` exactly one date fits. Where no
    digit of the year is known, all bounds are open, as for `unknown`.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise _refusal(text)
    year, part, day = (group or "" for group in match.groups())
    anywhen = year == "XXXX"
    years = _fitting("2024" if anywhen else year, lambda digits: FIRST_YEAR <= int(digits) <= LAST_YEAR)
    parts = _fitting(part, (_MONTHS if "X" in part or day else _PARTS).__contains__)
    days = _fitting(day, lambda digits: "01" <= digits <= "31")
    lowest = next(_extents(years, parts, days), None)
    highest = next(_extents(years[::-1], parts[::-1], days[::-1]), None)
    if lowest is None or highest is None:
        raise _not_in_calendar(text, year=bool(years), part=bool(parts))
    return UNKNOWN if anywhen else Bounds(lowest[0], highest[0], lowest[1], highest[1])


def _fitting(written: str, allowed: Callable[[str], bool]) -> list[str]:
    """Return what a part of a date may be, ascending: each `X` is any digit, a part not written is itself."""
    if not written:
        return [written]
    digits = ("0123456789" if character == "X" else character for character in written)
    return [fits for fits in map("".join, product(*digits)) if allowed(fits)]


def _extents(years: list[str], parts: list[str], days: list[str]) -> Iterator[tuple[date, date]]:
    """Yield the first and last day of every date that can be put together of these, where the calendar has it."""
    for year, part, day in product(years, parts, days):
        if not day:
            yield _extent(int(year), *_PARTS[part])
            continue
        with suppress(ValueError):
            whole = date(int(year), int(part), int(day))
            yield whole, whole


def _extent(year: int, first_month: int, months: int) -> tuple[date, date]:
    """Return the first and last day of so many months; winter alone runs into the next year."""
    over, month = divmod(first_month + months - 2, 12)
    last_year, last_month = year + over, month + 1
    return date(year, first_month, 1), date(last_year, last_month, monthrange(last_year, last_month)[1])


def _not_in_calendar(text: str, *, year: bool, part: bool) -> Refused:
    """Return the refusal of a well-formed date that no calendar has, naming the part that is wrong."""
    if not year:
        remedy = "Years run from 0002 to 9998: write an end that is open as `..`"
    elif not part:
        remedy = "Months are 01-12; without a day also seasons 21-24, quarters 33-36, thirds 37-39 and halves 40-41"
    else:
        remedy = "That month has no such day: write one that it has, or the month alone"
    return Refused(f"`{text}` is not in the calendar", remedy=remedy)


def _refusal(text: str) -> Refused:
    """Return the refusal of a text that is no EDTF, with the remedy for the mistake people usually make."""
    for pattern, wrong, remedy in _MISTAKES:
        match = pattern.fullmatch(text)
        if match:
            return Refused(f"`{_printable(text)}` {wrong}", remedy=match.expand(remedy))
    return Refused(f"`{_printable(text)}` is no EDTF", remedy=_USUAL)


def _printable(text: str) -> str:
    """Return the text as it can stand in a message of one line."""
    return text if text.isprintable() else ascii(text)[1:-1]


# Texts of dates near others. What lies outside the calendar raises `ValueError`.


def year_of(number: int) -> str:
    """Return a year as it is written."""
    return f"{date(number, 1, 1).year:04}"


def month_after(year: int, month: int, step: int) -> str:
    """Return the month so many months on.

    >>> month_after(2023, 12, 2)
    '2024-02'
    """
    over, index = divmod(month - 1 + step, 12)
    return f"{year_of(year + over)}-{index + 1:02}"


def ends(text: str) -> tuple[str, str]:
    """Return the earliest and the latest date that stand in a date, set or period without open ends.

    >>> ends("[2022,2021-03~]"), ends("2024-01~/2024-04~")
    (('2021-03~', '2022'), ('2024-01~', '2024-04~'))
    """
    named = re.findall(r"[^\[\]./,]+", text)
    return min(named, key=lambda one: bounds(one).first_lo), max(named, key=lambda one: bounds(one).last_hi)


def beside(text: str, step: int) -> str:
    """Return the year, month or day next to a date, in the same precision; next to anything else, a day.

    >>> beside("2022-06", -1), beside("2023~", 1), beside("2024-33", -1)
    ('2022-05', '2024~', '2023-12-31')
    """
    exact = text.rstrip("~?%")
    mark = "~" if "~" in text else ""
    if re.fullmatch(r"\d{4}", exact):
        return year_of(int(exact) + step) + mark
    if re.fullmatch(r"\d{4}-(?:0\d|1[012])", exact):
        return month_after(int(exact[:4]), int(exact[5:]), step) + mark
    days = bounds(text)
    return f"{(days.first_lo if step < 0 else days.last_hi) + timedelta(days=step)}{mark}"


def third(text: str, number: int) -> str | None:
    """Return about the first, second or last third (0, 1, 2) of a year, month, quarter, season or decade.

    >>> third("2024", 0), third("2024-02", 2), third("2024-33", 1), third("199X", 2)
    ('2024-01~/2024-04~', '2024-02-21~/2024-02-29~', '2024-02~', '1997~/1999~')
    """
    year, part = text[:4], text[5:]
    if re.fullmatch(r"\d{4}", text):
        return f"{year}-{4 * number + 1:02}~/{year}-{4 * number + 4:02}~"
    if re.fullmatch(r"\d{4}-(?:0\d|1[012])", text):
        last = (10, 20, monthrange(int(year), int(part))[1])[number]
        return f"{text}-{10 * number + 1:02}~/{text}-{last:02}~"
    if re.fullmatch(r"\d{4}-(?:2[1-4]|3[3-6])", text):
        return month_after(int(year), bounds(text).first_lo.month, number) + "~"
    if re.fullmatch(r"\d{3}X", text):
        return "{0}{1}~/{0}{2}~".format(year[:3], *((0, 3), (4, 6), (7, 9))[number])
    return None
