"""Questions: what people ask by, resolved into a basis against a log."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from timeline import phrases
from timeline.basis import FORM, Basis
from timeline.choice import EVERYBODY, Choice
from timeline.edtf import FIRST_YEAR, LAST_YEAR
from timeline.errors import Place, Refused
from timeline.fold import Row

if TYPE_CHECKING:
    from timeline.fold import Projection
    from timeline.store import Log

_POSITION = re.compile(r"-?[0-9]{1,18}")

LINK = 8
"""Bytes of the chain's hash that a basis carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a caller asks by, as written.

    `on` is a day, `known` a day (the whole of it) or an instant, `recorded` a position, a day or an instant; `as_of`
    sets the first two. Without them: today, now and the whole log. `only` and `without` say who is believed, in
    conditions such as `publisher:Reuters`. `basis` is the token of an earlier answer and stands alone.
    """

    on: str | date | None = None
    known: str | date | None = None
    recorded: int | str | date | None = None
    as_of: str | date | None = None
    only: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None
    basis: str | None = None

    @classmethod
    def of(cls, given: str, **usual: Any) -> Question:  # noqa: ANN401  the fields of a question
        """Return the question that one word asks: a token, `now`, a day, or parts as in `known=2023-12-31,recorded=70`.

        A day stands for `as-of`. Parts are axes, or who is believed (`without=publisher:Reuters`). What the word leaves
        open is taken from `usual`.
        """
        if given.startswith(FORM):
            return cls(basis=given)
        if given == "now":
            return cls(**usual)
        if "=" not in given:
            if usual.get("on") is not None or usual.get("known") is not None:
                message = f"{given} sets both the day and the knowledge, and so does what is shared"
                raise Refused(message, remedy=f"Write known={given} or on={given}")
            return cls(**{**usual, "as_of": given})
        parts = [_part(part) for part in given.split(",")]
        axes = {name: value for name, value in parts if name not in _WHO}
        chosen = {who: tuple(value for name, value in parts if name == who) or usual.get(who) for who in _WHO}
        replaced = ("as_of",) if axes.keys() & {"on", "known"} else ("on", "known") if "as_of" in axes else ()
        return cls(**{**usual, **dict.fromkeys(replaced), **axes, **chosen})

    @property
    def is_open(self) -> bool:
        """Whether it is asked of all that is recorded, by everybody."""
        return not (self.recorded is not None or self.basis or self.only or self.without)

    def resolved(self, log: Log, now: datetime, view: Projection | None) -> Basis:
        """Return the basis that this question has in a log."""
        answerer = (view.name, view.version) if view else ("", 0)
        if self.basis is not None:
            return self._by_token(self.basis, log, answerer)
        on, known = self.read(now)
        position, link = self._position(log, now)
        choice = _completed(Choice.of(self.only or (), self.without or ()), log, position)
        return _basis(log.timeline, on, known, (position, link), answerer, choice)

    def read(self, now: datetime) -> tuple[date, datetime]:
        """Return the day and the instant of knowledge that are asked about."""
        if self.as_of is not None and (self.on is not None or self.known is not None):
            raise Refused("as-of sets both the day and the knowledge", remedy="Give --as-of alone, or --on and --known")
        on, known = (self.on, self.known) if self.as_of is None else (self.as_of, self.as_of)
        today = now.astimezone(UTC).date()
        return today if on is None else _day(on, today), now if known is None else _instant(known, today, "known")

    def _by_token(self, token: str, log: Log, answerer: tuple[str, int]) -> Basis:
        """Return the basis of a token, if this log can honour it."""
        given = [
            field.name for field in fields(self) if field.name != "basis" and getattr(self, field.name) is not None
        ]
        if given:
            raise Refused(f"a basis stands alone, without {given[0]}", remedy="Leave out one of them")
        basis = Basis.parse(token)
        if basis.timeline != log.timeline:
            message = f"the basis belongs to the timeline {basis.timeline!r}, not {log.timeline!r}"
            raise Refused(message, remedy=f"Ask with --timeline {basis.timeline}")
        if (basis.view, basis.version) != answerer:
            theirs, ours = _named(basis.view, basis.version), _named(*answerer)
            raise Refused(f"the basis belongs to an answer of {theirs}, not of {ours}", remedy="Ask for that one by it")
        last, _ = log.head()
        if basis.recorded > last:
            message = f"the basis belongs to a longer log: this one has {last} events"
            raise Refused(message, remedy="Ask the database that gave the answer")
        if _link(log, basis.recorded) != basis.link:
            message = f"the basis belongs to another log: position {basis.recorded} is not what it was computed from"
            raise Refused(message, remedy="Ask the database that gave the answer")
        if _completed(basis.choice, log, basis.recorded) != basis.choice:
            message = f"the basis shortens who is believed: {basis.choice.text}"
            raise Refused(message, remedy="Copy the whole token that an answer printed")
        return basis

    def _position(self, log: Log, now: datetime) -> tuple[int, str]:
        last, end = log.head()
        if self.recorded is None:
            return last, end[:LINK].hex()
        position = _recorded(self.recorded, log, now)
        link = _link(log, position)
        if not link:
            message = f"the log has {last} events, so nothing is at {position}"
            raise Refused(message, remedy=f"Ask up to --recorded {last}")
        return position, link


def at_head(timeline: str, on: date, known: datetime, head: tuple[int, bytes], view: Projection) -> Basis:
    """Return the basis of an open question that finds the log at this head."""
    return _basis(timeline, on, known, (head[0], head[1][:LINK].hex()), (view.name, view.version), EVERYBODY)


def _basis(
    timeline: str, on: date, known: datetime, head: tuple[int, str], answerer: tuple[str, int], choice: Choice
) -> Basis:
    (recorded, link), (view, version) = head, answerer
    return Basis(
        timeline=timeline, on=on, known=known, recorded=recorded, link=link, view=view, version=version, choice=choice
    )


_AXES = ("on", "known", "recorded", "as-of")
_WHO = ("only", "without")


def _part(part: str) -> tuple[str, str]:
    """Return one axis of a basis and where on it to stand, or who is believed; a comma in a name is written %2C."""
    name, _, value = part.partition("=")
    if name not in (*_AXES, *_WHO) or not value:
        remedy = f"Write a token, now, a day, or some of {', '.join((*_AXES, *_WHO))}, as known=2023-12-31,recorded=70"
        raise Refused(f"{part!r} is no part of a basis", remedy=remedy)
    return name.replace("-", "_"), unquote(value)


def _completed(choice: Choice, log: Log, recorded: int) -> Choice:
    """Return a choice by the names that the log has, documents by their whole identity."""
    return Choice(
        *(tuple(sorted({(c[0], log.meant(*c, recorded)) for c in held})) for held in (choice.only, choice.without))
    )


def _named(view: str, version: int) -> str:
    return f"the view {view} in version {version}" if view else "the facts"


def _link(log: Log, position: int) -> str:
    """Return the link of the chain at a position, empty where the log is shorter."""
    found = log.hash_at(position)
    return "" if found is None else found[:LINK].hex()


def _at(field: str, error: Refused) -> Refused:
    error.place = Place(field=f"--{field}")
    return error


def _day(given: str | date, today: date) -> date:
    if isinstance(given, datetime) or not isinstance(given, str | date):
        raise Refused(f"{given!r} is not a day", remedy="Give a date, as 2023-12-26", place=Place(field="--on"))
    if isinstance(given, date) and FIRST_YEAR <= given.year <= LAST_YEAR:
        return given
    try:
        return phrases.day(_text(given), today=today)
    except Refused as error:
        raise _at("on", error) from error


def _instant(given: str | date, today: date, field: str) -> datetime:
    """Return an instant; a day stands for its end."""
    if not isinstance(given, str | date):
        place = Place(field=f"--{field}")
        raise Refused(f"{given!r} is no day and no instant", remedy="Give a date or an instant", place=place)
    try:
        return phrases.instant(_text(given), today=today)
    except Refused as error:
        raise _at(field, error) from error


def _text(given: str | date) -> str:
    """Return what a person would have typed, so that dates and texts are held to the same rules."""
    return given if isinstance(given, str) else given.isoformat()


def _recorded(given: int | str | date, log: Log, now: datetime) -> int:
    if isinstance(given, str) and _POSITION.fullmatch(given):
        return int(given)
    if isinstance(given, int):
        return int(given)
    return log.position_at(_instant(given, now.astimezone(UTC).date(), "recorded"))


def condition(text: str) -> Callable[[Row], bool]:
    """Return the test of a row that `field=value` stands for: a field of the row or of its state, as printed.

    A list fits if one of its items does.

    >>> condition("overdue=true").__name__
    'holds'
    """
    field, equals, value = text.partition("=")
    if not (field and equals):
        raise Refused(f"{text!r} is not a condition", remedy="Write --where FIELD=VALUE", place=Place(field="--where"))

    path = field.removeprefix("state.").split(".")

    def holds(row: Row) -> bool:
        if field in _OF_A_ROW:
            return _printed(getattr(row, field)) == value
        found: object = row.state
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return any(_printed(item) == value for item in (found if isinstance(found, list) else [found]))

    return holds


_OF_A_ROW = ("key", "certainty", "disputed", "since", "until")


def _printed(value: object) -> str:
    """Return a value as people write it after an equals sign."""
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
