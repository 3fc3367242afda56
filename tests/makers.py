"""Makers of values for tests: everything has a default, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from timeline.events import Entry
from timeline.temporal import Valid, parse_known

RECORDED = datetime(2024, 1, 1, tzinfo=UTC)


def line(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a fact line: an observation of rain unless it says otherwise."""
    usual = {"kind": "observation", "subject": "delhi", "valid": "2023-12", "known": "2023-12-26"}
    return usual | {"data": {"measure": "rain", "value": 3}} | fields


def entry(position: int = 1, **fields: Any) -> Entry:  # noqa: ANN401
    """Return a recorded event; `valid` and `known` are given as texts, `lasting` reads a single date as open."""
    lasting = fields.pop("lasting", False)
    usual: dict[str, Any] = {"action": "assert", "fact": f"fact-{position}", "kind": "observation", "subject": "delhi"}
    usual |= {"data": {"measure": "rain", "value": 3}, "valid": "2023-12", "known": "2023-12-26"}
    given = usual | fields
    given["known"] = parse_known(given["known"])
    given["valid"] = given["valid"] and Valid.parse(given["valid"], lasting=lasting)
    recorded = RECORDED + timedelta(seconds=position)
    return Entry(position=position, recorded=recorded, event=f"{position:064x}", **given)


def retraction(position: int, fact: str, known: str) -> Entry:
    """Return a recorded retraction of a fact."""
    return entry(position, action="retract", fact=fact, known=known, kind="", subject="", data={}, valid=None)
