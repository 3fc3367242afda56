"""Who is believed: the events that a question leaves out, or takes alone, by attributes of their own.

A choice is part of the basis of an answer, and travels in its token. What it means to the log stands in `store`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from timeline.errors import Place, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Condition = tuple[str, str]
"""An attribute and the value that it has to have, as `("publisher", "Reuters")`."""

ATTRIBUTES = ("publisher", "document", "speaker", "modality")
MODALITIES = ("asserted", "reported", "expected", "denied", "opinion")


@dataclass(frozen=True, slots=True)
class Choice:
    """The events to believe: without those that fit any condition of `without`, and of the rest those that fit `only`.

    Conditions of `only` about the same attribute are alternatives; those about different ones hold together. A
    retraction is not left out for lack of an attribute: what it takes back is taken back, whoever noticed.
    """

    only: tuple[Condition, ...] = ()
    without: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, only: Iterable[str] = (), without: Iterable[str] = ()) -> Choice:
        """Return the choice that conditions as people write them make, as `publisher:Reuters`.

        >>> Choice.of(without=["speaker:Denis Alipov", "modality:opinion"]).without
        (('modality', 'opinion'), ('speaker', 'Denis Alipov'))
        """
        return cls(_conditions(only, "--only"), _conditions(without, "--without"))

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Return the choice that a token's text stands for; ValueError where it is not written as `text` writes it."""
        pairs = [part.partition("=") for part in text.split(",") if text]
        found = cls.of(*([unquote(value) for key, _, value in pairs if key == name] for name in ("only", "without")))
        if found.text != text:
            raise ValueError(text)
        return found

    @property
    def text(self) -> str:
        """Return the choice as it stands in a token, with nothing that a shell would read; empty where all is believed.

        >>> Choice.of(only=["modality:asserted"], without=["publisher:The Post"]).text
        'only=modality:asserted,without=publisher:The%20Post'
        """
        pairs = [(name, f"{key}:{value}") for name in ("only", "without") for key, value in getattr(self, name)]
        return ",".join(f"{name}={quote(condition, safe=':')}" for name, condition in pairs)

    def by_attribute(self) -> Iterable[tuple[bool, str, list[str]]]:
        """Yield whether events must fit or must not, the attribute, and the values of all conditions about it."""
        for wanted, conditions in ((True, self.only), (False, self.without)):
            for name in ATTRIBUTES:
                values = [value for attribute, value in conditions if attribute == name]
                if values:
                    yield wanted, name, values

    def to_dict(self) -> Mapping[str, list[str]]:
        """Return what is chosen as it stands in an answer; nothing where everybody is believed."""
        written = {name: [f"{key}:{value}" for key, value in getattr(self, name)] for name in ("only", "without")}
        return {name: conditions for name, conditions in written.items() if conditions}


EVERYBODY = Choice()
"""The choice that leaves nothing out."""


def _conditions(texts: Iterable[str], flag: str) -> tuple[Condition, ...]:
    return tuple(sorted({_condition(text, flag) for text in texts}))


def _condition(text: str, flag: str) -> Condition:
    attribute, colon, value = text.partition(":")
    if not (colon and value):
        remedy = f"Write {flag} ATTRIBUTE:VALUE, as {flag} publisher:Reuters"
        raise Refused(f"{text!r} is not a condition", remedy=remedy, place=Place(field=flag))
    if attribute not in ATTRIBUTES:
        near = get_close_matches(attribute, ATTRIBUTES, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(ATTRIBUTES)}"
        raise Refused(f"events are not chosen by {attribute!r}", remedy=remedy, place=Place(field=flag))
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        message = f"{value!a} is no name: it holds U+0000 or half of a surrogate pair"
        raise Refused(message, remedy="Write the name as answers print it", place=Place(field=flag))
    if attribute == "modality" and value not in MODALITIES:
        message = f"there is no modality {value!r}"
        raise Refused(message, remedy=f"There are: {', '.join(MODALITIES)}", place=Place(field=flag))
    return attribute, value
