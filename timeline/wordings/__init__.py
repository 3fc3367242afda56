"""The closed table of how newsrooms write dates in English, and what each wording means in EDTF.

It hides the patterns behind `lookup`. Every rule has a name and one written meaning; a rule whose meaning changes gets
a new name, as the name is kept with the fact.

| words                     | meaning                                                                             |
|---------------------------|-------------------------------------------------------------------------------------|
| early, mid, late          | about a third: of a year, of a month (1-10, 11-20, 21-end), a quarter, a season; of |
|                           | a decade the years 0-3, 4-6, 7-9                                                    |
| beginning, end, year-end  | of a year about its first or last month; otherwise as early and late                |
| since, until, to          | a period, the other end open; where an end is itself a period, one day of that      |
| from 2008                 | begun then, its end unknown; `from 2008 onwards` and `2008 to present` go on        |
| 2018 to date              | up to today, and nothing is said of later                                           |
| by, before, after, between| one unknown day of that range; before and after leave out the date named            |
| sometime in 2021          | one unknown day of it, `[2021]`                                                     |
| 2021 or 2022              | one unknown day of either                                                           |
| Monday, last Monday       | the latest up to today; the latest before today                                     |
| this Monday, next Monday  | refused where it may be that of this week or that of the next                       |
| since Monday, by Monday   | the latest, the coming one; refused on a Monday; from, until, before and after may  |
|                           | mean either and are refused                                                         |
| 3 days ago, in 3 weeks    | that day; about that day; months and years are counted in months and years, about   |
| last week, this month     | the whole of it; weeks run from Monday to Sunday                                    |
| the 1990s, the 2000s      | some year of them; refused, as it may be the decade or the century                  |
| winter 2023/24            | December to February; `winter 2024` is refused, as two winters have days of it      |
| 2017-22, in 2017-22       | refused, as EDTF has a summer of that code; the years 2017 to 2022                  |
| fiscal 2023               | refused, as only its owner knows when it begins                                     |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial

from timeline.edtf import LONGEST, beside, ends, third, year_of
from timeline.errors import Refused
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid
from timeline.wordings.dates import DATES, STEPS, Read, Rule, Unclear, weekdays

__all__ = ["Reading", "Unclear", "lookup", "readings"]

Lookup = Callable[[str, date], str | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text was read as, and the name of the rule that read it."""

    edtf: str
    rule: str


def lookup(plain: str, today: date) -> Reading | None:
    """Return what the first rule that fits makes of a text, which is in lower case and has plain spaces and hyphens."""
    found = _looked_up(plain, today)
    if isinstance(found, Refused):
        raise found.with_traceback(None)
    return found


@lru_cache(maxsize=1 << 12)
def _looked_up(plain: str, today: date) -> Reading | Refused | None:
    """Return the reading of a text or its refusal; kept, as a phrase of phrases comes by its parts in many ways."""
    try:
        for rule in RULES:
            match = rule.pattern.fullmatch(plain)
            if match and (edtf := _read_by(rule, match, today)):
                return Reading(edtf, rule.name)
        bare = _LEAD.sub("", plain, count=1)
        return lookup(bare, today) if bare != plain else None
    except Refused as refused:
        return refused


def readings(plain: str, today: date, unclear: int = 3) -> dict[str, str]:
    """Return the EDTF of all that a text may mean, and a clear text of each; at most so many parts may be unclear."""
    try:
        reading = lookup(plain, today)
    except Unclear as part:
        texts = [plain.replace(part.part, text, 1) for text in part.texts if unclear]
        return {edtf: clear for text in texts for edtf, clear in readings(text, today, unclear - 1).items()}
    except Refused:
        return {}
    return {reading.edtf: plain} if reading else {}


def _read_by(rule: Rule, match: re.Match[str], today: date) -> str | None:
    """Return what a rule makes of a text, if the calendar has it."""
    try:
        edtf = rule.read(match, today)
    except (ValueError, OverflowError):
        raise Refused(f"`{match[0]}` lies outside the years 0002 to 9998", remedy="Write a nearer date") from None
    try:
        return Valid.parse(edtf).text if edtf else None
    except Refused as error:
        wrong = error.message.rpartition("` ")[2] if len(edtf or "") <= LONGEST else "names too many dates"
        remedy = "Write the earlier date first" if wrong.startswith("ends") else error.remedy
        raise Refused(f"`{match[0]}` {wrong}", remedy=remedy) from None


def _inner(plain: str, today: date) -> str | None:
    """Return the EDTF of a date within a phrase."""
    reading = lookup(plain, today)
    return reading.edtf if reading else None


def _closed(plain: str, today: date) -> str | None:
    """Return the EDTF of a date within a phrase that speaks of its ends, so that neither may be open."""
    edtf = _inner(plain, today)
    valid = Valid.parse(edtf or "unknown")
    return None if valid.first_lo == OPEN_PAST or valid.last_hi == OPEN_FUTURE else edtf


def _toward(*weeks: int) -> Lookup:
    """Return what reads a date after a word that looks back (-1), ahead (1) or perhaps either way.

    It matters for a bare weekday alone; said on that weekday, it is unclear whether today is meant.
    """

    def toward(plain: str, today: date) -> str | None:
        nearest = weekdays(plain, today)
        if not nearest:
            return _closed(plain, today)
        latest, coming = nearest
        meant = {coming if week > 0 else latest for week in weeks}
        if latest == coming:
            meant |= {today + timedelta(weeks=week) for week in weeks}
        if len(meant) > 1:
            raise Unclear(plain, f"said on {today} may be more than one day", map(str, sorted(meant)))
        return str(meant.pop())

    return toward


# Dates made of others

_LEAD = re.compile(r"(?:(?:on|at|during|throughout|in) )?(?:the )?")
_EDGES = {"beginning": "01", "start": "01", "end": "12"}
_THIRDS = {"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}


def _of_relative_year(match: re.Match[str], today: date) -> str | None:
    """Read `December last year` as that of the year by its number."""
    return _inner(f"{match['rest']} {year_of(today.year + STEPS[match['step']])}", today)


def _slice(match: re.Match[str], today: date) -> str | None:
    """Read `early 2024`, `late last month`, `mid-December 2021`, `end of Q1 2024`: about a third of it."""
    decade = _HUNDREDS.sub("x", match["inner"])  # `the 2000s` is unclear, but a century has no thirds here
    inner, part = _inner(decade, today), match["slice"]
    if inner and re.fullmatch(r"\d{4}", inner) and part in _EDGES:
        return f"{inner}-{_EDGES[part]}~"
    return third(inner, _THIRDS[part]) if inner else None


def _about(match: re.Match[str], today: date) -> str | None:
    """Read `around December 2021`."""
    inner = _closed(match["inner"], today)
    if not inner or "[" in inner:
        return None
    return "/".join(end if end.endswith("~") else f"{end}~" for end in inner.split("/"))


def _sometime(match: re.Match[str], today: date) -> str | None:
    """Read `sometime in 2021`: one unknown day of it."""
    inner = _closed(match["inner"], today)
    return inner if not inner or inner.startswith("[") else f"[{_member(inner)}]"


def _member(edtf: str) -> str:
    """Return a date as it can stand in a set."""
    return edtf.replace("/", "..") if "[" not in edtf else edtf.strip("[]")


def _as_end(edtf: str) -> str:
    """Return a date as it can stand at the end of a period: a period becomes one unknown day of it."""
    return "[{}..{}]".format(*ends(edtf)) if "/" in edtf else edtf


def _framed(template: str, end: Callable[[str], str], within: Lookup = _closed) -> Read:
    """Return what reads a word before a date, as `since March 2022`: a template, and what of the date stands there."""

    def framed(match: re.Match[str], today: date) -> str | None:
        inner = within(match["inner"], today)
        return template.format(end(inner), today=today) if inner else None

    return framed


def _from_to(match: re.Match[str], today: date) -> str | None:
    """Read `from March to May 2022`, where the first may borrow month and year of the last."""
    pair = _pair(match, today, _toward(-1, 1))
    return f"{_as_end(pair[0])}/{_as_end(pair[1])}" if pair else None


def _between(match: re.Match[str], today: date) -> str | None:
    """Read `between March and May 2022`: one unknown day from the beginning of the first to the end of the last."""
    pair = _pair(match, today, _toward(-1, 1))
    return f"[{ends(pair[0])[0]}..{ends(pair[1])[1]}]" if pair else None


def _or(match: re.Match[str], today: date) -> str | None:
    """Read `2021 or 2022`: one unknown day of either."""
    pair = _pair(match, today, _closed, ordered=False)
    return f"[{_member(pair[0])},{_member(pair[1])}]" if pair else None


def _pair(match: re.Match[str], today: date, within: Lookup, *, ordered: bool = True) -> tuple[str, str] | None:
    """Return the two dates of a phrase, of which the first may borrow its year or month from the last."""
    first, last = match["first"], match["inner"]
    own, other = _silently(within, first, today), within(last, today)
    year, month = re.search(r"\d{4}$", last), _MONTH_AND_YEAR.fullmatch(last)
    borrowed = ([f"{first} {year[0]}"] if year else []) + ([first + month[1]] if month else [])
    one = own or next(filter(None, (_silently(within, text, today) for text in borrowed)), None)
    one = one or within(first, today)
    if not (one and other):
        return None
    if (own and not ordered) or Valid.parse(other).last_hi >= Valid.parse(one).first_lo:
        return one, other
    start, between = match[0][: match.start("first")], match[0][match.end("first") : match.start("inner")]
    if own or not year:
        remedy = f"Write the earlier date first: {start}{last}{between}{first}"
        raise Refused(f"`{match[0]}` ends before it begins", remedy=remedy)
    sooner = f"{start}{first} {int(year[0]) - 1:04}{between}{last}"
    raise Unclear(match[0], "ends before it begins", [sooner])


def _silently(within: Lookup, plain: str, today: date) -> str | None:
    """Return the EDTF of a text that may be refused as well."""
    with suppress(Refused):
        return within(plain, today)
    return None


_MONTH_AND_YEAR = re.compile(r"\d{1,2}(?:st|nd|rd|th)?((?: of)? \w+\.?,? \d{4})")
_INNER = r"(?P<inner>.+)"
_HUNDREDS = re.compile(r"(?<=^\d\d0)0'?s$")

RULES = (
    *DATES,
    *(
        Rule(name, re.compile(pattern, re.ASCII), function)
        for name, pattern, function in (
            (
                "third",
                rf"(?:the )?(?P<slice>early|mid|late|beginning|start|middle|end)(?: in| of)?[ -]{_INNER}",
                _slice,
            ),
            ("about", rf"(?:around|about|circa|approximately|roughly|ca?\.?) ?{_INNER}", _about),
            ("relative year", r"(?P<rest>.+?),? (?:of )?(?P<step>last|previous|this|next) year", _of_relative_year),
            ("sometime", rf"(?:some ?time|some day|at some point) {_INNER}", _sometime),
            ("or", rf"(?:either )?(?P<first>.+?) or {_INNER}", _or),
            ("between", rf"between (?P<first>.+?) and {_INNER}", _between),
            ("to date", r"(?:from |since )?(?P<inner>.+?) to date", _framed("{}/{today}", _as_end)),
            (
                "to present",
                r"(?:from )?(?P<inner>.+?)(?: (?:to|until) (?:the )?| ?- ?)present",
                _framed("{}/..", _as_end),
            ),
            ("from to", rf"(?:from )?(?P<first>.+?) (?:to|until|till|through|-) {_INNER}", _from_to),
            ("since", r"since (?P<inner>.+?)(?: on| onwards?)?", _framed("{}/..", _as_end, _toward(-1))),
            ("since", r"(?:from|starting) (?P<inner>.+?) (?:on|onwards?)", _framed("{}/..", _as_end, _toward(-1, 1))),
            ("from", r"(?:from|starting) (?P<inner>.+?)(?:, end unknown)?", _framed("{}/", _as_end, _toward(-1, 1))),
            ("until", rf"(?:until|till|through|up to) {_INNER}", _framed("../{}", _as_end, _toward(-1, 1))),
            ("by", rf"(?:by|no later than) {_INNER}", _framed("[..{}]", lambda edtf: ends(edtf)[1], _toward(1))),
            ("before", rf"before {_INNER}", _framed("[..{}]", partial(beside, step=-1), _toward(-1, 1))),
            ("after", rf"after {_INNER}", _framed("[{}..]", partial(beside, step=1), _toward(-1, 1))),
        )
    ),
)
"""The table: the first rule that fits and has a reading is taken."""
