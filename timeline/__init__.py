"""An event-sourced timeline store: what held on a day, what was known by then, and what was answered then.

>>> import timeline
>>> with timeline.connect() as line:                                    # doctest: +SKIP
...     line.record(timeline.read("seeds/"))
...     line.ask("sanctions", on="2023-12-26", known="2023-12-20")

Names are loaded when they are first used, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timeline.answers import Answer
    from timeline.app import Timeline
    from timeline.errors import Conflict, Corrupt, NotFound, Outdated, Refused, TimelineError, Unavailable
    from timeline.events import Document, Entry, Event
    from timeline.exchange import read
    from timeline.fold import Projection, Row
    from timeline.kinds import Data, Edtf, Kind
    from timeline.opening import connect
    from timeline.temporal import Valid

_HOMES = {
    "Answer": "answers",
    "Conflict": "errors",
    "Corrupt": "errors",
    "Data": "kinds",
    "Document": "events",
    "Edtf": "kinds",
    "Entry": "events",
    "Event": "events",
    "Kind": "kinds",
    "NotFound": "errors",
    "Outdated": "errors",
    "Projection": "fold",
    "Refused": "errors",
    "Row": "fold",
    "Timeline": "app",
    "TimelineError": "errors",
    "Unavailable": "errors",
    "Valid": "temporal",
    "connect": "opening",
    "read": "exchange",
}

__all__ = [
    "Answer",
    "Conflict",
    "Corrupt",
    "Data",
    "Document",
    "Edtf",
    "Entry",
    "Event",
    "Kind",
    "NotFound",
    "Outdated",
    "Projection",
    "Refused",
    "Row",
    "Timeline",
    "TimelineError",
    "Unavailable",
    "Valid",
    "connect",
    "read",
]


def __getattr__(name: str) -> object:
    """Return a public name from the module that it lives in."""
    if name in _HOMES:
        return getattr(import_module(f"timeline.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'timeline' has no attribute {name!r}")
