"""What was delivered, counted from reports that overlap: the view of deliveries counts no delivery twice.

Two reports are of the same delivery if both number it alike; or, where not both number it, if they are by different
voices, their days can be the same and their quantities can both hold. What may be one delivery is counted once:
`delivered` never says more than the sources do. Running totals that a source states, and "the third" of single
pieces, count as such; the result is the greater of the greatest running total and the sum of the deliveries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from timeline.views.sayings import compatible, grows, measure, number, unit_key, voice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from timeline.views.sayings import Claim, Saying

Amount = dict[str, Any]

_FLIPPED = {"over": "under", "under": "over", "at_least": "at_most", "at_most": "at_least"}


def delivered(reports: Iterable[Claim], unit: str | None) -> Amount:
    """Return how much the reports, latest known first, say was delivered in this unit; 0 where none is confirmed."""
    counted = [report for report in reports if _in_unit(report, unit)]
    totals = [measure(total, unit, None) for report in counted if (total := running(report)) is not None]
    latest = [part[0]["data"] for part in parts(counted)]
    comparator = blended(data.get("comparator") for data in latest)
    summed = measure(sum(data.get("quantity", 0) for data in latest), unit, comparator)
    return max([summed, *totals], key=lambda amount: float(amount["value"]))


def parts(reports: Iterable[Claim]) -> list[list[Claim]]:
    """Return the reports, one list for each delivery; those with an ordinal first, so that the others can join them."""
    found: list[list[Claim]] = []
    for report in sorted(reports, key=lambda report: "ordinal" not in report["data"]):
        of = next((part for part in found if _same(part, report)), None)
        if of is None:
            found.append([report])
        else:
            of.append(report)
    return found


def parts_done(reports: list[Claim]) -> int:
    """Return how many parts of an order were delivered: as numbered, counted, or totalled in single pieces."""
    ordinals = [report["data"].get("ordinal", 0) for report in reports]
    totals = [int(running(report) or 0) for report in reports if report["data"].get("quantity") == 1]
    return int(max([len(parts(reports)), *ordinals, *totals]))


def running(report: Claim) -> float | None:
    """Return how much had been delivered in all when this was: as stated, or by the ordinal of a single piece."""
    data = report["data"]
    single = data.get("ordinal") if data.get("quantity") == 1 else None
    stated = (data.get("total"), single)
    return max((value for value in stated if value is not None), default=None)


def agree(one: Saying, other: Saying) -> bool:
    """Return whether two reports of deliveries can both hold: only of the same delivery can they contradict each other.

    A denial without an ordinal is of any delivery; one that speaks of an earlier time is overtaken by the delivery.
    """
    ordinals = one.claim["data"].get("ordinal"), other.claim["data"].get("ordinal")
    if one.denied or other.denied:
        return (None not in ordinals and ordinals[0] != ordinals[1]) or grows(one, other)
    return ordinals[0] is None or ordinals[0] != ordinals[1] or compatible(one, other)


def unit_of(reports: list[Claim], base: Amount | None) -> str | None:
    """Return the unit to count in: that of what was ordered or planned, unless all reports use others."""
    wanted = base.get("unit") if base else None
    if not reports or any(_in_unit(report, wanted) for report in reports):
        return wanted or next((unit for report in reports if (unit := report["data"].get("unit"))), None)
    return str(reports[0]["data"]["unit"])


def less(whole: Amount, *taken: Amount) -> Amount | None:
    """Return what is left of an amount, at least 0; None where the units differ."""
    if len({unit_key(part.get("unit")) for part in (whole, *taken)} - {""}) > 1:
        return None
    flipped = (_FLIPPED.get(part.get("comparator", ""), part.get("comparator")) for part in taken)
    left = max(0, whole["value"] - sum(part["value"] for part in taken))
    return measure(left, whole.get("unit"), blended([whole.get("comparator"), *flipped]))


def blended(comparators: Iterable[str | None]) -> str | None:
    """Return the comparator of a sum, from those of its parts.

    >>> blended(["over", None, "at_least"]), blended(["over", "under"]), blended(["exactly", None])
    ('at_least', 'about', None)
    """
    kinds = {comparator for comparator in comparators if comparator not in {None, "exactly"}}
    if len(kinds) <= 1:
        return next(iter(kinds), None)
    bounds = ({"over", "at_least"}, "at_least"), ({"under", "at_most"}, "at_most")
    return next((name for among, name in bounds if kinds <= among), "about")


def _same(part: list[Claim], report: Claim) -> bool:
    ordinal, ordinals = report["data"].get("ordinal"), {other["data"].get("ordinal") for other in part} - {None}
    if ordinal is not None and ordinals:
        return ordinal in ordinals
    told = {voice(other) for other in part}
    return voice(report) not in told and any(_may_be_one(report, other) for other in part)


def _may_be_one(one: Claim, other: Claim) -> bool:
    first, second = number(one, "quantity"), number(other, "quantity")
    alike = first is not None and second is not None and compatible(first, second)
    return alike and max(one["began"][0], other["began"][0]) <= min(one["began"][1], other["began"][1])


def _in_unit(report: Claim, unit: str | None) -> bool:
    return unit_key(report["data"].get("unit")) in {unit_key(unit), ""} or not unit
