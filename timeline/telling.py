"""Why a row changed, in sentences for people: who said what when, what it displaced and for which reason.

What several causes have in common is said once, and so is the title of a document that is quoted more than once.
"""

from __future__ import annotations

from calendar import month_name
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from timeline.difference import differing
from timeline.events import canonical
from timeline.temporal import OPEN_FUTURE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from timeline.blame import Blame
    from timeline.causes import Cause
    from timeline.difference import Change, Fields
    from timeline.events import Document, Entry
    from timeline.fold import Row
    from timeline.temporal import Valid

_SIDE = {"value", "said_by", "fact"}
_USUAL = (("certainty", "certain"), ("disputed", False))
_VERBS = {"asserted": "said", "reported": "reported", "expected": "expected", "denied": "denied", "opinion": "thought"}
_DONE = {
    "news": "Public since {known}",
    "late-found document": "Found late: public since {known}, recorded on {recorded}",
    "source correction": "Restated on {known}",
    "misreading": "Misread, and read again on {recorded}",
    "retraction": "Taken back on {known}",
    "choice": "Let in by the choice of who is believed",
}
_UNDONE = {
    "known": "Not public before {known}",
    "recorded": "Not recorded before {recorded}",
    "choice": "Left out by the choice of who is believed",
}
_NOT_DONE = {
    ("misreading", "recorded"): "Misread until {recorded}",
    ("retraction", "known"): "Not taken back before {known}",
    ("retraction", "recorded"): "Not recorded as taken back before {recorded}",
}
_DAYS = {
    "begins": ("Holds since {day}", "Did not hold before {day}"),
    "ends": ("Held until {day}", "Still held until {day}"),
    "turns": ("Otherwise by the calendar since {day}", "Not so by the calendar before {day}"),
    "certain": ("Certain since {day}", "Not certain before {day}"),
    "possible": ("No longer certain since {day}", "Still certain before {day}"),
}
_PERHAPS = {
    "begins": ("May hold since {day}", "Could not hold before {day}"),
    "ends": ("May have held until {day}", "May still have held until {day}"),
}


def told(change: Change, causes: Sequence[Cause], documents: Mapping[str, Document]) -> Iterator[str]:
    """Yield lines that explain a change: what is different, then why."""
    if change.after is not None and change.after.stuck is not None:
        yield f"{change.key} cannot be folded: {change.after.stuck}"
        yield from (f"  {text}" for text in because(causes, documents))
        return
    fields = _shown(change, causes)
    yield _head(change, fields)
    changed = change.change == "changed"
    differences = [f"{path}: {_from_to(*pair)}" for path, pair in fields.items()] if changed else []
    why = because(causes, documents, fields if changed else None)
    shown = [*differences, *_contested(change)] or ["the same, but for the claims behind it"] * changed
    lines = [*shown, *why]
    yield from (f"  {text}" for text in lines)


def because(causes: Iterable[Cause], documents: Mapping[str, Document], shown: Fields | None = None) -> Iterator[str]:
    """Yield lines that tell the causes of a change alone; differences that are `shown` already are not told again."""
    teller = _Teller(documents, shown or {})
    for opening, group in groupby(causes, _opening):
        stories = [list(teller.story(cause)) for cause in group]
        if len(stories) == 1:
            yield f"{opening}: {stories[0][0]}"
            yield from (f"  {text}" for text in stories[0][1:])
        else:
            yield f"{opening}:"
            yield from (f"  {'  ' * bool(number)}{text}" for story in stories for number, text in enumerate(story))


def credited(fields: Iterable[Blame], documents: Mapping[str, Document]) -> Iterator[str]:
    """Yield lines that say who set the fields of a row in which words; each passage once, above its fields."""
    teller = _Teller(documents, {})
    passages: dict[str, list[Blame]] = {}
    for one in fields:
        passages.setdefault(one.entry.event, []).append(one)
    for held in passages.values():
        yield teller.said(held[0].entry, dated=True)
        yield from (f"  {_set(one)}" for one in held)


def _set(one: Blame) -> str:
    """Return a field and what was set, or which sides a dispute has."""
    kind, _, name = one.field.partition(".")
    if kind == "disputes" and name:
        return f"{name} in dispute: {'; '.join(_sides(_objects(one.value)))}"
    others = ", ".join(dict.fromkeys(other.fact for other in one.others))
    return f"{one.field}: {_words(one.value)}{_otherwise(one)}{others and f', together with {others}'}"


def _otherwise(one: Blame) -> str:
    """Return what a field would say without the event that set it; nothing where others say the same."""
    if canonical({"": one.displaced}) == canonical({"": one.value}):
        return ""
    return " (nothing without it)" if one.displaced is None else f" ({_words(one.displaced)} without it)"


@dataclass(slots=True)
class _Teller:
    """Tells causes one after the other and knows what has been told."""

    documents: Mapping[str, Document]
    shown: Fields
    cited: set[str] = field(default_factory=set)

    def story(self, cause: Cause) -> Iterator[str]:
        """Yield what was said, what it displaced, and the reason."""
        entry, displaced = cause.entry, cause.displaced
        if entry.action == "retract":
            yield from self.withdrawn(cause)
        else:
            yield self.said(entry, dated="{known}" not in _template(cause))
            if displaced is not None:
                yield from self.instead(cause, displaced)
        if entry.reason and not cause.turn:
            yield f"Reason: {_line(entry.reason)}"

    def withdrawn(self, cause: Cause) -> Iterator[str]:
        """Yield what a retraction took back, and who took it back in which words."""
        entry, displaced = cause.entry, cause.displaced
        when = f"taken back on {_moment(entry.known)}: " if cause.cause == "choice" else ""
        yield when + (self.said(displaced, dated=True) if displaced and displaced.valid else entry.fact)
        misread = displaced is not None and displaced.known == entry.known
        if (entry.source or entry.said_by) and not misread:
            yield self.said(entry, dated=False)

    def instead(self, cause: Cause, displaced: Entry) -> Iterator[str]:
        """Yield what an event displaced, and what it says otherwise as far as that is not shown already."""
        entry = cause.entry
        before = "In its place" if cause.undone else "Without it" if cause.cause == "choice" else "Before"
        if displaced.action == "retract":
            yield f"{before}: taken back on {_moment(displaced.known)}"
            return
        if _passage(entry) != _passage(displaced):
            yield f"{before}: {self.said(displaced, dated=True, gist=False)}"
        old, new = (entry, displaced) if cause.undone else (displaced, entry)
        names, pairs = {path.partition(".")[0] for path in self.shown}, list(self.shown.values())
        moved = cast("Valid", old.valid).text != cast("Valid", new.valid).text
        told = [
            f"{path} {_from_to(*pair)}"
            for path, pair in differing(_claimed(old), _claimed(new))
            if path.partition(".")[0] not in names and pair not in pairs and (path != "valid" or moved)
        ]
        if told:
            yield f"Changed in it: {'; '.join(told)}"

    def said(self, entry: Entry, *, dated: bool, gist: bool = True) -> str:
        """Return who said what, the words and where they stand; without a quote, what the fact says or nothing."""
        source = entry.source
        words = f"»{_line(source.quote)}«" if source and source.quote else _gist(entry) * gist
        on = f" on {_moment(entry.known)}" if dated else ""
        return f"{self.who(entry)} {_verb(entry)}{on}{words and ': '}{words}{self.cite(entry)}"

    def who(self, entry: Entry) -> str:
        """Return who is heard, and through whom; the publisher where nobody is named."""
        first, *through = entry.said_by or [self.publisher(entry) or "an unnamed source"]
        return first + (f", through {' and '.join(through)}," if through else "")

    def publisher(self, entry: Entry) -> str | None:
        """Return the publisher of the document that an event quotes."""
        document = entry.source and self.documents.get(entry.source.document)
        return document.publisher if document else None

    def cite(self, entry: Entry) -> str:
        """Return title and publisher of the document in brackets, the first time that it is quoted."""
        if entry.source is None or entry.source.document in self.cited:
            return ""
        self.cited.add(entry.source.document)
        document = self.documents.get(entry.source.document)
        if document is None:
            return ""
        named = [document.publisher] * (document.publisher not in (entry.said_by or [document.publisher]))
        parts = [part for part in (document.title, *named) if part]
        return f" ({', '.join(parts)})" if parts else ""


def _template(cause: Cause) -> str:
    if cause.turn:
        turns = _DAYS if cause.turn not in _PERHAPS or _sharp(cause) else _PERHAPS
        return turns[cause.turn][cause.undone]
    if cause.undone:
        return _NOT_DONE.get((cause.cause, cause.missing)) or _UNDONE[cause.missing]
    if cause.cause == "retraction" and cause.displaced and cause.displaced.known == cause.entry.known:
        return "Struck out as misread, recorded on {recorded}"
    if cause.missing == "recorded" and cause.cause in {"source correction", "retraction"}:
        return f"{_DONE[cause.cause]}, recorded on {{recorded}}"
    return _DONE[cause.cause]


def _sharp(cause: Cause) -> bool:
    """Return whether the day on which a fact begins or ends is the only one that it may be."""
    valid = cast("Valid", cause.entry.valid)
    return valid.first_lo == valid.first_hi if cause.turn == "begins" else valid.last_lo == valid.last_hi


def _opening(cause: Cause) -> str:
    """Return how the story of a cause begins: what happened, and when."""
    known, recorded = _moment(cause.entry.known), _moment(cause.entry.recorded)
    return _template(cause).format(known=known, recorded=recorded, day=_day(cause.day) if cause.day else "")


def _head(change: Change, fields: Fields) -> str:
    """Return the key and what became of it; of a new row also what it says."""
    if change.before is not None:
        return f"{change.key} {'is gone' if change.after is None else 'has changed'}"
    said = (f"{path} {_words(new)}" for path, (_, new) in fields.items() if (path, new) not in _USUAL)
    return f"{change.key} is new: {'; '.join(said)}"


def _shown(change: Change, causes: Iterable[Cause]) -> Fields:
    """Return the fields that differ, but claims, and those that merely repeat who is heard; disputes are told apart."""
    apart = {"claims"} | ({"disputes", "disputed"} if _disputes(change.before) or _disputes(change.after) else set())
    held = [entry for cause in causes for entry in (cause.entry, cause.displaced) if entry]
    told = [None, *(list(entry.said_by) for entry in held)]
    return {
        path: pair
        for path, pair in change.fields.items()
        if path.partition(".")[0] not in apart and not all(part in told for part in pair)
    }


def _contested(change: Change) -> Iterator[str]:
    """Yield what came into dispute, with its sides, and what is not in dispute any more."""
    before, after = (_disputes(row) for row in (change.before, change.after))
    for name in [name for name in after if before.get(name) != after[name]]:
        yield f"{name} is {'' if name in before else 'now '}in dispute: {'; '.join(after[name])}"
    if change.after:
        yield from (f"{name} is no longer in dispute" for name in before if name not in after)


def _disputes(row: Row | None) -> dict[str, list[str]]:
    """Return the sides of each dispute of a row: a value and the voices that hold it."""
    found = row.state.get("disputes") if row else None
    held = found.items() if isinstance(found, dict) else ()
    sided = {name: _objects(sides) for name, sides in held}
    full = all(sides and all(side.keys() >= _SIDE for side in sides) for sides in sided.values())
    return {name: _sides(sides) for name, sides in sided.items()} if full else {}


def _sides(sides: Iterable[Mapping[str, Any]]) -> list[str]:
    voices: dict[str, dict[str, None]] = {}
    for side in sides:
        value = f"not {_words(side['value'])}" if side.get("polarity") == "negated" else _words(side["value"])
        voices.setdefault(value, {}).update(dict.fromkeys(side["said_by"][:1] or [side["fact"]]))
    return [f"{value} ({', '.join(heard)})" for value, heard in voices.items()]


def _claimed(entry: Entry) -> dict[str, Any]:
    """Return what an event claims, without who said it where; nor its days, where it holds from when it was said."""
    valid = cast("Valid", entry.valid)
    told = valid.first_lo <= entry.known.date() <= valid.first_hi and valid.last_lo == OPEN_FUTURE
    manner = {"modality": entry.modality, "polarity": entry.polarity}
    days = {"valid": "from when it was said" if told else valid.text}
    return {"subject": entry.subject, "kind": entry.kind, **entry.data, **days, **manner}


def _passage(entry: Entry) -> tuple[object, ...]:
    source = entry.source
    return (entry.said_by, entry.known, source and source.document, source and source.quote)


def _verb(entry: Entry) -> str:
    if entry.action == "retract":
        return "took it back"
    return "denied" if entry.polarity == "negated" else _VERBS[entry.modality]


def _gist(entry: Entry) -> str:
    return f"{entry.subject}: {_words(dict(entry.data))}" if entry.data else entry.subject


def _from_to(old: object, new: object) -> str:
    if old is None:
        return f"{_words(new)}, new"
    if new is None:
        return f"{_words(old)}, no more"
    before, after = _objects(old), _objects(new)
    if before and len(before) == len(after):
        return "; ".join(_item(*pair) for pair in zip(before, after, strict=True) if [*differing(*pair)])
    return f"{_words(old)} → {_words(new)}"


def _objects(value: object) -> list[dict[str, Any]]:
    """Return the items of a list of objects; nothing for any other value."""
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else []


def _item(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return what differs between two objects, named by the first field that does not."""
    told = ", ".join(f"{path} {_from_to(*pair)}" for path, pair in differing(old, new))
    kept = next((f"{name} {_words(value)}: " for name, value in new.items() if old.get(name) == value), "")
    return kept + told


def _words(value: object) -> str:
    """Return a JSON value as people read it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case {"value": amount, **rest} if set(rest) <= {"unit", "comparator"}:
            parts = (str(rest.get("comparator", "")).replace("_", " "), _words(amount), str(rest.get("unit", "")))
            return " ".join(part for part in parts if part)
        case dict():
            return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
        case list():
            return ("; " if any(isinstance(item, dict) for item in value) else ", ").join(map(_words, value))
    return _line(str(value))


def _line(text: str) -> str:
    return " ".join(text.split())


def _moment(instant: datetime) -> str:
    """Return an instant as people write it, without the hour where it is the start of a day."""
    hour = instant.time().isoformat("seconds")
    return _day(instant) + ("" if hour == "00:00:00" else f", {hour[:5]} UTC")


def _day(day: date) -> str:
    return f"{day.day} {month_name[day.month]} {day.year}"
