"""What a row says: readers, made once from the templates and tables of a map and applied to the cells of every row.

A reader is a function from the cells of a row to a value, or to None where a cell that it needs has none. A text is a
template (`{column}`, `{column:year}`, `{{` and `}}` for braces); a table with `column` reads one cell as something
other than text, or of a column whose name no template can hold; other tables and lists hold readers; everything else is
a constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from timeline.errors import Place, Refused
from timeline.events import EXACT
from timeline.rows import picking
from timeline.schemas import Scalar, Text, explained
from timeline.views.claims import slug

Cells = Sequence[Any]
Reader = Callable[[Cells], Any]

_PIECE = re.compile(r"\{\{|\}\}|\{(?P<column>[^{}]+)\}|[{}]|[^{}]+")
_DATED = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:[T ].*)?)?)?", re.ASCII | re.DOTALL)
_SHOWN = 60  # characters of a refused cell that its message repeats


@dataclass(slots=True)
class Columns:
    """The columns that a map uses, in the order of their first use: the order in which a row gives its cells.

    `lists` says of each whether its cells are read as lists; None where that makes no difference.
    """

    lists: dict[str, bool | None] = field(default_factory=dict)

    def at(self, name: str, *, many: bool | None = False) -> int:
        """Return the place of a column, taking note of it."""
        held = self.lists.setdefault(name, many)
        if held is None:
            self.lists[name] = many
        elif many is not None and many != held:
            message = f"the column {name!r} is read as a list and as one text"
            raise Refused(message, remedy="Read it in one way only")
        return list(self.lists).index(name)


@dataclass(frozen=True, slots=True)
class Constant:
    """A reader of what every row says alike. Its value is shared by all rows: nobody may change it."""

    value: Any

    def __call__(self, _cells: Cells) -> Any:  # noqa: ANN401  any JSON value
        """Return the value."""
        return self.value


def reader(stated: object, columns: Columns) -> Reader:
    """Return the reader of what a map states; `columns` takes note of the columns that it uses."""
    match stated:
        case str():
            return template(stated, columns)
        case {"column": _}:
            return _column(stated, columns)
        case dict():
            return merging({name: within(name, value, columns) for name, value in stated.items()})
        case list():
            return _list([within(str(number), value, columns) for number, value in enumerate(stated)])
        case date() | time():
            return Constant(stated.isoformat())
    return Constant(stated)


def within(name: str, stated: object, columns: Columns) -> Reader:
    """Return the reader of the part of this name; a refusal says in which."""
    try:
        return reader(stated, columns)
    except Refused as error:
        error.place = Place(field=".".join(filter(None, (name, error.place.field))))
        raise


def merging(members: Mapping[str, Reader]) -> Reader:
    """Return a reader of objects; members without a value are left out."""
    fixed = {name: read.value for name, read in members.items() if isinstance(read, Constant)}
    varying = [(name, read) for name, read in members.items() if not isinstance(read, Constant)]
    if not varying:
        return Constant(fixed)

    def read_object(cells: Cells) -> dict[str, Any] | None:
        made = fixed.copy()
        for name, read in varying:
            value = read(cells)
            if value is not None:
                made[name] = value
        return made or None

    return read_object


def _list(members: Sequence[Reader]) -> Reader:
    """Return a reader of lists; members without a value are left out."""
    if all(isinstance(read, Constant) for read in members):
        return Constant([read(()) for read in members])
    return lambda cells: [value for read in members if (value := read(cells)) is not None] or None


# Templates


def template(text: str, columns: Columns) -> Reader:
    """Return the reader of a template: None where one of its columns has no value.

    >>> read = template("{id}/{day:quarter}", Columns())
    >>> read(("CHE", "2008-10-01")), read((None, "2008-10-01"))
    ('CHE/2008-36', None)
    """
    pattern, used = _parsed(text)
    if not used:
        return Constant(pattern % ())
    reads = [_formatted(columns.at(name), name, form) for name, form in used]
    if pattern == "%s":
        return reads[0]
    pick = picking([columns.at(name) for name, _ in used])
    if any(form for _, form in used):
        return lambda cells: None if None in pick(cells) else pattern % tuple([read(cells) for read in reads])
    return lambda cells: None if None in (values := pick(cells)) else pattern % values


def _parsed(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a template as a pattern for `%`, and the columns, each with its format, that fill it."""
    pattern, used = "", []
    for piece in _PIECE.finditer(text):
        if piece["column"]:
            name, _, form = piece["column"].partition(":")
            used.append((name, _checked(form)))
            pattern += "%s"
        elif piece[0] in "{}":
            message = f"the brace {piece[0]} has no partner in {text!r}"
            raise Refused(message, remedy="Double it if it is meant as it is")
        else:
            pattern += {"{{": "{", "}}": "}"}.get(piece[0], piece[0].replace("%", "%%"))
    return pattern, used


def _checked(form: str) -> str:
    if form and form not in _FORMATS:
        near = get_close_matches(form, _FORMATS, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(_FORMATS)}"
        raise Refused(f"there is no format {form!r}", remedy=remedy)
    return form


def _formatted(index: int, name: str, form: str) -> Reader:
    if not form:
        return itemgetter(index)
    wanted = "a text with a letter or digit" if form == "slug" else f"an ISO date with its {form}"
    return _converting(index, name, _FORMATS[form], wanted)


@lru_cache(maxsize=1 << 14)
def _dated(text: str, form: str) -> str:
    """Return the part of an ISO date that a format names, in EDTF; ValueError where the text has none."""
    written = _DATED.fullmatch(text)
    if not written:
        raise ValueError(text)
    year, month, day = written["year"], written["month"], written["day"]
    date.fromisoformat(f"{year}-{month or '01'}-{day or '01'}")
    parts = {"year": year, "month": month and f"{year}-{month}", "day": day and f"{year}-{month}-{day}"}
    parts["quarter"] = month and f"{year}-{33 + (int(month) - 1) // 3}"
    if not parts[form]:
        raise ValueError(text)
    return parts[form]


@lru_cache(maxsize=1 << 14)
def _slug(text: str) -> str:
    if not (found := slug(text)):
        raise ValueError(text)
    return found


_FORMATS: Mapping[str, Callable[[str], str]] = {
    "year": lambda text: _dated(text, "year"),
    "quarter": lambda text: _dated(text, "quarter"),
    "month": lambda text: _dated(text, "month"),
    "day": lambda text: _dated(text, "day"),
    "slug": _slug,
}
"""What may follow the colon in a template."""


# Cells read as something other than text


class _ColumnFields(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    column: Text
    kind: Annotated[Literal["text", "number", "integer", "boolean", "list"], Field(alias="as")] = "text"
    split: Text | None = None
    values: Annotated[dict[str, Scalar], Field(min_length=1)] | None = None


def _column(stated: object, columns: Columns) -> Reader:
    """Return the reader of one column, as `{ column = "value", as = "number" }` states it."""
    try:
        given = _ColumnFields.model_validate(stated)
    except ValidationError as error:
        raise explained(error, _ColumnFields) from error
    if (given.split and given.kind != "list") or (given.values and given.kind != "text"):
        name = "split" if given.split else "values"
        remedy = 'Write as = "list"' if given.split else "Leave out `as`: the values say what is meant"
        raise Refused(f"`{name}` does not go with {given.kind}", remedy=remedy, place=Place(field=name))
    index = columns.at(given.column, many=given.kind == "list" and given.split is None)
    if given.kind == "list":
        return _items(index, given.split)
    if given.values:
        return _converting(index, given.column, given.values.__getitem__, f"one of {', '.join(given.values)}")
    if given.kind == "text":
        return itemgetter(index)
    return _converting(index, given.column, _CONVERSIONS[given.kind], _WANTED[given.kind])


def _items(index: int, split: str | None) -> Reader:
    """Return the reader of a list: what JSON or Parquet has as one, or a text divided; a single text is one item."""

    def read_items(cells: Cells) -> list[str] | None:
        value = cells[index]
        if value is None or isinstance(value, list):
            return value
        items = value.split(split) if split else [value]
        return [text for item in items if (text := item.strip())] or None

    return read_items


def _converting(index: int, name: str, convert: Callable[[str], Any], wanted: str) -> Reader:
    """Return the reader of a cell that must be of a sort; any other is refused with its column."""

    def read_converted(cells: Cells) -> Any:  # noqa: ANN401  whatever the conversion yields
        text = cells[index]
        if text is None:
            return None
        try:
            return convert(text)
        except (ArithmeticError, ValueError, KeyError):
            remedy = "Correct the cell, or what the map says of it"
            raise Refused(f"{_shown(text)} is not {wanted}", remedy=remedy, place=Place(field=name)) from None

    return read_converted


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}…"


def _number(text: str) -> float:
    value = float(text)
    if not -EXACT <= value <= EXACT or "_" in text or not text.isascii():
        raise ValueError(text)
    return int(value) if value.is_integer() else value


def _integer(text: str) -> int:
    value = _number(text)
    if not isinstance(value, int) or Decimal(text) != value:
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_CONVERSIONS: Mapping[str, Callable[[str], Any]] = {"number": _number, "integer": _integer, "boolean": _boolean}
_WANTED = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
