"""The basis of an answer: the three coordinates that it was computed from, and the token that gives it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from timeline.errors import Refused
from timeline.temporal import format_instant, parse_day, parse_instant

if TYPE_CHECKING:
    from datetime import date, datetime

_TOKEN = re.compile(r"tl1/([a-z0-9_-]+)/(\d{1,18})-([0-9a-f]{16})/([^/]+)/([^/]+)(?:/([^/]+)-(\d{1,9}))?")


_SHOWN = 60  # characters of a broken token that are repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The day asked about, the instant of knowledge and the last position believed, of one timeline.

    `link` is the beginning of the chain's hash at that position: it tells this log from every other one of the same
    name. `view` and `version` name the projection that answered, and are empty for the facts themselves.
    """

    timeline: str
    on: date
    known: datetime
    recorded: int
    link: str
    view: str = ""
    version: int = 0

    @property
    def token(self) -> str:
        """Return the basis as one word."""
        answered = f"/{self.view}-{self.version}" if self.view else ""
        log = f"tl1/{self.timeline}/{self.recorded}-{self.link}"
        return f"{log}/{self.on.isoformat()}/{format_instant(self.known)}{answered}"

    @classmethod
    def parse(cls, token: str) -> Basis:
        """Return the basis that a token stands for; Refused where it is none."""
        match = _TOKEN.fullmatch(token)
        try:
            name, recorded, link, on, known, view, version = match.groups() if match else ()
            day, instant = parse_day(on), parse_instant(known)
        except (Refused, ValueError) as error:
            message = f"{token[:_SHOWN]!r} is not a basis"
            raise Refused(message, remedy="Copy the whole token that an answer printed, tl1/…") from error
        numbers = {"recorded": int(recorded), "version": int(version or 0)}
        return cls(timeline=name, on=day, known=instant, link=link, view=view or "", **numbers)

    def to_dict(self) -> dict[str, Any]:
        """Return the basis as it stands in an answer."""
        known = format_instant(self.known)
        return {"on": self.on.isoformat(), "known": known, "recorded": self.recorded, "token": self.token}
