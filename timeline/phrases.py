"""Dates as people type them: EDTF, ISO days and instants, and what newsrooms write in English.

It hides the wording behind `read`, whose closed table stands in `wordings`. Nothing is guessed: what several readings
fit, or none, is refused, and the refusal lists the readings of the whole text. Relative words count from a day that the
caller gives, never from the clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from timeline.edtf import LONGEST
from timeline.errors import Refused
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid, parse_instant
from timeline.wordings import Reading, Unclear, lookup, readings

__all__ = ["Reading", "day", "instant", "read"]

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_HYPHENS = str.maketrans(dict.fromkeys(_DASHES, "-"))
_YEAR_DASH = re.compile(rf"(?<!\S)(\d{{4}})\s*[{_DASHES}]\s*(?=\d\d(?!\S))", re.ASCII)
_LIKE_EDTF = re.compile(r"[0-9xtz.,/?~%:\[\]{}+-]+")
_UNCLEAR = re.compile(r"\d{4}-2[1-4]", re.ASCII)
_WITH_A_CLOCK = re.compile(r"\s*\d{4}-\d\d-\d\d\s*[tT\d]", re.ASCII)
_PAST, _COMING = ("last", "past"), ("this", "next", "coming")


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
    try:
        reading = lookup(plain, today)
    except Unclear as unclear:
        raise _refused(unclear.message, readings(plain, today) or _by_year(plain, today)) from None
    except Refused as refused:  # which is kept there, and would keep the place that it is given further up
        raise Refused(refused.message, remedy=refused.remedy) from None
    if reading is None:
        raise _unread(plain, today)
    return reading


def day(text: str, *, today: date) -> date:
    """Return the one day that a text means; a longer time is refused, with its first and last day as readings."""
    valid = Valid.parse(read(text, today=today).edtf)
    if valid.first_lo == valid.last_hi:
        return valid.first_lo
    ends = {str(end): text for end in (valid.first_lo, valid.last_hi) if end not in {OPEN_PAST, OPEN_FUTURE}}
    raise _refused(f"`{_plain(text)}` is not one day", ends)


def instant(text: str, *, today: date) -> datetime:
    """Return the instant that a text means: an RFC 3339 instant as it is, a day as its end in UTC."""
    if _WITH_A_CLOCK.match(text):
        return parse_instant(text.strip())
    return parse_instant(str(day(text, today=today)))


def _plain(text: str) -> str:
    """Return the text in lower case with plain spaces and hyphens.

    A dash is a hyphen; but between a year and two digits, where EDTF never has one, it stays apart from both, so that
    `2017\u201322` is not taken for the summer of 2017.
    """
    return " ".join(_YEAR_DASH.sub(r"\1 - ", text).translate(_HYPHENS).casefold().split())


def _refused(message: str, offered: Mapping[str, str]) -> Refused:
    """Return a refusal that lists the readings, and in words those whose EDTF is itself unclear to a reader."""
    shown = (f"{words} ({edtf})" if _UNCLEAR.fullmatch(edtf) else edtf for edtf, words in offered.items())
    listed = " or ".join(shown)
    return Refused(message, remedy=f"Write what is meant: {listed}" if listed else "Write a date as 2023-12-18")


def _unread(plain: str, today: date) -> Refused:
    """Return the refusal of a text that no rule reads."""
    if not plain or _LIKE_EDTF.fullmatch(plain):
        try:
            Valid.parse(plain.upper())
        except Refused as error:
            return error
    shown = plain if plain.isprintable() else ascii(plain)[1:-1]
    if by_year := _by_year(plain, today):
        return _refused(f"`{shown}` does not say of which year", by_year)
    return _refused(f"`{shown}` is no date that can be read", {})


def _by_year(plain: str, today: date) -> dict[str, str]:
    """Return what a text without a year means in the last, this and the next year, as far as its first word allows."""
    if re.search(r"\d{4}", plain) or not re.search("[a-z]", plain):
        return {}
    word, _, rest = plain.partition(" ")
    bare = rest if word in {*_PAST, *_COMING} else plain
    years = (readings(f"{bare} {today.year + step:04}", today) for step in (-1, 0, 1))
    found = [(edtf, words, Valid.parse(edtf)) for year in years for edtf, words in year.items()]
    return {
        edtf: words
        for edtf, words, valid in found
        if (word not in _PAST or valid.first_lo <= today) and (word not in _COMING or valid.last_hi >= today)
    }
