"""Real lists, loaded and asked as `scripts/replay_real` does: a few dozen rows of each always, all where they are.

The whole data are too large to ship; `TIMELINE_REAL_DATA` names the folder that holds them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real.frame import Report, Scene
from replay_real import SETS

if TYPE_CHECKING:
    from timeline.app import Timeline

FEW = Path(__file__).parent.parent / "fixtures" / "real"
WHOLE = os.environ.get("TIMELINE_REAL_DATA")
VIEWS = 28
"""Asking for all 308 views of the longest list takes half an hour: the script does it, a test asks for each so many."""

ABSENT = pytest.mark.skipif(not WHOLE, reason="TIMELINE_REAL_DATA does not name the folder of the whole data")


def failed(name: str, opened: Timeline, data: Path, database_url: str, scratch: Path, *, whole: bool) -> list[str]:
    """Return the checks that fail when a set is replayed; times are judged by the script alone, on a quiet machine."""
    played, report = SETS[name], Report(name, judged=False)
    played.replay(
        Scene(
            line=opened,
            data=data / played.FOLDER,
            scratch=scratch,
            report=report,
            whole=whole,
            environment={"TIMELINE_DATABASE_URL": database_url},
            every=VIEWS if whole else 1,
        )
    )
    return report.failed


@pytest.mark.parametrize("name", SETS)
def test_a_few_rows_of_a_real_list_read_as_they_were_published(
    name: str, opened: Timeline, database_url: str, tmp_path: Path
) -> None:
    """Every version of the list comes back, and what its traps lead others to is not said."""
    assert failed(name, opened, FEW, database_url, tmp_path, whole=False) == []


@ABSENT
@pytest.mark.parametrize("name", SETS)
def test_the_whole_of_a_real_list_reads_as_it_was_published(
    name: str, opened: Timeline, database_url: str, tmp_path: Path
) -> None:
    """The same of all rows, and the answers that are known from elsewhere come out."""
    assert failed(name, opened, Path(str(WHOLE)), database_url, tmp_path, whole=True) == []
