"""A map says how the rows of a table become facts: a TOML file, read once and compiled into readers of cells.

What it states is checked in form only: whether the data satisfy their kind, the border says. A map that passes over a
column in silence is refused, and so is a cell that cannot be read as the map says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from timeline.blocks import check_encoding, named, unfit
from timeline.cells import Cells, Columns, Constant, Reader, merging, template, within
from timeline.errors import Place, Refused
from timeline.events import DEEPEST, EXACT
from timeline.exchange import Line
from timeline.rows import Form, Row, picking, read, told_apart
from timeline.schemas import Text, explained, objection
from timeline.texts import refused

if TYPE_CHECKING:
    import os

SEEN = "{seen}"
"""Stands in `valid` for the day since which a list has had an entry: only who compares snapshots knows it."""

_TOO_DEEP = f"tables and lists lie more than {DEEPEST} deep"
_REQUIRED = ("kind", "subject", "valid")


class Stated(NamedTuple):
    """What a row states of one fact.

    `fact` is its identity within the source; None where it is named by its content. `fields` is a fact line without
    `fact`, `known` and `action`; None where the row says that the fact has no value. Parts of it are shared by all
    rows: nobody may change them. `tolerance` is relative: numbers that differ by no more are one value. `seen` says
    that `valid` holds the text `{seen}`, which is to be filled in.
    """

    file: str
    line: int
    fact: str | None
    fields: dict[str, Any] | None
    known: str | None = None
    tolerance: float = 0.0
    seen: bool = False

    @property
    def place(self) -> Place:
        """Return where the row stands; made when asked for, since nearly every row is sound."""
        return Place(self.file, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """How a table becomes facts; `form` is how the table is written and which of its columns are used.

    `absent` and `max_removed` are for lists: what becomes of an entry that is gone, and which share of them may be.
    `seen`: some fact says when it holds by `{seen}` only. `named`: every fact has an identity of its own.
    """

    file: str
    form: Form
    source: str | None
    absent: Literal["end", "retract", "ignore"]
    max_removed: float
    seen: bool
    named: bool
    readers: tuple[Callable[[Row], Stated | None], ...]

    def stated(self, row: Row) -> list[Stated]:
        """Return what a row states, fact by fact; Refused, with line and column, where it cannot be read."""
        try:
            return [stated for read_fact in self.readers if (stated := read_fact(row)) is not None]
        except Refused as error:
            error.place = Place(row.file, row.line, error.place.field)
            raise


def lines(how: Map, paths: Iterable[str | os.PathLike[str]]) -> Iterator[Line | Refused]:
    """Yield the fact lines that tables state, named `<source>/<fact>` where the map names a source.

    A row that cannot be read is yielded as the refusal of the whole row, so that the caller decides whether to go on.
    """
    if how.seen:
        remedy = "Say in `valid` when the fact holds, or record the list with timeline sync"
        message = f"{SEEN} can be filled in only where snapshots of a list are compared"
        raise Refused(message, remedy=remedy, place=Place(how.file, field="valid"))
    for path in paths:
        for row in read(path, how.form):
            if isinstance(row, Refused):
                yield row
                continue
            try:
                stated = how.stated(row)
            except Refused as error:
                yield error
            else:
                yield from (_line(how, one, one.fields) for one in stated if one.fields is not None)


def _line(how: Map, stated: Stated, fields: Mapping[str, Any]) -> Line:
    named = {} if stated.fact is None else {"fact": f"{how.source}/{stated.fact}" if how.source else stated.fact}
    known = {} if stated.known is None else {"known": stated.known}
    return Line(stated.place, {**fields, **named, **known})


# The file


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _FactFields(_Fields):
    fact: Text | None = None
    kind: Text
    subject: Text
    data: dict[str, Any]
    valid: Text = f"{SEEN}/.."
    known: Text | None = None
    stated: list[Text] = []
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    schema_: Annotated[int | None, Field(alias="schema")] = None
    source: dict[str, Any] | None = None
    said_by: list[Text] | None = None
    modality: Text | None = None
    polarity: Text | None = None
    confidence: Text | None = None
    time: dict[str, Any] | None = None
    reason: Text | None = None


def _share(number: float) -> float:
    if not 0 <= number <= 1:
        raise objection(f"{number:g} is no share", "Give a number from 0 to 1, as 0.2")
    return number


class _MapFields(_Fields):
    format: Literal["csv", "tsv", "jsonl", "parquet"] | None = None
    encoding: Text = "utf-8"
    columns: list[Text] = []
    ends_with: Text | None = None
    missing: list[str] = []
    ignore: list[Text] = []
    absent: Literal["end", "retract", "ignore"] = "end"
    max_removed: Annotated[float, AfterValidator(_share)] = 0.2
    source: Annotated[str | None, Field(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")] = None
    facts: Annotated[list[_FactFields], Field(min_length=1)]


def load(path: str | os.PathLike[str]) -> Map:
    """Return the map of a TOML file; Refused, naming file and field, where it is none."""
    path = Path(path)
    try:
        stated = tomllib.loads(path.read_bytes().decode())
        _check_constants(stated)
        return _compiled(_MapFields.model_validate(stated), str(path))
    except ValidationError as error:
        refusal = explained(error, _MapFields)
        raise refused(path, refusal.message, refusal.remedy, refusal.place.field) from error
    except Refused as error:
        error.place = Place(str(path), field=error.place.field)
        raise
    except RecursionError:
        raise refused(path, _TOO_DEEP, "Flatten it: no fact is as deep") from None
    except ValueError as error:  # of the encoding, of TOML, or of a number of more digits than Python reads
        raise refused(path, f"not TOML ({error})", 'Write lines such as kind = "observation"') from error
    except OSError as error:
        raise refused(path, f"the map cannot be read ({error.strerror})", "Check the name and your rights") from error


def _check_constants(stated: object, *where: str) -> None:
    """Refuse, wherever it stands in a map, what no fact can hold."""
    problem, remedy = "", "Use a larger unit, or write the number as text"
    if len(where) > DEEPEST:
        where, problem, remedy = where[:3], _TOO_DEEP, "Flatten it: no fact is as deep"
    match stated:
        case str() if (at := unfit(stated)) >= 0:
            problem, remedy = f"the text has the character {named(stated[at])}", "Write it without this character"
        case int() | float() if not -EXACT <= stated <= EXACT:
            problem = "the number is not finite or not exact in JSON"
    if problem:
        raise Refused(problem, remedy=remedy, place=Place(field=".".join(where)))
    if isinstance(stated, dict):
        for name, value in stated.items():
            _check_constants(name, *where)
            _check_constants(value, *where, name)
    elif isinstance(stated, list):
        for number, value in enumerate(stated):
            _check_constants(value, *where, str(number))


def _compiled(given: _MapFields, file: str) -> Map:
    columns = Columns()
    readers = tuple(_fact(fact, columns, f"facts.{number}") for number, fact in enumerate(given.facts))
    return Map(
        file=file,
        form=_form(given, columns),
        source=given.source,
        absent=given.absent,
        max_removed=given.max_removed,
        seen=any(SEEN in fact.valid for fact in given.facts),
        named=all(fact.fact for fact in given.facts),
        readers=readers,
    )


def _form(given: _MapFields, columns: Columns) -> Form:
    """Return how the table is written; refuse what contradicts itself whatever the table holds."""
    check_encoding(given.encoding)
    both = next((name for name in given.ignore if name in columns.lists), None)
    if both is not None:
        message = f"the column {both!r} is used as well as ignored"
        raise Refused(message, remedy="Take it out of `ignore`", place=Place(field="ignore"))
    form = Form(
        names=tuple(columns.lists),
        lists=frozenset(name for name, many in columns.lists.items() if many),
        ignore=frozenset(given.ignore),
        format=given.format,
        encoding=given.encoding,
        header=told_apart(given.columns),
        ends_with=given.ends_with,
        missing=frozenset(text.strip() for text in given.missing),
    )
    if form.header:
        form.positions(form.header)
    return form


def _fact(given: _FactFields, columns: Columns, where: str) -> Callable[[Row], Stated | None]:
    """Return the function that reads one fact from a row."""
    try:
        return _reading(given, columns)
    except Refused as error:
        error.place = Place(field=".".join(filter(None, (where, error.place.field))))
        raise


def _reading(given: _FactFields, columns: Columns) -> Callable[[Row], Stated | None]:
    line = given.model_dump(
        by_alias=True, exclude_none=True, exclude={*_REQUIRED, "fact", "known", "stated", "tolerance"}
    )
    members = {name: within(name, value, columns) for name, value in line.items()}
    members |= {name: _required(name, getattr(given, name), columns) for name in _REQUIRED}
    read_fields = merging(members)
    read_fact = within("fact", given.fact, columns) if given.fact else Constant(None)
    read_known = _required("known", given.known, columns) if given.known else Constant(None)
    needed = picking([columns.at(name, many=None) for name in given.stated])
    seen, tolerance = SEEN in given.valid, given.tolerance

    def stated(row: Row) -> Stated | None:
        file, number, cells = row
        fact = read_fact(cells)
        if None in needed(cells):
            return None if fact is None else Stated(file, number, fact, None, read_known(cells), tolerance, seen)
        if fact is None and given.fact:
            raise _lacking("fact", given.fact, columns, cells)
        return Stated(file, number, fact, read_fields(cells), read_known(cells), tolerance, seen)

    return stated


def _required(name: str, text: str, columns: Columns) -> Reader:
    """Return the reader of a template that no row may leave without a value."""
    text = text.replace(SEEN, f"{{{SEEN}}}") if name == "valid" else text
    read_text = within(name, text, columns)
    if isinstance(read_text, Constant):
        return read_text

    def read_required(cells: Cells) -> str:
        value: str | None = read_text(cells)
        if value is None:
            raise _lacking(name, text, columns, cells)
        return value

    return read_required


def _lacking(name: str, text: str, columns: Columns, cells: Cells) -> Refused:
    """Return the refusal of a row that has no value in a column of this template."""
    used = Columns()
    template(text, used)
    column = next(column for column in used.lists if cells[columns.at(column)] is None)
    remedy = "Fill it in; or name under `stated` the columns without which a row says nothing"
    return Refused(f"no value, though `{name}` needs one", remedy=remedy, place=Place(field=column))
