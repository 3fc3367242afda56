"""Questions: days as callers give them."""

from datetime import UTC, date, datetime

import pytest

from timeline.errors import Place, Refused
from timeline.question import Question

NOW = datetime(2024, 5, 15, 12, tzinfo=UTC)


class Holiday(date):
    """A day of a class of the caller's own."""


@pytest.mark.parametrize(
    "given,meant",
    [
        ("2023-12-26", date(2023, 12, 26)),
        (date(2023, 12, 26), date(2023, 12, 26)),
        (Holiday(2023, 12, 26), date(2023, 12, 26)),
        (date(2, 1, 1), date(2, 1, 1)),
        (date(9998, 12, 31), date(9998, 12, 31)),
        (None, date(2024, 5, 15)),
    ],
)
def test_a_day_is_a_text_or_a_date(given: str | date | None, meant: date) -> None:
    """Days are read in whatever form they come; without one it is the day of asking."""
    on, known = Question(on=given).read(NOW)

    assert on == meant
    assert known == NOW


@pytest.mark.parametrize("day", [date.min, date(1, 12, 31), date(9999, 1, 1), date.max])
def test_days_outside_of_the_calendar_are_refused_in_whatever_form(day: date) -> None:
    """A date is held to the same rules as a text: the first and last year stand for open ends."""
    with pytest.raises(Refused, match="not in the calendar") as as_date:
        Question(on=day).read(NOW)
    with pytest.raises(Refused, match="not in the calendar") as as_text:
        Question(on=day.isoformat()).read(NOW)

    assert str(as_date.value) == str(as_text.value)
    assert as_date.value.remedy


@pytest.mark.parametrize("moment", [NOW, datetime(2024, 5, 15)])  # noqa: DTZ001  what a caller may give
def test_an_instant_is_no_day(moment: datetime) -> None:
    """What has a time of day is refused where a day is asked for, though Python calls it a date."""
    with pytest.raises(Refused, match="is not a day"):
        Question(on=moment).read(NOW)


def test_a_number_is_no_instant() -> None:
    """What is neither a text nor a date is refused by the name of its axis."""
    with pytest.raises(Refused, match="5 is no day and no instant") as refused:
        Question(known=5).read(NOW)  # type: ignore[arg-type]
    assert refused.value.place == Place(field="--known")
