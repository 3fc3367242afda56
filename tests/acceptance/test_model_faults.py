"""`kill -9` of everything that touches what is stored: a short run of `scripts/faults`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import faults
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20231226
ROUNDS = 2 * len(faults.VICTIMS)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that everybody may enter, as root lends its server an account."""
    made = Path(tempfile.mkdtemp(prefix="timeline-faults-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def test_whatever_is_killed_nothing_is_lost_doubled_or_stale(folder: Path) -> None:
    """A client, a worker, a rebuild, a backend and the server, twice each: afterwards everything is the log again."""
    counts = faults.play(folder, ROUNDS, SEED)
    assert {name: count.found for name, count in counts.items()} == {name: [] for name in faults.VICTIMS}
    assert sum(count.rounds for count in counts.values()) == ROUNDS


def test_a_build_that_races_writers_ends_equal_to_the_log(folder: Path) -> None:
    """Eight processes write while a view is built again and again: what answers in the end is the fold of the log."""
    done, found = faults.race(folder, 3, SEED)
    assert found == [], done
