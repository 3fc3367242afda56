"""The frame around every command: options that stand anywhere; the one place where errors become words and exit codes.

Exit codes: 0 fine, an empty answer too; 1 a finding or difference, or a fault in the program itself; 2 what was given
cannot be taken (options as well as the content of files); 3 not found; 4 the database is unreachable or of another
version; 5 conflict; 130 interrupted.
"""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from timeline.cli.output import repeat, say
from timeline.errors import Conflict, Corrupt, NotFound, Outdated, Refused, TimelineError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

CODES: tuple[tuple[type[BaseException], int], ...] = (
    (Conflict, 5),
    (Refused, 2),
    (NotFound, 3),
    (Outdated, 4),
    (Unavailable, 4),
    (Corrupt, 1),
    (KeyboardInterrupt, 130),
    (Exception, 1),
)
"""Exit codes by kind of error; the first that fits."""

MEANINGS = {
    0: "fine",
    1: "a finding",
    2: "usage",
    3: "not found",
    4: "database unreachable or not migrated",
    5: "conflict",
    130: "interrupted",
}

_WITH_VALUE = ("--timeline", "--database-url", "--home")
_ALONE = ("--debug",)
_REPEATED = ("home", "timeline")  # in hints; the URL may hold a password


def epilog(example: str, *codes: int) -> str:
    """Return what stands below the help of a command: an example and its exit codes."""
    meant = " · ".join(f"{code} {MEANINGS[code]}" for code in (0, *codes, 130))
    everywhere = " ".join((*_WITH_VALUE, *_ALONE))
    return f"Example: [bold]{example}[/bold]\n\nExit codes: {meant}\n\nWith every command: {everywhere}"


class Commands(TyperGroup):
    """The commands of `timeline`, each of which may fail only with a sentence and a code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  Typer keeps its context class to itself
        """Parse the arguments with the options of all commands first: they may stand after a command as well."""
        for arg in args:
            if any("\udc80" <= letter <= "\udcff" for letter in arg):
                _explain(Refused(f"{arg!a} is not UTF-8", remedy="Write it in UTF-8, or set the terminal to it"))
                raise typer.Exit(2)
        return super().parse_args(ctx, hoisted(args))

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run a command; end with the code of its error, having said what it was and what to do."""
        given = ((name, ctx.params.get(name)) for name in _REPEATED)
        repeat(self.commands, (f"--{name} {shlex.quote(str(value))}" for name, value in given if value is not None))
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except typer.Exit:
            raise
        except typer.Abort as error:  # Ctrl-C, or the end of the input, where a question was asked
            _explain(KeyboardInterrupt())
            raise typer.Exit(130) from error
        except BrokenPipeError:
            _forget_output()
            raise typer.Exit(0) from None
        except (Exception, KeyboardInterrupt) as error:
            if type(error).__module__.startswith("typer."):
                raise  # a mistake in the command line, which Typer explains itself
            if ctx.params.get("debug"):
                traceback.print_exc()
            _explain(error)
            raise typer.Exit(next(code for kind, code in CODES if isinstance(error, kind))) from error
        return result


def hoisted(args: Iterable[str]) -> list[str]:
    """Return arguments with the options of all commands first.

    >>> hoisted(["ask", "deliveries", "--timeline", "news", "-o", "csv"])
    ['--timeline', 'news', 'ask', 'deliveries', '-o', 'csv']
    """
    first: list[str] = []
    rest: list[str] = []
    remaining = iter(args)
    for arg in remaining:
        if arg == "--":
            rest += [arg, *remaining]
        elif arg in _WITH_VALUE:
            first += [arg, *(value for value in [next(remaining, None)] if value is not None)]
        elif arg in _ALONE or arg.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            first.append(arg)
        else:
            rest.append(arg)
    return first + rest


def _explain(error: BaseException) -> None:
    """Say in one sentence what went wrong, and below it what to do."""
    with suppress(BrokenPipeError):
        say(f"timeline: {_sentence(error)}")
        remedy = _remedy(error)
        if remedy:
            say(f"→ {remedy}")


def _sentence(error: BaseException) -> str:
    match error:
        case TimelineError():
            return ": ".join(part for part in (str(error.place), error.message) if part)
        case KeyboardInterrupt():
            return "interrupted"
        case OSError() if error.strerror:
            return f"{error.filename or 'the output'}: {error.strerror}"
    return f"a fault in this program ({type(error).__name__}: {error})"


def _remedy(error: BaseException) -> str:
    match error:
        case TimelineError():
            return error.remedy
        case KeyboardInterrupt():
            return "Nothing is half done; the same command again completes it"
        case OSError():
            return "Make room or check your rights, then run the same command again"
    return "Run it again with --debug and report what it prints"


def _forget_output() -> None:
    """Let what could not be delivered vanish, so that Python does not complain about it on its way out."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
