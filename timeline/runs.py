"""Runs: the looks at each source, as they were kept: what each found, and why it was refused.

A run is written with the events that came of it, and is never changed: so that what is gone from a list and what was
not fetched never mix.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from timeline.append import Receipt
from timeline.errors import NotFound, Refused
from timeline.tables import runs
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from timeline.snapshots import Counts, Look
    from timeline.store import Log

_COLUMNS = tuple(column for column in runs.c if column.name != "timeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One look at a source: what it found, the positions of the events that came of it, and why it was refused."""

    source: str
    run: int
    form: str
    known: datetime
    recorded: datetime
    outcome: str
    file: str
    rows: int
    added: int
    amended: int
    removed: int
    returned: int
    first: int | None
    last: int | None
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON values."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {name: format_instant(fields[name]) for name in ("known", "recorded")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A list that was looked at: how often, how often in vain, its first and last look, and the rows of the last."""

    source: str
    runs: int
    refused: int
    first_known: datetime | None
    last_known: datetime | None
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Return the source as JSON values."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {name: fields[name] and format_instant(fields[name]) for name in ("first_known", "last_known")}


def runs_of(log: Log, source: str) -> tuple[Run, ...]:
    """Return all looks at a source, the first one first; NotFound where it was never looked at."""
    found = tuple(looks(log, runs.c.source == source))
    if not found:
        remedy = "List sources with: timeline sources"
        raise NotFound(f"there is no source {source!r}", remedy=remedy)
    return found


def sources(log: Log) -> tuple[Source, ...]:
    """Return the sources in order of name."""
    return tuple(_source(name, list(looks)) for name, looks in groupby(looks(log), attrgetter("source")))


def _source(name: str, looks: list[Run]) -> Source:
    taken = [run for run in looks if run.outcome != "refused"]
    first, last = (taken[0].known, taken[-1].known) if taken else (None, None)
    return Source(
        source=name,
        runs=len(looks),
        refused=len(looks) - len(taken),
        first_known=first,
        last_known=last,
        rows=taken[-1].rows if taken else 0,
    )


def keep(log: Log, look: Look, file: bytes, counts: Counts, outcome: Receipt | Refused, form: str = "snapshot") -> Run:
    """Write down a look under the next number of its source, and return it."""
    this = (runs.c.timeline == log.timeline, runs.c.source == look.source)
    number = select(func.coalesce(func.max(runs.c.run), 0) + 1).where(*this).scalar_subquery()
    row: dict[str, Any] = {"timeline": log.timeline, "source": look.source, "run": number, "known": look.known}
    row |= {"form": form, "file": file, **asdict(counts)}
    if isinstance(outcome, Refused):
        row |= {
            "outcome": "refused",
            "reason": _printable(": ".join(filter(None, (str(outcome.place), outcome.message)))),
        }
    else:
        row |= {"outcome": "recorded" if outcome.recorded else "unchanged"}
        row |= {"first": outcome.first, "last": outcome.last}
    return _run(log.connection.execute(insert(runs).values(row).returning(*_COLUMNS)).one())


def looks(log: Log, *which: ColumnElement[bool]) -> Iterator[Run]:
    """Yield the runs of a timeline that fit some conditions, source by source in order."""
    query = select(*_COLUMNS).where(runs.c.timeline == log.timeline, *which).order_by(runs.c.source, runs.c.run)
    return map(_run, log.connection.execute(query))


def _run(found: Any) -> Run:  # noqa: ANN401  a row of these columns
    fields = found._asdict()
    return Run(**fields | {"file": fields["file"].hex()})


def _printable(text: str) -> str:
    """Return a text with what no column can hold, and what nobody can read, written as escapes."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
