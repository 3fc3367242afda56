"""The view `payments`: payments that are blocked, and what is arranged in their stead. Its key is the subject.

`blocked` says whether money is held up, with `amount` and `cause`; `arrangements` lists every way of paying that
somebody claims, latest known first, each with its modality: one that is only being worked on is `expected`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from timeline.fold import Projection
from timeline.views import claims

if TYPE_CHECKING:
    from datetime import date

    from timeline.fold import State
    from timeline.views.claims import Claim

_BLOCKED, _ARRANGED = "payment.blocked", "payment.arranged"
_stuck = claims.presenting(text=("parties", "cause"), numbers=("amount",))
_instead = claims.presenting(text=("parties", "what", "replaces"))


def _present(state: State, on: date) -> State:
    stuck, instead = (
        {"claims": [item for item in state["claims"] if item["kind"] == kind]} for kind in (_BLOCKED, _ARRANGED)
    )
    blocked, arranged = _stuck(stuck, on), _instead(instead, on)
    manner = {
        name: blocked.get(name, arranged.get(name)) for name in ("parties", "amount", "cause", "modality", "polarity")
    }
    fields = {
        "blocked": "polarity" not in blocked if blocked["claims"] else None,
        **manner,
        "arrangements": [_arrangement(item) for item in claims.newest(instead)] or None,
    }
    return claims.stated(state, fields, blocked.get("disputes", {}) | arranged.get("disputes", {}))


def _arrangement(item: Claim) -> dict[str, Any]:
    told = {name: item["data"][name] for name in ("what", "replaces") if name in item["data"]}
    denied = {"polarity": "negated"} if claims.denies(item) else {}
    return told | {"said_by": item["said_by"], "modality": item["modality"]} | denied


PAYMENTS = Projection(
    name="payments",
    version=1,
    about="Payments that are blocked, and what is arranged in their stead.",
    kinds=frozenset({_BLOCKED, _ARRANGED}),
    keys=lambda event: (event.subject,),
    fold=claims.fold,
    present=_present,
)
