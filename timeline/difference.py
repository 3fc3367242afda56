"""What changed between two readings of a view: keys that came, keys that went, and fields that have another value.

Compared are state, certainty and dispute, in canonical form; how far a row reaches is no change of the row. Of a key
that cannot be folded there is only the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from timeline.answers import row_fields
from timeline.events import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from timeline.fold import Row

Fields = dict[str, tuple[Any, Any]]
"""What a field said before and says after, by its path; None where it is not there."""

_OF_A_ROW = ("certainty", "disputed", "stuck")


@dataclass(frozen=True, slots=True)
class Change:
    """A key whose row differs between two readings; one of the rows is None where the key was added or is gone."""

    key: str
    before: Row | None
    after: Row | None

    @property
    def change(self) -> str:
        """Return `added`, `gone` or `changed`."""
        return "added" if self.before is None else "gone" if self.after is None else "changed"

    @property
    def stuck(self) -> bool:
        """Return whether one of the rows cannot be folded."""
        return any(row is not None and row.stuck is not None for row in (self.before, self.after))

    @property
    def facts(self) -> tuple[str, ...]:
        """Return the facts behind either row: those that the causes are among."""
        held = (fact for row in (self.before, self.after) if row for fact in row.facts)
        return tuple(dict.fromkeys(held))

    @property
    def fields(self) -> Fields:
        """Return what differs, by dotted path: fields of the state, `certainty`, `disputed` and `stuck`.

        Lists are compared whole, but those whose items each name another `fact` item by item, as `claims.<fact>`.
        """
        before, after = _compared(self.before), _compared(self.after)
        return dict(differing(before, after))

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON values: the key, the change, the fields that differ and both rows."""
        fields = {path: list(pair) for path, pair in self.fields.items()}
        rows = {"before": _row(self.before), "after": _row(self.after)}
        return {"key": self.key, "change": self.change, "fields": fields} | rows


def changes(before: Iterable[Row], after: Iterable[Row]) -> Iterator[Change]:
    """Yield what changed from one reading to another; both come in order of key, and one row of each is in memory."""
    for key, one, other in _paired(iter(before), iter(after)):
        if not same(one, other):
            yield Change(key, one, other)


def same(one: Row | None, other: Row | None) -> bool:
    """Return whether two rows of a key say the same."""
    return one is other or (one is not None and other is not None and _said(one) == _said(other))


def differing(
    one: Mapping[str, Any], other: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield the dotted paths at which two objects differ, each with both values, in the order of the fields."""
    for name in dict.fromkeys([*one, *other]):
        old, new = one.get(name), other.get(name)
        if (name in one) != (name in other) or canonical({"": old}) != canonical({"": new}):
            at = f"{path}{name}"
            old_items, new_items = _items(old), _items(new)
            within = [] if old_items is None or new_items is None else [*differing(old_items, new_items, f"{at}.")]
            yield from within or [(at, (old, new))]


def _paired(before: Iterator[Row], after: Iterator[Row]) -> Iterator[tuple[str, Row | None, Row | None]]:
    """Yield each key of two streams in order of key, with its row in each."""
    one, other = next(before, None), next(after, None)
    while one is not None or other is not None:
        key = min(row.key for row in (one, other) if row is not None)
        old, new = (row if row is not None and row.key == key else None for row in (one, other))
        yield key, old, new
        one = one if old is None else next(before, None)
        other = other if new is None else next(after, None)


def _said(row: Row) -> bytes:
    return canonical({"state": row.state} | _own(row))


def _own(row: Row) -> dict[str, Any]:
    """Return what a row says besides its state."""
    return {"certainty": row.certainty, "disputed": row.disputed} if row.stuck is None else {"stuck": row.stuck}


def _compared(row: Row | None) -> dict[str, Any]:
    """Return the fields of a row that are compared; a field of the state named like one of the row keeps its prefix."""
    if row is None:
        return {}
    state = {f"state.{name}" if name in _OF_A_ROW else name: value for name, value in row.state.items()}
    return state | _own(row)


def _items(value: object) -> Mapping[str, Any] | None:
    """Return what can be compared field by field: an object, or the objects of a list by the facts that they name."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(item, dict) and "fact" in item for item in value):
        return None
    by_fact = {str(item["fact"]): item for item in value}
    return by_fact if len(by_fact) == len(value) else None


def _row(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else row_fields(row)
