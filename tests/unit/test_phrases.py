"""Dates as newsrooms write them: what each phrase means, and what is refused with its readings."""

from __future__ import annotations

import re
from calendar import day_name, month_abbr, month_name
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timeline.errors import Place, Refused
from timeline.phrases import day, instant, read
from timeline.temporal import Valid

TODAY = date(2023, 12, 26)  # a Tuesday
EXAMPLES = settings(max_examples=300, deadline=None)
SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, lambda words: words.replace(" ", "\u00a0 "))
OFFER = "Write what is meant: "
near_days = st.dates(date(1950, 1, 1), date(2049, 12, 31))


def edtf(text: str, today: date = TODAY) -> str:
    """Return what a phrase is read as."""
    return read(text, today=today).edtf


def readings(text: str, today: date = TODAY) -> list[str]:
    """Return the readings that the refusal of a phrase lists."""
    with pytest.raises(Refused) as caught:
        read(text, today=today)
    assert caught.value.remedy.startswith(OFFER)
    return caught.value.remedy.removeprefix(OFFER).split(" or ")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2023-12-18", "2023-12-18"),
        ("2021-12/..", "2021-12/.."),
        ("[2023-12-01..2023-12-26]", "[2023-12-01..2023-12-26]"),
        ("unknown", "unknown"),
        ("2023-33", "2023-33"),
        ("18 December 2021", "2021-12-18"),
        ("December 18, 2021", "2021-12-18"),
        ("Dec. 18, 2021", "2021-12-18"),
        ("18th December, 2021", "2021-12-18"),
        ("on Saturday, 18 December 2021", "2021-12-18"),
        ("December 2021", "2021-12"),
        ("in December, 2021", "2021-12"),
        ("Sept. 2021", "2021-09"),
        ("early 2024", "2024-01~/2024-04~"),
        ("mid-2024", "2024-05~/2024-08~"),
        ("mid 2024", "2024-05~/2024-08~"),
        ("late 2024", "2024-09~/2024-12~"),
        ("early December 2021", "2021-12-01~/2021-12-10~"),
        ("mid-December 2021", "2021-12-11~/2021-12-20~"),
        ("late December 2021", "2021-12-21~/2021-12-31~"),
        ("late February 2024", "2024-02-21~/2024-02-29~"),
        ("Q1 2024", "2024-33"),
        ("Q4 of 2024", "2024-36"),
        ("the first quarter of 2024", "2024-33"),
        ("fourth quarter 2024", "2024-36"),
        ("H1 2024", "2024-40"),
        ("second half of 2024", "2024-41"),
        ("spring 2024", "2024-21"),
        ("summer of 2024", "2024-22"),
        ("autumn 2024", "2024-23"),
        ("fall 2024", "2024-23"),
        ("2024 Q1", "2024-33"),
        ("Q1/2024", "2024-33"),
        ("1H 2024", "2024-40"),
        ("winter 2023-24", "2023-24"),
        ("winter 2023/24", "2023-24"),
        ("the winter of 2023-2024", "2023-24"),
        ("winter 1999/2000", "1999-24"),
        ("early winter 2023/24", "2023-12~"),
        ("early 2000s", "2000~/2003~"),
        ("late 1990s", "1997~/1999~"),
        ("the 1990s", "199X"),
        ("since March 2022", "2022-03/.."),
        ("since early 2022", "[2022-01~..2022-04~]/.."),
        ("since 2008", "2008/.."),
        ("from 2008", "2008/"),
        ("from 2008, end unknown", "2008/"),
        ("from early 2022", "[2022-01~..2022-04~]/"),
        ("from 2008 onwards", "2008/.."),
        ("2018 to present", "2018/.."),
        ("2018\u2013present", "2018/.."),
        ("from 2021 to 2031", "2021/2031"),
        ("18 to 20 December 2021", "2021-12-18/2021-12-20"),
        ("from March 2022 until 18 December 2023", "2022-03/2023-12-18"),
        ("between 2021 and 2023", "[2021..2023]"),
        ("between March 2022 and May 2022", "[2022-03..2022-05]"),
        ("2021-2031", "2021/2031"),
        ("2021\u20132031", "2021/2031"),
        ("in 2017-22", "2017/2022"),
        ("2017-22 period", "2017/2022"),
        ("in the 2017-22 period", "2017/2022"),
        ("during the period 2017-22", "2017/2022"),
        ("2017\u201322", "2017/2022"),
        ("2011-12 period", "2011/2012"),
        ("2011-12", "2011-12"),
        ("2017\u201319", "2017/2019"),
        ("until March 2022", "../2022-03"),
        ("before June 2022", "[..2022-05]"),
        ("before 2020", "[..2019]"),
        ("after 18 December 2021", "[2021-12-19..]"),
        ("around December 2021", "2021-12~"),
        ("circa 2021", "2021~"),
        ("sometime in 2021", "[2021]"),
        ("some day in 2021-2023", "[2021..2023]"),
        ("sometime in early 2024", "[2024-01~..2024-04~]"),
        ("sometime between 2021 and 2023", "[2021..2023]"),
        ("2021 or 2022", "[2021,2022]"),
        ("2022 or 2021", "[2022,2021]"),
        ("March or April 2022", "[2022-03,2022-04]"),
        ("late 2023 or early 2024", "[2023-09~..2023-12~,2024-01~..2024-04~]"),
        ("since [2021,2022]", "[2021,2022]/.."),
        ("between [2021,2022] and 2023", "[2021..2023]"),
    ],
)
def test_absolute_phrase(text: str, expected: str) -> None:
    """A phrase that names its year means the same whatever day it is."""
    assert edtf(text) == expected == edtf(text, date(1999, 6, 15))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("today", "2023-12-26"),
        ("yesterday", "2023-12-25"),
        ("tomorrow", "2023-12-27"),
        ("last Monday", "2023-12-25"),
        ("last Tuesday", "2023-12-19"),
        ("on Monday", "2023-12-25"),
        ("next Monday", "2024-01-01"),
        ("in 3 days", "2023-12-29"),
        ("3 days ago", "2023-12-23"),
        ("3 weeks ago", "2023-12-05~"),
        ("a month ago", "2023-11~"),
        ("3 months ago", "2023-09~"),
        ("3 years ago", "2020~"),
        ("in 3 years", "2026~"),
        ("currently", "2023-12-26"),
        ("the Monday", "2023-12-25"),
        ("since Monday", "2023-12-25/.."),
        ("by Monday", "[..2024-01-01]"),
        ("by last Monday", "[..2023-12-25]"),
        ("2018 to date", "2018/2023-12-26"),
        ("December last year", "2022-12"),
        ("December of last year", "2022-12"),
        ("18 December last year", "2022-12-18"),
        ("since December last year", "2022-12/.."),
        ("between March and May next year", "[2024-03..2024-05]"),
        ("this year", "2023"),
        ("last year", "2022"),
        ("next month", "2024-01"),
        ("last month", "2023-11"),
        ("early next year", "2024-01~/2024-04~"),
        ("late last month", "2023-11-21~/2023-11-30~"),
        ("this week", "2023-12-25/2023-12-31"),
        ("last week", "2023-12-18/2023-12-24"),
    ],
)
def test_relative_phrase(text: str, expected: str) -> None:
    """A phrase without a year counts from the day that is given, never from the clock."""
    assert edtf(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("03/04/2024", ["2024-03-04", "2024-04-03"]),
        ("12/31/23", ["1923-12-31", "2023-12-31"]),
        ("31.12.2023", ["2023-12-31"]),
        ("31/12/2023", ["2023-12-31"]),
        ("next Friday", ["2023-12-29", "2024-01-05"]),
        ("this Monday", ["2023-12-25", "2024-01-01"]),
        ("by Tuesday", ["[..2023-12-26]", "[..2024-01-02]"]),
        ("by next Friday", ["[..2023-12-29]", "[..2024-01-05]"]),
        ("since Tuesday", ["2023-12-19/..", "2023-12-26/.."]),
        ("until Monday", ["../2023-12-25", "../2024-01-01"]),
        ("before Monday", ["[..2023-12-24]", "[..2023-12-31]"]),
        ("after Monday", ["[2023-12-26..]", "[2024-01-02..]"]),
        ("from Monday", ["2023-12-25/", "2024-01-01/"]),
        ("from Monday to Friday", ["2023-12-25/2023-12-29"]),
        ("winter 2024", ["winter 2023/24 (2023-24)", "winter 2024/25 (2024-24)"]),
        ("since winter 2024", ["2023-24/..", "2024-24/.."]),
        ("2017-22", ["2017/2022", "summer 2017 (2017-22)"]),
        ("2008\u201309", ["2008-09", "2008/2009"]),
        ("the 2000s", ["200X", "20XX"]),
        ("since the 1900s", ["190X/..", "19XX/.."]),
        ("Dec. 18", ["2018-12", "2022-12-18", "2023-12-18", "2024-12-18"]),
        ("Dec 23", ["2022-12-23", "2023-12", "2023-12-23", "2024-12-23"]),
        ("Dec 45", ["1945-12"]),
        ("until March", ["../2022-03", "../2023-03", "../2024-03"]),
        ("last December", ["2022-12", "2023-12"]),
        ("next March", ["2024-03"]),
        ("since 03/04/2024", ["2024-03-04/..", "2024-04-03/.."]),
        ("between Dec 23 and Jan 5", [f"[{y}-12-23..{y + 1}-01-05]" for y in (2021, 2022, 2023)]),
        ("from December to January 2024", ["2023-12/2024-01"]),
        ("since Friday, 18 December 2021", ["2021-12-18/.."]),
        ("early December", ["2022-12-01~/2022-12-10~", "2023-12-01~/2023-12-10~", "2024-12-01~/2024-12-10~"]),
    ],
)
def test_ambiguous_phrase_lists_its_readings(text: str, expected: list[str]) -> None:
    """What can be read in more than one way, or in a way that others write otherwise, is refused with each reading."""
    assert sorted(set(readings(text))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2024-13",
        "soon",
        "32 December 2021",
        "Friday, 18 December 2021",
        "from 2023 to 2021",
        "Q5 2024",
        "X" * 101,
    ],
)
def test_unread_phrase_is_refused(text: str) -> None:
    """What no rule reads is refused: nothing is guessed."""
    with pytest.raises(Refused):
        read(text, today=TODAY)


@pytest.mark.parametrize("text", ["fiscal 2023", "FY2023", "FY23", "Q1 FY2024", "since fiscal year 2023"])
def test_fiscal_year_is_asked_for_by_its_dates(text: str) -> None:
    """When a fiscal year begins is known to its owner alone, who is asked for its two dates."""
    with pytest.raises(Refused, match="its first and its last day, as 2022-04-01/2023-03-31"):
        read(text, today=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "between [2022..] and 2023",
        "between 2022/.. and 2023",
        "since [2022..]",
        "from unknown to 2023",
        "from 2023 to 2021",
        "18-32 December 2021",
        "20-18 December 2021",
        "soon after 2021",
        "[]",
    ],
)
def test_message_repeats_what_was_written(text: str) -> None:
    """A refusal shows the text as it was written and nothing that was made of it on the way."""
    with pytest.raises(Refused) as caught:
        read(text, today=TODAY)
    assert re.findall("`(.*?)`", caught.value.message) == [text.lower()]


def test_only_the_whole_text_is_offered() -> None:
    """What a part of a text may mean is not offered for the whole."""
    for text in ("soon after 2021 perhaps", "since 20-18 December 2021", "2021 or late 1999 or " * 4 + "2021"):
        with pytest.raises(Refused) as caught:
            read(text, today=TODAY)
        assert "/" not in str(caught.value)


def test_refusal_is_new_each_time() -> None:
    """A refusal that somebody gave a place does not bring that place to the next who asks the same."""
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            read("fiscal 2023", today=TODAY)
        assert caught.value.place == Place()
        caught.value.place = Place(field="--on")


def test_newspaper_before_the_new_year() -> None:
    """What was promised for `early next year` on Christmas Day is promised for about January to April."""
    assert edtf("early next year", date(2023, 12, 25)) == "2024-01~/2024-04~"


def test_month_is_not_a_day() -> None:
    """Where one day is asked for, a month is refused with its first and last day, and a day is taken in any wording."""
    assert day("18 December 2021", today=TODAY) == date(2021, 12, 18)
    assert day("yesterday", today=TODAY) == date(2023, 12, 25)
    with pytest.raises(Refused, match=r"2021-12-01 or 2021-12-31"):
        day("December 2021", today=TODAY)
    with pytest.raises(Refused, match=r"2023-12-01 or 2023-12-31"):
        day("2023-12", today=TODAY)
    with pytest.raises(Refused, match=r"2022-03-01"):
        day("since March 2022", today=TODAY)


def test_day_counts_to_its_end_as_an_instant() -> None:
    """An instant asked for by a day is the end of it; one written out is itself."""
    assert instant("today", today=TODAY) == datetime(2023, 12, 26, 23, 59, 59, 999999, UTC)
    assert instant("yesterday", today=TODAY) == datetime(2023, 12, 25, 23, 59, 59, 999999, UTC)
    assert instant("2023-12-20T10:00:00+02:00", today=TODAY) == datetime(2023, 12, 20, 8, tzinfo=UTC)
    with pytest.raises(Refused, match="time zone"):
        instant("2023-12-20T10:00:00", today=TODAY)


def wordings(when: date) -> list[tuple[str, str]]:
    """Return EDTF and English of a day and of what contains it, put in words without the table."""
    year, iso, month = when.year, str(when), month_name[when.month]
    nth = ("first", "second", "third", "fourth")
    return [
        (iso, f"{when.day} {month} {year}"),
        (iso, f"{day_name[when.weekday()]}, {month} {when.day}, {year}"),
        (iso, f"{month_abbr[when.month]}. {when.day}, {year}"),
        (iso[:7], f"{month} {year}"),
        (f"{year}", f"{year}"),
        (f"{year}-{33 + (when.month - 1) // 3}", f"{nth[(when.month - 1) // 3]} quarter of {year}"),
        (f"{year}-{40 + (when.month - 1) // 6}", f"H{1 + (when.month - 1) // 6} {year}"),
        (f"{year}-22", f"summer {year}"),
        (f"{iso[:7]}/..", f"since {month} {year}"),
        (f"../{iso}", f"until {when.day} {month} {year}"),
        (f"{year}/{year + 3}", f"from {year} to {year + 3}"),
        (f"[{year}..{year + 3}]", f"between {year} and {year + 3}"),
        (f"{iso[:7]}~", f"around {month} {year}"),
    ]


@EXAMPLES
@given(near_days, st.sampled_from(SPELLINGS))
def test_rendered_date_is_read_back(when: date, spelled: Callable[[str], str]) -> None:
    """EDTF put into English is read back as that EDTF, whatever the case and the white space."""
    for written, words in wordings(when):
        assert edtf(spelled(words)) == written, words


@EXAMPLES
@given(near_days, st.integers(0, 400))
def test_days_are_counted(today: date, number: int) -> None:
    """So many days ago and in so many days are the days found by counting."""
    assert edtf(f"{number} days ago", today) == str(today - timedelta(days=number))
    assert edtf(f"in {number} days", today) == str(today + timedelta(days=number))


@EXAMPLES
@given(near_days, st.sampled_from(list(day_name)))
def test_last_weekday_is_the_latest_before_today(today: date, name: str) -> None:
    """`last Monday` is the only Monday among the seven days before today."""
    found = date.fromisoformat(edtf(f"last {name}", today))
    assert day_name[found.weekday()] == name
    assert 1 <= (today - found).days <= 7


@EXAMPLES
@given(near_days)
def test_parts_of_a_month_cover_it(today: date) -> None:
    """Early, mid and late last month follow one another without a gap and are the whole month."""
    early, mid, late = (Valid.parse(edtf(f"{part} last month", today)) for part in ("early", "mid", "late"))
    month = Valid.parse(edtf("last month", today))
    assert (early.first_lo, late.last_hi) == (month.first_lo, month.last_hi)
    assert early.last_hi + timedelta(days=1) == mid.first_lo
    assert mid.last_hi + timedelta(days=1) == late.first_lo


PIECES = st.sampled_from(
    """the in on of early mid late since from to until between and before after around about last this next monday week
    month year quarter half q1 h2 spring winter december dec. 18 2021 2021-12 2017-22 1990s ago 3 days a - / .. today
    now end end- beginning 03/04/2024 [ ] ~ 31.12.2023 0001 9999 9998 century unknown or by sometime friday tuesday
    2000s fy2023 period 2017-24 date present 2023/24 onwards dec 23 year""".split(),  # noqa: SIM905 - prose
)


def refusal(reader: Callable[..., object], text: str, today: date) -> Refused | None:
    """Return the refusal of a text by a reader, None where it is read."""
    try:
        reader(text, today=today)
    except Refused as refused:
        return refused
    return None


@settings(max_examples=1500, deadline=None)
@given(st.text(max_size=110) | st.lists(PIECES, max_size=9).map(" ".join), st.dates() | near_days)
def test_any_phrase_is_read_or_refused(text: str, today: date) -> None:
    """No text on any day makes a reader raise anything but a refusal of one line; what is read is valid EDTF."""
    for reader in (read, day, instant):
        refused = refusal(reader, text, today)
        assert refused is None or (refused.remedy and str(refused).isprintable())
    if refusal(read, text, today) is None:
        assert Valid.parse(edtf(text, today)).text == edtf(text, today)


@EXAMPLES
@given(st.lists(PIECES, max_size=6).map(" ".join), near_days)
def test_every_reading_offered_is_read(text: str, today: date) -> None:
    """Whatever a refusal offers as a reading can be written instead, and is read as the EDTF that was offered."""
    refused = refusal(read, text, today)
    if refused and refused.remedy.startswith(OFFER):
        for offered in refused.remedy.removeprefix(OFFER).split(" or "):
            words, _, written = offered.partition(" (")
            assert edtf(words, today) == (written.removesuffix(")") or words)
