"""Measures in force, by whom and since which round; rounds counted and adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unit.makers_views import keys, shown, told

if TYPE_CHECKING:
    from timeline.events import Entry

DIAMONDS = {"measure": "import_restriction", "object": "diamonds"}


def act(what: str, by: str = "Reuters", **fields: Any) -> Entry:  # noqa: ANN401
    """Return a claim about sanctions of the EU against Russia."""
    usual = {"target": "Russia", "authority": ["EU"], "subject": "russia"}
    return told(f"sanction.{what}", by, **(usual | fields))


def test_keys_are_made_of_target_measure_and_object() -> None:
    """A measure, a round, the count of rounds and the whole target each have a row of their own."""
    assert keys("sanctions", act("imposed", **DIAMONDS)) == ["russia/import_restriction/diamonds"]
    swift = act("imposed", measure="financial_restriction", object="SWIFT", program="EU-RUS")
    assert keys("sanctions", swift) == ["russia/financial_restriction/swift"]
    assert keys("sanctions", act("lifted", measure="asset_freeze", program="EU-RUS")) == ["russia/asset_freeze/eu-rus"]
    assert keys("sanctions", act("round_adopted", round=12)) == ["russia/round/12", "russia/rounds"]
    assert keys("sanctions", act("rounds_counted", rounds=12)) == ["russia/rounds"]
    assert keys("sanctions", act("amended", round=12, change="wording")) == ["russia/round/12"]
    assert keys("sanctions", act("lifted")) == ["russia"]


def test_several_targets_make_several_rows() -> None:
    """A first reading that takes actors for targets gives each a row; written twice, a target has one."""
    event = act("imposed", target=["Russia", "western allies", "RUSSIA"], measure="asset_freeze")
    assert keys("sanctions", event) == ["russia/asset_freeze", "western-allies/asset_freeze"]


def test_a_round_shows_its_act_and_dates_from_all_who_report_it() -> None:
    """The article knows the round, the regulation its act, the proposal what came before."""
    proposed = act(
        "round_adopted", "Commission", round=12, proposed="2023-11-15", modality="expected", known="2023-11-15"
    )
    article = act("round_adopted", "Sputnik", round=12, valid="[2023-12-01..2023-12-26]", known="2023-12-26")
    dates = {"announced": "2023-12-06", "adopted": "2023-12-18", "published": "2023-12-18"}
    adopted = act(
        "round_adopted", "Council", round=12, act="2023/2878", valid="2023-12-18", known="2023-12-18", **dates
    )
    row = shown("sanctions", proposed, article, adopted)
    assert {name: row[name] for name in dates} == dates
    assert (row["round"], row["act"], row["proposed"], row["status"]) == (12, "2023/2878", "2023-11-15", "adopted")
    assert "disputes" not in row
    assert shown("sanctions", proposed)["status"] == "planned"


def test_rounds_are_counted_and_only_grow() -> None:
    """A later round raises the count without a dispute; two counts of one day cannot both hold."""
    counted = act("rounds_counted", "A", rounds=12, valid="2023-12-18", known="2023-12-26")
    thirteenth = act("round_adopted", "B", round=13, valid="2024-02-23", known="2024-02-23")
    assert shown("sanctions", counted)["rounds"] == {"value": 12}
    later = shown("sanctions", counted, thirteenth, on="2024-03-01")
    assert (later["rounds"], later["round"]) == ({"value": 13, "comparator": "at_least"}, 13)
    assert "disputes" not in later
    other = act("rounds_counted", "B", rounds=11, valid="2023-12-18", known="2023-12-26")
    assert list(shown("sanctions", counted, other)["disputes"]) == ["rounds"]


def test_a_voice_may_count_rounds_and_name_one() -> None:
    """Twelve rounds, of which the twelfth is told of too, is one story."""
    row = shown("sanctions", act("rounds_counted", rounds=12), act("round_adopted", round=12))
    assert (row["rounds"], row["round"]) == ({"value": 12}, 12)


def test_a_measure_is_shown_with_its_round() -> None:
    """The diamond ban came with the twelfth round."""
    row = shown("sanctions", act("imposed", round=12, coordinated_with=["G7"], **DIAMONDS))
    assert (row["status"], row["round"], row["authority"]) == ("in_force", 12, ["EU"])
    assert row["object"] == "diamonds"


def test_a_measure_is_lifted_for_good_and_may_be_imposed_again() -> None:
    """A lifting ends the measure until it is imposed anew; late news of old acts changes nothing."""
    imposed = act("imposed", valid="2014-03-17", known="2020-01-01", **DIAMONDS)
    lifted = act("lifted", valid="2016-01-16", known="2016-01-16", cause="deal", **DIAMONDS)
    again = act("imposed", valid="2018-11-05", known="2018-11-05", **DIAMONDS)
    status = {
        day: shown("sanctions", imposed, lifted, again, on=day) for day in ("2015-01-01", "2017-01-01", "2019-01-01")
    }
    assert [row["status"] for row in status.values()] == ["in_force", "lifted", "in_force"]
    assert status["2017-01-01"]["lifted_by"] == ["EU"]
    assert not any("disputes" in row for row in status.values())


def test_authorities_lift_for_themselves() -> None:
    """What the EU lifts may stay in force in the US; a lifting by nobody named is by all."""
    both = act("imposed", authority=["EU", "US"], valid="2014", **DIAMONDS)
    row = shown("sanctions", both, act("lifted", valid="2016", **DIAMONDS))
    assert (row["status"], row["authority"], row["lifted_by"]) == ("in_force", ["US"], ["EU"])


def test_amendments_are_told_in_order() -> None:
    """A measure that is amended stays in force, and the row says what became of it."""
    changes = [
        act("amended", change=text, valid=day, **DIAMONDS) for text, day in (("a", "2023-02-01"), ("b", "2023-03-01"))
    ]
    row = shown("sanctions", act("imposed", valid="2022", **DIAMONDS), *changes)
    assert (row["status"], row["changes"]) == ("in_force", ["a", "b"])


def test_dates_of_one_act_by_different_voices_can_be_in_dispute() -> None:
    """Two days of adoption of one round cannot both be; of two authorities or two rounds they can."""
    one = act("round_adopted", "A", round=12, adopted="2023-12-18")
    assert list(shown("sanctions", one, act("round_adopted", "B", round=12, adopted="2023-12-19"))["disputes"]) == [
        "adopted"
    ]
    assert "disputes" not in shown("sanctions", one, act("round_adopted", "B", round=12, adopted="2023-12"))
    assert "disputes" not in shown("sanctions", one, act("round_adopted", "B", round=11, adopted="2023-06-23"))
    elsewhere = act("round_adopted", "B", round=12, adopted="2023-12-19", authority=["US"])
    assert "disputes" not in shown("sanctions", one, elsewhere)


def test_a_denied_measure_is_in_dispute() -> None:
    """Who denies a measure that another reports disputes it, unless it was imposed since."""
    imposed = act("imposed", "A", valid="2023-05-01", **DIAMONDS)
    denied = act("imposed", "B", polarity="negated", valid="2023-06-01", **DIAMONDS)
    assert list(shown("sanctions", imposed, denied)["disputes"]) == ["status"]
    before = act("imposed", "B", polarity="negated", valid="2023-04-01", **DIAMONDS)
    assert "disputes" not in shown("sanctions", imposed, before)
    assert shown("sanctions", denied)["status"] == "denied"
