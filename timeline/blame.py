"""Which events set each field of a state: the fewest facts that, folded alone, give the field its very value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from timeline.causes import Side, counts, event_fields, folded
from timeline.events import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from timeline.events import Entry
    from timeline.fold import Projection


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Blame:
    """A field of a state, its value, and the events that set it.

    `entry` is the one known last, `others` are those that the value needs besides. `displaced` is the value that the
    field would have without that event: with the version it superseded in its place or, where it superseded none, with
    nothing; None where there would be no such field.
    """

    field: str
    value: Any
    entry: Entry
    others: tuple[Entry, ...]
    displaced: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the blame as JSON values, with the event that it names."""
        others = [{"fact": entry.fact, "event": entry.event, "position": entry.position} for entry in self.others]
        said = {"field": self.field, "value": self.value, "displaced": self.displaced}
        return said | event_fields(self.entry) | {"others": others}


def blame(view: Projection, key: str, side: Side) -> list[Blame]:
    """Return the blame for each field of the state of a key but `claims`, for those of `disputes` one by one.

    `side` holds the versions of every fact behind the row. Raises what the projection does where it cannot fold them;
    fewer of them that it cannot fold have no such field.
    """
    entries = side.effective(view, key)
    return [_blamed(view, key, side, entries, name) for name in _fields(view, entries, side.basis.on)]


def _blamed(view: Projection, key: str, side: Side, entries: list[Entry], name: str) -> Blame:
    on = side.basis.on
    value = _fields(view, entries, on)[name]
    wanted = canonical({"": value})

    def holds(kept: list[Entry]) -> bool:
        found = _some_fields(view, kept, on)
        return name in found and canonical({"": found[name]}) == wanted

    *others, entry = least(sorted(entries, key=lambda one: (one.known, one.position)), holds)
    earlier = side.superseded(entry.fact)
    without = [one for one in entries if one is not entry]
    displaced = _some_fields(view, [*without, earlier] if earlier and counts(view, key, earlier, on) else without, on)
    return Blame(name, value, entry, tuple(others), displaced.get(name))


def least(entries: list[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """Return the entries left when none can be taken out without losing what holds, the first being taken out first.

    Halves are tried, then quarters and so on; single ones until nothing changes any more, since what holds of a set
    need not hold of a larger one.

    >>> least([1, 2, 3, 4, 5], lambda kept: 4 in kept or {2, 3} <= set(kept))
    [4]
    """
    size, before = len(entries) // 2, 0
    while size > 1:
        entries = _without_parts(entries, size, holds)
        size //= 2
    while len(entries) != before:
        before = len(entries)
        entries = _without_parts(entries, 1, holds)
    return entries


def _without_parts(entries: list[T], size: int, holds: Callable[[list[T]], bool]) -> list[T]:
    """Return the entries without every run of that size that can be left out, one after the other."""
    at = 0
    while at < len(entries):
        rest = entries[:at] + entries[at + size :]
        if rest and holds(rest):
            entries = rest
        else:
            at += size
    return entries


def _some_fields(view: Projection, entries: Iterable[Entry], on: date) -> dict[str, Any]:
    """Return the fields of the state of some facts, none where they cannot be folded without the others."""
    try:
        return _fields(view, entries, on)
    except Exception:  # noqa: BLE001  a projection may raise anything at all
        return {}


def _fields(view: Projection, entries: Iterable[Entry], on: date) -> dict[str, Any]:
    """Return the fields of the presented state of some facts that are blamed on somebody."""
    state = folded(view, entries)
    shown = {} if state is None else dict(view.present(state, on))
    shown.pop("claims", None)
    disputes = shown.pop("disputes", {})
    by_name = disputes if isinstance(disputes, dict) else {"": disputes}
    return shown | {f"disputes.{name}".removesuffix("."): sides for name, sides in by_name.items()}
