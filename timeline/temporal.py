"""Days over which facts hold, and instants at which they were known.

Hides EDTF and the calendar: the rest of the program sees four dates (`Valid`) and aware UTC datetimes. No session,
server or local time zone takes part, and nothing invents a day: a month keeps its bounds and is never its first day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache

from timeline.edtf import FIRST_YEAR, LAST_YEAR, OPEN_FUTURE, OPEN_PAST, bounds
from timeline.errors import Refused

__all__ = [
    "EPOCH",
    "OPEN_FUTURE",
    "OPEN_PAST",
    "Valid",
    "format_instant",
    "known_of_publication",
    "parse_day",
    "parse_instant",
    "parse_known",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d(?::(?P<second>[0-6]\d)(?:\.\d{1,6}(?P<finer>\d*))?)?"
    r"(?P<offset>Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?",
    re.ASCII,
)
_SHOWN = 60  # characters of a refused text that its message repeats


@dataclass(frozen=True, slots=True)
class Valid:
    """The days over which a fact holds: EDTF as written and its four bounds.

    It begins on a day from `first_lo` to `first_hi` and ends on a day from `last_lo` to `last_hi`, both included.

    | written                   | first day            | last day             |
    |---------------------------|----------------------|----------------------|
    | `2021-12`, `2022-24`      | its first day        | its last day; winter is December to the next February |
    | `2021-12/..`              | any day of the month | open                 |
    | `[2023-12-01..2023-12-26]`| any day of the range | any day of the range |
    | `2021-12-XX`              | any day of the month | any day of the month |
    | `199X`                    | any 1 January of it  | any 31 December of it|
    | `2023-12-18/`             | 18 December          | that day or later    |

    Qualifiers (`~`, `?`, `%`) are kept in the text and leave the bounds as they are.

    >>> december = Valid.parse("2021-12/..")
    >>> december.possible(date(2021, 12, 6)), december.certain(date(2021, 12, 6)), december.certain(date(2022, 1, 1))
    (True, False, True)
    """

    text: str
    first_lo: date
    first_hi: date
    last_lo: date
    last_hi: date

    def __hash__(self) -> int:
        """Return what is told fast, since much is looked up by its days: few have a text in common."""
        return hash(self.text)

    @classmethod
    def parse(cls, text: str, *, lasting: bool = False) -> Valid:
        """Read EDTF; `Refused` says what is wrong and what to write.

        `lasting` reads a single date or one-of set `D` as `D/..`; periods and `unknown` stay. The text stays too.
        """
        return _parsed(text, lasting)

    def possible(self, day: date) -> bool:
        """Tell whether the fact may hold on that day."""
        return self.first_lo <= day <= self.last_hi

    def certain(self, day: date) -> bool:
        """Tell whether the fact surely holds on that day."""
        return self.first_hi <= day <= self.last_lo

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a plain tuple, which is several times as fast as what dataclasses with slots do by themselves."""
        return Valid, (self.text, self.first_lo, self.first_hi, self.last_lo, self.last_hi)

    @property
    def first(self) -> tuple[date | None, date | None]:
        """The earliest and latest possible first day; None where open."""
        return _closed(self.first_lo), _closed(self.first_hi)

    @property
    def last(self) -> tuple[date | None, date | None]:
        """The earliest and latest possible last day; None where open."""
        return _closed(self.last_lo), _closed(self.last_hi)


@lru_cache(maxsize=1 << 15)
def _parsed(text: str, lasting: bool) -> Valid:  # noqa: FBT001 - positional, as a cache is slower by keyword
    """Return the one `Valid` of a text: millions of events share some thousand dates."""
    return Valid(text, *bounds(text, lasting=lasting))


def _closed(day: date) -> date | None:
    """Return the day, or None for one that stands for an open bound."""
    return None if day in {OPEN_PAST, OPEN_FUTURE} else day


def parse_day(text: str) -> date:
    """Read a calendar day, written `2023-12-18` and no other way."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise Refused(f"`{_shown(text)}` is no day", remedy="Write year, month and day as 2023-12-18")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refused(f"the day {text} is out of range", remedy="Days run from 0002-01-01 to 9998-12-31")
    return day


def parse_known(text: str) -> datetime:
    """Read when a fact or document was made public: an instant, or a day, which counts from its start in UTC.

    >>> parse_known("2023-12-26").isoformat(), parse_known("2023-12-26T23:30:00-05:00").isoformat()
    ('2023-12-26T00:00:00+00:00', '2023-12-27T04:30:00+00:00')
    """
    return _moment(text, time.min)


def parse_instant(text: str) -> datetime:
    """Read the instant of a question: an instant, or a day, which counts whole, up to its end in UTC.

    >>> parse_instant("2023-12-26").isoformat()
    '2023-12-26T23:59:59.999999+00:00'
    """
    return _moment(text, time.max)


@lru_cache(maxsize=1 << 12)
def _moment(text: str, time_of_day: time) -> datetime:
    """Return a day at that time in UTC, or an instant (RFC 3339, seconds may be missing) as it is."""
    if _DAY.fullmatch(text):
        return datetime.combine(parse_day(text), time_of_day, UTC)
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise Refused(f"`{_shown(text)}` is neither a day nor an instant", remedy=_how_to_write(text))
    if match["offset"] is None:
        raise Refused(f"`{text}` does not say in which time zone", remedy=f"Write {text}Z if it is UTC, or an offset")
    if match["second"] is not None and match["second"] >= "60":
        raise Refused(f"`{text}` has no such second; leap seconds are not kept", remedy="Write second 59 at most")
    if (match["finer"] or "").strip("0"):
        raise Refused(f"`{_shown(text)}` is finer than a microsecond", remedy="Write at most six decimals")
    try:
        there = datetime.fromisoformat(text)
        moment = there.astimezone(UTC)
    except (ValueError, OverflowError):
        parse_day(text[:10])
        raise Refused(f"`{_shown(text)}` is out of range", remedy="Instants run from year 0002 to 9998") from None
    for day in (there, moment):
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            parse_day(day.date().isoformat())
    return moment


def _shown(text: str) -> str:
    """Return the beginning of a refused text as it can stand in a message of one line."""
    start = text[:_SHOWN]
    return start if start.isprintable() else ascii(start)[1:-1]


def _how_to_write(text: str) -> str:
    """Return how to write an instant; for an imprecise date, which day to take."""
    try:
        last = known_of_publication(Valid.parse(text))
    except Refused:
        last = None
    if last is None:
        return "Write 2023-12-26, or 2023-12-26T09:30:00Z with `T` and the offset from UTC"
    return f"Write a day: what was made public at some time in `{text}` was surely public by {last.date()}"


@lru_cache(maxsize=1 << 12)
def format_instant(moment: datetime) -> str:
    """Write an instant as RFC 3339 in UTC with `Z`, with microseconds only where there are any."""
    if moment.tzinfo is None:
        raise Refused(f"the instant {moment} does not say in which time zone", remedy="Give it an offset from UTC")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def known_of_publication(valid: Valid) -> datetime | None:
    """Return the instant from which something published then was surely public; None where no day is the last.

    That is the start of the last possible day, so that a precise publication counts from its own day on.
    """
    if valid.last_hi == OPEN_FUTURE:
        return None
    return datetime.combine(valid.last_hi, time.min, UTC)
