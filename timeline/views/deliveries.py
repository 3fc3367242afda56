"""The view `deliveries`: what was ordered, delivered and is pending, and the plan, overdue once past its date.

A row is one order; its key is the subject. `delivered` counts what sources report as done and nothing else: no plan,
no opinion, no denial. `status` is planned, ordered, partly_delivered, delivered or cancelled (delayed, where all that
is known is a delay; unconfirmed, where nothing is known but an opinion or a denial).

The plan shown is the one known last. Its `due` is overdue from the day after the last day that `due` may mean, for as
long as something is pending. A plan made later moves the date, which is no dispute. Whether there *is* a delay is the
field `schedule`: a report of delay says "delayed", and so does a plan that `replaces` an earlier date; any other plan
says "kept". A plan that admits the delay also settles what earlier plans said about it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from timeline.fold import Projection
from timeline.views import claims, tally
from timeline.views.sayings import amount, day, grows, succeeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.events import Event
    from timeline.fold import State
    from timeline.views.claims import Claim, Saying
    from timeline.views.tally import Amount

_DAY = timedelta(days=1)
_ORDER, _PLAN, _MADE, _DELAY, _CANCEL = (
    f"delivery.{what}" for what in ("ordered", "scheduled", "made", "delayed", "cancelled")
)
_READERS = {"quantity": claims.number, "ordinal": claims.word, "due": claims.moment}


def _keys(event: Event) -> tuple[str]:
    return (event.subject,)


def _present(state: State, on: date) -> State:
    held = claims.unrevoked(claims.newest(state), _READERS)
    facts = [item for item in held if claims.standing(item) == claims.FACT]
    made = [item for item in facts if item["kind"] == _MADE]
    plan = next((item for item in held if item["kind"] == _PLAN and _counts(item)), None)
    ordered = claims.said(claims.readings(facts, claims.number, "quantity", _ORDER))
    whole = ordered or _planned(plan)
    delivered = tally.delivered(made, tally.unit_of(made, whole))
    cancelled, pending = _remaining(whole, delivered, [item for item in facts if item["kind"] == _CANCEL])
    fields = {
        **{name: claims.said(claims.readings(held, claims.word, name)) for name in ("item", "supplier", "recipient")},
        "status": _status(held, delivered, pending, cancelled),
        "ordered": ordered,
        "price": claims.said(_prices(facts)),
        "delivered": delivered if made or whole else None,
        "pending": pending,
        "cancelled": cancelled,
    }
    over = fields["status"] == "cancelled" or _fulfilled(plan, delivered, pending)
    schedule = _schedule(plan, on, done=tally.parts_done(made), fulfilled=over) if plan else {}
    return claims.stated(state, fields | schedule, _disputes(held))


def _counts(item: Claim) -> bool:
    """Return whether a claim may be shown as a plan: an opinion or a denial is none."""
    return claims.standing(item) in {claims.FACT, claims.PLAN}


def _planned(plan: Claim | None) -> Amount | None:
    stated = None if plan is None else claims.number(plan, "quantity")
    return None if stated is None else dict(stated.value)


def _prices(facts: list[Claim]) -> list[Saying]:
    orders = [(item, item["data"]) for item in facts if item["kind"] == _ORDER and "value" in item["data"]]
    return [amount(item, data["value"], data.get("currency"), data.get("value_comparator")) for item, data in orders]


def _remaining(whole: Amount | None, delivered: Amount, cancels: list[Claim]) -> tuple[Amount | None, Amount | None]:
    """Return what was cancelled and what is pending; a cancellation without a quantity is of all that was pending."""
    pending = None if whole is None else tally.less(whole, delivered)
    given = claims.said(claims.readings(cancels, claims.number, "quantity"))
    if not cancels:
        return None, pending
    if given is None or any("quantity" not in item["data"] for item in cancels):
        return pending, None if pending is None else pending | {"value": 0}
    return given, None if pending is None else tally.less(pending, given)


def _status(held: list[Claim], delivered: Amount, pending: Amount | None, cancelled: Amount | None) -> str:
    kinds = {item["kind"] for item in held if _counts(item)}
    closed = pending is not None and not pending["value"]
    if _CANCEL in kinds and (closed or cancelled is None):
        return "cancelled"
    if delivered["value"]:
        return "partly_delivered" if pending and not closed else "delivered"
    if _ORDER in kinds:
        return "ordered"
    known = (name for kind, name in ((_PLAN, "planned"), (_MADE, "planned"), (_DELAY, "delayed")) if kind in kinds)
    return next(known, "unconfirmed")


def _fulfilled(plan: Claim | None, delivered: Amount, pending: Amount | None) -> bool:
    """Return whether nothing is left of a plan; its quantity is what is to come in all."""
    planned = _planned(plan)
    left = tally.less(planned, delivered) if planned else None
    return any(rest is not None and not rest["value"] for rest in (pending, left))


def _schedule(plan: Claim, on: date, *, done: int, fulfilled: bool) -> dict[str, Any]:
    data = plan["data"]
    stages = [
        {"ordinal": stage["ordinal"]} | _due(stage["due"], on, fulfilled=fulfilled or stage["ordinal"] <= done)
        for stage in data.get("stages", [])
    ]
    whole = _due(data["due"], on, fulfilled=fulfilled) if "due" in data else {}
    late = [part for part in (whole, *stages) if part.get("overdue")]
    since = {"overdue_since": min(part["overdue_since"] for part in late)} if late else {}
    return {
        "planned": _planned(plan),
        "planned_by": plan["said_by"],
        **whole,
        "stages": stages or None,
        "replaces": data.get("replaces"),
        "overdue": bool(late),
        **since,
    }


def _due(text: str, on: date, *, fulfilled: bool) -> dict[str, Any]:
    """Return a due date with the last day that it may mean and whether that has passed with something left to come."""
    after = claims.day_after(text)
    due = {"due": text} | ({} if after is None else {"due_by": (after - _DAY).isoformat()})
    if after is None or fulfilled or on < after:
        return due | {"overdue": False}
    return due | {"overdue": True, "overdue_since": after.isoformat()}


def _turns(state: State) -> Iterator[date]:
    for item in state["claims"]:
        dues = [item["data"].get("due"), *(stage["due"] for stage in item["data"].get("stages", []))]
        yield from (after for due in dues if (after := claims.day_after(due)) is not None)


def _disputes(held: list[Claim]) -> dict[str, list[dict[str, Any]]]:
    orders = claims.readings(held, claims.number, "quantity", _ORDER)
    reports = claims.readings(held, claims.number, "quantity", _MADE)
    return claims.disputes(
        ordered=claims.clash(claims.current(orders), succeeds),
        delivered=claims.clash(reports, tally.agree) or claims.clash(claims.current(_totals(held)), grows),
        schedule=claims.clash(_kept_or_delayed(held), lambda one, other: bool(one.value == other.value)),
        due=claims.clash(_dues(held), succeeds),
    )


def _totals(held: list[Claim]) -> list[Saying]:
    """Return the running totals: as a source counts them, or at least as many as the ordinal of a single piece."""
    made = [item for item in held if item["kind"] == _MADE and not claims.denies(item)]
    found = [(item, item["data"].get("total"), tally.running(item)) for item in made]
    return [
        amount(item, least, item["data"].get("unit"), None if total == least else "at_least")
        for item, total, least in found
        if least is not None
    ]


def _kept_or_delayed(held: list[Claim]) -> list[Saying]:
    """Return what each voice says last; no plan says "kept" any more once a later one admits the delay."""
    settled = next((at for at, item in enumerate(held) if _admits(item)), len(held))
    verdicts = [(item, _verdict(item), at > settled) for at, item in enumerate(held)]
    found = [claims.spoken(item, value) for item, value, old in verdicts if value and not (old and value == "kept")]
    last = {saying.voice: saying.value for saying in reversed(found)}
    return [saying for saying in found if saying.value == last[saying.voice]]


def _verdict(item: Claim) -> str | None:
    """Return what a claim says of the schedule; an opinion, or a denial that there is such a plan, says nothing."""
    if item["kind"] == _DELAY and item["modality"] != "opinion":
        return "kept" if claims.denies(item) else "delayed"
    if item["kind"] == _PLAN and _counts(item):
        return "delayed" if _admits(item) else "kept"
    return None


def _admits(item: Claim) -> bool:
    return item["kind"] == _PLAN and _counts(item) and "replaces" in item["data"]


def _dues(held: list[Claim]) -> list[Saying]:
    """Return the due dates of each voice's last plan, up to the one that gives an earlier date up."""
    last: dict[tuple[str, ...], Saying] = {}
    for item in held:
        if item["kind"] == _PLAN and _counts(item) and "due" in item["data"]:
            saying = replace(day(item, item["data"]["due"]), mood="plan")
            last.setdefault(saying.voice, saying)
        if _admits(item):
            break
    return list(last.values())


DELIVERIES = Projection(
    name="deliveries",
    version=1,
    about="Orders: what was delivered, what is pending, and the plan with its due date.",
    kinds=frozenset({_ORDER, _PLAN, _MADE, _DELAY, _CANCEL}),
    keys=_keys,
    fold=claims.fold,
    present=_present,
    turns=_turns,
)
