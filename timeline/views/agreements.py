"""The view `agreements`: what was signed, what is in force over its term, and what ended. Its key is the subject.

`status` is planned, signed, in_force, possibly_in_force (its term may not have begun, or may be over), expired or
ended. It follows from the day alone where the agreement has a term.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from timeline.fold import Projection
from timeline.temporal import OPEN_FUTURE, OPEN_PAST, Valid
from timeline.views import claims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.fold import State

_DAY = timedelta(days=1)
_SIGNED, _IN_FORCE, _ENDED = "agreement.signed", "agreement.in_force", "agreement.ended"
_shown = claims.presenting(text=("title", "parties", "forum", "cause"), terms=("term",))


def _present(state: State, on: date) -> State:
    shown = _shown(state, on)
    return {"status": _status(state, shown.get("term"), on)} | shown


def _status(state: State, term: str | None, on: date) -> str:
    """Return the status by the claims of the best rank, what began last deciding whether it ended."""
    first = claims.leading(state["claims"])
    rank, kinds = claims.standing(first[0]), {item["kind"] for item in first}
    if rank != claims.FACT:
        return {claims.PLAN: "planned", claims.OPINION: "opinion"}.get(rank, "denied")
    if first[-1]["kind"] == _ENDED:
        return "ended"
    within = None if term is None else _within(Valid.parse(term), on)
    if within is None or within == "signed":
        return "in_force" if _IN_FORCE in kinds else "signed"
    return within


def _within(term: Valid, on: date) -> str:
    if term.certain(on):
        return "in_force"
    if term.possible(on):
        return "possibly_in_force"
    return "signed" if on < term.first_lo else "expired"


def _turns(state: State) -> Iterator[date]:
    for item in state["claims"]:
        if "term" in item["data"]:
            term = Valid.parse(item["data"]["term"])
            yield from (first for first in (term.first_lo, term.first_hi) if first not in {OPEN_PAST, OPEN_FUTURE})
            yield from (last + _DAY for last in (term.last_lo, term.last_hi) if last not in {OPEN_PAST, OPEN_FUTURE})


AGREEMENTS = Projection(
    name="agreements",
    version=1,
    about="Agreements: signed, in force over their term, expired or ended.",
    kinds=frozenset({_SIGNED, _IN_FORCE, _ENDED}),
    keys=lambda event: (event.subject,),
    fold=claims.fold,
    present=_present,
    turns=_turns,
)
