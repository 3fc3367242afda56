"""Looks at a list whose entries people have corrected by hand in between: neither undoes the other."""

from __future__ import annotations

from unit.makers_snapshots import FIRST, SECOND, THIRD, Held, listed, told

from timeline.snapshots import GONE


def test_all_open_stays_of_an_entry_end_together() -> None:
    """People reinstated the old stay beside the new: the newest is amended, a look without the entry ends both."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.look(SECOND, listed("b"))
    held.look(THIRD, listed("a"), listed("b"))
    held.by_hand("s/a", "2023-03-07", valid="2023-03-01/..", time=None)
    assert told(held.look("2023-03-08", listed("a", program="P"), listed("b"))) == [
        ("correct", "s/a@2023-03-06", "2023-03-06/..")
    ]
    assert told(held.look("2023-03-10", listed("b"))) == [
        ("correct", "s/a", "2023-03-01/[2023-03-08..2023-03-09]"),
        ("correct", "s/a@2023-03-06", "2023-03-06/[2023-03-08..2023-03-09]"),
    ]
    assert held.counted() == (0, 0, 2, 0)


def test_an_end_that_people_gave_is_kept_and_who_is_back_begins_anew() -> None:
    """The list confirms that the entry is gone; its return leaves the days between without it."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.by_hand("s/a", "2023-03-04", valid="2023-03-01/2023-03-03")
    (gone,) = held.look(SECOND, listed("b"))
    assert told([gone]) == [("correct", "s/a", "2023-03-01/2023-03-03")]
    assert (gone.reason, gone.time) == (GONE, {"method": "inferred", "note": GONE})
    assert told(held.look("2023-03-20", listed("a"), listed("b"))) == [
        ("assert", "s/a@2023-03-20", "[2023-03-06..2023-03-20]/..")
    ]


def test_without_runs_a_stay_that_people_ended_is_over() -> None:
    """Nobody knows what the list said: what is in force counts, and its last day has passed."""
    held = Held()
    held.by_hand("s/a", FIRST, name="a", valid="2023-03-01/2023-03-03")
    held.versions = {fact: [(fact, True, line) for _, _, line in lines] for fact, lines in held.versions.items()}
    assert told(held.look(SECOND, listed("a"))) == [("assert", "s/a@2023-03-05", "2023-03-05/..")]


def test_who_is_gone_stays_gone_however_people_word_it() -> None:
    """A correction of the ended stay that leaves out how its end is known does not bring it back."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.look(SECOND, listed("b"))
    held.by_hand("s/a", THIRD, time=None, program="P")
    assert held.look("2023-03-07", listed("b")) == []
    assert told(held.look("2023-03-20", listed("a"), listed("b")))[0][:2] == ("assert", "s/a@2023-03-20")


def test_a_look_does_not_undo_what_people_corrected() -> None:
    """It says what it said before; where it says otherwise it is the list that counts, over the corrected days."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.by_hand("s/a", FIRST, name="AA", valid="2020/..")
    assert held.look(SECOND, listed("a"), listed("b")) == []
    (amended,) = held.look(THIRD, listed("a", program="P"), listed("b"))
    assert told([amended]) == [("correct", "s/a", "2020/..")]
    assert amended.data == {"list": "L", "name": "a", "program": "P"}


def test_who_is_gone_keeps_what_people_corrected() -> None:
    """That it is not in the list any more says nothing of how its entry was to be read."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.by_hand("s/a", FIRST, name="AA")
    (gone,) = held.look(SECOND, listed("b"))
    assert gone.data["name"] == "AA"


def test_what_people_took_back_comes_back_only_after_a_look_without_it() -> None:
    """While the list still has it nothing is said; that it is gone and back is news of the list."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.take_back("s/a", "2023-03-02")
    assert held.look(SECOND, listed("a"), listed("b")) == []
    assert told(held.look(THIRD, listed("b"))) == [("retract", "s/a", None)]
    assert told(held.look("2023-03-07", listed("a"), listed("b")))[0][:2] == ("assert", "s/a@2023-03-07")


def test_a_time_that_people_left_unknown_stays_so_until_the_entry_is_gone() -> None:
    """Neither the same reading nor another one dates it; the end is that of the list."""
    held = Held()
    held.look(FIRST, listed("a"), listed("b"))
    held.by_hand("s/a", "2023-03-02", valid="unknown")
    assert held.look("2023-03-03", listed("a"), listed("b")) == []
    assert told(held.look("2023-03-04", listed("a", program="P"), listed("b"))) == [("correct", "s/a", "unknown")]
    assert held.look(SECOND, listed("a", program="P"), listed("b")) == []
    assert told(held.look(THIRD, listed("b"))) == [("correct", "s/a", "/2023-03-05")]
