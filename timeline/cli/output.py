"""Output: rows as a table, JSON, JSON Lines, CSV or Markdown on stdout; words for people on stderr.

Every form holds the same rows and fields, whatever the terminal, and none is ever cut. The forms made of columns spread
nested objects over columns with dotted names and write lists as JSON. Rows are written as they come; where the columns
must be known first, they wait in a temporary file, not in memory. A table is for people and is held in memory.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

if TYPE_CHECKING:
    from timeline.basis import Basis

Row = Mapping[str, Any]

KEPT = 2**20
"""Bytes of rows that wait in memory for their columns before they go to a temporary file."""

FOLDED = 32
"""Columns of the terminal that a long cell has at least, before a table gives way to rows field by field."""

PAPER = 240
"""Columns that a table may have where there is no terminal."""

_WIDE = 10**6

_repeated: ContextVar[tuple[re.Pattern[str], str]] = ContextVar("repeated", default=(re.compile(r"(?!)"), ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command prints: rows under a name, what JSON says before them, the columns where there are no rows."""

    name: str
    rows: Iterable[Row]
    header: Row = field(default_factory=dict)
    columns: Sequence[str] = ()


def say(*words: str) -> None:
    """Say something to the person at the terminal."""
    print(*map(repeatable, words), file=sys.stderr)  # noqa: T201  this is the one place that talks


def repeat(commands: Iterable[str], flags: Iterable[str]) -> None:
    """Let the commands that are named to people from now on have flags that this one was given."""
    _repeated.set(
        (re.compile(rf"(?<![-\w])timeline (?=({'|'.join(commands)})\b)"), "".join(f"{flag} " for flag in flags))
    )


def repeatable(words: str) -> str:
    """Return words of which every command has the flags that are to be repeated: it can be copied as it stands."""
    commands, flags = _repeated.get()
    return commands.sub(lambda found: found[0] + flags, words)


def tell_basis(at: Basis) -> None:
    """Say how a question was read: the basis of the answer, and the token that gives the same answer again."""
    basis = at.to_dict()
    say(f"as of {basis['on']}, known {basis['known']}, recorded {basis['recorded']}\nbasis {basis['token']}")


def form(explicit: str | None, usual: str | None) -> str:
    """Return the form to print in: asked for, else usual, else a table for people and lines for programs."""
    return explicit or usual or ("table" if sys.stdout.isatty() else "jsonl")


def write(printed: Printed, form: str) -> int:
    """Write all rows to stdout in UTF-8 and return their number."""
    rows = _Counted(printed.rows)
    _WRITERS[form](printed, rows, sys.stdout.buffer)
    return rows.number


def write_lines(lines: Iterable[str]) -> None:
    """Write lines that are for people to stdout, in UTF-8 whatever the terminal."""
    sys.stdout.buffer.writelines(f"{_visible(line)}\n".encode() for line in lines)


def write_one(fields: Row, form: str) -> None:
    """Write one object to stdout: in JSON as it is, in a table with a row for each field."""
    if form == "json":
        sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
    elif form in ("table", "md"):
        write(Printed(name="fields", rows=[{"name": k, "value": v} for k, v in spread(fields).items()]), form)
    else:
        write(Printed(name="fields", rows=[fields]), form)


def spread(fields: Row, prefix: str = "") -> dict[str, Any]:
    """Return fields with those of nested objects at the top, under dotted names.

    >>> spread({"key": "s-400", "state": {"due": "2024", "by": ["Russia"]}})
    {'key': 's-400', 'state.due': '2024', 'state.by': ['Russia']}
    """
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= spread(value, f"{prefix}{name}.") if isinstance(value, dict) and value else {f"{prefix}{name}": value}
    return flat


@dataclass(slots=True)
class _Counted:
    """Rows that are counted as they pass."""

    rows: Iterable[Row]
    number: int = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.number += 1
            yield row


def _json(printed: Printed, rows: Iterable[Row], out: BinaryIO) -> None:
    before = b"".join(orjson.dumps(name) + b":" + orjson.dumps(value) + b"," for name, value in printed.header.items())
    out.write(b"{" + before + orjson.dumps(printed.name) + b":[")
    separator = b"\n"
    for row in rows:
        out.write(separator + orjson.dumps(row))
        separator = b",\n"
    out.write(b"\n]}\n" if separator != b"\n" else b"]}\n")


def _json_lines(_printed: Printed, rows: Iterable[Row], out: BinaryIO) -> None:
    out.writelines(orjson.dumps(row) + b"\n" for row in rows)


def _csv(printed: Printed, rows: Iterable[Row], out: BinaryIO) -> None:
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\n")
    for cells in _in_columns(printed, rows):
        writer.writerow(cells)
        out.write(line.getvalue().encode())
        line.seek(0)
        line.truncate()


def _markdown(printed: Printed, rows: Iterable[Row], out: BinaryIO) -> None:
    for number, cells in enumerate(_in_columns(printed, rows)):
        out.write(f"| {' | '.join(map(_markdown_cell, cells))} |\n".encode())
        if number == 0:
            out.write(f"|{' --- |' * len(cells)}\n".encode())


def _markdown_cell(text: str) -> str:
    return _visible(text).replace("|", r"\|").replace("\n", "<br>")


def _in_columns(printed: Printed, rows: Iterable[Row]) -> Iterator[list[str]]:
    """Yield the names of all columns, then the cells of each row."""
    names: list[str] = []
    with tempfile.SpooledTemporaryFile(max_size=KEPT) as waiting:
        for row in rows:
            flat = spread(row)
            _add_columns(names, flat)
            waiting.write(orjson.dumps(flat) + b"\n")
        waiting.seek(0)
        names = names or list(printed.columns)
        yield names
        for line in waiting:
            flat = orjson.loads(line)
            yield [_cell(flat.get(name)) for name in names]


def _add_columns(names: list[str], row: Row) -> None:
    """Add the names that are new in a row, each behind the one that it follows there."""
    if row.keys() <= set(names):
        return
    at = 0
    for name in row:
        if name in names:
            at = names.index(name) + 1
        else:
            names.insert(at, name)
            at += 1


def _cell(value: object) -> str:
    """Return a value as a cell: a text as it is, nothing for null, else JSON."""
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def _table(_printed: Printed, rows: Iterable[Row], out: BinaryIO) -> None:
    """Write a table or, where it is too wide, the rows field by field; long cells are folded on a terminal only."""
    cells = [{name: words(value) for name, value in spread(row).items()} for row in rows]
    if not cells:
        return
    names: list[str] = []
    for row in cells:
        _add_columns(names, row)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    out.write(_drawn(names, cells, width).encode())


def _drawn(names: Sequence[str], rows: Sequence[Mapping[str, str]], terminal: int | None) -> str:
    """Return rows drawn as a table, or field by field, for a terminal of so many columns or for none."""
    from rich import box  # noqa: PLC0415  only a table needs Rich, and it takes its time
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = io.StringIO()
    console = Console(file=drawn, width=terminal or _WIDE, force_terminal=terminal is not None, highlight=False)
    widest = [max(_width(name), *(_width(row.get(name, "")) for row in rows)) for name in names]
    least = widest if terminal is None else [min(FOLDED, cells) for cells in widest]
    fits = sum(least) + 2 * len(names) <= (terminal or PAPER)
    table = Table(box=box.SIMPLE_HEAD if fits else box.SIMPLE, show_header=fits, pad_edge=False)
    if fits:
        for name in names:
            table.add_column(Text(name), overflow="fold")
        for row in rows:
            table.add_row(*(Text(row.get(name, "")) for name in names))
    else:
        table.add_column(style="bold", overflow="fold")
        table.add_column(overflow="fold")
        for row in rows:
            for name, text in row.items():
                table.add_row(Text(name), Text(text), end_section=name == list(row)[-1])
    console.print(table)
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()).strip("\n") + "\n"


def _width(text: str) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    return max(map(cell_len, text.splitlines()), default=0)


def words(value: object) -> str:
    """Return a value as people read it: names of a list side by side, objects of a list one a line."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, dict) for item in value):
        return "\n".join("; ".join(f"{name}: {words(v)}" for name, v in spread(item).items()) for item in value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(words, value))
    return "-" if value is None else _visible(_cell(value))


def _visible(text: str) -> str:
    """Return text whose control characters are written out: quotes come from anywhere and must not steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_WRITERS: Mapping[str, Callable[[Printed, Iterable[Row], BinaryIO], None]] = {
    "table": _table,
    "json": _json,
    "jsonl": _json_lines,
    "csv": _csv,
    "md": _markdown,
}
