"""Kinds: what data they take, how they refuse it, and how older versions of data are read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from timeline.errors import Refused
from timeline.kinds import BUILTIN, Data, Edtf, Kind, explained

KINDS = {kind.name: kind for kind in BUILTIN}
S400 = {"item": "S-400", "supplier": "Russia", "recipient": "India"}
ROUND = {"target": "Russia", "authority": ["EU"]}


class _Berth(Data):
    ship: str = Field(description="which ship")
    until: Edtf = Field(description="until when")


def _split_quay(data: dict[str, Any]) -> dict[str, Any]:
    data["ship"] = data.pop("vessel")
    return data


def _dated(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "until": str(data["until"])}


BERTH = Kind(
    name="berth.taken", about="A berth is taken.", data=_Berth, version=3, upcasters={1: _split_quay, 2: _dated}
)


def _refusal(kind: Kind, data: dict[str, Any], version: int = 1) -> Refused:
    with pytest.raises(Refused) as caught:
        kind.validate(data, version)
    return caught.value


def test_names_are_unique() -> None:
    """No two built-in kinds have the same name."""
    assert len(KINDS) == len(BUILTIN)


@pytest.mark.parametrize("kind", BUILTIN, ids=lambda kind: kind.name)
def test_every_kind_explains_itself(kind: Kind) -> None:
    """Each kind says in one line what it is about, and each of its fields what it holds."""
    assert kind.about
    assert "\n" not in kind.about
    assert [name for name, told in kind.data.model_fields.items() if not told.description] == []


def test_what_was_done_lasts() -> None:
    """What happened once stays so; what goes on may end."""
    assert all(KINDS[name].lasting for name in ("sanction.imposed", "delivery.made", "agreement.signed"))
    assert not any(
        KINDS[name].lasting for name in ("delivery.scheduled", "trade.measured", "visit.made", "observation")
    )


@pytest.mark.parametrize(
    "name,data",
    [
        ("sanction.imposed", {**ROUND, "measure": "import_restriction", "object": "diamonds", "round": 12}),
        ("sanction.imposed", {**ROUND, "target": ["Russia", "Belarus"], "measure": "travel_ban"}),
        ("sanction.round_adopted", {**ROUND, "round": 12, "adopted": "2023-12-18", "announced": "2023-12"}),
        ("delivery.scheduled", {**S400, "due": "2024-01~/2024-04~"}),
        ("delivery.scheduled", {**S400, "stages": [{"ordinal": 4, "due": "2026"}, {"ordinal": 5, "due": "2027"}]}),
        ("delivery.made", {**S400, "quantity": 1, "unit": "squadron", "ordinal": 3, "total": 3}),
        ("trade.measured", {"measure": "turnover", "value": 5e10, "unit": "USD", "comparator": "over"}),
        ("trade.measured", {"measure": "trend", "value": "booming", "of": "oil"}),
        ("observation", {"measure": "published", "value": True}),
    ],
)
def test_data_that_satisfies_the_schema_passes(name: str, data: dict[str, Any]) -> None:
    """Data as the seeds write it is taken."""
    KINDS[name].validate(data, 1)


@pytest.mark.parametrize(
    "name,data,refusal",
    [
        ("visit.made", {"visitor": "S. Jaishankar"}, "host: missing. Give host: where to, or to whom"),
        ("visit.made", {"visitor": "A", "hots": "B"}, "hots: there is no such field here. Did you mean host?"),
        ("visit.made", {"visitor": 5, "host": "B"}, "visitor: 5 is not a text. Give a text"),
        (
            "visit.made",
            {"visitor": "A", "host": "B", "days": 1.5},
            "days: 1.5 is not a whole number. Give a whole number",
        ),
        (
            "visit.made",
            {"visitor": "A", "host": "B", "days": True},
            "days: true is not a whole number. Give a whole number",
        ),
        ("visit.made", {"visitor": "A", "host": "B", "days": 0}, "days: 0 is less than 1. Give 1 or more"),
        ("delivery.made", {**S400, "quantity": "3"}, "quantity: '3' is not a number. Give a number"),
        (
            "delivery.made",
            {**S400, "quantity": float("inf")},
            "quantity: inf is not a finite number. Give a finite number",
        ),
        ("meeting.held", {"participants": "A"}, "participants: 'A' is not a list. Give a list"),
    ],
)
def test_a_refusal_names_field_fault_and_remedy(name: str, data: dict[str, Any], refusal: str) -> None:
    """What does not satisfy the schema is refused in plain words, without a word of pydantic's."""
    assert str(_refusal(KINDS[name], data)) == refusal


@pytest.mark.parametrize(
    "name,data,field",
    [
        ("sanction.imposed", {**ROUND, "measure": "embargo"}, "measure"),
        ("sanction.imposed", {**ROUND, "target": [1], "measure": "travel_ban"}, "target"),
        ("sanction.imposed", {**ROUND, "authority": [], "measure": "travel_ban"}, "authority"),
        ("sanction.round_adopted", {**ROUND, "round": 12, "adopted": "18/12/2023"}, "adopted"),
        ("delivery.scheduled", {**S400, "stages": [{"ordinal": 1, "due": "soon"}]}, "stages.0.due"),
        ("delivery.scheduled", {**S400, "stages": [{"ordinal": 1, "due": "2026", "dew": 1}]}, "stages.0.dew"),
        ("delivery.scheduled", {**S400, "stages": [{"ordinal": 1, "due": None}]}, "stages.0.due"),
        ("visit.made", {"visitor": "A", "host": None}, "host"),
        ("visit.made", {"visitor": "", "host": "B"}, "visitor"),
        ("observation", {"measure": "m", "value": [1]}, "value"),
        ("observation", {"measure": "m", "value": float("nan")}, "value"),
    ],
)
def test_the_field_is_given_as_a_path(name: str, data: dict[str, Any], field: str) -> None:
    """The place of a fault is a dotted path into the data, down to the item of a list."""
    assert _refusal(KINDS[name], data).place.field == field


def test_a_misspelt_field_within_a_list_is_told_its_neighbours() -> None:
    """Of an unknown field the nearest known one at the same place is named."""
    refusal = _refusal(KINDS["delivery.scheduled"], {**S400, "stages": [{"ordnal": 4, "due": "2026"}]})
    assert (refusal.place.field, refusal.remedy) == ("stages.0.ordnal", "Did you mean ordinal?")


def test_a_plan_has_a_date() -> None:
    """A plan that promises nothing by any day is none."""
    assert _refusal(KINDS["delivery.scheduled"], S400).message == "a plan names a due date or stages"


def test_the_wording_of_an_unreadable_date_is_temporals() -> None:
    """Why a date cannot be read is said by the reader of dates, at the field of the data."""
    refusal = _refusal(KINDS["sanction.round_adopted"], {**ROUND, "round": 12, "adopted": "2023-02-30"})
    assert "2023-02-30" in refusal.message
    assert refusal.remedy


@pytest.mark.parametrize("version", [0, 2])
def test_a_version_that_is_not_known_is_refused(version: int) -> None:
    """Data of a newer program is refused, not guessed at."""
    refusal = _refusal(KINDS["visit.made"], {"visitor": "A", "host": "B"}, version)
    assert refusal.place.field == "schema"
    assert "visit.made" in refusal.message


def test_older_data_is_brought_up_to_date_step_by_step() -> None:
    """Each upcaster leads to the next version, and the data that were given stay as they are."""
    given = {"vessel": "Vikrant", "until": 2024}
    assert BERTH.upcast(given, 1) == {"ship": "Vikrant", "until": "2024"}
    assert BERTH.upcast({"ship": "Vikrant", "until": 2024}, 2) == {"ship": "Vikrant", "until": "2024"}
    assert given == {"vessel": "Vikrant", "until": 2024}
    BERTH.validate(given, 1)


def test_data_of_the_present_version_is_left_alone() -> None:
    """Upcasting from the present version changes nothing and copies."""
    given = {"ship": "Vikrant", "until": "2024"}
    assert BERTH.upcast(given, 3) == given
    assert BERTH.upcast(given, 3) is not given


def test_older_data_is_validated_after_upcasting() -> None:
    """What the present schema refuses is refused in old data too; what cannot even be upcast is refused as such."""
    assert _refusal(BERTH, {"vessel": "Vikrant", "until": "soon"}, 1).place.field == "until"
    assert _refusal(BERTH, {"ship": "Vikrant", "until": 2024}, 1).place.field == "schema"


@pytest.mark.parametrize("upcasters", [{}, {1: _split_quay}, {1: _split_quay, 2: _dated, 3: _dated}])
def test_a_kind_that_could_not_read_its_old_data_cannot_be_made(upcasters: dict[int, Any]) -> None:
    """There is one upcaster from each older version, no fewer and no more."""
    with pytest.raises(Refused, match=r"berth\.taken"):
        Kind(name="berth.taken", about="A berth is taken.", data=_Berth, version=3, upcasters=upcasters)


def test_any_model_can_be_explained() -> None:
    """Models other than those of kinds are explained in the same words, with or without naming the model."""

    class Line(BaseModel):
        model_config = ConfigDict(extra="forbid")
        kind_: str | None = Field(None, alias="kind")

    with pytest.raises(ValidationError) as caught:
        Line.model_validate({"knid": "visit.made"})
    assert explained(caught.value, Line).remedy == "Did you mean kind?"
    assert explained(caught.value).remedy == "Leave it out"
    assert explained(caught.value).place.field == "knid"


@pytest.mark.parametrize("version", [-1, 0, 4])
def test_data_of_a_version_that_is_not_known_is_never_taken_for_current(version: int) -> None:
    """An older program refuses to read newer data, rather than misread it."""
    with pytest.raises(Refused, match="versions 1 to 3"):
        BERTH.upcast({"ship": "Vikrant", "until": "2024"}, version)
