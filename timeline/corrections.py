"""Corrections: what is wrong with a fact becomes the event that puts it right, or is refused.

A correction names only what changes; the event states the fact whole. It builds on the version that the asker sees, and
is refused where another has taken its place since: nobody undoes what they have not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from timeline.errors import Conflict, NotFound, Place, Refused
from timeline.events import DEEPEST, Entry, Event, canonical
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from datetime import datetime

Read = Callable[[Mapping[str, Any]], Event]
"""Makes the event of a line, or refuses it: the border."""

LEAST_IDENTITY = 8
"""Digits of an event's identity that name it well enough."""

_STATED = ("kind", "subject", "data", "valid", "schema", "said_by", "modality", "polarity", "confidence", "time")
_FLAGS = {
    "fact": "A fact keeps its name; retract it and assert another",
    "action": "Use timeline retract to take a fact back",
    "known": "Use --known DATE or --misread",
    "reason": "Use --reason",
    "source": "Use --source DOCUMENT#QUOTE",
}


class Typed(str):
    """A value as a person types it: JSON where the kind takes that, else the text itself."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is wrong with a fact, and why.

    `set` holds values by path of a fact line, as `{"data.quantity": 4}`; a bare name that is no field of a line is one
    of `data`, and None leaves out. The source changed its story at `known`, or was `misread`; without either it is the
    publication of the new `source`, `DOCUMENT` or `DOCUMENT#QUOTE`. A new story does not keep the old source, whose
    words are no proof of it. `expect` is the event that must be in force.
    """

    fact: str
    reason: str
    set: Mapping[str, Any] = field(default_factory=dict)
    valid: str | None = None
    known: str | None = None
    misread: bool = False
    retract: bool = False
    source: str | None = None
    expect: str | None = None
    place: Place = field(default_factory=Place)


def correction(given: Mapping[str, Any], place: Place, **usual: Any) -> Correction:  # noqa: ANN401
    """Return the correction that a line of a file states; `usual` is what it takes where it does not say itself."""
    about = {**usual, **given}
    if given.keys() & {"known", "misread", "source"}:
        about = {name: value for name, value in about.items() if name not in {"known", "misread"} or name in given}
    known = {spec.name: _TYPES[spec.name] for spec in fields(Correction) if spec.name in _TYPES}
    for name, value in about.items():
        if name not in known:
            remedy = f"There are: {', '.join(known)}"
            raise Refused("there is no such field here", remedy=remedy, place=_at(place, name))
        if not isinstance(value, known[name]):
            wanted = {str: "a text", bool: "true or false", dict: "an object"}[known[name]]
            raise Refused(f"{value!r} is not {wanted}", remedy=f"Give {wanted}", place=_at(place, name))
    if "fact" not in about:
        raise Refused("missing", remedy="Name the fact that this is about", place=_at(place, "fact"))
    return Correction(**about, place=place)


_TYPES = {"fact": str, "set": dict, "valid": str, "known": str, "misread": bool, "retract": bool}
_TYPES |= {"reason": str, "source": str, "expect": str}


def assignment(text: str) -> tuple[str, Typed]:
    """Return the path and the value of `path=value`.

    >>> assignment("data.due=2027")
    ('data.due', '2027')
    """
    path, equals, value = text.partition("=")
    if not (path.strip() and equals):
        raise Refused(f"{text!r} sets nothing", remedy="Write --set PATH=VALUE", place=Place(field="--set"))
    return path.strip(), Typed(value)


def assignments(texts: Iterable[str]) -> dict[str, Typed]:
    """Return what is set by several texts `path=value`; a path given twice is refused."""
    found: dict[str, Typed] = {}
    for path, value in map(assignment, texts):
        if path in found:
            raise Refused(f"{path} is given twice", remedy="Leave one of them out", place=Place(field="--set"))
        found[path] = value
    return found


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of one fact, drafted ones behind the `head` of the log included, as somebody sees them.

    `origins` names, by position, whose words a version only repeats, `rightly` since when others are rightly known.
    """

    fact: str
    entries: tuple[Entry, ...]
    known: datetime
    recorded: int
    head: int
    now: datetime
    origins: Mapping[int, Entry | None] = field(default_factory=dict)
    rightly: Mapping[int, datetime] = field(default_factory=dict)

    def seen(self, known: datetime) -> Entry:
        """Return the version in force at an instant for the asker; Conflict where another has taken its place since."""
        believed = [entry for entry in self.entries if entry.known <= known]
        now = latest(believed)
        seen = latest(e for e in believed if e.position <= self.recorded or e.position > self.head)
        if not self.entries:
            raise NotFound(f"there is no fact {self.fact!r}", remedy="List facts with: timeline facts")
        if now is None or seen is None:
            if known < self.known:
                raise self._unknown(known)
            message = f"the fact {self.fact!r} was not {'recorded' if now else 'known'} by then"
            raise NotFound(message, remedy="Correct it as it is known now, without --basis")
        if now is not seen:
            message = f"{named(now)} has taken the place of {named(seen)}"
            raise Conflict(message, remedy=f"Look at it again: timeline show {self.fact}", place=Place(field="fact"))
        return now

    def origin(self, entry: Entry) -> Entry:
        """Return the version whose words this one repeats, or itself; Refused where there was nothing to repeat."""
        origin = self.origins.get(entry.position, entry)
        if origin is None:
            raise self._unknown(entry.known)
        return origin

    def since(self, entry: Entry) -> datetime:
        """Return since when a version is rightly known, as its document is dated now."""
        origin = self.origin(entry)
        return self.rightly.get(origin.position, origin.known)

    def in_force(self, known: datetime, seen: Entry) -> None:
        """Refuse to override at an instant another version than the one seen: Conflict."""
        now = self.at(known)
        if now is None:
            raise self._unknown(known)
        if self.origins.get(now.position, now) is not self.origin(seen):
            message = f"{named(now)} is in force at {format_instant(known)}, not {named(seen)}, which this builds on"
            remedy = "Look at that version, then correct it by the --basis of an answer that shows it, or with --expect"
            raise Conflict(message, remedy=remedy, place=Place(field="known"))

    def _unknown(self, known: datetime) -> Refused:
        said = (self.since(e) for e in self.entries if e.valid and self.origins.get(e.position, e) is not None)
        first = format_instant(min(said, default=self.now))
        message = f"at {format_instant(known)} the fact was not known: it is known since {first}"
        remedy = "Give a day from then on; what was said earlier is imported, as a line of its own with that known time"
        return Refused(message, remedy=remedy, place=Place(field="known"))

    def at(self, known: datetime) -> Entry | None:
        """Return the version in force at an instant, from the whole log."""
        return latest(entry for entry in self.entries if entry.known <= known)


def latest(entries: Iterable[Entry]) -> Entry | None:
    """Return the version that the rule believes."""
    return max(entries, key=lambda entry: (entry.known, entry.position), default=None)


def named(entry: Entry) -> str:
    """Return an event as messages name it."""
    return f"event {entry.event[:16]} at {entry.position}"


def claim(entry: Event) -> bytes:
    """Return what a version says, in canonical form: nothing where it retracts; not since when, nor why."""
    line = entry.fields()
    said = {name: line[name] for name in line.keys() - {"action", "known", "reason"}}
    return canonical(said if entry.valid else None)


def corrected(asked: Correction, versions: Versions, read: Read) -> tuple[Entry, Event]:
    """Return the version that a correction builds on and the event that it comes to; Refused, naming the field."""
    reasoned(asked.reason)
    known = None if asked.misread and asked.known is None else _said_at(asked, versions, read)
    seen = versions.seen(versions.known if known is None else min(known, versions.known))
    _expected(asked, seen)
    known = known or versions.since(seen)
    versions.in_force(known, seen)
    since = format_instant(known)
    event = _retraction(asked, seen, since, read) if asked.retract else _restated(asked, versions, seen, since, read)
    _changes_something(event, versions)
    return seen, event


def _said_at(asked: Correction, versions: Versions, read: Read) -> datetime:
    """Return since when a correction is known that is no misreading: as given, or as its source was published."""
    if not versions.entries:
        raise NotFound(f"there is no fact {asked.fact!r}", remedy="List facts with: timeline facts")
    line = {"action": "retract", "fact": asked.fact, **_known(asked)}
    source = _source(asked.source)
    known = read(line | ({"source": source} if source else {})).known
    if asked.known is not None and known > versions.now:
        message = f"{format_instant(known)} is still to come, so nothing is known since then"
        raise Refused(message, remedy="Give the day on which the source said so", place=Place(field="known"))
    return known


def reasoned(reason: str) -> None:
    """Refuse a change for no reason."""
    if not reason.strip():
        raise Refused("empty", remedy='Say why, as --reason "misread"', place=Place(field="reason"))


def _expected(asked: Correction, seen: Entry) -> None:
    """Refuse to build on another event than the one expected."""
    if asked.expect is None:
        return
    if len(asked.expect) < LEAST_IDENTITY:
        remedy = f"Give at least {LEAST_IDENTITY} digits of its identity"
        raise Refused(f"{asked.expect!r} names no event", remedy=remedy, place=Place(field="expect"))
    if not seen.event.startswith(asked.expect.lower()):
        message = f"{named(seen)} is in force, not {asked.expect[:16]}"
        raise Conflict(message, remedy=f"Look at it again: timeline show {asked.fact}", place=Place(field="expect"))


def _retraction(asked: Correction, seen: Entry, since: str, read: Read) -> Event:
    for name, given in (("set", asked.set), ("valid", asked.valid)):
        if given:
            raise Refused("a retraction states nothing", remedy="Correct it, or retract it", place=Place(field=name))
    line = {"action": "retract", "fact": asked.fact, "reason": asked.reason, "known": since}
    # A retraction of what was misread stays with the document, whatever is found out about its date.
    source = _source(asked.source) or (asked.misread and seen.fields().get("source"))
    return read(line | ({"source": source} if source else {}))


def _restated(asked: Correction, versions: Versions, seen: Entry, since: str, read: Read) -> Event:
    """Return the event that states the fact anew: as the version seen, or what that one retracts, but for changes."""
    stated = latest(entry for entry in versions.entries if entry.valid and _order(entry) <= _order(seen))
    line: dict[str, Any] = deepcopy(stated.fields()) if stated else {"fact": asked.fact}
    line = {name: value for name, value in line.items() if name not in {"known", "reason"}}
    line |= {"action": "correct", "reason": asked.reason, "known": since}
    if not asked.misread:  # words that were said before are no proof of what is said otherwise
        line = {name: value for name, value in line.items() if name not in {"source", "time"}}
    if source := _source(asked.source):
        line |= {"source": source}
        line.pop("time", None)
    given = dict(asked.set)
    if asked.valid is not None:
        if "valid" in given:
            raise Refused("given twice", remedy="Leave one of them out", place=Place(field="valid"))
        given["valid"] = asked.valid
    by_steps: dict[Steps, Any] = {}
    for path, value in given.items():
        if (steps := _steps(path)) in by_steps:
            raise Refused("given twice", remedy="Leave one of them out", place=Place(field=".".join(steps)))
        by_steps[steps] = value
    return _with(line, by_steps, read)


def _order(entry: Entry) -> tuple[datetime, int]:
    return entry.known, entry.position


def _known(asked: Correction) -> dict[str, str]:
    """Return since when a correction is known that is no misreading: as given, or left to the new document."""
    if asked.misread and asked.known is not None:
        message = "either the source changed its story or it was misread"
        raise Refused(message, remedy="Give --known DATE or --misread, not both", place=Place(field="known"))
    if asked.known is not None:
        return {"known": asked.known}
    if asked.source is None:
        message = "missing: did the source change its story, or was it misread?"
        raise Refused(message, remedy="Give --known DATE, when it said so, or --misread", place=Place(field="known"))
    return {}


def _source(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    document, _, quote = text.partition("#")
    return {"document": document} | ({"quote": quote} if quote else {})


def _changes_something(event: Event, versions: Versions) -> None:
    """Refuse an event after which all would be as before."""
    held = versions.at(event.known)
    if (b"null" if held is None else claim(held)) == claim(event):
        raise _unchanged(event, held)


def _unchanged(event: Event, held: Entry | None) -> Refused:
    since = format_instant(event.known)
    why = f"{named(held)} says the same, as known at {since}" if held else f"at {since} it is not known at all"
    return Refused(f"nothing would change: {why}", remedy=f"Look at it with: timeline show {event.fact}")


Steps = tuple[str, ...]


def _steps(path: str) -> Steps:
    """Return the way to a value in a fact line."""
    first, *rest = path.split(".")
    if first in _FLAGS:
        raise Refused("this is not set by its path", remedy=_FLAGS[first], place=Place(field=path))
    return (first, *rest) if first in _STATED else ("data", first, *rest)


def _with(line: dict[str, Any], given: Mapping[Steps, Any], read: Read) -> Event:
    """Return the event of a line with values put in; what is typed is tried as JSON and, where refused, as text."""
    tried = {steps: _json(value, steps) if isinstance(value, Typed) else value for steps, value in given.items()}
    as_json: dict[Steps, Refused] = {}
    while True:
        try:
            return read(_put_all(line, tried))
        except Refused as error:
            steps = _refused_at(error, tried)
            if steps in as_json:
                raise error if isinstance(_value(line, steps), str) else as_json[steps] from None
            if not isinstance(given.get(steps), Typed) or isinstance(tried[steps], str | None):
                raise
            as_json[steps], tried[steps] = error, str(given[steps])


def _json(text: str, steps: Steps) -> Any:  # noqa: ANN401  whatever it stands for
    try:
        return json.loads(text)
    except RecursionError:
        message = f"lists and objects lie more than {DEEPEST} deep"
        raise Refused(message, remedy="Flatten the data", place=Place(field=".".join(steps))) from None
    except ValueError:
        return str(text)


def _refused_at(error: Refused, tried: Iterable[Steps]) -> Steps:
    """Return the way that leads to what was refused, or into which it leads."""
    at = tuple(error.place.field.split("."))
    return next((steps for steps in tried if steps == at[: len(steps)]), ())


def _value(line: Any, steps: Steps) -> Any:  # noqa: ANN401
    for step in steps:
        line = line.get(step) if isinstance(line, dict) else None
    return line


def _put_all(line: dict[str, Any], values: Mapping[Steps, Any]) -> dict[str, Any]:
    line = deepcopy(line)
    for steps, value in values.items():
        _put(line, steps, value)
    return line


def _put(line: dict[str, Any], steps: Steps, value: object) -> None:
    """Put a value in its place, or take out what is there."""
    within: Any = line
    for number, step in enumerate(steps[:-1], start=1):
        within = _inner(within, step, steps[:number])
    last: Any = _index(within, steps[-1], steps) if isinstance(within, list) else steps[-1]
    if not isinstance(within, dict | list):
        raise _no_place(steps[:-1])
    if value is not None:
        within[last] = value
    elif isinstance(within, list) or last in within:
        del within[last]


def _inner(within: Any, step: str, steps: Steps) -> Any:  # noqa: ANN401
    if isinstance(within, list):
        return within[_index(within, step, steps)]
    if not isinstance(within, dict):
        raise _no_place(steps[:-1])
    return within.setdefault(step, {})


def _index(within: list[Any], step: str, steps: Steps) -> int:
    if not (step.isdecimal() and int(step) < len(within)):
        message = f"the list has {len(within)} items and none of them is {step}"
        raise Refused(message, remedy="Count from 0, or set the whole list", place=Place(field=".".join(steps)))
    return int(step)


def _no_place(steps: Steps) -> Refused:
    return Refused("nothing lies within this", remedy="Set the whole value", place=Place(field=".".join(steps)))


def _at(place: Place, name: str) -> Place:
    return Place(place.file, place.line, name)
