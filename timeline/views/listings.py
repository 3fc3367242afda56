"""The view `listings`: who and what stands on which list. Its key is the subject.

`status` is listed on days on which a claim surely holds and unconfirmed on the others: the entry appeared or was gone
between two looks at the list, and nobody saw on which day. Plans, opinions and denials are named as such. What is shown
of an entry comes from one claim, the latest known: two lists describe it each in its own words.
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


def _present(state: State, on: date) -> State:
    held = claims.unrevoked(claims.newest(state), {"list": claims.word})
    first = claims.leading(held)
    data, programs = first[0]["data"], first[0]["data"].get("program")
    shown = {name: data.get(name) for name in ("list", "name", "details")}
    shown["programs"] = [programs] if isinstance(programs, str) else programs
    return claims.stated(state, {"status": _status(first, on)} | shown, claims.disputes(list=_denied(held)))


def _status(first: list[claims.Claim], on: date) -> str:
    """Return what the claims of the best rank, of which there is one at least, amount to on a day."""
    rank = claims.standing(first[0])
    if rank != claims.FACT:
        return {claims.PLAN: "planned", claims.OPINION: "opinion"}.get(rank, "denied")
    return "listed" if any(Valid.parse(item["valid"]).certain(on) for item in first) else "unconfirmed"


def _denied(held: list[claims.Claim]) -> list[dict[str, object]]:
    """Return who says and who denies that the subject is on a list; two lists are no dispute."""
    sayings = claims.readings(held, claims.word, "list")
    names = dict.fromkeys(saying.value for saying in sayings)
    return [side for name in names for side in claims.clash(one for one in sayings if one.value == name)]


def _turns(state: State) -> Iterator[date]:
    """Yield the days on which a claim begins to hold surely, and those behind the last on which it does."""
    for item in state["claims"]:
        valid = Valid.parse(item["valid"])
        if valid.first_hi not in {OPEN_PAST, OPEN_FUTURE}:
            yield valid.first_hi
        if valid.last_lo not in {OPEN_PAST, OPEN_FUTURE}:
            yield valid.last_lo + _DAY


LISTINGS = Projection(
    name="listings",
    version=1,
    about="Entries of lists: who is on which list, under which programmes, and since when.",
    kinds=frozenset({"entry.listed"}),
    keys=lambda event: (event.subject,),
    fold=claims.fold,
    present=_present,
    turns=_turns,
)
