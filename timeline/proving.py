"""Proving a read model: the whole log is folded again and held against every row that is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from timeline import driver, readmodels, stored
from timeline.fold import said
from timeline.periods import periods
from timeline.planes import planes
from timeline.ranges import NOWHERE, Range, Ranges, Tally, placing
from timeline.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from timeline.fold import Projection, Span
    from timeline.ranges import Placed
    from timeline.readmodels import ReadModel
    from timeline.store import Log
    from timeline.stretches import Period

_NO_ROW = ("no such row", NOWHERE)


@dataclass(frozen=True, slots=True)
class Proof:
    """That the stored rows of a view are the fold of the log up to a position, or the first place where they are not.

    `hash` is over the rows in order of key, days and knowledge; `ranges` part them by the positions they belong to.
    `stuck` counts the keys that cannot be folded, of which nothing is proved.
    """

    view: str
    position: int
    keys: int
    rows: int
    hash: str
    ranges: tuple[Range, ...]
    stuck: int
    difference: str | None = None


def verify(log: Log, reading: Reading, model: ReadModel, by: int | None = None) -> Proof:
    """Return the proof of a model, with `by` positions to a range; the connection of the log must read one snapshot.

    Nothing of the model helps: neither which facts its keys have nor what it was folded from. A stuck key has no rows.
    """
    whole, ranges, keys, difference = Tally(), Ranges(model.position, by), 0, None
    stuck = readmodels.stuck(log.connection, log.timeline, model)
    ever = log.ever(reading.view.kinds, model.position)
    for key, plane, held in _beside(planes(reading, ever), _held(log, model)):
        told, here = _placed(reading.view, key, [] if key in stuck else plane, held)
        ranges.add(told, here)
        whole.add([line for line, _ in here])
        keys += bool(here)
        if difference is None and here is not told:
            difference = _difference(key, told, here)
    return Proof(model.view, model.position, keys, whole.rows, whole.hash, ranges.found(), len(stuck), difference)


def _held(log: Log, model: ReadModel) -> Iterator[tuple[str, list[Period]]]:
    """Yield what is stored, in order of key."""
    with driver.cursor(log.connection, "held") as cursor:
        for key, some in groupby(stored.everything(cursor, model), itemgetter(0)):
            yield key, [period for _, period in some]


def _beside(
    told: Iterator[tuple[str, list[Span]]], held: Iterator[tuple[str, list[Period]]]
) -> Iterator[tuple[str, list[Span], list[Period]]]:
    """Yield each key of either side, in order, with its spans in the log and its periods as they are stored."""
    sides: tuple[Iterator[tuple[str, int, list[Any]]], ...] = (
        ((key, 0, plane) for key, plane in told),
        ((key, 1, some) for key, some in held),
    )
    for key, group in groupby(merge(*sides, key=itemgetter(0)), itemgetter(0)):
        found = {side: some for _, side, some in group}
        yield key, found.get(0, []), found.get(1, [])


def _placed(
    view: Projection, key: str, plane: Sequence[Span], held: Sequence[Period]
) -> tuple[list[Placed], list[Placed]]:
    """Return the rows that the log folds into, and those stored: the very same list where they are the same rows."""
    position = placing(plane)
    lines = sorted(stored.line(key, period) for period in held)
    try:
        found = ((stored.line(key, period), position(period)) for period in periods(view, key, plane))
        told = sorted(found, key=itemgetter(0))
    except Exception as error:  # noqa: BLE001  a projection may raise anything at all
        told = [(said(error), max(span.entry.position for span in plane))]
    if [line for line, _ in told] == lines:
        return told, told
    return told, sorted((stored.line(key, period), position(period)) for period in held)


def _difference(key: str, told: Sequence[Placed], here: Sequence[Placed]) -> str:
    """Return how the rows of a key differ first."""
    (log_line, position), (line, place) = (
        min(Counter(one) - Counter(other), default=_NO_ROW) for one, other in ((told, here), (here, told))
    )
    where = f"{key} at position {position or place}"
    return f"{where}: the log folds into {log_line.strip()}, stored is {line.strip()}"
