"""Verification finds every change that somebody with full power over the database can make to a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from makers import line

from timeline.errors import Corrupt

if TYPE_CHECKING:
    from timeline.app import Timeline

TAMPERED: dict[str, tuple[LiteralString, int]] = {
    "content": ("UPDATE timeline.events SET content = replace(content::text, '3}', '4}')::json WHERE position = 2", 2),
    "identity": (
        "UPDATE timeline.events SET content = '{}', event = sha256('{}') WHERE position = 2",
        2,
    ),
    "column": ("UPDATE timeline.events SET subject = 'elsewhere' WHERE position = 2", 2),
    "knowledge": ("UPDATE timeline.events SET known = known - interval '1 day' WHERE position = 2", 2),
    "instant": ("UPDATE timeline.events SET recorded = recorded + interval '1 microsecond' WHERE position = 3", 3),
    "hash": ("UPDATE timeline.events SET hash = sha256('x') WHERE position = 1", 1),
    "deleted": ("DELETE FROM timeline.events WHERE position = 2", 2),
    "tail": ("DELETE FROM timeline.events WHERE position = 3", 3),
    "head": ("UPDATE timeline.timelines SET position = 2", 3),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_found_and_the_first_bad_event_named(opened: Timeline, database_url: str, how: str) -> None:
    """With triggers and privileges out of the way, verification names the first position that is not as recorded."""
    opened.record([line(subject=subject) for subject in "abc"])
    statement, position = TAMPERED[how]
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE timeline.events DISABLE TRIGGER ALL")
        owner.execute(statement)
    with pytest.raises(Corrupt, match=f"position {position} "):
        opened.verify()


def test_a_sound_log_is_verified(opened: Timeline) -> None:
    """The number of events is returned; an empty log is sound."""
    assert opened.verify() == 0
    opened.record([line(subject=f"s{number}") for number in range(4_100)])
    assert opened.verify() == 4_100
