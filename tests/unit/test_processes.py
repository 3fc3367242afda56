"""Work done side by side: every part is done, and what goes wrong in one is heard of."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from timeline.errors import Unavailable
from timeline.processes import ORPHANED, shared, still_wanted

if TYPE_CHECKING:
    from pathlib import Path


def test_every_part_is_done_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The first part is done here, and the others elsewhere."""

    def work(number: int) -> None:
        (tmp_path / str(number)).write_text(str(os.getpid()))

    shared(work, 3)
    pids = [int((tmp_path / str(number)).read_text()) for number in range(3)]
    assert pids[0] == os.getpid()
    assert len(set(pids)) == 3


def test_a_part_that_is_killed_is_heard_of() -> None:
    """Work of which a part is missing is not taken for done."""

    def work(number: int) -> None:
        if number:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Unavailable, match="before its time"):
        shared(work, 2)


def test_the_others_end_with_the_first(tmp_path: Path) -> None:
    """Where the first part fails, nobody waits for the others, and they do not go on."""

    def work(number: int) -> None:
        if number:
            time.sleep(60)
            (tmp_path / "done").touch()
        raise ValueError(number)

    begun = time.monotonic()
    with pytest.raises(ValueError, match="0"):
        shared(work, 2)
    assert time.monotonic() - begun < 30
    assert not (tmp_path / "done").exists()


def test_a_copy_without_its_parent_ends_itself() -> None:
    """A copy asks whether it is still wanted: not if its parent is another process than the one that made it."""
    child = os.fork()
    if not child:
        still_wanted(os.getppid())
        still_wanted(1 if os.getppid() != 1 else 2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == ORPHANED
    still_wanted(os.getpid())
