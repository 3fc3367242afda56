"""The driver beneath SQLAlchemy, for statements that are run so often that what each costs is felt.

Whatever is executed here belongs to the transaction of the connection that it is given. Within `pipelined` statements
are sent one after the other and waited for once.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection as Driver
    from psycopg import Cursor
    from sqlalchemy import Connection, Engine

FEW = 16
"""Rows up to which they are inserted: a COPY has its own way of speaking with the server, which no pipeline has.

Also what a statement may be about at most to be worth preparing.
"""

NEVER = 2**31
"""How often a statement is run before it is prepared unasked."""

WHOLE = "SET LOCAL enable_seqscan = on"
"""What a transaction says that reads tables as a whole: what others ask is planned to be found by index."""

NULL = "\\N"
"""A column without a value, in a line of a COPY."""

# What it warns of when a connection is lost within a pipeline is raised too: who has set no log up need not see it.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n", "r": "\r", "t": "\t"}


def cursor(connection: Connection, name: str = "", **given: Any) -> Any:  # noqa: ANN401  one of two classes of cursor
    """Return a cursor of the driver within the transaction of a connection; one with a name fetches some at a time."""
    if not connection.in_transaction():
        connection.begin()  # or a commit would not know that there is something to commit
    made = _driver(connection)
    return made.cursor(name, **given) if name else made.cursor(**given)


def ask(
    connection: Connection,
    query: str,
    asked: Sequence[Any] = (),
    about: int = 1,
    **given: Any,  # noqa: ANN401
) -> Cursor[Any]:
    """Execute a statement, which the server reads once for each connection, and mostly plans once, if about FEW."""
    found: Cursor[Any] = cursor(connection, **given).execute(query, asked, prepare=about <= FEW)
    return found


@contextmanager
def pipelined(connection: Connection, when: bool = True) -> Iterator[None]:  # noqa: FBT001, FBT002
    """Send statements of the driver without waiting for their answers, which are there at the end of the block.

    The first that fails is raised there. Only what depends on no answer belongs within, and no COPY.
    """
    if not connection.in_transaction():
        connection.begin()
    if not when:
        yield
        return
    with _driver(connection).pipeline():
        yield


def is_lost(connection: Connection) -> bool:
    """Return whether the server has gone away behind a connection."""
    return connection.invalidated or bool(_driver(connection).closed)


class Single:
    """A cursor of the driver for single statements, each a transaction of its own: nothing begins or ends it.

    It is the same one whenever the connection is lent, since it has learnt by then how to read what is asked. However
    that ends, `restored` is what the pool does to a connection that comes back.
    """

    __slots__ = ("_lent",)

    def __init__(self, engine: Engine) -> None:
        """Borrow a connection of an engine."""
        self._lent = engine.raw_connection()

    def __enter__(self) -> Cursor[Any]:
        """Give the cursor."""
        try:
            made, held = cast("Driver[Any]", self._lent.driver_connection), self._lent.info
            made.autocommit = True
            if "single" not in held:
                held["single"] = made.cursor(binary=True)
        except BaseException:
            self._lent.invalidate()
            raise
        return cast("Cursor[Any]", held["single"])

    def __exit__(self, *_: object) -> None:
        """Give the connection back, unless it is lost or was interrupted while it was answering."""
        if cast("Driver[Any]", self._lent.driver_connection).pgconn.transaction_status != TransactionStatus.IDLE:
            self._lent.invalidate()
        self._lent.close()


def restored(connection: Driver[Any]) -> None:
    """Let a connection be as others expect it; what is raised where it cannot be keeps it out of the pool."""
    if connection.autocommit:
        connection.autocommit = False


def _driver(connection: Connection) -> Driver[Any]:
    return cast("Driver[Any]", connection.connection.driver_connection)


# Rows as lines of a COPY


def copied(value: str) -> str:
    """Return a text as a column of a line."""
    if "\\" in value or not value.isprintable():
        value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return value


def put(connection: Connection, table: str, columns: str, lines: Sequence[str]) -> None:
    """Add rows to a table, given as lines of a COPY: some thousands at a time, or some FEW, which may be pipelined."""
    if len(lines) > FEW:
        with cursor(connection).copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            copy.write("".join(lines))
        return
    rows = [_columns(line) for line in lines]
    if rows:
        place = f"({', '.join(['%s'] * len(rows[0]))})"
        values = ", ".join([place] * len(rows))
        ask(connection, f"INSERT INTO {table} ({columns}) VALUES {values}", [*chain(*rows)])  # noqa: S608  names of ours


def _columns(line: str) -> list[str | None]:
    r"""Return the columns of a line, as Postgres reads them.

    >>> _columns("a\t\\N\tb\\tc\\\\n\n")
    ['a', None, 'b\tc\\n']
    """
    found = line.removesuffix("\n").split("\t")
    return [None if column == NULL else _ESCAPED.sub(_meant, column) for column in found]


def _meant(escaped: re.Match[str]) -> str:
    return _MEANT.get(escaped[1], escaped[1])
