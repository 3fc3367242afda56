"""Dates as people type them: EDTF, ISO days and instants, and what newsrooms write in English.

It hides the wording behind `read`, whose closed table stands in `wordings`. Nothing is guessed: what several readings
fit, or none, is refused, and the refusal lists the readings. Relative words count from a day that the caller gives,
never from the clock.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from timeline.edtf import LONGEST
from timeline.errors import Refused
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid, parse_instant
from timeline.wordings import Reading, lookup, refused, silently

__all__ = ["Reading", "day", "instant", "read"]

_WINDOW = 8
"""Words of a text that is not read as a whole that are tried together."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_HYPHENS = str.maketrans(dict.fromkeys(_DASHES, "-"))
_YEARS_OR_MONTH = re.compile(rf"\d\d(\d\d)\s*[{_DASHES}]\s*(0\d|1[012])", re.ASCII)
_LEAD = re.compile(r"(?:(?:on|at|during|throughout|in(?! (?!the )\w+ (?:day|week|month|year)s?$)) )?(?:the )?")
_SLASHED = re.compile(
    r"\b(?:(?P<first>\d{4})(?P<rest>/\d\d(?:/\d\d)?)"
    r"|(?P<one>\d{1,2})([/.-])(?P<other>\d{1,2})\4(?P<year>\d{4}|\d\d))\b",
    re.ASCII,
)
_LIKE_EDTF = re.compile(r"[0-9xtz.,/?~%:\[\]{}+-]+")


def read(text: str, *, today: date) -> Reading:
    """Return the EDTF of a date written in EDTF or in English; `Refused` lists what an unclear one may mean.

    >>> read("early 2024", today=date(2024, 5, 15))
    Reading(edtf='2024-01~/2024-04~', rule='third')
    >>> read("last Monday", today=date(2024, 5, 15)).edtf
    '2024-05-13'
    """
    if len(text) > LONGEST:
        raise Refused(f"a date of {len(text)} characters is too long", remedy=f"Write at most {LONGEST}")
    plain = _plain(text)
    reading = lookup(plain, today)
    if reading is None:
        raise _unread(plain, today)
    return reading


def day(text: str, *, today: date) -> date:
    """Return the one day that a text means; a longer time is refused, with its first and last day as readings."""
    valid = Valid.parse(read(text, today=today).edtf)
    if valid.first_lo == valid.last_hi:
        return valid.first_lo
    ends = (str(end) for end in (valid.first_lo, valid.last_hi) if end not in {OPEN_PAST, OPEN_FUTURE})
    raise refused(f"`{_plain(text)}` is not one day", ends)


def instant(text: str, *, today: date) -> datetime:
    """Return the instant that a text means: an RFC 3339 instant as it is, a day as its end in UTC."""
    if re.match(r"\s*\d{4}-\d\d-\d\d\s*[tT\d]", text, re.ASCII):
        return parse_instant(text.strip())
    return parse_instant(str(day(text, today=today)))


def _plain(text: str) -> str:
    """Return the text in lower case with plain spaces and hyphens, without the words that may stand before any date.

    A dash may stand for a hyphen, but between a year and `12` it as likely joins two years: refused.
    """
    either = _YEARS_OR_MONTH.fullmatch(text.strip())
    if either and either[2] > either[1]:
        year, last = text.strip()[:4], either[2]
        raise refused(f"`{text.strip()}` may be years or a month", (f"{year}/{year[:2]}{last}", f"{year}-{last}"))
    plain = " ".join(text.translate(_HYPHENS).casefold().split())
    return _LEAD.sub("", plain, count=1) if plain[:1].isalpha() else plain


def _unread(plain: str, today: date) -> Refused:
    """Return the refusal of a text that no rule reads."""
    if slashed := _SLASHED.search(plain):
        return refused(f"`{slashed[0]}` does not say which number is which", _slashed(slashed, today))
    if not plain or _LIKE_EDTF.fullmatch(plain):
        return _not_edtf(plain.upper())
    shown = plain if plain.isprintable() else ascii(plain)[1:-1]
    if by_year := _by_year(plain, today):
        return refused(f"`{shown}` does not say of which year", by_year)
    return refused(f"`{shown}` is no date that can be read", _within(plain, today))


def _slashed(match: re.Match[str], today: date) -> list[str]:
    """Return the readings of `03/04/2024`, which is March in America and April elsewhere, and of `2024/03/04`."""
    if match["first"]:
        orders = [match["first"] + match["rest"].replace("/", "-")]
    else:
        year, one, other = match["year"], match["one"].zfill(2), match["other"].zfill(2)
        years = [year] if year[2:] else [f"20{year}", f"19{year}"]
        orders = [f"{whole}-{days}" for whole in years for days in (f"{one}-{other}", f"{other}-{one}")]
    return [edtf for order in orders if (edtf := silently(order, today))]


def _not_edtf(text: str) -> Refused:
    """Return the refusal of a text that looks like EDTF, as the parser of EDTF knows best what is wrong with it."""
    try:
        Valid.parse(text)
    except Refused as error:
        return error
    return refused(f"`{text}` is no date that can be read", ())


def _by_year(plain: str, today: date) -> list[str]:
    """Return what a text without a year means in the last, this and the next year."""
    bare = re.sub(r"^(?:last|this|next|past|coming) ", "", plain)
    years = () if re.search(r"\d{4}", bare) or not re.search("[a-z]", bare) else range(today.year - 1, today.year + 2)
    return [edtf for year in years if (edtf := silently(f"{bare} {year:04}", today))]


def _within(plain: str, today: date) -> list[str]:
    """Return the reading of the longest run of words in a text that is a date."""
    words = plain.split()
    for length in range(min(len(words), _WINDOW), 0, -1):
        for start in range(len(words) - length + 1):
            if edtf := silently(" ".join(words[start : start + length]), today):
                return [edtf]
    return []
