"""What happens to one rainy day: a document about it, the fact that it states, and its correction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from makers import line

from timeline.corrections import Correction
from timeline.events import Document

if TYPE_CHECKING:
    from timeline.app import Timeline

NEWS = Document(text="It rained 3 cm today. It may snow.", title="Rain", publisher="The Post", published="2023-12-26")
REASON = "dated by the print"


def rain(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a line read from the news, which says neither since when it is known nor by whom."""
    source = {"document": NEWS.id, "quote": "It rained 3 cm"}
    given = line(fact="rain", valid="2023-12-26", source=source, time={"method": "relative", "text": "today"})
    return {name: value for name, value in (given | fields).items() if name != "known" or "known" in fields}


def four(**fields: Any) -> Correction:  # noqa: ANN401
    """Return the correction that it rained 4 cm: misread unless the test says otherwise."""
    usual: dict[str, Any] = {
        "fact": "rain",
        "misread": not fields.keys() & {"known", "source"},
        "reason": "misread",
        "set": {"value": 4},
    }
    return Correction(**usual | fields)


def value(opened: Timeline, **question: Any) -> Any:  # noqa: ANN401
    """Return how much it rained; None where nothing is known of it."""
    rows = opened.ask("observations", "delhi/rain", **{"on": "2023-12-26"} | question).rows
    return rows[0].state["value"] if rows else None
