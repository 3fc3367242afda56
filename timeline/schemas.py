"""A kind is the type of a fact: a name, and a versioned schema that its data must satisfy.

Hides pydantic: what does not satisfy a schema is refused with the field, plain words and the remedy. A schema changes
by a new version only. Data stay in the log in the version of their day; an upcaster turns those of one version into
those of the next when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from timeline.errors import Place, Refused
from timeline.temporal import Valid

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]
"""Turns the data of one version of a kind into those of the next."""


def objection(message: str, remedy: str, *within: str) -> PydanticCustomError:
    """Return what a validator raises to refuse a value, or what is `within` it, with a remedy of its own."""
    return PydanticCustomError("objection", "{message}", {"message": message, "remedy": remedy, "within": within})


def _edtf(text: str) -> str:
    """Return an EDTF text as it is; why it cannot be read is told to pydantic, which knows the field."""
    try:
        Valid.parse(text)
    except Refused as error:
        raise objection(error.message, error.remedy) from error
    return text


def _expecting(what: str) -> WrapValidator:
    """Return a validator that names all that is allowed, where pydantic would complain about one alternative only."""

    def check(value: object, allowed: ValidatorFunctionWrapHandler) -> object:
        try:
            return allowed(value)
        except ValidationError as error:
            raise objection(f"{_shown(value)} is not {what}", f"Give {what}") from error

    return WrapValidator(check)


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]
TextOrTexts = Annotated[Text | Texts, _expecting("a text, or a list of texts")]
Scalar = Annotated[float | bool | Text, _expecting("a number, a text, true or false")]
ScalarOrScalars = Annotated[
    float | bool | Text | Annotated[list[float | bool | Text], Field(min_length=1)],
    _expecting("a number, a text, true or false, or a list of these"),
]
Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0)]
Edtf = Annotated[str, AfterValidator(_edtf)]
"""A date or period in EDTF, kept as written."""


class Data(BaseModel):
    """The data of a fact: strict, closed and immutable. What a source does not say is left out, never null."""

    # Deferred: a command that validates three kinds shall not pay for building the schemas of all.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: object) -> object:
        """Refuse null, so that one statement has one form and thereby one identity."""
        empty = [name for name, value in given.items() if value is None] if isinstance(given, Mapping) else []
        if empty:
            raise objection("null", "Leave it out where the source does not say it", empty[0])
        return given


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The type of a fact. Of a lasting kind, what happened stays so: its single date D is read as D/.. ."""

    name: str
    about: str
    data: type[Data]
    version: int = 1
    lasting: bool = False
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a kind that could not read its own older data."""
        if set(self.upcasters) != set(range(1, self.version)):
            message = (
                f"the kind {self.name!r} is of version {self.version}, with upcasters from {sorted(self.upcasters)}"
            )
            raise Refused(message, remedy="Give one upcaster from each older version to the next")

    def validate(self, data: Mapping[str, Any], version: int) -> None:
        """Refuse data that do not satisfy the schema; those of an older version are brought up to date first."""
        try:
            present = self.upcast(data, version)
        except Exception as error:
            message = f"these are not data of version {version} of {self.name} ({type(error).__name__}: {error})"
            remedy = f'If they are written in version {self.version}, say so: "schema": {self.version}'
            raise Refused(message, remedy=remedy, place=Place(field="schema")) from error
        try:
            self.data.model_validate(present)
        except ValidationError as error:
            raise explained(error, self.data) from error

    def upcast(self, data: Mapping[str, Any], version: int) -> Fields:
        """Return data of a version in the present one; the given data stay as they are."""
        if not 1 <= version <= self.version:
            message = f"{self.name} has versions 1 to {self.version}, not {version}"
            raise Refused(message, remedy="Update the program, or correct the number", place=Place(field="schema"))
        fields = dict(data) if version == self.version else deepcopy(dict(data))
        for older in range(version, self.version):
            fields = self.upcasters[older](fields)
        return fields


def explained(error: ValidationError, model: type[BaseModel] | None = None) -> Refused:
    """Return a refusal that says in plain words what is wrong first and where; given the model, also what is near.

    A field that does not exist goes first: where it is misspelt, it is the cause of one that seems to be missing.
    """
    first = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
    where = [*map(str, first["loc"]), *first.get("ctx", {}).get("within", ())]
    known = _known_fields(model, where[:-1])
    message, remedy = _said(first, where, known)
    return Refused(message, remedy=remedy, place=Place(field=".".join(where)))


def _said(first: ErrorDetails, where: list[str], known: Mapping[str, FieldInfo]) -> tuple[str, str]:
    """Return message and remedy of an error of pydantic's."""
    if first["type"] == "missing":
        field_named = known.get(where[-1])
        about = f": {field_named.description}" if field_named and field_named.description else ""
        return "missing", f"Give {where[-1]}{about}"
    if first["type"] == "extra_forbidden":
        return "there is no such field here", _nearest(where[-1], known)
    if first["type"] not in _WORDS:
        return first["msg"][:1].lower() + first["msg"][1:], "Correct the value"
    values = {"given": _shown(first["input"]), **first.get("ctx", {})}
    message, remedy = _WORDS[first["type"]]
    return message.format_map(values), remedy.format_map(values)


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
_WORDS = {
    **{kind: (f"{{given}} is not {wanted}", f"Give {wanted}") for kind, wanted in _WANTED.items()},
    "objection": ("{message}", "{remedy}"),
    "literal_error": ("{given} is none of {expected}", "Choose one of these"),
    "string_too_short": ("empty", "Give a text, or leave the field out if it is optional"),
    "too_short": ("empty", "Give at least one, or leave the field out if it is optional"),
    "string_too_long": ("longer than {max_length} characters", "Shorten it"),
    "greater_than_equal": ("{given} is less than {ge}", "Give {ge} or more"),
}
"""What is said of each type of error: message and remedy."""


def _shown(value: object) -> str:
    """Return a value as it is shown in a message: the way JSON has it, and never long."""
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004  a line of a message


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    fields = ", ".join(known)
    return f"Did you mean {near[0]}?" if near else f"The fields are: {fields}" if fields else "Leave it out"


def _known_fields(model: type[BaseModel] | None, path: Iterable[str]) -> Mapping[str, FieldInfo]:
    """Return the fields, by the name they are written under, of the model that a path leads to."""
    for step in path:
        if model is not None and not step.isdecimal():
            found = _written(model).get(step)
            model = _model_in(found.annotation) if found else None
    return _written(model) if model else {}


def _written(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model that an annotation holds, as `Stage` in `list[Stage] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
