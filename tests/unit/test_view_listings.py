"""The view `listings`: who stands on a list, and on which days that is sure."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from unit.makers_views import VIEW, folded, keys, shown, told

from timeline.errors import Refused


def listed(name: str = "ABC Bank", **fields: Any) -> Any:  # noqa: ANN401
    """Return a claim that a bank is on the list of the Treasury."""
    usual = {"list": "SDN", "subject": "bank", "valid": "2023-01-05/.."}
    return told("entry.listed", by="Treasury", name=name, **(usual | fields))


def test_an_entry_is_listed_under_its_subject() -> None:
    """The key is the subject; name, list, programmes and details are those of the entry."""
    entry = listed(program="RUSSIA-EO14024", details={"title": "Director"})
    assert keys("listings", entry) == ["bank"]
    row = shown("listings", entry)
    assert {name: row[name] for name in ("status", "list", "name", "programs", "details")} == {
        "status": "listed",
        "list": "SDN",
        "name": "ABC Bank",
        "programs": ["RUSSIA-EO14024"],
        "details": {"title": "Director"},
    }
    assert shown("listings", listed(program=["A", "B"]))["programs"] == ["A", "B"]
    assert "programs" not in shown("listings", listed())


@pytest.mark.parametrize(
    "day, status",
    [
        ("2023-03-02", "unconfirmed"),
        ("2023-03-04", "unconfirmed"),
        ("2023-03-05", "listed"),
        ("2023-06-10", "listed"),
        ("2023-06-11", "unconfirmed"),
        ("2023-06-14", "unconfirmed"),
    ],
)
def test_a_day_between_two_looks_is_unconfirmed(day: str, status: str) -> None:
    """An entry appeared between 2 and 5 March and was gone between 10 and 14 June: only between it is surely listed."""
    assert (
        shown("listings", listed(valid="[2023-03-02..2023-03-05]/[2023-06-10..2023-06-14]"), on=day)["status"] == status
    )


def test_the_days_on_which_the_status_turns_are_named() -> None:
    """From the first day on which it is sure, and behind the last; open ends never turn."""
    state = folded(VIEW["listings"], listed(valid="[2023-03-02..2023-03-05]/[2023-06-10..2023-06-14]"))
    assert list(VIEW["listings"].turns(state)) == [date(2023, 3, 5), date(2023, 6, 11)]
    assert list(VIEW["listings"].turns(folded(VIEW["listings"], listed(valid="../..")))) == []


def test_one_claim_describes_the_entry() -> None:
    """Of two spells, or two lists, the later known is shown whole: its silence is not filled from the other."""
    old = listed("Old name", details={"title": "Director"}, known="2023-01-01")
    new = listed("New name", known="2023-02-01")
    row = shown("listings", old, new)
    assert (row["name"], row.get("details"), len(row["claims"])) == ("New name", None, 2)


def test_lists_do_not_contradict_one_another_but_a_denial_does() -> None:
    """To stand on two lists is no dispute; that somebody is not on the very list that names them, is."""
    other = told("entry.listed", by="Council", name="ABC", list="EU", subject="bank")
    assert "disputes" not in shown("listings", listed(), other)
    denial = told("entry.listed", by="ABC Bank", name="ABC", list="SDN", subject="bank", modality="denied")
    row = shown("listings", listed(), other, denial)
    assert (row["status"], len(row["disputes"]["list"])) == ("listed", 2)
    assert shown("listings", denial)["status"] == "denied"


def test_a_plan_or_an_opinion_lists_nobody() -> None:
    """What is expected is named so, and never reads as listed."""
    assert shown("listings", listed(modality="expected"))["status"] == "planned"
    assert shown("listings", listed(modality="opinion"))["status"] == "opinion"


def test_details_are_flat() -> None:
    """A detail is a number, a text, true or false, or a list of these; an object is refused with its path."""
    listed(details={"born": 1967, "aliases": ["A", "B"], "vessel": False})
    with pytest.raises(Refused, match="or a list of these"):
        listed(details={"born": {"year": 1967}})
