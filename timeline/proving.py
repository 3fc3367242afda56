"""Proving a read model: the whole log is folded again and held against every row that is stored."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from timeline import readmodels, stored
from timeline.fold import NAMELESS
from timeline.periods import periods
from timeline.planes import planes, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from timeline.events import Entry
    from timeline.fold import Projection
    from timeline.readmodels import ReadModel
    from timeline.store import Log

    _Lines = tuple[str, list[str]]


@dataclass(frozen=True, slots=True)
class Proof:
    """That the stored rows of a view are the fold of the log up to a position, or the first place where they are not.

    `hash` is over the rows in order of key, days and knowledge.
    """

    view: str
    position: int
    keys: int
    rows: int
    hash: str
    difference: str | None = None


def verify(log: Log, view: Projection, model: ReadModel, current: Callable[[Entry], Entry]) -> Proof:
    """Return the proof of a model, or its first difference; the connection of the log must read one snapshot.

    Nothing of the model helps: neither which facts its keys have nor what it was folded from. Stuck keys are left out.
    """
    stuck = readmodels.stuck(log.connection, log.timeline, model)
    return _proof(model, _told(log, view, model, current, stuck), _held(log, model), stuck)


def _told(
    log: Log, view: Projection, model: ReadModel, current: Callable[[Entry], Entry], stuck: Mapping[str, str]
) -> Iterator[_Lines]:
    """Yield what the log folds into, in order of key."""
    ever = (entry for entry in log.ever(view.kinds, model.position) if NAMELESS + entry.fact not in stuck)
    for key, plane in planes(view, ever, None, {}, current):
        try:
            yield key, sorted(stored.line(key, period) for period in periods(view, key, plane))
        except Exception as error:  # noqa: BLE001  a projection may raise anything at all
            yield key, [said(error)]


def _held(log: Log, model: ReadModel) -> Iterator[_Lines]:
    """Yield what is stored, in order of key."""
    with readmodels.driver(log.connection, "held") as cursor:
        for key, some in groupby(stored.everything(cursor, model), itemgetter(0)):
            yield key, sorted(stored.line(key, period) for _, period in some)


def _proof(model: ReadModel, told: Iterator[_Lines], held: Iterator[_Lines], stuck: Mapping[str, str]) -> Proof:
    """Compare what the log folds into with what is stored, both in order of key; stuck keys are not compared."""
    keys = rows = 0
    digest = sha256()
    wanted, found = next(told, None), next(held, None)
    while wanted is not None or found is not None:
        key = min(side[0] for side in (wanted, found) if side is not None)
        one = wanted[1] if wanted is not None and wanted[0] == key else []
        other = found[1] if found is not None and found[0] == key else []
        if key not in stuck and one != other:
            said_by_log = next((line for line in one if line not in other), "no such row")
            said_here = next((line for line in other if line not in one), "no such row")
            difference = f"{key}: the log folds into {said_by_log.strip()}, stored is {said_here.strip()}"
            return Proof(model.view, model.position, keys, rows, digest.hexdigest(), difference)
        keys, rows = keys + bool(other), rows + len(other)
        digest.update("".join(other).encode())
        wanted = next(told, None) if wanted is not None and wanted[0] == key else wanted
        found = next(held, None) if found is not None and found[0] == key else found
    return Proof(model.view, model.position, keys, rows, digest.hexdigest())
