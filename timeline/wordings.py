"""The closed table of how newsrooms write dates in English, and what each wording means in EDTF.

It hides the patterns behind `lookup`. Every rule has a name and one written meaning; a rule whose meaning changes gets
a new name, as the name is kept with the fact.

| words                     | meaning                                                                             |
|---------------------------|-------------------------------------------------------------------------------------|
| early, mid, late          | about a third: of a year, of a month (1-10, 11-20, 21-end), a quarter, a season; of |
|                           | a decade the years 0-3, 4-6, 7-9                                                    |
| beginning, end, year-end  | of a year about its first or last month; otherwise as early and late                |
| since, from, until, to    | a period, the other end open; where an end is itself a period, one day of that      |
| by, before, after, between| one unknown day of that range; before and after leave out the date named            |
| Monday, last Monday       | the latest up to today; the latest before today                                     |
| this Monday, next Monday  | refused where it may be that of this week or that of the next                       |
| 3 days ago, in 3 weeks    | that day; about that day; months and years are counted in months and years          |
| last week, this month     | the whole of it; weeks run from Monday to Sunday                                    |
| the 1990s                 | some year of them                                                                   |
| 2017-22                   | the years 2017 to 2022, although EDTF has a summer of that code                     |
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import chain

from timeline.errors import Refused
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid

Read = Callable[[re.Match[str], date], str | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text was read as, and the name of the rule that read it."""

    edtf: str
    rule: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: what it is called, what it looks like, and what it means given today (None: not this)."""

    name: str
    pattern: re.Pattern[str]
    read: Read


def lookup(plain: str, today: date) -> Reading | None:
    """Return what the first rule that fits makes of a text, which is in lower case and has plain spaces and hyphens."""
    for rule in RULES:
        match = rule.pattern.fullmatch(plain)
        if match and (edtf := _read_by(rule, match, today)):
            return Reading(edtf, rule.name)
    return None


def silently(plain: str, today: date) -> str | None:
    """Return the EDTF of a text that may be refused as well."""
    with suppress(Refused):
        return _inner(plain, today)
    return None


def refused(message: str, readings: Iterable[str]) -> Refused:
    """Return a refusal that lists the readings."""
    listed = " or ".join(dict.fromkeys(readings))
    return Refused(message, remedy=f"Write what is meant: {listed}" if listed else "Write a date as 2023-12-18")


def _read_by(rule: Rule, match: re.Match[str], today: date) -> str | None:
    """Return what a rule makes of a text, if the calendar has it."""
    try:
        edtf = rule.read(match, today)
        return Valid.parse(edtf).text if edtf else None
    except (ValueError, OverflowError):
        raise Refused(f"`{match[0]}` lies outside the years 0002 to 9998", remedy="Write a nearer date") from None


def _inner(plain: str, today: date) -> str | None:
    """Return the EDTF of a date within a phrase."""
    reading = lookup(plain, today)
    return reading.edtf if reading else None


def _closed(plain: str, today: date) -> str | None:
    """Return the EDTF of a date within a phrase that speaks of its ends, so that neither may be open."""
    edtf = _inner(plain, today)
    valid = Valid.parse(edtf or "unknown")
    return None if valid.first_lo == OPEN_PAST or valid.last_hi == OPEN_FUTURE else edtf


# What the rules have in common

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEASONS = {"spring": 21, "summer": 22, "autumn": 23, "fall": 23, "winter": 24}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: number for number, word in enumerate(_WORDS, start=1)} | {"a": 1, "an": 1}
_STEPS = {"last": -1, "previous": -1, "this": 0, "current": 0, "the": 0, "next": 1, "coming": 1}
_THIRDS = {"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}
_EDGES = {"beginning": "01", "start": "01", "end": "12"}

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_MONTH_TO = _MONTH.replace("<month>", "<month_to>")
_WEEKDAY = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DAY_TO = _DAY.replace("<day>", "<day_to>")
_YEAR = r"(?P<year>\d{4})"
_STEP = r"(?P<step>last|previous|this|current|the|next|coming)"
_NUMBER = rf"(?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)}) (?P<unit>day|week|month|year)s?"


def _month(match: re.Match[str], group: str = "month") -> int:
    """Return the number of the month named in a group."""
    return _MONTHS.index(match[group][:3]) + 1


def _year(number: int) -> str:
    """Return a year as it is written; `ValueError` where no calendar has it."""
    return f"{date(number, 1, 1).year:04}"


def _months_from(year: int, month: int, step: int) -> str:
    """Return the month so many months on."""
    over, index = divmod(month - 1 + step, 12)
    return f"{_year(year + over)}-{index + 1:02}"


def _ends(edtf: str) -> tuple[str, str]:
    """Return the earliest and the latest date that stand in a date or period."""
    first, slash, last = edtf.partition("/")
    return first, last if slash else first


def _as_end(edtf: str) -> str:
    """Return a date as it can stand at the end of a period: a period becomes one unknown day of it."""
    return "[{}..{}]".format(*_ends(edtf)) if "/" in edtf else edtf


def _beside(edtf: str, step: int) -> str:
    """Return the year, month or day next to a date, in the same precision; next to anything else, a day."""
    exact = edtf.rstrip("~?%")
    mark = "~" if "~" in edtf else ""
    if re.fullmatch(r"\d{4}", exact):
        return _year(int(exact) + step) + mark
    if re.fullmatch(r"\d{4}-(?:0\d|1[012])", exact):
        return _months_from(int(exact[:4]), int(exact[5:]), step) + mark
    valid = Valid.parse(edtf)
    return f"{(valid.first_lo if step < 0 else valid.last_hi) + timedelta(days=step)}{mark}"


# Dates that stand for themselves


def _edtf(match: re.Match[str], _today: date) -> str | None:
    """Read EDTF itself."""
    text = match[0] if match[0] == "unknown" else match[0].upper()
    with suppress(Refused):
        return Valid.parse(text).text
    return None


def _years(match: re.Match[str], _today: date) -> str | None:
    """Read `2017-22` and `2021-2031`: from the one year to the other."""
    first, last = match["year"], match["last"]
    last = first[: 4 - len(last)] + last
    return f"{first}/{last}" if first < last else None


def _month_of_year(match: re.Match[str], _today: date) -> str:
    """Read `December 2021`."""
    return f"{match['year']}-{_month(match):02}"


def _months_of_year(match: re.Match[str], _today: date) -> str:
    """Read `March-May 2022`."""
    return f"{match['year']}-{_month(match):02}/{match['year']}-{_month(match, 'month_to'):02}"


def _day_of_month(match: re.Match[str], _today: date) -> str:
    """Read `18 December 2021`; a day of the week that is named as well must be the right one."""
    edtf = f"{_month_of_year(match, _today)}-{int(match['day']):02}"
    if match["weekday"] and _WEEKDAYS.index(match["weekday"][:3]) != Valid.parse(edtf).first_lo.weekday():
        raise refused(f"`{match.string}`: that day is another day of the week", [edtf])
    return edtf


def _days_of_month(match: re.Match[str], _today: date) -> str:
    """Read `18-20 December 2021`."""
    month = _month_of_year(match, _today)
    return f"{month}-{int(match['day']):02}/{month}-{int(match['day_to']):02}"


def _nth(code: int) -> Read:
    """Return what reads the n-th part of a year, as `Q1 2024`; `code` is that of the first in EDTF, less one."""

    def part(match: re.Match[str], today: date) -> str | None:
        year, number = _inner(match["inner"], today), match["number"]
        return f"{year}-{code + (_ORDINALS.get(number) or int(number))}" if year else None

    return part


def _season(match: re.Match[str], today: date) -> str | None:
    """Read `spring 2024` and `winter 2023/24`; winter bears the year of its December."""
    year, last = _inner(match["inner"], today), match["last"]
    if not year or (last and (match["season"] != "winter" or int(last) != (int(year) + 1) % 100)):
        return None
    return f"{year}-{_SEASONS[match['season']]}"


def _decade(match: re.Match[str], _today: date) -> str:
    """Read `the 1990s`: some year of them."""
    return f"{match['decade']}X"


# Dates that count from today


def _named_day(match: re.Match[str], today: date) -> str:
    """Read `today`, `yesterday`, `tomorrow` and `now`."""
    return str(today + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(match[0], 0)))


def _weekday(match: re.Match[str], today: date) -> str:
    """Read `Monday` and `last`, `this`, `next Monday`; refuse what people understand differently on this day."""
    wanted, step = _WEEKDAYS.index(match["weekday"][:3]), _STEPS.get(match["step"] or "")
    ahead = (wanted - today.weekday()) % 7
    this_week = today + timedelta(days=wanted - today.weekday())
    coming = today + timedelta(days=ahead or 7)
    if step is None:
        return str(today - timedelta(days=-ahead % 7))
    if step < 0:
        return str(coming - timedelta(days=14 if not ahead else 7))
    usual, other = (this_week, today + timedelta(days=ahead)) if step == 0 else (coming, this_week + timedelta(days=7))
    if usual != other:
        raise refused(f"`{match.string}`, said on {today}, may be of this week or the next", [str(usual), str(other)])
    return str(usual)


def _counted(match: re.Match[str], today: date) -> str:
    """Read `3 weeks ago` and `in 3 days`, as precisely as the unit that is counted."""
    number = _NUMBERS.get(match["number"]) or int(match["number"])
    step = -number if match["ago"] else number
    unit = match["unit"]
    if unit == "year":
        return _year(today.year + step)
    if unit == "month":
        return _months_from(today.year, today.month, step)
    return f"{today + timedelta(days=step)}" if unit == "day" else f"{today + timedelta(weeks=step)}~"


def _unit(match: re.Match[str], today: date) -> str:
    """Read `last week`, `this month`, `next quarter`, `this year`."""
    step, unit = _STEPS[match["step"]], match["unit"]
    if unit == "year":
        return _year(today.year + step)
    if unit == "month":
        return _months_from(today.year, today.month, step)
    if unit == "quarter":
        over, quarter = divmod((today.month - 1) // 3 + step, 4)
        return f"{_year(today.year + over)}-{33 + quarter}"
    monday = today + timedelta(days=7 * step - today.weekday())
    return f"{monday}/{monday + timedelta(days=6)}"


def _rest_of_unit(match: re.Match[str], today: date) -> str | None:
    """Read `earlier this year` and `later this month`: one unknown day before or after today."""
    whole = Valid.parse(_unit(match, today))
    first, last = whole.first_lo, whole.last_hi
    if match["side"] == "later":
        return f"[{today + timedelta(days=1)}..{last}]" if today < last else None
    return f"[{first}..{today - timedelta(days=1)}]" if first < today else None


# Dates made of others


def _slice(match: re.Match[str], today: date) -> str | None:
    """Read `early 2024`, `late last month`, `mid-December 2021`, `end of Q1 2024`: about a third of it."""
    inner, part = _inner(match["inner"], today), match["slice"]
    if inner and re.fullmatch(r"\d{4}", inner) and part in _EDGES:
        return f"{inner}-{_EDGES[part]}~"
    return _third(inner, _THIRDS[part]) if inner else None


def _third(edtf: str, third: int) -> str | None:
    """Return the first, second or last third (0, 1, 2) of a year, month, quarter, season or decade."""
    year, part = edtf[:4], edtf[5:]
    if re.fullmatch(r"\d{4}", edtf):
        return f"{year}-{4 * third + 1:02}~/{year}-{4 * third + 4:02}~"
    if re.fullmatch(r"\d{4}-(?:0\d|1[012])", edtf):
        last = (10, 20, monthrange(int(year), int(part))[1])[third]
        return f"{edtf}-{10 * third + 1:02}~/{edtf}-{last:02}~"
    if re.fullmatch(r"\d{4}-(?:2[1-4]|3[3-6])", edtf):
        return _months_from(int(year), Valid.parse(edtf).first_lo.month, third) + "~"
    if re.fullmatch(r"\d{3}X", edtf):
        return "{0}{1}~/{0}{2}~".format(year[:3], *((0, 3), (4, 6), (7, 9))[third])
    return None


def _about(match: re.Match[str], today: date) -> str | None:
    """Read `around December 2021`."""
    inner = _closed(match["inner"], today)
    if not inner or "[" in inner:
        return None
    return "/".join(end if end.endswith("~") else f"{end}~" for end in inner.split("/"))


def _framed(template: str, end: Callable[[str], str]) -> Read:
    """Return what reads a word before a date, as `since March 2022`: a template, and what of the date stands there."""

    def framed(match: re.Match[str], today: date) -> str | None:
        inner = _closed(match["inner"], today)
        return template.format(end(inner)) if inner else None

    return framed


def _from_to(match: re.Match[str], today: date) -> str | None:
    """Read `from March to May 2022`, where the first may borrow month and year of the last."""
    pair = _pair(match, today)
    return f"{_as_end(pair[0])}/{_as_end(pair[1])}" if pair else None


def _between(match: re.Match[str], today: date) -> str | None:
    """Read `between March and May 2022`: one unknown day from the beginning of the first to the end of the last."""
    pair = _pair(match, today)
    return f"[{_ends(pair[0])[0]}..{_ends(pair[1])[1]}]" if pair else None


def _pair(match: re.Match[str], today: date) -> tuple[str, str] | None:
    """Return the two dates of a phrase."""
    first, last = match["first"], match["inner"]
    year, rest = re.search(r"\d{4}$", last), last.lstrip("0123456789")
    written = chain([first], [f"{first} {year[0]}", first + rest] if year else [])
    one, other = next(filter(None, (silently(text, today) for text in written)), None), _closed(last, today)
    return (one, other) if one and other else None


_INNER = r"(?P<inner>.+)"
_OF_YEAR = r",? (?:of )?(?P<inner>\d{4}|(?:last|this|next) year)"

RULES = tuple(
    Rule(name, re.compile(pattern, re.ASCII), function)
    for name, pattern, function in (
        ("years", rf"{_YEAR} ?- ?(?P<last>\d{{4}}|2[1-4])", _years),
        ("edtf", r"[0-9x.,/?~%\[\]-]+|unknown", _edtf),
        ("years", rf"{_YEAR} ?- ?(?P<last>\d\d)", _years),
        ("year", rf"(?:the )?year {_YEAR}", lambda m, _today: m["year"]),
        ("month", rf"{_MONTH},? (?:of )?{_YEAR}", _month_of_year),
        ("months", rf"{_MONTH} ?- ?{_MONTH_TO},? {_YEAR}", _months_of_year),
        ("day", rf"(?:{_WEEKDAY},? )?(?:the )?{_DAY}(?: of)? {_MONTH},? {_YEAR}", _day_of_month),
        ("day", rf"(?:{_WEEKDAY},? )?{_MONTH} {_DAY},? {_YEAR}", _day_of_month),
        ("days", rf"{_DAY} ?- ?{_DAY_TO} {_MONTH},? {_YEAR}", _days_of_month),
        ("days", rf"{_MONTH} {_DAY} ?- ?{_DAY_TO},? {_YEAR}", _days_of_month),
        ("quarter", rf"q(?P<number>[1-4]){_OF_YEAR}", _nth(32)),
        ("quarter", rf"(?:the )?(?P<number>first|second|third|fourth|1st|2nd|3rd|4th) quarter{_OF_YEAR}", _nth(32)),
        ("half", rf"h(?P<number>[12]){_OF_YEAR}", _nth(39)),
        ("half", rf"(?:the )?(?P<number>first|second|1st|2nd) half{_OF_YEAR}", _nth(39)),
        ("season", rf"(?:the )?(?P<season>{'|'.join(_SEASONS)}){_OF_YEAR}(?:[/-](?:\d\d)?(?P<last>\d\d))?", _season),
        ("decade", r"(?:the )?(?P<decade>\d{3})0'?s", _decade),
        ("named day", r"today|yesterday|tomorrow|now", _named_day),
        ("weekday", rf"(?:{_STEP} )?{_WEEKDAY}", _weekday),
        ("counted", rf"{_NUMBER} (?P<ago>ago)", _counted),
        ("counted", rf"in {_NUMBER}(?P<ago>)", _counted),
        ("counted", rf"{_NUMBER} from (?:now|today)(?P<ago>)", _counted),
        ("unit", rf"{_STEP} (?P<unit>week|month|quarter|year)", _unit),
        ("rest of unit", r"(?P<side>earlier|later) (?P<step>this) (?P<unit>week|month|quarter|year)", _rest_of_unit),
        ("year-end", rf"(?:the )?year[ -]end(?: (?:of )?{_YEAR})?", lambda m, now: f"{m['year'] or now.year:04}-12~"),
        ("third", rf"(?:the )?(?P<slice>early|mid|late|beginning|start|middle|end)(?: in| of)?[ -]{_INNER}", _slice),
        ("about", rf"(?:around|about|circa|approximately|roughly|ca?\.?) ?{_INNER}", _about),
        ("between", rf"between (?P<first>.+?) and {_INNER}", _between),
        ("from to", rf"(?:from )?(?P<first>.+?) (?:to|until|till|through|-) {_INNER}", _from_to),
        ("since", r"(?:since|from|starting) (?P<inner>.+?)(?: on| onwards?)?", _framed("{}/..", _as_end)),
        ("until", rf"(?:until|till|through|up to) {_INNER}", _framed("../{}", _as_end)),
        ("by", rf"(?:by|no later than) {_INNER}", _framed("[..{}]", lambda edtf: _ends(edtf)[1])),
        ("before", rf"before {_INNER}", _framed("[..{}]", partial(_beside, step=-1))),
        ("after", rf"after {_INNER}", _framed("[{}..]", partial(_beside, step=1))),
    )
)
"""The table: the first rule that fits and has a reading is taken."""
