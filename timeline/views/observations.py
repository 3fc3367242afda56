"""The view `observations`: anything measured or listed that has no view of its own. Its key is `subject/measure`.

The state is the value folded last, with its unit and comparator where there are any: machine lists have millions of
such rows, so nothing else is kept in it. `modality` and `polarity` are there only where the value is not plainly
asserted, and `disputes` only where sources contradict one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from timeline.fold import Projection
from timeline.views import claims

if TYPE_CHECKING:
    from datetime import date

    from timeline.events import Event
    from timeline.fold import State

_USUAL = {"modality": "asserted", "polarity": "affirmed"}


def _keys(event: Event) -> tuple[str]:
    return (f"{event.subject}/{event.data['measure']}",)


def _present(state: State, _on: date) -> State:
    last = state["claims"][-1]
    shown = {name: last["data"][name] for name in ("value", "unit", "comparator") if name in last["data"]}
    return shown | {name: last[name] for name, usual in _USUAL.items() if last[name] != usual} | _disputes(state)


def _disputes(state: State) -> dict[str, Any]:
    voices = {claims.voice(item) for item in state["claims"]}
    if len(voices) == 1:  # nobody is there to contradict, however much has been said
        return {}
    sayings = claims.readings(claims.newest(state), claims.number_or_word, "value")
    contested = claims.disputes(value=claims.clash(claims.current(sayings)))
    return {"disputes": contested} if contested else {}


OBSERVATIONS = Projection(
    name="observations",
    version=1,
    about="Anything measured or listed that has no view of its own.",
    kinds=frozenset({"observation"}),
    keys=_keys,
    fold=claims.fold,
    present=_present,
)
