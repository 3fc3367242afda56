"""The command that asks in SQL: the rows of one query, printed like every answer, or psql on the same database.

Who asks so acts as `timeline_reader` in a transaction that cannot write. That is a seat belt: a login that may do more
can take it off, and whoever is to have no more than to read gets a login of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, write
from timeline.cli.records import counted
from timeline.cli.session import Known, On, Output, form_of, settings_of
from timeline.errors import NotFound, Place, Refused, TimelineError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import psycopg

    from timeline.settings import Settings

app = typer.Typer()

READER = "timeline_reader"
SECONDS = 60
EXACT = 2**53
"""Whole numbers beyond it are not exact everywhere in JSON."""

_BAD_SCRIPT = 3  # what psql ends with where a statement of a script fails
_SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?://", re.IGNORECASE)


_COMMENT = re.compile(r"--(\s|[^=]*\n)")


class _Command(TyperCommand):
    """A command whose argument may begin with a comment of SQL, which looks like an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  of the library
        """Take options and arguments apart."""
        commented = [] if "--" in args else [arg for arg in args if _COMMENT.match(arg)]
        rest = [arg for arg in args if arg not in commented]
        return super().parse_args(ctx, [*rest, "--", *commented] if commented else args)


@app.command(
    cls=_Command,
    epilog=epilog("timeline sql \"SELECT key, state->>'status' FROM timeline.deliveries_current\"", 2, 3, 4),
)
def sql(
    ctx: typer.Context,
    query: Annotated[
        str | None,
        typer.Argument(help="One statement, or a command of psql such as \\d; without it psql is opened."),
    ] = None,
    *,
    on: On = None,
    known: Known = None,
    seconds: Annotated[
        int, typer.Option(min=0, max=2_000_000, help="How long a statement may take; 0: for ever.")
    ] = SECONDS,
    output: Output = None,
) -> None:
    """Print the rows of a query in SQL, or open psql: only reading, with the timeline and the times that are given."""
    from timeline import opening  # noqa: PLC0415

    shape = form_of(ctx, output)
    given = settings_of(ctx)
    session = _session(given.timeline, on, known, seconds)
    query = query if query is None else query.strip()
    for_psql = query is None or query.startswith("\\")
    if for_psql and output:
        remedy = "Give one query, or choose in psql: \\pset format csv"
        raise Refused("psql prints in a form of its own", remedy=remedy, place=Place(field="--output"))
    with opening.address(given) as url:
        _caught_up(given, query or "")
        if query is None or for_psql:
            raise typer.Exit(_psql(url, session, given.server_binaries, query))
        with _reading(url, session) as connection, _meant(seconds), _found(connection, query) as (names, found):
            rows = (dict(zip(names, row, strict=True)) for row in found)
            count = write(Printed(name="rows", rows=rows, columns=names), shape)
    if not count:
        say("no rows")


def _session(timeline: str, on: str | None, known: str | None, seconds: int) -> dict[str, str]:
    """Return the settings of a session that asks so."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from timeline import phrases  # noqa: PLC0415
    from timeline.temporal import format_instant  # noqa: PLC0415

    today = datetime.now(UTC).date()
    return {
        "timeline.name": timeline,
        "timeline.on_day": _read(phrases.day, on, "--on", today).isoformat() if on else "",
        "timeline.known": format_instant(_read(phrases.instant, known, "--known", today)) if known else "",
        "statement_timeout": f"{seconds}s",
        "default_transaction_read_only": "on",
        "datestyle": "ISO,YMD",
        "timezone": "UTC",
    }


def _read(phrase: Callable[..., Any], text: str, flag: str, today: date) -> Any:  # noqa: ANN401  a day or an instant
    try:
        return phrase(text, today=today)
    except Refused as error:
        error.place = Place(field=flag)
        raise


def _caught_up(given: Settings, query: str) -> None:
    """Bring the read models up to the log, and store the views that a query names; who may not write is told so."""
    from timeline import database, opening  # noqa: PLC0415

    with opening.opened(given) as line, database.translated():
        try:
            line.views.head()
            line.catch_up()
            for view in line.vocabulary.views.values():
                if re.search(rf"\b{re.escape(view.name)}(_current|_as_of)?\b", query, re.IGNORECASE):
                    line.views.catch_up(view)
                    lag = line.views.lag(view.name, line.views.head())
                    if lag:
                        say(f"{lag.found}: SQL reads what is stored")
        except Unavailable as error:
            say(f"the read models are left as they are ({error.message}): the column behind says how old a row is")


@contextmanager
def _reading(url: str, session: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection of the driver that acts as a reader, in a transaction that cannot write."""
    from timeline import database  # noqa: PLC0415

    engine = database.engine(url, role=READER)
    try:
        with database.translated(), engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            for name, value in session.items():
                driver.execute("SELECT set_config(%s, %s, false)", [name, value])
            driver.commit()
            driver.read_only = True
            driver.add_notice_handler(_warning())
            _as_printed(driver)
            yield driver
    finally:
        engine.dispose()


def _warning() -> Callable[[Any], None]:
    """Return what tells people of the server's warnings, each once: that stored rows are behind the log."""
    told: set[str] = set()

    def tell(notice: Any) -> None:  # noqa: ANN401  of the driver
        if notice.message_primary not in told:
            told.add(notice.message_primary)
            say(str(notice.message_primary))

    return tell


@contextmanager
def _found(connection: psycopg.Connection[Any], query: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """Yield the names of the columns of a query's result and its rows, of which few are in memory at a time."""
    names = _columns(connection, query)
    rows: Any = connection.cursor().stream(query.encode(), size=1000)
    done = False

    def counted() -> Iterator[tuple[Any, ...]]:
        nonlocal done
        yield from rows
        done = True

    try:
        yield names, counted()
    finally:
        if not done:  # whoever reads them has gone: else the rest would be fetched
            connection.cancel_safe()
            with suppress(Exception):
                rows.close()


def _columns(connection: psycopg.Connection[Any], query: str) -> list[str]:
    """Return the names of the columns that a query gives, before it runs: it may give no row to tell them by."""
    from psycopg import errors, pq  # noqa: PLC0415

    if not query.strip():
        raise Refused("the query is empty", remedy="Write it in quotation marks, or leave it out to open psql")
    connection.execute("SELECT")  # which begins the transaction
    told = connection.pgconn.prepare(b"", query.encode())
    if told.status == pq.ExecStatus.COMMAND_OK:
        told = connection.pgconn.describe_prepared(b"")
    if told.status != pq.ExecStatus.COMMAND_OK:
        raise errors.error_from_result(told)
    if told.nparams:
        remedy = "Write the values into the query; in a shell, put it in single quotation marks where $ stands in it"
        raise Refused("the query has parameters ($1), and nothing gives them", remedy=remedy)
    if not told.nfields:
        raise Refused(
            "the statement gives no rows",
            remedy="Write SELECT: SQL is for reading, the other commands record and correct",
        )
    return _told_apart([(told.fname(number) or b"").decode() for number in range(told.nfields)])


def _told_apart(names: list[str]) -> list[str]:
    """Return names of which none stands twice.

    >>> _told_apart(["key", "value", "value"])
    ['key', 'value', 'value_2']
    """
    found: list[str] = []
    for name in names:
        others = (f"{name}_{number}" for number in count(2))
        taken = {*names, *found}
        found.append(next(other for other in others if other not in taken) if name in found else name)
    return found


def _as_printed(connection: psycopg.Connection[Any]) -> None:
    """Let values come as they are printed: numbers, truth values and JSON as such, all else as Postgres writes it."""
    from psycopg.adapt import Loader  # noqa: PLC0415
    from psycopg.postgres import types  # noqa: PLC0415
    from psycopg.types.json import set_json_loads  # noqa: PLC0415
    from psycopg.types.string import TextLoader  # noqa: PLC0415

    numbers = type("Numbers", (Loader,), {"load": lambda _, data: number(bytes(data).decode())})
    instants = type("Instants", (Loader,), {"load": lambda _, data: instant(bytes(data).decode())})
    own = dict.fromkeys(("numeric", "float4", "float8", "int8"), numbers) | {"timestamptz": instants}
    known = {"bool", "int2", "int4", "oid", "json", "jsonb", "record"}
    for kind in types:
        if kind.name not in known:
            connection.adapters.register_loader(kind.oid, own.get(kind.name, TextLoader))

    set_json_loads(_json, connection)


def _json(data: bytes | str) -> Any:  # noqa: ANN401  whatever it says
    """Return JSON with its numbers as they can be held exactly; as text what no answer can hold, as half a letter."""
    import json  # noqa: PLC0415

    import orjson  # noqa: PLC0415

    try:
        found = json.loads(data, parse_int=number, parse_float=number)
        orjson.dumps([[[found]]])  # within an answer it stands that deep
    except (RecursionError, orjson.JSONEncodeError):
        return data if isinstance(data, str) else data.decode()
    return found


def number(text: str) -> float | str:
    """Return a number as JSON can hold it exactly, else as text.

    >>> number("51.00"), number("0.1"), number("0.10000000000000000001"), number("NaN")
    (51, 0.1, '0.10000000000000000001', 'NaN')
    """
    from decimal import Decimal  # noqa: PLC0415

    try:
        exact = Decimal(text)
        if not exact.is_finite():
            return text
        if abs(exact) <= EXACT and exact == exact.to_integral_value():
            return int(exact)
        return float(text) if Decimal(repr(float(text))) == exact else text
    except ArithmeticError:  # its exponent is beyond measure
        return text


def instant(text: str) -> str:
    """Return an instant as answers print it.

    >>> instant("2023-12-26 23:59:59.999999+00"), instant("2023-12-26 12:00:00.5+00"), instant("infinity")
    ('2023-12-26T23:59:59.999999Z', '2023-12-26T12:00:00.500000Z', 'infinity')
    """
    found = re.fullmatch(r"(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?\+00", text)
    if found is None:
        return text
    day, hour, fraction = found.groups()
    return f"{day}T{hour}{fraction.ljust(7, '0') if fraction else ''}Z"


@contextmanager
def _meant(seconds: int) -> Iterator[None]:
    """Raise what is wrong with a query as one sentence with what to do."""
    import psycopg  # noqa: PLC0415

    begun = time.monotonic()
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state == _TIMED_OUT and not 0 < seconds <= time.monotonic() - begun + _AT_ONCE:
            raise Unavailable("the query was cancelled on the server", remedy="Ask again") from error
        if state[:2] in _OF_THE_DATABASE and state != _TIMED_OUT:
            raise  # it means the same whatever is asked
        raise _meaning(state, error, seconds) from error


_TIMED_OUT = "57014"
_AT_ONCE = 0.5
"""Seconds by which the clocks of server and client may go differently while a query runs."""
_OF_THE_DATABASE = {"08", "53", "57", "58", "XX"}
_NOT_A_READER = {"25006", "42501"}
_UNDEFINED = "42704"
_NO_FUNCTION = "42883"
_WHAT_THERE_IS = (
    r"timeline sql '\d timeline.*' lists what there is, with its columns; timeline sql '\df timeline.*' the functions"
)
_HINTS = {
    "42P01": f"Names stand with their schema, as timeline.deliveries_current; {_WHAT_THERE_IS}",
    "22007": "Write a day as 2023-12-26, an instant as 2023-12-26T12:00:00Z",
    "22008": "Write a day as 2023-12-26, an instant as 2023-12-26T12:00:00Z",
}
_SLOW = "Ask for less, or give it more: --seconds N"
_JSON_HINT = "JSON is compared as state::jsonb, and a field of it as state->>'status'"


def _meaning(state: str, error: psycopg.Error, seconds: int) -> TimelineError:
    said = (error.diag.message_primary or str(error)).strip().rstrip(".")
    hint = _HINTS.get(state) or error.diag.message_hint or f"Correct the query; {_WHAT_THERE_IS}"
    if state == _NO_FUNCTION and "json" in said:
        hint = _JSON_HINT
    if state == _TIMED_OUT:
        return Refused(f"the query took longer than {counted(seconds, 'second')}", remedy=_SLOW)
    if state in _NOT_A_READER:
        return Refused(said, remedy="This acts as a reader: other commands record, and the owner does the rest in psql")
    if state == _UNDEFINED:
        return NotFound(said, remedy=error.diag.message_hint or "timeline views list says which views there are")
    if "multiple commands" in said:
        return Refused("the query is more than one statement", remedy="Give one, or pipe them: timeline sql < FILE")
    return Refused(said, remedy=hint)


def _psql(url: str, session: Mapping[str, str], binaries: Path | None, command: str | None) -> int:
    """Run psql as a reader, for one command of its own or until the user leaves it, and return its exit code."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415

    program = _program(binaries)
    with _reading(url, session) as connection:
        found = connection.execute("SELECT current_user = %s", [READER]).fetchone()
    settings = {name: value for name, value in session.items() if value}
    settings |= {"role": READER} if found and found[0] else {}
    place = {name: str(value) for name, value in conninfo_to_dict(_SCHEME.sub("postgresql://", url)).items() if value}
    password = place.pop("password", None)
    options = " ".join([place.get("options", ""), *(f"-c {name}={value}" for name, value in settings.items())])
    address = make_conninfo(**{**place, "options": options.strip()})
    words = os.environ | ({"PGPASSWORD": password} if password else {})
    how = ["-c", command] if command else [] if sys.stdin.isatty() else ["-v", "ON_ERROR_STOP=1"]
    if not command:
        say(r"\df+ timeline.* and \dv+ timeline.* list what can be asked; \q leaves")
    usual = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for psql, which cancels its query
    try:
        code = subprocess.run([program, *how, address], env=words, check=False).returncode  # noqa: S603  as found
        return 2 if code == _BAD_SCRIPT or (command and code) else code
    finally:
        signal.signal(signal.SIGINT, usual)


def _program(binaries: Path | None) -> str:
    """Return psql: the one on the PATH, else that of the server's programs."""
    from timeline import server  # noqa: PLC0415

    try:
        beside = server.binaries_in_use(binaries) / "psql"
    except Unavailable:
        beside = None
    found = shutil.which("psql") or (str(beside) if beside and beside.is_file() else None)
    if found is None:
        remedy = 'Install the client of PostgreSQL, or give the query: timeline sql "SELECT …"'
        raise Refused("psql is not installed", remedy=remedy)
    return found
