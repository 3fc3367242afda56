"""Laws of valid time, checked against a count of days that is written without the parser."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from laws.histories import tried

from timeline.errors import Refused
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid, format_instant, parse_instant, parse_known

EXAMPLES = tried(300)
# Chosen so that every part of a year that EDTF names, and the months in it, can be told by counting.
PARTS: dict[int, tuple[int, ...]] = {
    21: (3, 4, 5),
    22: (6, 7, 8),
    23: (9, 10, 11),
    33: (1, 2, 3),
    34: (4, 5, 6),
    35: (7, 8, 9),
    36: (10, 11, 12),
}
PARTS |= {37: (1, 2, 3, 4), 38: (5, 6, 7, 8), 39: (9, 10, 11, 12), 40: (1, 2, 3, 4, 5, 6), 41: (7, 8, 9, 10, 11, 12)}
TWENTIES = [str(date(2020, 1, 1) + timedelta(days=number)) for number in range(3653)]

days = st.dates(date(2, 1, 1), date(9998, 12, 31))
near_days = st.dates(date(1990, 1, 1), date(2040, 12, 31))
marks = st.sampled_from(["", "~", "?", "%"])


def coarse(day: date) -> list[str]:
    """Return the dates of every precision that contain a day, from the day itself to its century."""
    parts = [f"{day:%Y}".zfill(4) + f"-{code}" for code, months in PARTS.items() if day.month in months]
    winter = (
        [f"{day.year if day.month > 2 else day.year - 1:04}-24"] if day.month in {12, 1, 2} and day.year > 2 else []
    )
    year = f"{day.year:04}"
    return [str(day), f"{day}"[:7], year, *parts, *winter, f"{year[:3]}X", f"{year[:2]}XX", f"{day}"[:8] + "XX"]


@st.composite
def dates(draw: st.DrawFn) -> tuple[str, date]:
    """Draw a date of any precision, marked or not, and a day that it contains."""
    day = draw(near_days)
    return draw(st.sampled_from(coarse(day))) + draw(marks), day


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a valid time of any form: a date, a set, a period, with open and unknown ends."""
    (one, _), (other, _) = sorted((draw(dates()), draw(dates())), key=lambda drawn: drawn[1])
    ordered = [f"{one}/{other}", f"[{one}..{other}]", f"[{one}..{other}]/..", f"../[{one},{other}]"]
    single = [one, f"[{one}]", f"[..{one}]", f"[{one}..]", f"[{one},{other}]"]
    return draw(
        st.sampled_from([*single, *ordered, f"{one}/..", f"../{one}", f"{one}/", f"/{one}", "unknown", "../.."])
    )


def refusal(reader: Callable[[str], object], text: str) -> Refused | None:
    """Return the refusal of a text by a reader, None where it is read."""
    try:
        reader(text)
    except Refused as refused:
        return refused
    return None


@EXAMPLES
@given(texts(), st.booleans())
def test_bounds_are_ordered(text: str, lasting: bool) -> None:  # noqa: FBT001 - drawn
    """The earliest first day is no later than the latest, the same for the last, and no end precedes the beginning."""
    valid = Valid.parse(text, lasting=lasting)
    assert valid.first_lo <= valid.first_hi
    assert valid.last_lo <= valid.last_hi
    assert valid.first_lo <= valid.last_lo
    assert valid.first_hi <= valid.last_hi


@EXAMPLES
@given(texts(), st.booleans())
def test_text_is_stable(text: str, lasting: bool) -> None:  # noqa: FBT001 - drawn
    """A valid time keeps the text that it was written in, and reading it again gives the same."""
    valid = Valid.parse(text, lasting=lasting)
    assert valid.text == text
    assert Valid.parse(valid.text, lasting=lasting) == valid


@EXAMPLES
@given(texts(), near_days, st.booleans())
def test_certain_is_possible(text: str, day: date, lasting: bool) -> None:  # noqa: FBT001 - drawn
    """On a day on which a fact surely holds, it may hold."""
    valid = Valid.parse(text, lasting=lasting)
    assert valid.possible(day) or not valid.certain(day)


@EXAMPLES
@given(texts(), near_days)
def test_lasting_only_adds_days(text: str, day: date) -> None:
    """Reading a fact as lasting takes no possible day away."""
    assert Valid.parse(text, lasting=True).possible(day) or not Valid.parse(text).possible(day)


@EXAMPLES
@given(days, marks)
def test_coarser_date_contains_the_finer(day: date, mark: str) -> None:
    """Whatever contains a day is possible wherever the day is, alone and at either end of a period."""
    for text in coarse(day):
        for shape in ("{}", "{}/..", "../{}", "[{}]", "[..{}]", "[{}..]"):
            assert Valid.parse(shape.format(text + mark)).possible(day), text


@EXAMPLES
@given(near_days)
def test_definite_dates_are_certain_throughout(day: date) -> None:
    """A month, year, quarter or season surely holds on each of its days and possibly on no other."""
    for text in coarse(day)[:-3]:
        valid = Valid.parse(text)
        assert valid.certain(day)
        assert (valid.first_lo, valid.last_lo) == (valid.first_hi, valid.last_hi)
        assert not valid.possible(valid.first_lo - timedelta(days=1))
        assert not valid.possible(valid.last_hi + timedelta(days=1))


@EXAMPLES
@given(st.integers(2, 9998), st.integers(1, 12))
def test_month_has_its_days(year: int, month: int) -> None:
    """A month reaches from its first day to its last, leap years included."""
    valid = Valid.parse(f"{year:04}-{month:02}")
    assert (valid.last_hi - valid.first_lo).days + 1 == monthrange(year, month)[1]


def fits(pattern: str, written: str) -> bool:
    """Tell whether a date fits a pattern in which X is any digit."""
    return all(wanted in {"X", digit} for wanted, digit in zip(pattern, written, strict=True))


@EXAMPLES
@given(st.sampled_from(TWENTIES), st.sets(st.sampled_from([3, 5, 6, 8, 9]), min_size=1), st.booleans())
def test_unspecified_digits_agree_with_a_search_of_the_calendar(day: str, unknown: set[int], leap: bool) -> None:  # noqa: FBT001 - drawn
    """Dates with unspecified digits reach from the first to the last day found by looking through the calendar."""
    written = "2024-02-29" if leap else day
    text = "".join("X" if place in unknown else digit for place, digit in enumerate(written))
    found = [date.fromisoformat(one) for one in TWENTIES if fits(text, one)]
    valid = Valid.parse(text)
    assert (valid.first_lo, valid.first_hi) == (valid.last_lo, valid.last_hi) == (found[0], found[-1])


@EXAMPLES
@given(near_days, near_days)
def test_periods_of_days_hold_exactly_between(one: date, other: date) -> None:
    """A period of two days holds surely on every day between them; turned round it is refused."""
    first, last = sorted((one, other))
    valid = Valid.parse(f"{first}/{last}")
    assert valid.certain(first)
    assert valid.certain(last)
    assert not valid.possible(first - timedelta(days=1))
    assert not valid.possible(last + timedelta(days=1))
    assert (refusal(Valid.parse, f"{last}/{first}") is None) == (first == last)


@EXAMPLES
@given(near_days, st.integers(-3000, 3000))
def test_shifting_a_day_shifts_its_bounds(day: date, step: int) -> None:
    """What is written so many days later has all its closed bounds so many days later."""
    shift = timedelta(days=step)
    for shape in ("{}", "{}/..", "../{}", "[{}]", "{}/", "{}~"):
        before, after = Valid.parse(shape.format(day)), Valid.parse(shape.format(day + shift))
        for name in ("first_lo", "first_hi", "last_lo", "last_hi"):
            was, now = getattr(before, name), getattr(after, name)
            assert now == (was if was in {OPEN_PAST, OPEN_FUTURE} else was + shift)


@tried(1000)
@given(st.text(max_size=120) | st.text("0123456789X-/.~?%[],{}T:ZW uknow", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a reader raise anything but a refusal of one line with a remedy."""
    for reader in (Valid.parse, partial(Valid.parse, lasting=True), parse_known, parse_instant):
        refused = refusal(reader, text)
        assert refused is None or (refused.remedy and str(refused).isprintable())


@tried(1000)
@given(texts(), st.integers(0, 99), st.integers(0, 3), st.text("0123456789X-/.~?%[], é\n", max_size=3))
def test_mutated_text_is_read_or_refused(text: str, place: int, cut: int, put: str) -> None:
    """A valid text with something cut out or put in is either refused or has ordered bounds."""
    place %= len(text) + 1
    mutated = text[:place] + put + text[place + cut :]
    if refusal(Valid.parse, mutated) is None:
        valid = Valid.parse(mutated)
        assert valid.first_lo <= valid.first_hi <= valid.last_hi >= valid.last_lo >= valid.first_lo


@EXAMPLES
@given(
    st.datetimes(datetime(2, 1, 3), datetime(9998, 12, 29)),  # noqa: DTZ001 - the zone is drawn beside it
    st.integers(-1439, 1439),
)
def test_instant_survives_writing_and_reading(moment: datetime, minutes: int) -> None:
    """An instant of any offset is the same after it was written in UTC and read again."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_known(format_instant(aware)) == parse_instant(format_instant(aware)) == aware
    assert parse_known(aware.isoformat()) == aware
    assert parse_known(aware.isoformat()).tzinfo is UTC
