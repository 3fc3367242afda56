"""The data that everything is measured on: fact lines shaped like the real sets, each computed from its number alone.

There are as many keys as a twentieth of the events, each with about twenty facts over some 27 years, and three hot
keys, the first with up to 10,000 facts. Of five facts of a small key two hold on a day, two throughout a month and one
from its day on. One event in twenty corrects an earlier fact, and of these one in five was misread; one in twenty is
late: known long before its position suggests. Nothing is drawn from a generator with a state, so that any line can
be made again, in any process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Line = dict[str, Any]

VIEW = "observations"
START = datetime(1996, 8, 1, tzinfo=UTC)
DAYS = 10_000
A_KEY = 20
"""Events that a small key has."""

ONE_IN = 20
"""One event in so many is a correction, and one in so many is late."""

HOTTEST = 10_000
_MEASURES = ("exports", "imports", "output", "prices", "stocks", "turnover", "unemployment", "wages")
_SPEAKERS = 40
_SCATTER = 2_654_435_761  # a prime, so that events go round all keys before they come back to one
_MASK = (1 << 64) - 1
_SECONDS = DAYS * 86_400
_HOT_LASTING = 1_000
_MISREAD = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """A log of so many events, made from a seed."""

    events: int
    seed: int = 20231226

    @property
    def keys(self) -> int:
        """The number of small keys."""
        return max(1, self.events // A_KEY)

    def lines(self, first: int = 0, behind: int | None = None) -> Iterator[Line]:
        """Yield the lines from a number on; those from `events` on come on top of the log, known at its end."""
        for number in range(first, self.events if behind is None else behind):
            yield self.line(number)

    def line(self, number: int) -> Line:
        """Return the fact line of a number: an assertion, or the correction of an earlier one."""
        return self.correction(number) if self._corrects(number) else self.assertion(number)

    def assertion(self, number: int) -> Line:
        """Return what a number asserts."""
        drawn = self._drawn(number)
        at = self._clock(number)
        if (drawn >> 16) % ONE_IN == 0:
            at = max(0, at - (30 + (drawn >> 24) % 1_500) * 86_400)
        hot = self._hot(drawn)
        key = hot if hot is not None else number * _SCATTER % self.keys
        turn = number // self.keys
        known = START + timedelta(seconds=at)
        subject, measure = self.named(key) if hot is None else ("world", f"hot-{hot}")
        return {
            "fact": f"{subject}/{measure}/{turn if hot is None else number}",
            "kind": "observation",
            "subject": subject,
            "data": {"measure": measure, "value": (drawn >> 32) % 1_000_000 / 100, "unit": "million euro"},
            "valid": _day(known, drawn, number) if hot is not None else _valid(known, drawn, turn),
            "known": known.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "said_by": [f"Statistical Office {key % _SPEAKERS}"],
        }

    def correction(self, number: int, of: int | None = None) -> Line:
        """Return the correction that a number makes, of an earlier fact: its value reads otherwise."""
        drawn = self._drawn(number)
        corrected = self.asserted(self._drawn(~number & _MASK) % max(1, number) if of is None else of)
        line = self.assertion(corrected)
        line["action"] = "correct"
        line["data"]["value"] = (drawn >> 32) % 1_000_000 / 100 + number % 97 * 10_000
        line["reason"] = f"restated in release {number}"
        if (drawn >> 16) % _MISREAD:
            known = START + timedelta(seconds=self._clock(number))
            line["known"] = max(line["known"], known.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return line

    def asserted(self, number: int) -> int:
        """Return the number of the last assertion up to a number."""
        while self._corrects(number):
            number -= 1
        return number

    def named(self, key: int) -> tuple[str, str]:
        """Return the subject and the measure of a small key."""
        return f"region-{key // len(_MEASURES):06d}", _MEASURES[key % len(_MEASURES)]

    def questions(self, count: int) -> list[tuple[str, date, datetime]]:
        """Return keys with a historical day and instant: the instant lies behind the day, as it mostly does."""
        random = Random(self.seed)  # noqa: S311  a sample, not a secret
        asked = []
        for _ in range(count):
            key = "/".join(self.named(random.randrange(self.keys)))
            known = START + timedelta(seconds=random.randrange(_SECONDS // 10, _SECONDS))
            asked.append((key, (known - timedelta(days=random.randrange(1, 1_000))).date(), known))
        return asked

    def _drawn(self, number: int) -> int:
        """Return 64 bits that follow from a number: the finaliser of splitmix64."""
        mixed = (number * 0x9E3779B97F4A7C15 + self.seed) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def _corrects(self, number: int) -> bool:
        return number > 0 and self._drawn(number) % ONE_IN == 0

    def _clock(self, number: int) -> int:
        """Return the second since the start at which the event of a number is published in the ordinary course."""
        return min(number, self.events) * _SECONDS // self.events

    def _hot(self, drawn: int) -> int | None:
        """Return which hot key a draw falls on: the second has half of the facts of the first, the third a quarter."""
        stride = max(100, self.events // HOTTEST)
        place = (drawn >> 40) % (4 * stride)
        return 0 if place < 4 else 1 if place < 6 else 2 if place < 7 else None  # noqa: PLR2004


def _valid(known: datetime, drawn: int, turn: int) -> str:
    day = (known - timedelta(days=1 + (drawn >> 48) % 40)).date()
    return f"{day}/.." if turn % 5 == 0 else f"{day:%Y-%m}" if turn % 5 in {1, 3} else f"{day}"


def _day(known: datetime, drawn: int, number: int) -> str:
    day = (known - timedelta(days=1)).date()
    return f"{day}/.." if drawn % _HOT_LASTING == number % _HOT_LASTING else f"{day}"
