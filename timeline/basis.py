"""The basis of an answer: the three coordinates that it was computed from, and the token that gives it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from timeline.choice import EVERYBODY, Choice
from timeline.errors import Refused
from timeline.temporal import format_instant, parse_day, parse_instant

if TYPE_CHECKING:
    from datetime import date, datetime

FORM = "tl1/"
"""What every token begins with."""

_TOKEN = re.compile(
    FORM
    + r"([a-z0-9_-]+)/(0|[1-9]\d{0,17})-([0-9a-f]{16})/([^/]+)/([^/]+)(?:/([^/=]+)-([1-9]\d{0,8}))?(?:/([^/]+=[^/]+))?",
    re.ASCII,
)
_SHOWN = 60  # characters of a broken token that are repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The day asked about, the instant of knowledge and the last position believed, of one timeline.

    `choice` says who is believed. `link` is the beginning of the chain's hash at that position: it tells this log from
    every other one of the same name. `view` and `version` name the projection that answered, and are empty for the
    facts themselves.
    """

    timeline: str
    on: date
    known: datetime
    recorded: int
    link: str
    view: str = ""
    version: int = 0
    choice: Choice = EVERYBODY

    @property
    def token(self) -> str:
        """Return the basis as one word."""
        answered = f"/{self.view}-{self.version}" if self.view else ""
        log = f"{FORM}{self.timeline}/{self.recorded}-{self.link}"
        chosen = f"/{self.choice.text}" if self.choice.text else ""
        return f"{log}/{self.on.isoformat()}/{format_instant(self.known)}{answered}{chosen}"

    @classmethod
    def parse(cls, token: str) -> Basis:
        """Return the basis that a token stands for; Refused where it is none."""
        match = _TOKEN.fullmatch(token)
        try:
            name, recorded, link, on, known, view, version, chosen = match.groups() if match else ()
            day, instant, choice = parse_day(on), parse_instant(known), Choice.parse(chosen or "")
        except (Refused, ValueError) as error:
            message = f"{token[:_SHOWN]!r} is not a basis"
            raise Refused(message, remedy="Copy the whole token that an answer printed, tl1/…") from error
        numbers = {"recorded": int(recorded), "version": int(version or 0)}
        return cls(timeline=name, on=day, known=instant, link=link, view=view or "", choice=choice, **numbers)

    def to_dict(self) -> dict[str, Any]:
        """Return the basis as it stands in an answer."""
        known = format_instant(self.known)
        place = {"on": self.on.isoformat(), "known": known, "recorded": self.recorded}
        return {**place, **self.choice.to_dict(), "token": self.token}
