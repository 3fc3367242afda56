"""Who is believed, in SQL: the conditions under which an event counts at a basis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, cast, exists, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from timeline.choice import ATTRIBUTES
from timeline.kinds import DESCRIPTION
from timeline.tables import documents, events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Select

    from timeline.basis import Basis

    Fits = Callable[[Basis, Sequence[str]], ColumnElement[bool]]

_RETRACTION = events.c.action == "retract"


def believed(basis: Basis) -> ColumnElement[bool]:
    """Return the condition of events that a basis lets count: of its timeline, known, recorded and chosen."""
    axes = (events.c.timeline == basis.timeline, events.c.position <= basis.recorded, events.c.known <= basis.known)
    return and_(*axes, *(_chosen(basis, *given) for given in basis.choice.by_attribute()))


def _chosen(basis: Basis, wanted: bool, attribute: str, values: Sequence[str]) -> ColumnElement[bool]:  # noqa: FBT001
    fits, is_without = _FITS[attribute]
    fit = func.coalesce(fits(basis, values), literal(False))
    return or_(fit, and_(_RETRACTION, is_without)) if wanted else ~fit


def published_by(timeline: str, publishers: Sequence[str], recorded: int) -> Select[Any]:
    """Return the query for the documents of some publishers, as the log up to a position describes the documents."""
    about = literal(DESCRIPTION, Text) + documents.c.document
    described = (
        select(events.c.action, events.c.content["data"]["publisher"].as_string().label("publisher"))
        .where(events.c.timeline == documents.c.timeline, events.c.fact == about, events.c.position <= recorded)
        .order_by(events.c.position.desc())
        .limit(1)
        .lateral()
    )
    stated = described.c.action.in_(["assert", "correct"])
    publisher = case((stated, described.c.publisher), else_=documents.c.publisher)
    shelf = documents.outerjoin(described, true())
    here = documents.c.timeline == timeline
    return select(documents.c.document).select_from(shelf).where(here, publisher == func.any(list(publishers)))


def _of_publishers(basis: Basis, names: Sequence[str]) -> ColumnElement[bool]:
    return events.c.document.in_(published_by(basis.timeline, names, basis.recorded))


def _of_documents(_basis: Basis, names: Sequence[str]) -> ColumnElement[bool]:
    return events.c.document == func.any(list(names))


def said_by(names: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition of events in which one of these is named as a speaker."""
    speakers: ColumnElement[Any] = cast(events.c.content, JSONB)["said_by"]
    return speakers.op("?|", is_comparison=True)(cast(list(names), ARRAY(Text)))


def _by_speakers(_basis: Basis, names: Sequence[str]) -> ColumnElement[bool]:
    return said_by(names)


def _of_modality(_basis: Basis, names: Sequence[str]) -> ColumnElement[bool]:
    manner = func.coalesce(events.c.content["modality"].as_string(), "asserted")
    return and_(~_RETRACTION, manner == func.any(list(names)))


_UNSOURCED = events.c.document.is_(None)
_FITS: dict[str, tuple[Fits, ColumnElement[bool]]] = {
    "publisher": (_of_publishers, _UNSOURCED),
    "document": (_of_documents, _UNSOURCED),
    "speaker": (_by_speakers, events.c.content["said_by"].as_string().is_(None)),
    "modality": (_of_modality, literal(True)),
}
"""How events fit each attribute, and which retractions do not have it."""

assert set(_FITS) == set(ATTRIBUTES)  # noqa: S101  a promise between two tables, kept at import


def named(timeline: str, attribute: str, value: str, recorded: int) -> Select[Any]:
    """Return the query for the names that a condition may mean in a log up to a position: none if nothing is so named.

    A document is named by the beginning of its identity.
    """
    if attribute == "document":
        begins = documents.c.document.startswith(value, autoescape=True)
        return select(documents.c.document).where(documents.c.timeline == timeline, begins)
    if attribute == "publisher":
        ever = [documents.c.publisher == value, published_by(timeline, [value], recorded).exists()]
        known = exists().where(documents.c.timeline == timeline, or_(*ever))
        return select(literal(value)).where(known)
    if attribute == "speaker":
        here = (events.c.timeline == timeline, events.c.position <= recorded)
        return select(literal(value)).where(exists().where(*here, said_by([value])))
    return select(literal(value))


def names(timeline: str, attribute: str) -> Select[Any]:
    """Return the query for all names that an attribute has in a timeline."""
    if attribute == "speaker":
        speakers = func.json_array_elements_text(events.c.content["said_by"]).label("speaker")
        return select(speakers).where(events.c.timeline == timeline).distinct()
    column = documents.c[attribute]
    return select(column).where(documents.c.timeline == timeline, column.is_not(None)).distinct()
