"""Valid time, bound by bound, and instants: every row of the contract and every refusal, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from timeline.errors import Refused
from timeline.temporal import (
    OPEN_FUTURE,
    OPEN_PAST,
    Valid,
    format_instant,
    known_of_publication,
    parse_day,
    parse_instant,
    parse_known,
)


def bounds(text: str, *, lasting: bool = False) -> str:
    """Return the four bounds of a text as one line: `first_lo first_hi last_lo last_hi`, open ends as `..`."""
    valid = Valid.parse(text, lasting=lasting)
    days = (valid.first_lo, valid.first_hi, valid.last_lo, valid.last_hi)
    return " ".join(".." if day in {OPEN_PAST, OPEN_FUTURE} else str(day) for day in days)


def refusal(text: str) -> str:
    """Return what is said when a text is refused as a valid time."""
    with pytest.raises(Refused) as caught:
        Valid.parse(text)
    assert caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2023-12-18", "2023-12-18 2023-12-18 2023-12-18 2023-12-18"),
        ("2021-12", "2021-12-01 2021-12-01 2021-12-31 2021-12-31"),
        ("2022", "2022-01-01 2022-01-01 2022-12-31 2022-12-31"),
        ("2023-33", "2023-01-01 2023-01-01 2023-03-31 2023-03-31"),
        ("[2023-12-01..2023-12-26]", "2023-12-01 2023-12-26 2023-12-01 2023-12-26"),
        ("2021-12-06/..", "2021-12-06 2021-12-06 .. .."),
        ("2021-12/..", "2021-12-01 2021-12-31 .. .."),
        ("2021/2031", "2021-01-01 2021-12-31 2031-01-01 2031-12-31"),
        ("[2022-02-24..2023-12-26]/..", "2022-02-24 2023-12-26 .. .."),
        ("2024-01~/..", "2024-01-01 2024-01-31 .. .."),
        ("2022?", "2022-01-01 2022-01-01 2022-12-31 2022-12-31"),
        ("../2023-12-26", ".. .. 2023-12-26 2023-12-26"),
        ("2023-12-18/", "2023-12-18 2023-12-18 2023-12-18 .."),
        ("unknown", ".. .. .. .."),
    ],
)
def test_row_of_the_contract(text: str, expected: str) -> None:
    """Every row of the contract's table has the bounds that the table gives."""
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "code, first, last",
    [
        ("21", "2023-03-01", "2023-05-31"),
        ("22", "2023-06-01", "2023-08-31"),
        ("23", "2023-09-01", "2023-11-30"),
        ("24", "2023-12-01", "2024-02-29"),
        ("33", "2023-01-01", "2023-03-31"),
        ("34", "2023-04-01", "2023-06-30"),
        ("35", "2023-07-01", "2023-09-30"),
        ("36", "2023-10-01", "2023-12-31"),
        ("37", "2023-01-01", "2023-04-30"),
        ("38", "2023-05-01", "2023-08-31"),
        ("39", "2023-09-01", "2023-12-31"),
        ("40", "2023-01-01", "2023-06-30"),
        ("41", "2023-07-01", "2023-12-31"),
    ],
)
def test_part_of_a_year(code: str, first: str, last: str) -> None:
    """Seasons, quarters, thirds and halves are throughout; winter runs to the end of the next February."""
    assert bounds(f"2023-{code}") == f"{first} {first} {last} {last}"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2021-12-XX", "2021-12-01 2021-12-31 2021-12-01 2021-12-31"),
        ("2021-XX", "2021-01-01 2021-12-01 2021-01-31 2021-12-31"),
        ("2021-1X", "2021-10-01 2021-12-01 2021-10-31 2021-12-31"),
        ("2021-XX-31", "2021-01-31 2021-12-31 2021-01-31 2021-12-31"),
        ("199X", "1990-01-01 1999-01-01 1990-12-31 1999-12-31"),
        ("19XX-02-29", "1904-02-29 1996-02-29 1904-02-29 1996-02-29"),
        ("XXXX-12", ".. .. .. .."),
        ("199X/..", "1990-01-01 1999-12-31 .. .."),
    ],
)
def test_unspecified_digits(text: str, expected: str) -> None:
    """Unspecified digits leave open which date is meant, among those that the calendar has."""
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[2021,2022-05]", "2021-01-01 2022-05-31 2021-01-01 2022-05-31"),
        ("[2021-12]", "2021-12-01 2021-12-31 2021-12-01 2021-12-31"),
        ("[..2022]", ".. 2022-12-31 .. 2022-12-31"),
        ("[2022..]", "2022-01-01 .. 2022-01-01 .."),
        ("[2020,2022-01..2022-03]", "2020-01-01 2022-03-31 2020-01-01 2022-03-31"),
        ("2021/[2022-03..2022-05]", "2021-01-01 2021-12-31 2022-03-01 2022-05-31"),
    ],
)
def test_one_of_a_set(text: str, expected: str) -> None:
    """A set is one unknown day between the first and the last that it names, open ends included."""
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("/2023", ".. 2023-12-31 2023-01-01 2023-12-31"),
        ("../..", ".. .. .. .."),
        ("/..", ".. .. .. .."),
        ("2021-12/2021-12", "2021-12-01 2021-12-31 2021-12-01 2021-12-31"),
        ("2021-12-15/2021-12", "2021-12-15 2021-12-15 2021-12-15 2021-12-31"),
        ("2021-12/2021-12-15", "2021-12-01 2021-12-15 2021-12-15 2021-12-15"),
        ("2023-24/2024-21", "2023-12-01 2024-02-29 2024-03-01 2024-05-31"),
    ],
)
def test_ends_of_a_period(text: str, expected: str) -> None:
    """Neither end of a period can lie beyond the other, and an empty end is any day that the other allows."""
    assert bounds(text) == expected


@pytest.mark.parametrize("text", ["2004-06-11~", "2004-06-11%", "?2004-06-~11", "2004?-06-11", "2004-06~-11"])
def test_qualifiers_leave_bounds_alone(text: str) -> None:
    """Marks of doubt on a date or a part of it are kept in the text and move no bound."""
    assert bounds(text) == bounds("2004-06-11")
    assert Valid.parse(text).text == text


@pytest.mark.parametrize(
    "text, as_if",
    [
        ("2021-12-06", "2021-12-06/.."),
        ("2024-01~", "2024-01~/.."),
        ("[2021..2023]", "[2021..2023]/.."),
        ("199X", "199X/.."),
        ("2021/2023", "2021/2023"),
        ("unknown", "unknown"),
    ],
)
def test_lasting(text: str, as_if: str) -> None:
    """A lasting fact goes on from its single date; a period and `unknown` stay, and so does the text."""
    assert bounds(text, lasting=True) == bounds(as_if)
    assert Valid.parse(text, lasting=True).text == text


def test_open_bounds_are_none() -> None:
    """An open bound is shown as nothing, a closed one as its day."""
    assert Valid.parse("2023-12-18/").first == (date(2023, 12, 18), date(2023, 12, 18))
    assert Valid.parse("2023-12-18/").last == (date(2023, 12, 18), None)
    assert Valid.parse("unknown").first == Valid.parse("unknown").last == (None, None)


def test_unknown_is_possible_always_and_certain_never() -> None:
    """A fact without any time may hold on every day and surely holds on none."""
    unknown = Valid.parse("unknown")
    days = [date(2, 1, 1), date(2023, 12, 18), date(9998, 12, 31)]
    assert all(unknown.possible(day) and not unknown.certain(day) for day in days)


def test_period_is_certain_between_its_doubtful_ends() -> None:
    """Between the last possible beginning and the first possible end a fact surely holds."""
    decade = Valid.parse("2021/2031")
    assert [decade.certain(date(year, 6, 1)) for year in (2021, 2022, 2030, 2031)] == [False, True, True, False]
    assert [decade.possible(date(year, 6, 1)) for year in (2020, 2021, 2031, 2032)] == [False, True, True, False]


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "unknown"),
        (" 2021", "white space"),
        ("2021\n", "white space"),
        ("2024-13", "Months are 01-12"),
        ("2023-02-29", "no such day"),
        ("2021-02-3X", "no such day"),
        ("2021-21-05", "Months are 01-12"),
        ("0001", "0002 to 9998"),
        ("9999-12-31", ".."),
        ("2023/2022", "2022/2023"),
        ("[2023..2022]", "[2022..2023]"),
        ("[..]", "no EDTF"),
        ("[]", "`[]` has an empty place"),
        ("[,2021]", "Write [2021]"),
        ("[2021,2024-13]", "`[2021,2024-13]`: `2024-13`"),
        ("/", "unknown"),
        ("..", "../.."),
        ("2021/2022/2023", "two ends"),
        ("2021/open", ".."),
        ("unknown/2021", "empty"),
        ("{2021,2022}", "one fact for each"),
        ("2023-12-18T10:00:00Z", "whole days"),
        ("20231218", "2023-12-18"),
        ("2024-W05", "weeks"),
        ("2024-032", "days of the year"),
        ("Y17000", "four digits"),
        ("-0044-03-15", "four digits"),
        ("199x", "199X"),
        ("2021\u201312", "hyphen"),
        ("2021?~", "two marks"),
        ("٢٠٢١", "no EDTF"),
        ("2021" * 26, "too long"),
    ],
)
def test_refused_with_a_remedy(text: str, said: str) -> None:
    """What is no valid time is refused in one line that says what to write instead."""
    assert said in refusal(text)
    assert refusal(text).isprintable()


def test_day_is_iso_only() -> None:
    """A day is year, month and day with hyphens; the other spellings of ISO 8601 are refused."""
    assert parse_day("2023-12-18") == date(2023, 12, 18)
    for text in (
        "20231218",
        "2023-W51-1",
        "2023-352",
        "2023-12",
        "2023-02-30",
        "0001-01-01",
        "9999-12-31",
        "٢٠٢٣-12-18",
    ):
        with pytest.raises(Refused):
            parse_day(text)


def test_bare_day_is_known_from_its_start_and_asked_to_its_end() -> None:
    """The same day counts from its start where it dates a fact and up to its end where it asks."""
    assert parse_known("2023-12-26") == datetime(2023, 12, 26, tzinfo=UTC)
    assert parse_instant("2023-12-26") == datetime(2023, 12, 26, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2023-12-26T10:00:00Z", "2023-12-26T10:00:00Z"),
        ("2024-04-01T00:00Z", "2024-04-01T00:00:00Z"),
        ("2023-12-26T23:30:00-05:00", "2023-12-27T04:30:00Z"),
        ("2024-01-01T00:00:00.5+05:30", "2023-12-31T18:30:00.500000Z"),
        ("2024-01-01T00:00:00.123456000Z", "2024-01-01T00:00:00.123456Z"),
        ("2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00Z"),
    ],
)
def test_instant_is_kept_in_utc(text: str, expected: str) -> None:
    """An instant is kept in UTC and written with `Z`, whatever offset it came with."""
    assert format_instant(parse_known(text)) == expected == format_instant(parse_instant(text))


@pytest.mark.parametrize(
    "text, said",
    [
        ("2023-12-26T10:00:00", "time zone"),
        ("2023-12-26 10:00:00Z", "`T`"),
        ("2023-12-26T24:00:00Z", "`T`"),
        ("2023-12-26T23:59:60Z", "leap second"),
        ("2023-12-26T10:00:00.1234567Z", "microsecond"),
        ("2023-12-26T10:00:00+0530", "offset"),
        ("2023-12-26T10:00:00+05:60", "offset"),
        ("2023-02-30T10:00:00Z", "no day"),
        ("0001-01-01T00:00:00+14:00", "range"),
        ("0002-01-01T00:00:00+14:00", "range"),
        ("9998-12-31T23:59:59-14:00", "range"),
        ("2023-12", "surely public by 2023-12-31"),
        ("20231226T100000Z", "`T`"),
        ("2023-W52-2", "`T`"),
        ("", "`T`"),
        ("now", "`T`"),
    ],
)
def test_instant_refused(text: str, said: str) -> None:
    """What is not exactly one instant is refused in one line that says how to write it."""
    for read in (parse_known, parse_instant):
        with pytest.raises(Refused) as caught:
            read(text)
        assert said in str(caught.value)


def test_instant_is_written_without_needless_decimals() -> None:
    """Microseconds are written only where there are any, and an instant without zone not at all."""
    moment = datetime(2023, 12, 26, 10, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert format_instant(moment) == "2023-12-26T04:30:00Z"
    with pytest.raises(Refused, match="time zone"):
        format_instant(datetime(2023, 12, 26))  # noqa: DTZ001 - the very thing that is refused


@pytest.mark.parametrize(
    "published, expected",
    [
        ("2023-12-26", "2023-12-26T00:00:00Z"),
        ("2023-12", "2023-12-31T00:00:00Z"),
        ("[2023-12-01..2023-12-26]", "2023-12-26T00:00:00Z"),
        ("2024-01~/2024-04~", "2024-04-30T00:00:00Z"),
        ("2023-12-01/..", None),
        ("2023-12-01/", None),
        ("unknown", None),
    ],
)
def test_publication_is_known_from_its_last_possible_day(published: str, expected: str | None) -> None:
    """Only on its last possible day was something surely public; without one it never was."""
    known = known_of_publication(Valid.parse(published))
    assert (known and format_instant(known)) == expected
