"""What must hold after a round, whatever was killed: each breach is a finding, told in a sentence."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faulting.parts import VIEW, basis

from timeline import readmodels

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from timeline.app import Timeline

BASES = 3


@dataclass(slots=True)
class Told:
    """What the journals of a timeline say: the sizes of batches that were begun, those acknowledged, and findings."""

    begun: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> Told:
        """Read the journals of a folder; a last line that was cut off says nothing."""
        told = cls()
        for path in sorted(folder.glob("*.journal")):
            for line in path.read_text().splitlines():
                what, _, rest = line.partition(" ")
                if what == "begun":
                    name, size = rest.split()
                    told.begun[name] = int(size)
                elif what == "done":
                    told.done.add(rest)
                elif what == "finding":
                    told.findings.append(rest)
        return told


def wait_until_alone(line: Timeline, end: float) -> None:
    """Wait for the backends of clients that were killed: what they were about to commit is committed."""
    query = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    line.create()
    while True:
        with line.engine.connect() as connection:
            if not connection.exec_driver_sql(query).scalar() or time.monotonic() > end:
                return
        time.sleep(0.01)


def acknowledged(folder: Path, number: int) -> int:
    """Return how many events the client of a round was told to be recorded."""
    told = Told.of(folder)
    return sum(told.begun[name] for name in told.done if name.startswith(f"client-{number}-"))


def of_log(line: Timeline, folder: Path) -> list[str]:
    """Return what is wrong with the log: events lost, doubled, halved, or positions with gaps."""
    told = Told.of(folder)
    found = list(told.findings)
    log = list(line.log())
    if line.verify() != len(log):
        found.append(f"{line.verify()} events are as recorded, {len(log)} are there")
    if [entry.position for entry in log] != list(range(1, len(log) + 1)):
        found.append("positions have gaps")
    reasons = Counter(str(entry.reason) for entry in log)
    found += [f"recorded {count} times: {reason}" for reason, count in reasons.items() if count > 1]
    for client in {name.rpartition("-")[0] for name in told.begun}:
        found += _of_client(client, told, reasons)
    return found


def _of_client(client: str, told: Told, reasons: Counter[str]) -> list[str]:
    """Return what is wrong with the events of a client: it numbers them through, batch after batch."""
    found: list[str] = []
    number = 0
    batches = sorted((name for name in told.begun if name.rpartition("-")[0] == client), key=_place)
    for name in batches:
        events = [f"{client} {at}" for at in range(number + 1, number + told.begun[name] + 1)]
        number += told.begun[name]
        there = sum(event in reasons for event in events)
        if name in told.done and there != len(events):
            found.append(f"{name} was acknowledged, and {there} of {len(events)} events are there")
        elif there not in {0, len(events)}:
            found.append(f"half of {name} is there: {there} of {len(events)} events")
    beyond = [reason for reason in reasons if reason.rpartition(" ")[0] == client and _place(reason) > number]
    return found + [f"nobody recorded {reason}" for reason in beyond]


def _place(name: str) -> int:
    return int(name.replace("-", " ").rpartition(" ")[2])


def of_models(line: Timeline, chance: Random) -> list[str]:
    """Return where a model that says that it is at the end of the log does not say what the log does."""
    head, found = line.stats()["position"], list[str]()
    for name, model in line.views.stored().items():
        if model.position > head:
            found.append(f"{name} is at {model.position}, beyond the log")
        if model.position == head:
            found += _compared(line, name, chance)
            difference = line.views.verify(line.vocabulary.view(name)).difference
            found += [f"{name} before catching up: {difference}"] if difference else []
    return found


def _compared(line: Timeline, name: str, chance: Random) -> list[str]:
    view, found = line.vocabulary.view(name), list[str]()
    for asked in [basis(chance) for _ in range(BASES)]:
        answer = line.ask(name, **asked)
        if answer.rows != tuple(line._asker.folded(view, None, answer.basis)):  # noqa: SLF001  past what is stored
            found.append(f"stale rows of {name} at {answer.basis.token}")
    return found


def of_catching_up(line: Timeline, chance: Random) -> list[str]:
    """Let every view catch up, end the builds that were interrupted, and return what is wrong with what is stored."""
    line.catch_up()
    found = _compared(line, VIEW, chance)
    for name in sorted({VIEW, *shadows(line)}):
        found += _built(line, name)
    found += _compared(line, VIEW, chance)
    for name, model in line.views.stored().items():
        proof = line.views.verify(line.vocabulary.view(name))
        if proof.difference or model.position != line.stats()["position"]:
            found.append(f"{name} at {model.position}: {proof.difference}")
        found += [f"stuck: {error}" for error in line.views.errors(name)]
    return found + [f"a build of {name} is left over" for name in shadows(line)]


def _built(line: Timeline, name: str) -> list[str]:
    """Build a view anew; a build that was interrupted must go on, and what is built be what was kept up."""
    interrupted = shadows(line).get(name)
    built = line.rebuild(name)
    serving = line.views.stored()[name].model
    found = [f"{name} built anew: {built.differing} rows differ: {built.differences[:1]}"] if built.differing else []
    return found + ([f"the build of {name} did not go on"] if interrupted not in {None, serving} else [])


def shadows(line: Timeline) -> dict[str, int]:
    """Return the models that are being built, or were when whoever built them was killed: the numbers by view."""
    with line.engine.connect() as connection:
        held = readmodels.models(connection, line.name, serving=False)
    return {model.view: model.model for model in held if not model.retired}


def tables(line: Timeline) -> int:
    """Return how many tables of models there are that no model has."""
    query = """SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'timeline' AND c.relname ~ '^rows_[0-9]+$'
          AND NOT EXISTS (SELECT FROM timeline.read_models WHERE 'rows_' || model = c.relname)"""
    with line.engine.connect() as connection:
        return int(connection.exec_driver_sql(query).scalar() or 0)
