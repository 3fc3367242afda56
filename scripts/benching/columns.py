"""The peer for analysts: DuckDB over a Parquet file of the events, with the as-of query that an analyst would write."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime
    from pathlib import Path

    from benching.store import Store

_EXPORT = """COPY (
    SELECT position, fact, action, known, lower(possible) AS first, upper(possible) - 1 AS last, subject,
        subject || '/' || (content -> 'data' ->> 'measure') AS key, (content -> 'data' ->> 'value')::float8 AS value,
        content -> 'data' ->> 'unit' AS unit, content::text AS content
    FROM timeline.events WHERE timeline = 'main' ORDER BY position
) TO STDOUT (FORMAT CSV, HEADER)"""
_TYPES = {
    "position": "BIGINT",
    "fact": "VARCHAR",
    "action": "VARCHAR",
    "known": "TIMESTAMPTZ",
    "first": "DATE",
    "last": "DATE",
    "subject": "VARCHAR",
    "key": "VARCHAR",
    "value": "DOUBLE",
    "unit": "VARCHAR",
    "content": "VARCHAR",
}
_AS_OF = """
WITH latest AS (
    SELECT * EXCLUDE (content) FROM read_parquet('{path}') WHERE known <= $known {of_key}
    QUALIFY row_number() OVER (PARTITION BY fact ORDER BY known DESC, position DESC) = 1
), holding AS (
    SELECT * FROM latest
    WHERE action <> 'retract' AND (first IS NULL OR first <= $on) AND (last IS NULL OR last >= $on)
)
SELECT key, value, unit FROM holding
QUALIFY row_number() OVER (PARTITION BY key ORDER BY first DESC NULLS LAST, known DESC, position DESC) = 1
"""


class Columns:
    """The events in a Parquet file, and DuckDB to ask it."""

    def __init__(self, store: Store) -> None:
        """Export the events of a store."""
        self.path: Path = store.folder / "events.parquet"
        self._duck = duckdb.connect()
        self._duck.execute("SET timezone = 'UTC'")
        plain = store.folder / "events.csv"
        with store.sql.cursor() as cursor, plain.open("wb") as file, cursor.copy(_EXPORT.encode()) as out:
            for block in out:
                file.write(block)
        read = f"SELECT * FROM read_csv('{plain}', header = true, columns = {_TYPES!r})"  # noqa: S608
        self._duck.execute(f"COPY ({read}) TO '{self.path}' (FORMAT parquet, COMPRESSION zstd)")
        plain.unlink()

    @property
    def version(self) -> str:
        """The version of DuckDB."""
        return duckdb.__version__

    def one(self, questions: list[tuple[str, date, datetime]]) -> Callable[[int], object]:
        """Return a step that asks for one key."""
        query = _AS_OF.format(path=self.path, of_key="AND key = $key")

        def step(number: int) -> list[tuple[Any, ...]]:
            key, on, known = questions[number]
            return self._duck.execute(query, {"key": key, "on": on, "known": known}).fetchall()

        return step

    def whole(self, on: date, known: datetime) -> tuple[Any, ...]:
        """Ask for all keys; the rows stay in DuckDB, which counts them and takes every value into a hash."""
        query = f"SELECT count(*), bit_xor(hash(key, value, unit)) FROM ({_AS_OF.format(path=self.path, of_key='')})"  # noqa: S608
        return self._duck.execute(query, {"on": on, "known": known}).fetchone() or ()

    def rows(self, on: date, known: datetime) -> dict[str, float]:
        """Return the value of each key."""
        query = _AS_OF.format(path=self.path, of_key="")
        return {key: value for key, value, _ in self._duck.execute(query, {"on": on, "known": known}).fetchall()}

    @contextmanager
    def closing(self) -> Iterator[Columns]:
        """Yield this, and let go of the file afterwards."""
        with self._duck:
            yield self
