"""A plan of delivery for tests: how it is recorded, and how a line is read beside one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from makers import entry

from timeline import border, vocabulary
from timeline.events import Document
from timeline.temporal import parse_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from timeline.events import Entry, Event

WORDS = vocabulary.load()
NEWS = Document(
    text="It rained 3 cm on Monday. It will snow by early next year.", publisher="The Post", published="2023"
)
PLAN = {"item": "S-400", "supplier": "Russia", "recipient": "India", "quantity": 5, "due": "2024"}
LATE = parse_known("2030-01-01")


def read(line: Mapping[str, Any]) -> Event:
    """Return the event of a line, at the border of a log that holds one document."""
    return border.event(line, WORDS.kind, lambda name: NEWS if name == NEWS.id else None)


def plan(position: int = 1, **fields: Any) -> Entry:  # noqa: ANN401
    """Return a recorded plan of delivery."""
    usual: dict[str, Any] = {"fact": "plan", "kind": "delivery.scheduled", "subject": "s-400", "data": PLAN}
    return entry(position, **usual | {"valid": "2023-12-26/..", "known": "2023-12-26"} | fields)
