"""Dates in English that stand for themselves or count from today, and those that are unclear by themselves.

It hides the words for days, months and parts of a year behind the rows of `DATES`; what is made of such dates, as
`since March 2022`, stands in the table above them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from timeline.edtf import month_after, year_of
from timeline.errors import Refused
from timeline.temporal import Valid

Read = Callable[[re.Match[str], date], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: what it is called, what it looks like, and what it means given today (None: not this)."""

    name: str
    pattern: re.Pattern[str]
    read: Read


class Unclear(Refused):
    """A part of a text that may be read in several ways, each of them as a text that can stand in its place."""

    def __init__(self, part: str, why: str, texts: Iterable[str]) -> None:
        """Keep what `readings` needs to tell what the whole may mean."""
        self.part, self.texts = part, tuple(texts)
        super().__init__(f"`{part}` {why}", remedy=f"Write what is meant: {' or '.join(self.texts)}")


# What the rules have in common

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEASONS = {"spring": 21, "summer": 22, "autumn": 23, "fall": 23, "winter": 24}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: number for number, word in enumerate(_WORDS, start=1)} | {"a": 1, "an": 1}
STEPS = {"last": -1, "previous": -1, "this": 0, "current": 0, "the": 0, "next": 1, "coming": 1}
_CODES = {str(code): season for season, code in _SEASONS.items() if season != "autumn"}

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_MONTH_TO = _MONTH.replace("<month>", "<month_to>")
_WEEKDAY = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)\.?"
)
_BARE_WEEKDAY = re.compile(_WEEKDAY)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DAY_TO = _DAY.replace("<day>", "<day_to>")
_YEAR = r"(?P<year>\d{4})"
_STEP = r"(?P<step>last|previous|this|current|the|next|coming)"
_NUMBER = rf"(?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)}) (?P<unit>day|week|month|year)s?"


def _month(match: re.Match[str], group: str = "month") -> int:
    """Return the number of the month named in a group."""
    return _MONTHS.index(match[group][:3]) + 1


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


def _years_or_month(match: re.Match[str], _today: date) -> str | None:
    """Refuse `2008 - 09`, which may be years or a month."""
    year, last = match["year"], match["last"]
    years = [f"{year}/{year[:2]}{last}"] if last > year[2:] else []
    raise Unclear(match[0], "may be years or a month", [*years, f"{year}-{last}"])


def _years_or_season(match: re.Match[str], _today: date) -> str | None:
    """Refuse `2017-22`, which may be years or, in EDTF, a season."""
    year, last = match["year"], match["last"]
    if last <= year[2:]:
        return None
    season = _winter(int(year)) if _CODES[last] == "winter" else f"{_CODES[last]} {year}"
    raise Unclear(match[0], "may be years or a season", [f"{year}/{year[:2]}{last}", season])


def _slashed(match: re.Match[str], _today: date) -> str | None:
    """Refuse `03/04/2024`, which is March in America and April elsewhere, and `2024/03/04`."""
    if match["first"]:
        rest = match["rest"][1:].replace("/", "-")
        orders = [f"{match['first']}-{rest}" if "-" in rest else f"{match['first']} - {rest}"]
    else:
        year, one, other = match["year"], match["one"].zfill(2), match["other"].zfill(2)
        years = [year] if year[2:] else [f"20{year}", f"19{year}"]
        orders = [f"{whole}-{days}" for whole in years for days in (f"{one}-{other}", f"{other}-{one}")]
    raise Unclear(match[0], "does not say which number is which", orders)


def _day_or_year(match: re.Match[str], today: date) -> str | None:
    """Refuse `Dec 23`, a day of that month or, in a year near today, the month."""
    number = match["number"]
    near = next(year for year in range(today.year + 20, today.year - 80, -1) if f"{year:02}".endswith(number))
    days = [f"{match[0]} {year:04}" for year in (today.year - 1, today.year, today.year + 1)]
    raise Unclear(match[0], "does not say of which year", [*days, f"{match['month']} {near:04}"])


def _fiscal(match: re.Match[str], _today: date) -> str | None:
    """Refuse a fiscal year, of which only its owner knows when it begins."""
    raise Refused(
        f"`{match[0]}` does not say when that fiscal year begins and ends",
        remedy="Write its first and its last day, as 2022-04-01/2023-03-31",
    )


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
        raise Unclear(match[0], "names another day of the week than that date has", [edtf])
    return edtf


def _days_of_month(match: re.Match[str], _today: date) -> str:
    """Read `18-20 December 2021`."""
    month = _month_of_year(match, _today)
    return f"{month}-{int(match['day']):02}/{month}-{int(match['day_to']):02}"


def _named_year(text: str, today: date) -> str:
    """Return the year of `2024` or `last year`."""
    return text if text.isdecimal() else year_of(today.year + STEPS[text.partition(" ")[0]])


def _nth(code: int) -> Read:
    """Return what reads the n-th part of a year, as `Q1 2024`; `code` is that of the first in EDTF, less one."""

    def part(match: re.Match[str], today: date) -> str:
        number = _ORDINALS.get(match["number"]) or int(match["number"])
        return f"{_named_year(match['of'], today)}-{code + number}"

    return part


def _season(match: re.Match[str], today: date) -> str | None:
    """Read `spring 2024` and `winter 2023/24`; `winter 2024` may be either of two."""
    year, last = _named_year(match["of"], today), match["last"]
    if last and (match["season"] != "winter" or int(last) != (int(year) + 1) % 100):
        return None
    if match["season"] == "winter" and not last:
        either = (int(year) - 1, int(year))
        raise Unclear(match[0], "may be either of two winters", [_winter(one) for one in either])
    return f"{year}-{_SEASONS[match['season']]}"


def _winter(year: int) -> str:
    """Return what the winter that begins in a year is called."""
    return f"winter {year:04}/{(year + 1) % 100:02}"


def _decade(match: re.Match[str], _today: date) -> str:
    """Read `the 1990s`: some year of them; `the 2000s` may be a century as well."""
    decade = match["decade"]
    if decade.endswith("0"):
        raise Unclear(match[0], "may be a decade or a century", [f"{decade}x", f"{decade[:2]}xx"])
    return f"{decade}X"


# Dates that count from today


def _named_day(match: re.Match[str], today: date) -> str:
    """Read `today`, `yesterday`, `tomorrow`, `now` and `currently`."""
    return str(today + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(match[0], 0)))


def weekdays(plain: str, today: date) -> tuple[date, date] | None:
    """Return the latest and the coming day of a bare weekday, each of them today where today is one."""
    match = _BARE_WEEKDAY.fullmatch(plain)
    if not match:
        return None
    ahead = (_WEEKDAYS.index(match["weekday"][:3]) - today.weekday()) % 7
    return today - timedelta(days=-ahead % 7), today + timedelta(days=ahead)


def _weekday(match: re.Match[str], today: date) -> str:
    """Read `Monday` and `last`, `this`, `next Monday`; refuse what people understand differently on this day."""
    wanted, step = _WEEKDAYS.index(match["weekday"][:3]), STEPS.get(match["step"] or "")
    ahead = (wanted - today.weekday()) % 7
    this_week = today + timedelta(days=wanted - today.weekday())
    coming = today + timedelta(days=ahead or 7)
    if step is None:
        return str(today - timedelta(days=-ahead % 7))
    if step < 0:
        return str(coming - timedelta(days=14 if not ahead else 7))
    usual, other = (this_week, today + timedelta(days=ahead)) if step == 0 else (coming, this_week + timedelta(days=7))
    if usual != other:
        raise Unclear(match[0], f"said on {today} may be of this week or the next", [str(usual), str(other)])
    return str(usual)


def _counted(match: re.Match[str], today: date) -> str:
    """Read `3 weeks ago` and `in 3 days`: that day, or about the day, month or year that is so many on."""
    number = _NUMBERS.get(match["number"]) or int(match["number"])
    step = -number if match["ago"] else number
    unit = match["unit"]
    if unit == "year":
        return year_of(today.year + step) + "~"
    if unit == "month":
        return month_after(today.year, today.month, step) + "~"
    return f"{today + timedelta(days=step)}" if unit == "day" else f"{today + timedelta(weeks=step)}~"


def _unit(match: re.Match[str], today: date) -> str:
    """Read `last week`, `this month`, `next quarter`, `this year`."""
    step, unit = STEPS[match["step"]], match["unit"]
    if unit == "year":
        return year_of(today.year + step)
    if unit == "month":
        return month_after(today.year, today.month, step)
    if unit == "quarter":
        over, quarter = divmod((today.month - 1) // 3 + step, 4)
        return f"{year_of(today.year + over)}-{33 + quarter}"
    monday = today + timedelta(days=7 * step - today.weekday())
    return f"{monday}/{monday + timedelta(days=6)}"


def _rest_of_unit(match: re.Match[str], today: date) -> str | None:
    """Read `earlier this year` and `later this month`: one unknown day before or after today."""
    whole = Valid.parse(_unit(match, today))
    first, last = whole.first_lo, whole.last_hi
    if match["side"] == "later":
        return f"[{today + timedelta(days=1)}..{last}]" if today < last else None
    return f"[{first}..{today - timedelta(days=1)}]" if first < today else None


_OF_YEAR = r"(?:,? (?:of )?|[/-])(?P<of>\d{4}|(?:last|this|next) year)"

DATES = tuple(
    Rule(name, re.compile(pattern, re.ASCII), function)
    for name, pattern, function in (
        ("fiscal year", r".*\b(?:fiscal|financial year|fy ?'?\d).*", _fiscal),
        ("years", rf"{_YEAR} ?- ?(?P<last>\d{{4}})", _years),
        ("years or season", rf"{_YEAR}-(?P<last>2[1-4])", _years_or_season),
        ("years or month", rf"{_YEAR} - (?P<last>0[1-9]|1[012])", _years_or_month),
        ("edtf", r"[0-9x.,/?~%\[\]-]+|unknown", _edtf),
        ("years", rf"{_YEAR} ?- ?(?P<last>\d\d)", _years),
        ("years", rf"(?:in|during|throughout|over) {_YEAR}-(?P<last>2[1-4])", _years),
        ("years", rf"(?:years|period) {_YEAR} ?- ?(?P<last>\d{{4}}|\d\d)", _years),
        ("years", rf"{_YEAR} ?- ?(?P<last>\d{{4}}|\d\d) period", _years),
        ("slashed", r"(?P<first>\d{4})(?P<rest>/\d\d(?:/\d\d)?)", _slashed),
        ("slashed", r"(?P<first>)(?P<one>\d\d?)(?P<by>[/.-])(?P<other>\d\d?)(?P=by)(?P<year>\d{4}|\d\d)", _slashed),
        ("year", rf"(?:the )?year {_YEAR}", lambda m, _today: m["year"]),
        ("month", rf"{_MONTH},? (?:of )?{_YEAR}", _month_of_year),
        ("months", rf"{_MONTH} ?- ?{_MONTH_TO},? {_YEAR}", _months_of_year),
        ("day", rf"(?:{_WEEKDAY},? )?(?:the )?{_DAY}(?: of)? {_MONTH},? {_YEAR}", _day_of_month),
        ("day", rf"(?:{_WEEKDAY},? )?{_MONTH} {_DAY},? {_YEAR}", _day_of_month),
        ("days", rf"{_DAY} ?- ?{_DAY_TO} {_MONTH},? {_YEAR}", _days_of_month),
        ("days", rf"{_MONTH} {_DAY} ?- ?{_DAY_TO},? {_YEAR}", _days_of_month),
        ("day or year", rf"{_MONTH} (?P<number>\d\d)", _day_or_year),
        ("quarter", rf"(?P<q>q)?(?P<number>[1-4])(?(q)|q){_OF_YEAR}", _nth(32)),
        ("quarter", r"(?P<of>\d{4})[ /-]?q(?P<number>[1-4])", _nth(32)),
        ("quarter", rf"(?:the )?(?P<number>first|second|third|fourth|1st|2nd|3rd|4th) quarter{_OF_YEAR}", _nth(32)),
        ("half", rf"(?P<h>h)?(?P<number>[12])(?(h)|h){_OF_YEAR}", _nth(39)),
        ("half", r"(?P<of>\d{4})[ /-]?h(?P<number>[12])", _nth(39)),
        ("half", rf"(?:the )?(?P<number>first|second|1st|2nd) half{_OF_YEAR}", _nth(39)),
        ("season", rf"(?:the )?(?P<season>{'|'.join(_SEASONS)}){_OF_YEAR}(?:[/-](?:\d\d)?(?P<last>\d\d))?", _season),
        ("decade", r"(?:the )?(?P<decade>\d{3})0'?s", _decade),
        ("named day", r"today|yesterday|tomorrow|now|currently", _named_day),
        ("weekday", rf"(?!the )(?:{_STEP} )?{_WEEKDAY}", _weekday),
        ("counted", rf"{_NUMBER} (?P<ago>ago)", _counted),
        ("counted", rf"in {_NUMBER}(?P<ago>)", _counted),
        ("counted", rf"{_NUMBER} from (?:now|today)(?P<ago>)", _counted),
        ("unit", rf"{_STEP} (?P<unit>week|month|quarter|year)", _unit),
        ("rest of unit", r"(?P<side>earlier|later) (?P<step>this) (?P<unit>week|month|quarter|year)", _rest_of_unit),
        ("year-end", rf"(?:the )?year[ -]end(?: (?:of )?{_YEAR})?", lambda m, now: f"{m['year'] or now.year:04}-12~"),
    )
)
"""What these dates look like, and what they mean."""
