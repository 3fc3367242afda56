"""A source for tests: lists that are looked at again and again, and what is held of them as a log would."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from unit.makers_views import KIND

from timeline import border
from timeline.events import Event, canonical
from timeline.maps import Stated
from timeline.snapshots import Counts, Look, changes
from timeline.temporal import parse_known

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST, SECOND, THIRD = "2023-03-01", "2023-03-05", "2023-03-06"


def read(fields: Any) -> Event:  # noqa: ANN401
    """Return the event of a fact line, without any document."""
    return border.event(fields, KIND.__getitem__, lambda _: None)


def listed(name: str, line: int = 1, tolerance: float = 0.0, **changed: Any) -> Stated:  # noqa: ANN401
    """Return a row that lists somebody; what is no field of a line is data."""
    own = {"valid", "known", "fact", "said_by"}
    data = {"list": "L", "name": name, **{key: value for key, value in changed.items() if key not in own}}
    fields = {"kind": "entry.listed", "subject": name, "data": data, "valid": changed.get("valid", "{seen}/..")}
    fields |= {"said_by": changed["said_by"]} if "said_by" in changed else {}
    return Stated("list.csv", line, changed.get("fact", name), fields, None, tolerance, "{seen}" in fields["valid"])


class Held:
    """What a source holds, look after look, as a log would keep it: the versions of each fact, the last one first."""

    def __init__(self, **look: Any) -> None:  # noqa: ANN401
        """Begin with nothing, and look in one way."""
        self.versions: dict[str, list[tuple[str, bool, str]]] = {}
        self.before: datetime | None = None
        self.how = {"max_removed": 1.0} | look

    def look(self, day: str, *stated: Stated) -> list[Event]:
        """Return the events of a look at a list that reads so."""
        self.counts = Counts()
        look = Look(source="s", known=parse_known(day), before=self.before, **self.how)
        held = chain.from_iterable(self.versions.values())
        events = [event for _, event in changes(look, stated, held, read, self.counts)]
        self.before = look.known
        for event in events:
            self._keep(event, own=True)
        return events

    def by_hand(self, fact: str, day: str, **changed: Any) -> None:  # noqa: ANN401
        """Let somebody correct what is in force of a fact, or assert one; what is no field of a line is data."""
        held = self.versions.get(fact)
        new = {"kind": "entry.listed", "subject": fact, "data": {"list": "L"}}
        line: dict[str, Any] = json.loads(held[0][2]) if held else new
        own = {name: value for name, value in changed.items() if name in {"valid", "time"}}
        data = line["data"] | {name: value for name, value in changed.items() if name not in own}
        line |= {"action": "correct" if held else "assert", "fact": fact, "known": day, "data": data, **own}
        self._keep(read({name: value for name, value in line.items() if value is not None}), own=False)

    def take_back(self, fact: str, day: str) -> None:
        """Let somebody retract a fact."""
        self._keep(read({"action": "retract", "fact": fact, "known": day, "reason": "no"}), own=False)

    def _keep(self, event: Event, *, own: bool) -> None:
        kept = (event.fact, own, canonical(event.fields()).decode())
        self.versions[event.fact] = [kept, *self.versions.get(event.fact, [])]

    def counted(self) -> tuple[int, int, int, int]:
        """Return how many entries were added, amended, removed and returned at the last look."""
        return self.counts.added, self.counts.amended, self.counts.removed, self.counts.returned


def told(events: Iterable[Event]) -> list[tuple[str, str, str | None]]:
    """Return action, fact and valid time of events."""
    return [(event.action, event.fact, event.valid.text if event.valid else None) for event in events]
