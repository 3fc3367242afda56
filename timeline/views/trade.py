"""The view `trade`: figures of trade over a period, by whoever compiled them.

The key is `subject/measure`, followed by flow, goods, partner and period where the fact gives them, as in
`india/share-of-imports/import/arms/russia/2018-2022`. Figures of the same key by different compilers are in dispute
if they cannot both hold; figures over different periods are different questions, and never are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from timeline.fold import Projection
from timeline.views import claims

if TYPE_CHECKING:
    from datetime import date

    from timeline.events import Event
    from timeline.fold import State
    from timeline.views.claims import Claim, Saying


def _keys(event: Event) -> tuple[str]:
    data = event.data
    parts = (data[name] for name in ("measure", "flow", "of", "partner", "period") if name in data)
    return ("/".join([event.subject, *map(claims.slug, parts)]),)


def _agree(one: Saying, other: Saying) -> bool:
    return _period(one.claim) != _period(other.claim) or claims.compatible(one, other)


def _period(item: Claim) -> str:
    return str(item["data"].get("period", item["valid"]))


_shown = claims.presenting(
    text=("measure", "flow", "of", "partner", "period", "compiler"), numbers=("value",), agree=_agree
)


def _present(state: State, on: date) -> State:
    shown = _shown(state, on)
    value = shown.pop("value")
    return {**(value if isinstance(value, dict) else {"value": value}), **shown}


TRADE = Projection(
    name="trade",
    version=1,
    about="Figures of trade with unit, comparator, compiler and period.",
    kinds=frozenset({"trade.measured"}),
    keys=_keys,
    fold=claims.fold,
    present=_present,
)
