"""Every error that `timeline` raises on purpose.

TimelineError
├── Refused       the caller must change something in what was given
│   └── Conflict  what was given contradicts what the log holds
├── NotFound      nothing of that name
├── Outdated      the database and the code are of different versions
├── Unavailable   the database cannot be reached, read or written just now
└── Corrupt       the log contradicts itself; never caught

An error is a sentence, the place it is about and what to do next. Only the command line maps errors to exit codes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the input something was found: file, line (from 1) and field, as far as each is known."""

    file: str = ""
    line: int = 0
    field: str = ""

    def __str__(self) -> str:
        """Return `file:line: field`, leaving out what is not known."""
        at = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (at, self.field) if part)


class TimelineError(Exception):
    """The root of all errors raised on purpose: a message, where it was found, and the remedy."""

    def __init__(self, message: str, *, remedy: str = "", place: Place | None = None) -> None:
        """Keep the parts apart, so that callers need not parse a text."""
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.place = place or Place()

    def __str__(self) -> str:
        """Return one line: place, message and remedy."""
        said = ": ".join(part for part in (str(self.place), self.message) if part)
        return f"{said}. {self.remedy}" if self.remedy else said


class Refused(TimelineError):
    """What was given cannot be taken as it is."""


class Conflict(Refused):
    """What was given contradicts what the log holds already."""


class NotFound(TimelineError):
    """Nothing of that name is there."""


class Outdated(TimelineError):
    """The database is not migrated, or is newer than this program."""


class Unavailable(TimelineError):
    """The database cannot be reached, read or written just now."""


class Corrupt(TimelineError):
    """The log contradicts itself. Nothing in this program catches it."""
