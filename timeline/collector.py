"""Python's collector of cycles, which takes a third of the time where millions of objects come and go in none."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RARELY = 200_000
"""Objects that may come before the collector looks at the young ones."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Let the collector run rarely; memory stays bounded, since what is in no cycle goes by itself."""
    before = gc.get_threshold()
    gc.set_threshold(RARELY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
