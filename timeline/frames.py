"""Data frames: the rows of an answer, or its facts, as a table of Arrow, Polars or pandas.

The columns of every row stand first and are always there, of the same types, rows or none. Behind them come the single
values that lie in the state of any row, each a column with a dotted name; the state as a whole is there as JSON. A
library is imported when a frame of it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib import import_module
from typing import Any

import orjson

from timeline.errors import Unavailable

Row = Mapping[str, Any]

TEXT, WHOLE, NUMBER, TRUTH, DAY, INSTANT, TEXTS = "text", "whole", "number", "truth", "day", "instant", "texts"
"""What columns hold: text, int64, float64, bool, date, instant in UTC, list of text."""

LARGEST = 2**63 - 1

_ARROW = {TEXT: "string", WHOLE: "int64", NUMBER: "float64", TRUTH: "bool_", DAY: "date32"}
_POLARS = {TEXT: "String", WHOLE: "Int64", NUMBER: "Float64", TRUTH: "Boolean", DAY: "Date"}
_PANDAS = {
    TEXT: "string",
    WHOLE: "Int64",
    NUMBER: "Float64",
    TRUTH: "boolean",
    DAY: "datetime64[s]",
    INSTANT: "datetime64[us, UTC]",
    TEXTS: "object",
}
"""The types of a column; those of pandas know missing values, and none of them turns a whole number into a float."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns of one length with what each holds, and what is to be said of all of them: the basis."""

    kinds: Mapping[str, str]
    columns: Mapping[str, Sequence[Any]]
    about: Mapping[str, Any]

    @classmethod
    def of(cls, rows: Iterable[Row], kinds: Mapping[str, str], within: str, about: Mapping[str, Any]) -> Frame:
        """Return the frame of rows; the single values of the object in the column `within` get columns too."""
        rows = list(rows)
        columns: dict[str, list[Any]] = {name: [_held(row.get(name), kinds[name]) for row in rows] for name in kinds}
        spread = [dict(_single(row.get(within) or {}, within)) for row in rows]
        for name in dict.fromkeys(name for values in spread for name in values):
            values = [row.get(name) for row in spread]
            kind = _kind(values)
            kinds = {**kinds, name: kind}
            columns[name] = [value if value is None or kind != TEXT else _text(value) for value in values]
        return cls(kinds, columns, about)

    def to_arrow(self) -> Any:  # noqa: ANN401  a pyarrow.Table, of a library that may not be there
        """Return a table of Arrow; its metadata hold the basis as JSON under `timeline`."""
        arrow = _library("pyarrow")
        whole = {TEXTS: arrow.list_(arrow.string()), INSTANT: arrow.timestamp("us", "UTC")}
        types = {kind: getattr(arrow, name)() for kind, name in _ARROW.items()} | whole
        schema = arrow.schema([(name, types[kind]) for name, kind in self.kinds.items()])
        about = {"timeline": orjson.dumps(self.about)}
        return arrow.table(dict(self.columns), schema=schema.with_metadata(about))

    def to_polars(self) -> Any:  # noqa: ANN401  a polars.DataFrame
        """Return a data frame of Polars."""
        polars = _library("polars")
        whole = {TEXTS: polars.List(polars.String), INSTANT: polars.Datetime("us", "UTC")}
        types = {kind: getattr(polars, name) for kind, name in _POLARS.items()} | whole
        return polars.DataFrame(dict(self.columns), schema={name: types[kind] for name, kind in self.kinds.items()})

    def to_pandas(self) -> Any:  # noqa: ANN401  a pandas.DataFrame
        """Return a data frame of pandas; its `attrs` hold the basis under `timeline`."""
        pandas = _library("pandas")
        made = {name: pandas.Series(self.columns[name], dtype=_PANDAS[kind]) for name, kind in self.kinds.items()}
        frame = pandas.DataFrame(made, columns=list(self.kinds))
        frame.attrs["timeline"] = dict(self.about)
        return frame


def _held(value: Any, kind: str) -> Any:  # noqa: ANN401  a JSON value as answers print it
    """Return a value as a column of its kind holds it."""
    if value is None:
        return None
    if kind == TEXTS:
        return list(value)
    if kind == DAY:
        return date.fromisoformat(value)
    if kind == INSTANT:
        return datetime.fromisoformat(value)
    return _text(value) if kind == TEXT else value


def _text(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _single(fields: Row, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield what is neither list nor object, however deep it lies in objects.

    >>> dict(_single({"due": "2024", "ordered": {"value": 5}, "claims": [1]}, "state"))
    {'state.due': '2024', 'state.ordered.value': 5}
    """
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _single(value, f"{prefix}.{name}")
        elif not isinstance(value, list | tuple):
            yield f"{prefix}.{name}", value


def _kind(values: Sequence[Any]) -> str:
    """Return what holds all of some values; text, as JSON writes it, where nothing narrower does.

    >>> _kind([1, None, 2]), _kind([1, 0.5]), _kind([True, None]), _kind([True, 1])
    ('whole', 'number', 'truth', 'text')
    """
    found = {type(value) for value in values if value is not None}
    if found == {bool}:
        return TRUTH
    if found == {int} and all(value is None or abs(value) <= LARGEST for value in values):
        return WHOLE
    return NUMBER if found and found <= {int, float} else TEXT


def _library(name: str) -> Any:  # noqa: ANN401
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        message = f"{name} is not installed"
        raise Unavailable(message, remedy=f"Run: pip install {name}, or pip install 'timeline[frames]'") from error
