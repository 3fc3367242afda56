"""The peer in Python: the library eventsourcing on the same server, with aggregates of as many events as our keys."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from benching.shape import A_KEY
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from benching.shape import Line, Shape

BATCH = 1_000


class Series(Aggregate):
    """The facts of one key, each with the version of it that was known last."""

    @event("Begun")
    def __init__(self, subject: str, measure: str) -> None:
        """Begin without a fact."""
        self.subject = subject
        self.measure = measure
        self.facts: dict[str, tuple[datetime, str, float, str]] = {}

    @event("Stated")
    def state(self, *, fact: str, known: datetime, valid: str, value: float, unit: str, told: dict[str, Any]) -> None:
        """Take one more statement of a fact; what else is told of it is in the event alone."""
        assert told  # noqa: S101  as in every line
        held = self.facts.get(fact)
        if held is None or known >= held[0]:
            self.facts[fact] = (known, valid, value, unit)


class Measurements(Application["UUID"]):
    """The log of the library, read in sections as large as the batches that are written."""

    log_section_size = BATCH


@dataclass
class Appended:
    """What appending took: seconds to make the events, and to save them."""

    making: float = 0.0
    saving: float = 0.0
    events: int = 0
    ids: list[UUID] = field(default_factory=list)


@contextmanager
def opened(url: str, *, functions: bool = True) -> Iterator[Measurements]:
    """Open the library's own tables in a database; it inserts by a function in the server, which is its fastest way."""
    given = conninfo_to_dict(url)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given["port"]),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": "none",
        "POSTGRES_SCHEMA": "public",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "y" if functions else "n",
    }
    with Measurements(settings) as application:
        yield application


def append(application: Measurements, shape: Shape, events: int) -> Appended:
    """Append events in batches of 1,000: fifty aggregates of twenty events, saved at once."""
    done = Appended()
    for batch in range(events // BATCH):
        lines = [shape.line(number) for number in range(batch * BATCH, (batch + 1) * BATCH)]
        began = time.perf_counter()
        aggregates = [_series(lines[first : first + A_KEY]) for first in range(0, BATCH, A_KEY)]
        made = time.perf_counter()
        application.save(*aggregates)
        done.saving += time.perf_counter() - made
        done.making += made - began
        done.events += BATCH
        done.ids += [aggregate.id for aggregate in aggregates]
    return done


def _series(lines: list[Line]) -> Series:
    """Return an aggregate that begins, and takes the facts of all lines but the first: as many events as lines."""
    series = Series(subject=lines[0]["subject"], measure=lines[0]["data"]["measure"])
    for line in lines[1:]:
        data = line["data"]
        series.state(
            fact=line["fact"],
            known=datetime.fromisoformat(line["known"]),
            valid=line["valid"],
            value=data["value"],
            unit=data["unit"],
            told={"said_by": line["said_by"], "action": line.get("action", "assert")},
        )
    return series


def read(application: Measurements) -> int:
    """Read the notification log from its beginning, each notification as the event that it is; return how many."""
    count, start = 0, 1
    while found := application.notification_log.select(start, BATCH):
        for notification in found:
            application.mapper.to_domain_event(notification)
        count += len(found)
        start = found[-1].id + 1
    return count


def replay(application: Measurements, ids: list[UUID]) -> int:
    """Fold every aggregate from its events; return how many facts they hold."""
    count = 0
    for name in ids:
        series: Any = application.repository.get(name)
        count += len(series.facts)
    return count
