"""Makers for the tests of views: claims as entries, and what a view shows of them."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

from makers import entry

from timeline.fold import in_order
from timeline.kinds import BUILTIN as KINDS
from timeline.views import BUILTIN

if TYPE_CHECKING:
    from timeline.events import Entry
    from timeline.fold import Projection, State

KIND = {kind.name: kind for kind in KINDS}
VIEW = {view.name: view for view in BUILTIN}
_numbers = count(1)


def told(kind: str, by: str = "Reuters", **fields: Any) -> Entry:  # noqa: ANN401
    """Return a claim of that kind; what is no field of an event is data, and the data must satisfy the kind."""
    own = {"valid", "known", "modality", "polarity", "fact", "subject"}
    data = {name: value for name, value in fields.items() if name not in own}
    KIND[kind].validate(data, 1)
    event = {"valid": "2023/..", "known": "2023-06-01"} | {name: fields[name] for name in own & fields.keys()}
    said_by = (by,) if by else ()
    return entry(next(_numbers), kind=kind, data=data, said_by=said_by, lasting=KIND[kind].lasting, **event)


def folded(view: Projection, *entries: Entry) -> State:
    """Return the state of entries that are all of one key, in the order of the rule."""
    state: State | None = None
    for event in in_order(entries):
        state = view.fold(state, event)
    assert state is not None
    return state


def shown(name: str, *entries: Entry, on: str = "2023-12-26") -> State:
    """Return what a view shows of entries of one key that hold on a day."""
    view, day = VIEW[name], date.fromisoformat(on)
    return view.present(folded(view, *(event for event in entries if event.valid and event.valid.possible(day))), day)


def keys(name: str, event: Entry) -> list[str]:
    """Return the keys of an entry in a view."""
    return list(VIEW[name].keys(event))
