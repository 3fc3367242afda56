"""Work done side by side in several processes."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

from timeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_SAID = 500  # characters of an error that are passed on
ORPHANED = 1
"""The exit code of a process whose parent has gone."""


def can_share() -> bool:
    """Return whether this process may be copied: nothing else runs in it, and there is a second core."""
    return hasattr(os, "fork") and threading.active_count() == 1 and (os.cpu_count() or 1) > 1


def shared(work: Callable[[int], None], count: int) -> None:
    """Do so many parts of a piece of work: the first in this process, each other one in a copy of it.

    Where the first part fails, the others are ended; a copy whose parent has gone ends itself by `still_wanted`.
    What a copy raises is raised as Unavailable, with its words.
    """
    copies = [_copy(work, number) for number in range(1, count)]
    try:
        work(0)
    except BaseException:
        for child, _ in copies:
            os.kill(child, signal.SIGTERM)
        raise
    finally:
        ended = [(os.waitpid(child, 0)[1], _read(said)) for child, said in copies]
    words = [said for status, said in ended if status]
    if words:
        message = f"a process that did part of the work has ended before its time{': ' * bool(words[0])}{words[0]}"
        raise Unavailable(message, remedy="Run the same command again: it goes on from there")


def _copy(work: Callable[[int], None], number: int) -> tuple[int, int]:
    """Return the process that does a part, and where it says why it could not."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.close(read)
        work(number)
        code = 0
    except BaseException as error:  # noqa: BLE001  it goes no further than this process
        os.write(write, " ".join(f"{error}".split())[:_SAID].encode())
    finally:
        os._exit(code)


def _read(pipe: int) -> str:
    with os.fdopen(pipe, "rb") as said:
        return said.read().decode(errors="replace")


def still_wanted(parent: int) -> None:
    """End this process at once if it is a copy whose parent has gone."""
    if os.getpid() != parent and os.getppid() != parent:
        os._exit(ORPHANED)
