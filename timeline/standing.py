"""How the stored views of a timeline stand: where each is, how far behind the log, how large, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from sqlalchemy import text

from timeline import driver, readmodels
from timeline.store import SNAPSHOT, Log
from timeline.temporal import format_instant

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from timeline.readmodels import ReadModel
    from timeline.vocabulary import Vocabulary

RUN = "Run: timeline views run --once"

_TRIES = 20
"""How often it is looked again where a model is dropped meanwhile, since another one has taken its place."""


class Lag(NamedTuple):
    """Why the rows stored of a view are not those of the log, and what to do about it."""

    found: str
    remedy: str


def lag(model: ReadModel, form: str, to: int) -> Lag | None:
    """Return why a model does not answer for a position at the end of the log, None if it does."""
    resume = f"Run: timeline views resume {model.view}"
    other = readmodels.another(model, form)
    if other is not None:
        if other.remedy == readmodels.NEWER:
            return Lag(other.message, other.remedy)
        return Lag(f"{other.message}, and paused", resume) if model.paused else Lag(other.message, RUN)
    behind = to - model.position
    if behind <= 0:
        return None
    far = f"{behind:,} event{'' if behind == 1 else 's'} behind the log"
    stands, remedy = ("paused", resume) if model.paused else ("stored", RUN)
    return Lag(f"{model.view} is {stands} at {model.position}, {far}", remedy)


def standing(connection: Connection, timeline: str, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Return one row a view, in order of name, of which those that are not stored say only that; in one snapshot."""
    for _ in range(_TRIES):
        try:
            return _standing(connection, timeline, vocabulary)
        except psycopg.errors.UndefinedTable:
            connection.rollback()
    return _standing(connection, timeline, vocabulary)


def _standing(connection: Connection, timeline: str, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    connection.execute(text(SNAPSHOT))
    head = Log(connection, timeline).head()[0]
    held = [model for model in readmodels.models(connection, timeline) if not model.retired]
    found = [_of_model(connection, timeline, model, vocabulary, head) for model in held]
    missing = vocabulary.views.keys() - {model.view for model in held}
    found += [{"view": name, "state": "not stored", "position": 0, "lag": head} for name in missing]
    return sorted(found, key=lambda row: str(row["view"]))


def _of_model(
    connection: Connection, timeline: str, model: ReadModel, vocabulary: Vocabulary, head: int
) -> dict[str, Any]:
    view = vocabulary.views.get(model.view)
    state = "paused" if model.paused else "serving"
    other = None if view is None else readmodels.another(model, readmodels.form_of(view, vocabulary))
    if view is None:
        state = "not loaded"  # the plug-in that gave it
    elif not model.serving:  # who was building it may have been killed: what is done by then is gone on with
        state = "building" if readmodels.is_being_built(connection, timeline, model.view) else "unfinished"
    elif other is not None:
        state = "outdated"
    found: dict[str, Any] = {"view": model.view, "version": model.version, "state": state}
    answers = {"position": model.position, "lag": head - model.position}
    found |= answers if model.serving else dict.fromkeys(answers)
    if not readmodels.is_whole(connection, model):
        remedy = other.remedy if other else f"timeline views rebuild {model.view}"
        return {**found, "state": "damaged", "error": f"its tables are gone: {remedy}"}
    query = f"""SELECT count(*), pg_total_relation_size('{model.rows}') + pg_total_relation_size('{model.keys}'),
            (SELECT updated FROM timeline.read_models WHERE model = {model.model}) FROM {model.rows}"""
    [(rows, size, updated)] = driver.cursor(connection).execute(query).fetchall()
    stuck = len(readmodels.stuck(connection, timeline, model))
    found |= {"rows": rows, "bytes": size, "stuck": stuck}
    return {**found, "updated": format_instant(updated), "error": model.error}
