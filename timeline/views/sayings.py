"""What one claim says of one field, and which such sayings can both hold.

Every value is turned into ranges of what it may stand for: a number with its comparator, a date with its bounds, a
word with itself. Two sayings can both hold if their ranges meet. Sayings in different units are not comparable, and
no dispute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any

from timeline.temporal import Valid

Claim = dict[str, Any]
Ranges = tuple[tuple[Any, Any], ...]

ABOUT = Fraction(1, 10)
"""How far "about" reaches to either side: a tenth of the number, the loosest use that newsrooms make of it."""

_DAY, _PERIOD, _WORD = "a day", "a period", "a word"


@dataclass(frozen=True, slots=True)
class Saying:
    """A value as one claim states it, and the ranges of what it may stand for."""

    claim: Claim
    value: Any
    ranges: Ranges
    mood: str
    unit: str = ""
    denied: bool = False

    @property
    def voice(self) -> tuple[str, ...]:
        """Return who is heard."""
        return voice(self.claim)

    def began_before(self, other: Saying) -> bool:
        """Return whether this claim held from a day that surely lies before the first day of the other."""
        return bool(self.claim["began"][1] < other.claim["began"][0])


def denies(claim: Claim) -> bool:
    """Return whether a claim says that something is not so. "Denied" and "negated" together deny once."""
    return bool(claim["polarity"] == "negated" or claim["modality"] == "denied")


def voice(claim: Claim) -> tuple[str, ...]:
    """Return who is heard in a claim: the first speaker and, for a figure, who compiled it."""
    return (*claim["said_by"][:1], claim["data"].get("compiler", ""))


def mood(claim: Claim) -> str:
    """Return whether a claim speaks as of a `fact`, a `plan` or an `opinion`."""
    return {"expected": "plan", "opinion": "opinion"}.get(claim["modality"], "fact")


def number(claim: Claim, name: str) -> Saying | None:
    """Return what a claim says of a number, with the claim's comparator and its unit or currency; None if nothing."""
    value = claim["data"].get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    data = claim["data"]
    return amount(claim, value, data.get("unit") or data.get("currency"), data.get("comparator"))


def amount(claim: Claim, value: float, unit: str | None, comparator: str | None) -> Saying:
    """Return what a claim says of a number: `value` and, where given, `unit` and `comparator`, as views show it."""
    ranges = (_range(value, comparator),)
    return Saying(claim, measure(value, unit, comparator), ranges, mood(claim), unit_key(unit), denies(claim))


def measure(value: float, unit: str | None, comparator: str | None) -> dict[str, Any]:
    """Return a number as views show it."""
    named = {"value": value, "unit": unit, "comparator": comparator}
    return {name: item for name, item in named.items() if item is not None}


def unit_key(unit: str | None) -> str:
    """Return what units are compared by: neither case nor an English plural makes another unit.

    >>> unit_key("Batteries"), unit_key("squadrons"), unit_key("USD"), unit_key(None)
    ('battery', 'squadron', 'usd', '')
    """
    return re.sub("ies$", "y", (unit or "").casefold()).removesuffix("s")


def moment(claim: Claim, name: str) -> Saying | None:
    """Return what a claim says of a day within an EDTF date: two can both hold if one day is possible for both."""
    text = claim["data"].get(name)
    return None if text is None else day(claim, text)


def day(claim: Claim, text: str) -> Saying:
    """Return what a claim says of a day, wherever in its data it stands."""
    days = Valid.parse(text)
    return Saying(claim, text, ((days.first_lo, days.last_hi),), mood(claim), _DAY, denies(claim))


def term(claim: Claim, name: str) -> Saying | None:
    """Return what a claim says of a period in EDTF: two can both hold if their first days and their last days can."""
    text = claim["data"].get(name)
    return None if text is None else period(claim, text)


def period(claim: Claim, text: str) -> Saying:
    """Return what a claim says of a period, wherever in its data it stands."""
    days = Valid.parse(text)
    ranges = ((days.first_lo, days.first_hi), (days.last_lo, days.last_hi))
    return Saying(claim, text, ranges, mood(claim), _PERIOD, denies(claim))


def word(claim: Claim, name: str) -> Saying | None:
    """Return what a claim says in words, or by true and false: only the same can both hold, whatever the case."""
    value = claim["data"].get(name)
    return None if value is None else Saying(claim, value, _same(value), mood(claim), _WORD, denies(claim))


def spoken(claim: Claim, value: str) -> Saying:
    """Return what a claim implies without having a field for it. The value says it all: it is never a denial."""
    return Saying(claim, value, _same(value), mood(claim), _WORD)


def number_or_word(claim: Claim, name: str) -> Saying | None:
    """Return what a claim says of a field that may hold a number, a text or true and false."""
    return number(claim, name) or word(claim, name)


def compatible(one: Saying, other: Saying) -> bool:
    """Return whether two sayings can both hold. The order of the two does not matter.

    A denial leaves room for everything but what lies within the value denied. Opinions contradict nothing, and a plan
    no fact.
    """
    if one.unit != other.unit or one.mood != other.mood or one.mood == "opinion" or (one.denied and other.denied):
        return True
    if one.denied or other.denied:
        return not (_within(other, one) if one.denied else _within(one, other))
    return all(max(a[0], b[0]) <= min(a[1], b[1]) for a, b in zip(one.ranges, other.ranges, strict=True))


def succeeds(one: Saying, other: Saying) -> bool:
    """Return whether two sayings can both hold of what changes: what surely began later is news, no contradiction."""
    return one.began_before(other) or other.began_before(one) or compatible(one, other)


def grows(one: Saying, other: Saying) -> bool:
    """Return whether two sayings can both hold of a running total: one may be of an earlier day, and it never shrinks.

    For the same reason a denial can be overtaken by what it denies.
    """
    return compatible(one, other) or _may_become(one, other) or _may_become(other, one)


def _may_become(one: Saying, other: Saying) -> bool:
    earlier = bool(one.claim["began"][0] < other.claim["began"][1])
    return earlier and not other.denied and (one.denied or bool(one.ranges[0][0] <= other.ranges[0][1]))


def _within(inner: Saying, outer: Saying) -> bool:
    pairs = zip(inner.ranges, outer.ranges, strict=True)
    return inner.unit == outer.unit and all(b[0] <= a[0] and a[1] <= b[1] for a, b in pairs)


def _same(value: Any) -> Ranges:  # noqa: ANN401  any JSON value
    return ((str(value).casefold(), str(value).casefold()),)


def _range(value: float, comparator: str | None) -> tuple[Any, Any]:
    """Return the least and the greatest of what a number may be; ±1 behind a bound leaves the bound itself out."""
    match comparator:
        case "about":
            exact, reach = Fraction(str(value)), abs(Fraction(str(value))) * ABOUT
            return (exact - reach, 0), (exact + reach, 0)
        case "over" | "at_least":
            return (value, int(comparator == "over")), (inf, 0)
        case "under" | "at_most":
            return (-inf, 0), (value, -int(comparator == "under"))
    return (value, 0), (value, 0)
