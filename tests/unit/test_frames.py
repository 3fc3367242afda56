"""Data frames: columns that are always there, of types that hold what answers say, and no more libraries than asked."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from makers import entry

from timeline.answers import Answer, Facts
from timeline.basis import Basis
from timeline.errors import Unavailable
from timeline.fold import Row

BASIS = Basis(
    timeline="main",
    on=date(2023, 12, 26),
    known=datetime(2024, 1, 1, tzinfo=UTC),
    recorded=2,
    link="0123456789abcdef",
    view="gauge",
    version=1,
)
KNOWN = datetime(2023, 12, 26, 1, 2, 3, 4, tzinfo=UTC)
STATE = {"value": 3, "share": 0.5, "by": {"name": "Anna", "sure": True}, "claims": [{"fact": "a"}], "mixed": 1}
ROW = Row(
    key="delhi",
    state=STATE,
    certainty="certain",
    disputed=False,
    since=date(2, 1, 1),
    until=None,
    known_since=KNOWN,
    facts=("a", "b"),
)
OTHER = replace(ROW, key="pune", state={"share": 2, "mixed": "two"}, until=date(9998, 12, 31), facts=())
ALWAYS = ["key", "state", "certainty", "disputed", "since", "until", "known_since", "facts", "stuck"]


def answer(*rows: Row) -> Answer:
    """Return an answer with some rows."""
    return Answer(BASIS, rows)


def test_a_row_is_a_row_in_arrow() -> None:
    """Days are days, instants are in UTC, facts are lists, and single values of the state have columns of their own."""
    table = answer(ROW, OTHER).to_arrow()
    types = {field.name: field.type for field in table.schema}
    assert types["since"] == pa.date32()
    assert types["known_since"] == pa.timestamp("us", "UTC")
    assert types["facts"] == pa.list_(pa.string())
    assert types["disputed"] == pa.bool_()
    assert (types["state.value"], types["state.share"], types["state.by.sure"]) == (
        pa.int64(),
        pa.float64(),
        pa.bool_(),
    )
    assert types["state.mixed"] == pa.string()
    one, two = table.to_pylist()
    assert (one["since"], one["until"], one["known_since"]) == (date(2, 1, 1), None, KNOWN)
    assert (one["state.value"], one["state.share"], one["state.by.name"], one["state.mixed"]) == (3, 0.5, "Anna", "1")
    assert (two["state.value"], two["state.share"], two["state.mixed"], two["facts"]) == (None, 2.0, "two", [])
    assert json.loads(one["state"]) == STATE
    assert "state.claims" not in types
    assert json.loads(table.schema.metadata[b"timeline"])["basis"] == BASIS.to_dict()


def test_the_libraries_agree() -> None:
    """Polars and pandas hold what Arrow holds."""
    arrow = answer(ROW, OTHER).to_arrow()
    assert answer(ROW, OTHER).to_polars().equals(pl.DataFrame(pl.from_arrow(arrow)))
    frame = answer(ROW, OTHER).to_pandas()
    assert list(frame.columns) == arrow.schema.names
    assert frame["state.value"].dtype == "Int64"
    assert frame["until"][1] == pd.Timestamp("9998-12-31")
    assert frame["until"].isna().tolist() == [True, False]
    assert frame["known_since"][0] == pd.Timestamp(KNOWN)
    assert frame["facts"].tolist() == [["a", "b"], []]
    assert frame["state.by.sure"].isna().tolist() == [False, True]
    assert frame.attrs["timeline"]["view"] == "gauge"


def test_columns_are_there_without_rows() -> None:
    """Programs can rely on them, and on their types."""
    full, empty = answer(ROW), answer()
    assert empty.to_arrow().schema.names == ALWAYS == full.to_arrow().schema.names[: len(ALWAYS)]
    assert all(empty.to_arrow().schema.field(name) == full.to_arrow().schema.field(name) for name in ALWAYS)
    assert empty.to_polars().schema == {name: full.to_polars().schema[name] for name in ALWAYS}
    assert empty.to_pandas().dtypes.to_dict() == {name: full.to_pandas().dtypes[name] for name in ALWAYS}


def test_facts_have_their_days_and_their_source() -> None:
    """The four bounds of a fact are days, open ones null; what it says has columns of its own."""
    facts = Facts(BASIS, (entry(1, valid="2021-12/..", said_by=("IMD",)), entry(2, data={"measure": "snow"})))
    one, two = facts.to_polars().to_dicts()
    days = ("first_earliest", "first_latest", "last_earliest", "last_latest")
    assert [one[name] for name in days] == [date(2021, 12, 1), date(2021, 12, 31), None, None]
    assert (one["said_by"], one["modality"], one["polarity"], one["document"]) == (
        ["IMD"],
        "asserted",
        "affirmed",
        None,
    )
    assert (one["data.measure"], one["data.value"], two["data.value"]) == ("rain", 3, None)
    assert facts.to_arrow().to_pylist() == [one, two]
    assert facts.to_pandas()["position"].tolist() == [1, 2]


@pytest.mark.parametrize("library", ["pyarrow", "polars", "pandas"])
def test_a_library_that_is_missing_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, library, None)
    make: Any = getattr(answer(ROW), f"to_{library.removeprefix('py')}")
    with pytest.raises(Unavailable, match=rf"{library} is not installed\. Run: pip install {library}"):
        make()
