"""Reading of tables: CSV, TSV, JSON Lines and Parquet, as rows of cells.

Hides how a file is written and every way in which it can be broken. A cell is a text without white space around it, or
None where the file says that there is no value, or (in JSON Lines and Parquet) a list of texts; numbers are texts too,
as they are printed, so that what a table says does not depend on its format. Nothing is silently mended: what cannot be
read is yielded as `Refused` in its place, so that the caller decides whether to go on without it. In CSV cells may be
quoted; TSV has no quoting (IANA, text/tab-separated-values): there a quotation mark is a character like any other.

Rows stream in constant memory, some 200,000 of twelve columns a second, half of which the unpacking and the csv module
take: texts are decoded and searched by the block, and the cells that are wanted are touched in one comprehension a row.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from itertools import chain
from math import isnan
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from timeline.blocks import blocks, named, unfit
from timeline.errors import Place, Refused
from timeline.texts import LONGEST, refused

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Cells = Sequence[str | list[str] | None]

FORMATS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""The format of a file by its ending; those of texts may be followed by `.gz`."""

_SHOWN = 200  # columns that a remedy looks at
_TRUTH = {True: "true", False: "false"}
_NAMES = {
    "dict": "an object",
    "list": "a list within a list",
    "bytes": "binary",
    "_NoNumber": "NaN or infinite, which no JSON is",
}


class Row(NamedTuple):
    """A row of a table: its file, its line (from 1; in Parquet its number) and the cells that the form names.

    The cells stand in the order of `Form.names`, whose columns are found once a file: a row is two small objects beside
    its texts. A dictionary a row would take as long again as reading it, and a place of its own is made when asked for.
    """

    file: str
    line: int
    cells: Cells

    @property
    def place(self) -> Place:
        """Return where the row stands."""
        return Place(self.file, self.line)


class Form(NamedTuple):
    """How a table is written, and what is wanted of it.

    `names` are the columns to give, in this order, of which `lists` may hold lists. A file must have them all, and no
    others but those to `ignore`; in JSON Lines, where every line names its own, a line may leave columns out. `header`
    names the columns of CSV or TSV without a header. `ends_with` is the line without which a file is cut short.
    `missing` are texts that mean: no value; the empty text always does. `format` None: by the ending of the file.
    """

    names: tuple[str, ...]
    lists: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    format: str | None = None
    encoding: str = "utf-8"
    header: tuple[str, ...] = ()
    ends_with: str | None = None
    missing: frozenset[str] = frozenset()

    def positions(self, columns: Sequence[str]) -> list[int]:
        """Return where the wanted columns stand; refuse columns that lack one, or that have one of no known use."""
        at = {name: number for number, name in enumerate(columns)}
        for name in self.names:
            if name not in at:
                shown = columns[:_SHOWN]
                near = get_close_matches(name, shown, n=1)
                more = " …" if len(columns) > _SHOWN else ""
                remedy = f"Did you mean {near[0]}?" if near else f"Its columns are: {', '.join(shown)}{more}"
                raise Refused("the table has no such column", remedy=remedy, place=Place(field=name))
        used = self.ignore.union(self.names)
        for name in columns:
            if name not in used:
                raise _unused(name)
        return [at[name] for name in self.names]


def _unused(name: str) -> Refused:
    remedy = "Use it in the map, or list it under `ignore`"
    return Refused("no fact uses this column", remedy=remedy, place=Place(field=_legible(name)))


def told_apart(names: Sequence[str], line: int = 0) -> tuple[str, ...]:
    """Return the names of columns, which stand on a line; refuse an empty one and two that are alike."""
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        if not name or name in taken or unfit(name) >= 0:
            problem = "no name" if not name else "the name of another" if name in taken else "a name that is no text"
            remedy = "Name the columns apart, or list them as `columns` if the file has no header"
            raise Refused(f"column {number} has {problem}", remedy=remedy, place=Place(line=line, field=_legible(name)))
        taken.add(name)
    return tuple(names)


def _legible(name: str) -> str:
    """Return a name of a column as it can be shown: one of a broken file may hold what no text may."""
    return name if unfit(name) < 0 else ascii(name)[1:-1]


def picking(positions: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return a function that picks the cells at these positions.

    >>> picking([2, 0])("abc"), picking([2])("abc"), picking([])("abc")
    (('c', 'a'), ('c',), ())
    """
    match positions:
        case []:
            return lambda _cells: ()
        case [position]:
            return lambda cells: (cells[position],)
    return itemgetter(*positions)


def read(path: str | os.PathLike[str], form: Form) -> Iterator[Row | Refused]:
    """Yield the rows of a file in order; a row that cannot be taken, or the rest of the file, as its refusal."""
    path = Path(path)
    rows = 0
    try:
        for row in _rows(path, form):
            yield row
            rows += 1
        if not rows:
            yield refused(path, "the file has no rows", "Fetch it again: an empty file says nothing")
    except Refused as error:
        error.place = Place(str(path), error.place.line, error.place.field)
        yield error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield refused(path, f"the compressed file is damaged or cut short ({error})", "Fetch it again")
    except OSError as error:
        yield refused(path, f"the file cannot be read ({error.strerror or error})", "Check the name and your rights")


def _rows(path: Path, form: Form) -> Iterator[Row | Refused]:
    if str(path) == "-":
        raise Refused("tables are not read from standard input", remedy="Name a file")
    *_, inner, last = ("", "", *(ending.lower() for ending in path.suffixes))
    packed = last == ".gz"
    written = form.format or _format(path, inner if packed else last)
    if written == "parquet":
        yield from _parquet(path, form)
        return
    with cast("IO[bytes]", gzip.open(path) if packed else path.open("rb")) as file:
        texts = blocks(file, form.encoding)
        yield from _objects(texts, form, path) if written == "jsonl" else _table(texts, form, path, written)


def _format(path: Path, ending: str) -> str:
    if ending in FORMATS:
        return FORMATS[ending]
    raise refused(path, f"the ending {ending!r} names no format of tables", 'Say format = "csv" in the map')


# CSV and TSV


def _table(texts: Iterable[str], form: Form, path: Path, written: str) -> Iterator[Row | Refused]:
    """Yield the rows of CSV or TSV."""
    line = 0
    csv.field_size_limit(4 * LONGEST)  # never reached: the row is refused before
    lines = chain.from_iterable(map(io.StringIO, _limited(texts, lambda: line)))
    if written == "tsv":
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
    else:
        reader = csv.reader(lines, strict=True)
    columns = form.header or _header(reader, path)
    pick, width, missing = picking(form.positions(columns)), len(columns), form.missing | {""}
    file, end, ended, line = str(path), [form.ends_with], False, reader.line_num
    try:
        for cells in reader:
            if len(cells) == width and cells != end and not ended:
                wanted = [None if (text := cell.strip()) in missing else text for cell in pick(cells)]
                yield Row(file, line + 1, wanted)
            elif cells == end:
                ended = True
            elif cells:
                yield _no_row(cells, columns, Place(file, line + 1))
            line = reader.line_num
    except csv.Error as error:
        raise _undivided(error, line + 1) from error
    if form.ends_with and not ended:
        remedy = "Fetch it again, or correct `ends_with`"
        yield refused(path, f"the last line is not {form.ends_with!r}: the file is cut short", remedy)


def _limited(texts: Iterable[str], ended: Callable[[], int]) -> Iterator[str]:
    """Yield texts until a single row takes more of them than a line may; `ended` gives the line of the last row."""
    line, length = -1, 0
    for text in texts:
        length = length + len(text) if ended() == line else 0
        line = ended()
        if length > LONGEST:
            remedy = "Close the quotation mark that opens one of its cells"
            raise Refused(f"the row is longer than {LONGEST >> 20} MiB", remedy=remedy, place=Place(line=line + 1))
        yield text


def _header(reader: Iterator[list[str]], path: Path) -> tuple[str, ...]:
    """Return the names of the columns: none of them empty, no two alike."""
    try:
        names = [cell.strip() for cell in next(reader, ())]
    except csv.Error as error:
        raise _undivided(error, 1) from error
    if not names:
        raise refused(path, "the file has no header", "Fetch it again, or list its `columns` in the map")
    return told_apart(names, 1)


def _undivided(error: csv.Error, line: int) -> Refused:
    """Return the refusal of a table from a line on: where the next row would begin, nobody knows."""
    message = f"from here on the table cannot be divided into cells ({error})"
    remedy = "Double the quotation marks within a cell, and close the one that opens it"
    if "new-line" in str(error):
        remedy = "End all lines alike, with LF or CR LF"
    return Refused(message, remedy=remedy, place=Place(line=line))


def _no_row(cells: list[str], columns: Sequence[str], place: Place) -> Refused:
    message = f"the row has {len(cells)} cell{'' if len(cells) == 1 else 's'}, not {len(columns)}"
    if len(cells) == len(columns):
        message = "the row comes after the last line"
    remedy = "Quote cells of CSV that hold a separator or a line break; fetch the file again if it is damaged"
    return Refused(message, remedy=remedy, place=place)


# JSON Lines


def _objects(texts: Iterable[str], form: Form, path: Path) -> Iterator[Row | Refused]:
    """Yield the rows of JSON Lines."""
    allowed, file = form.ignore.union(form.names), str(path)
    for line, text in enumerate(chain.from_iterable(map(io.StringIO, texts)), start=1):
        if not text.strip():
            continue
        try:
            given = _object(text)
            if not allowed.issuperset(given):
                raise _unused(next(name for name in given if name not in allowed))
            yield Row(file, line, [_cell(given.get(name), name, form) for name in form.names])
        except Refused as error:
            error.place = Place(file, line, error.place.field)
            yield error


def _object(text: str) -> dict[str, object]:
    try:
        given = _DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        said = f"at column {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise Refused(f"not JSON ({said})", remedy="Write one object a line") from None
    if not isinstance(given, dict):
        raise Refused("not an object", remedy="Write one object a line")
    return given


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, refusing a name given twice: which of the two was meant, nobody knows."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        place = Place(field=_legible(twice))
        raise Refused("the name stands twice in one object", remedy="Leave the wrong one out", place=place)
    return fields


class _NoNumber(NamedTuple):
    """NaN or an infinity, which JSON has not, though some programs write it."""

    name: str


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_NoNumber)


def _cell(value: object, name: str, form: Form) -> str | list[str] | None:
    """Return a value of JSON or Parquet as a cell."""
    if isinstance(value, list):
        if name not in form.lists:
            remedy = 'Read it with as = "list", or list the column under `ignore`'
            raise Refused("the cell is a list", remedy=remedy, place=Place(field=name))
        return [text for item in value if (text := _text(item, name, form)) is not None] or None
    return _text(value, name, form)


def _text(value: object, name: str, form: Form) -> str | None:
    """Return a single value as it is printed: a whole number without a point, a date as in ISO 8601."""
    match value:
        case str():
            if (at := unfit(value)) >= 0:
                message = f"the cell has the character {named(value[at])}"
                raise Refused(message, remedy="Write it without this character", place=Place(field=name))
            text = value.strip()
        case bool():
            text = _TRUTH[value]
        case float():
            text = "" if isnan(value) else str(int(value)) if value.is_integer() else repr(value)
        case date() | time():
            text = value.isoformat()
        case int():
            text = str(value)
        case Decimal():
            text = f"{value:f}" if value else "0"
        case None:
            return None
        case _:
            message = f"the cell is {_NAMES.get(type(value).__name__, type(value).__name__)}"
            remedy = "Flatten it, or list the column under `ignore`"
            raise Refused(message, remedy=remedy, place=Place(field=name))
    return text if text and text not in form.missing else None


# Parquet


def _parquet(path: Path, form: Form) -> Iterator[Row | Refused]:
    """Yield the rows of a Parquet file."""
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  an optional extra
    except ImportError as error:
        message = "Parquet is read by pyarrow, which is not installed"
        raise refused(path, message, "Run: pip install 'timeline[parquet]'") from error
    try:
        with path.open("rb") as file, parquet.ParquetFile(file) as table:
            form.positions(told_apart(table.schema_arrow.names))
            yield from _batches(table.iter_batches(columns=list(form.names)), form, str(path))
    except (ArrowException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).partition("\n")[0]  # a damaged page is an OSError of several lines, without a number
        raise refused(path, f"the file cannot be read as Parquet ({said})", "Fetch it again") from error


def _batches(batches: Iterable[Any], form: Form, file: str) -> Iterator[Row | Refused]:
    line = 0
    for batch in batches:
        columns = [_shortened(batch.column(name)).to_pylist() for name in form.names]
        for cells in zip(*columns, strict=True):
            line += 1
            try:
                yield Row(file, line, [_cell(value, name, form) for name, value in zip(form.names, cells, strict=True)])
            except Refused as error:
                error.place = Place(file, line, error.place.field)
                yield error


def _shortened(column: Any) -> Any:  # noqa: ANN401  an array of pyarrow's
    """Return a column whose numbers of 32 bits are the shortest decimals that stand for them: 0.1, not 0.10000000149.

    >>> import pyarrow
    >>> _shortened(pyarrow.array([0.1], "float")).to_pylist()
    [0.1]
    """
    import pyarrow as pa  # noqa: PLC0415  an optional extra

    if pa.types.is_float32(column.type):
        return column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_list(column.type) and pa.types.is_float32(column.type.value_type):
        return column.cast(pa.list_(pa.string())).cast(pa.list_(pa.float64()))
    return column
