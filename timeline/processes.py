"""Work done side by side in several processes."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from typing import TYPE_CHECKING

from timeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

ORPHANED = 1
"""The exit code of a process whose parent has gone."""


def can_share() -> bool:
    """Return whether this process may be copied: nothing else runs in it, and there is a second core."""
    return hasattr(os, "fork") and threading.active_count() == 1 and (os.cpu_count() or 1) > 1


def shared(work: Callable[[int], None], count: int) -> None:
    """Do so many parts of a piece of work: the first in this process, each other one in a copy of it.

    Where the first part fails, the others are ended; a copy whose parent has gone ends itself by `still_wanted`.
    """
    children = [_copy(work, number) for number in range(1, count)]
    try:
        work(0)
    except BaseException:
        for child in children:
            os.kill(child, signal.SIGTERM)
        raise
    finally:
        failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed:
        message = "a process that did part of the work has ended before its time"
        raise Unavailable(message, remedy="Run the same command again: it goes on from there")


def _copy(work: Callable[[int], None], number: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(number)
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001  nobody else would hear of it
        traceback.print_exc()
    finally:
        os._exit(code)


def still_wanted(parent: int) -> None:
    """End this process at once if it is a copy whose parent has gone."""
    if os.getpid() != parent and os.getppid() != parent:
        os._exit(ORPHANED)
