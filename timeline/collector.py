"""Python's collector of cycles, which takes a third of the time where millions of objects come and go in none."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RARELY = 200_000
"""Objects that may come before the collector looks at the young ones."""

_LOCK = Lock()
_WORKING: list[tuple[int, int, int]] = []
"""What was set when each of those began who work just now."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Let the collector run rarely; memory stays bounded, since what is in no cycle goes by itself."""
    with _LOCK:
        _WORKING.append(_WORKING[0] if _WORKING else gc.get_threshold())
        gc.set_threshold(RARELY, *_WORKING[0][1:])
    try:
        yield
    finally:
        with _LOCK:
            before = _WORKING.pop()
            if not _WORKING:
                gc.set_threshold(*before)
