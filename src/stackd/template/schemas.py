"""Parameter schemas: reading their definitions, and converting values to their types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from stackd.errors import InvalidSchemaError, TemplateError
from stackd.template.constraints import (
    KINDS,
    AllowedPattern,
    AllowedValues,
    Constraint,
    Length,
    Range,
    number_of,
    pattern,
    whole_number,
)
from stackd.template.constraints import make_constraint as _make_constraint
from stackd.template.functions.base import TemplatePath, dotted
from stackd.template.json_text import read_json
from stackd.template.limits import Limits, check_data
from stackd.template.parse import ParsedDocument
from stackd.template.problems import Report, nearest, refuse
from stackd.template.unknown import Unknown
from stackd.template.versions import Version
from stackd.wording import Reason

T = TypeVar("T")
PARAMETER_LIMITS: Final = Limits(max_bytes=4_194_304)

TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "hot": {name: name for name in ("string", "number", "comma_delimited_list", "json", "boolean")},
    "cfn": {
        "String": "string",
        "Number": "number",
        "CommaDelimitedList": "comma_delimited_list",
        "Json": "json",
        "Boolean": "boolean",
    },
}
_TRUE: Final = ("1", "on", "t", "true", "y", "yes")
_FALSE: Final = ("0", "f", "false", "n", "no", "off")


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """A parameter's declaration in a template; ``type`` is the HOT name in every dialect.

    ``default`` None means that a value is required. What a ``broken`` one takes is not known.
    """

    name: str
    type: str
    label: str = ""
    description: str = ""
    default: Any = None
    hidden: bool = False
    immutable: bool = False
    tags: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    broken: bool = False

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is None


def convert(kind: str, value: Any) -> Any:
    """A parameter value as templates see it; raises ValueError with the reason it cannot be."""
    if isinstance(value, Unknown):
        return value
    if kind == "string":
        return value if isinstance(value, str) else str(value)
    if kind == "number":
        return _number(value)
    if kind == "boolean":
        return _boolean(value)
    if kind == "comma_delimited_list":
        if isinstance(value, list | tuple):
            return [item if isinstance(item, str | Unknown) else str(item) for item in value]
        if not isinstance(value, str):
            raise ValueError(f"Value must be a comma-delimited list string: {value!r}"[:200])
        return value.split(",") if value else []
    return _json(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        raise ValueError(f"Value must be a number: {value!r}"[:200])
    try:
        return int(value)
    except ValueError:
        return float(value[:400])


def _boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    known = ", ".join(repr(word) for word in sorted((*_TRUE, *_FALSE)))
    raise ValueError(f"Unrecognized value {str(value)[:80]!r}, acceptable values are: {known}")


def _json(value: Any) -> Any:
    if isinstance(value, str):
        if not value:
            return value
        try:
            value = read_json(value)
        except RecursionError:
            raise ValueError("Value must be valid JSON: it is nested too deeply") from None
        except ValueError as error:
            raise ValueError(f"Value must be valid JSON: {error}") from None
    try:
        check_data(value, PARAMETER_LIMITS)
    except TemplateError as error:
        raise ValueError(f"Value must be valid JSON: {error.message}") from None
    return value


def text_form(kind: str, value: Any) -> str:
    """A converted value as the API shows it."""
    if kind == "comma_delimited_list" and isinstance(value, list):
        return ",".join(map(str, value))
    if kind == "json":
        return json.dumps(value, default=str)
    return str(value)


def invalid_parameter_lead(name: str) -> str:
    """The leading part of messages about the value or schema of a parameter."""
    return f"Parameter '{name}' is invalid"


def read_schemas(
    section: Any, version: Version, document: ParsedDocument, report: Report = refuse
) -> dict[str, ParameterSchema]:
    """The parameter section's schemas; an InvalidSchemaError for each that is wrong is reported."""
    name = version.sections["parameters"]
    if section is None:
        return {}
    if not isinstance(section, dict):
        report(
            InvalidSchemaError(
                f'The section "{name}" must be a map of parameters.',
                path=name,
                place=document.place((name,)),
                remedy="Write each parameter as a key with a map that has its type.",
                value=document.value((name,)),
            )
        )
        return {}
    return {key: _SchemaReader(key, version, document, report).read(body) for key, body in section.items()}


class _SchemaReader:
    """Reads one parameter's schema as far as it can be read."""

    def __init__(self, name: str, version: Version, document: ParsedDocument, report: Report) -> None:
        self._name = name
        self._version = version
        self._document = document
        self._report = report
        self._path: TemplatePath = (version.sections["parameters"], name)

    def read(self, body: Any) -> ParameterSchema:
        """The schema; broken when not even its type is known."""
        name, dialect = self._name, self._version.dialect
        if not isinstance(body, dict):
            self._wrong(
                f"Invalid parameter ({name}), expected a mapping", (), "Write a map with the key type."
            )
            return ParameterSchema(name, "json", broken=True)
        given = self._known_keys(body)
        kind = self._type(given)
        if kind is None:
            return ParameterSchema(name, "json", broken=True)
        tags = given.get("tags") or []
        if not isinstance(tags, list):
            self._wrong(f"Tags property should be a list for parameter: {name}", ("tags",), "Write a list.")
            tags = []
        hidden = given.get("hidden", False)
        return ParameterSchema(
            name,
            kind,
            str(given.get("label") or name),
            str(given.get("description") or ""),
            given.get("default"),
            bool(hidden) if dialect == "hot" else str(hidden).lower() == "true",
            bool(given.get("immutable", False)),
            tuple(map(str, tags)),
            self._constraints(given, kind),
        )

    def _wrong(self, message: str, below: TemplatePath, remedy: str = "", *, key: bool = False) -> None:
        self._report_at(InvalidSchemaError(message, remedy=remedy), below, key=key)

    def _report_at(self, error: InvalidSchemaError, below: TemplatePath, *, key: bool = False) -> None:
        path = (*self._path, *below)
        self._report(
            error.but(
                path=dotted(path),
                remedy=error.remedy or "Correct the constraint, or remove it.",
                place=self._document.place(path, key=key),
                value=self._document.value(path, key=key),
            )
        )

    def _known_keys(self, body: Mapping[str, Any]) -> dict[str, Any]:
        keys = {written: key for key, written in self._version.parameter_keys.items()}
        for written in body:
            if written not in keys:
                self._wrong(
                    f"Invalid key '{written}' for parameter ({self._name})",
                    (written,),
                    nearest(written, keys) or f"Use only {', '.join(keys)}.",
                    key=True,
                )
        return {keys[written]: value for written, value in body.items() if written in keys}

    def _type(self, given: Mapping[str, Any]) -> str | None:
        types = TYPES[self._version.dialect]
        named = given.get("type")
        if named is None:
            message = f"Missing parameter type for parameter: {self._name}"
            self._wrong(message, (), f"Add its type: one of {', '.join(types)}.", key=True)
            return None
        kind = types.get(named) if isinstance(named, str) else None
        if kind is None:
            below = (self._version.parameter_keys["type"],)
            remedy = nearest(str(named), types) or f"Use one of {', '.join(types)}."
            self._wrong(f"Invalid type ({named})"[:200], below, remedy)
        return kind

    def _constraints(self, given: Mapping[str, Any], kind: str) -> tuple[Constraint, ...]:
        constraints: list[Constraint] = []
        if self._version.dialect != "hot":
            return self._attempt(lambda: _cfn_constraints(given, kind), ()) or ()
        definitions = given.get("constraints")
        if definitions is None:
            return ()
        if not isinstance(definitions, list):
            message = f"Invalid parameter constraints for parameter {self._name}, expected a list"
            self._wrong(message, ("constraints",), "Write a list with one map per constraint.")
            return ()
        for index, definition in enumerate(definitions):
            read = partial(_hot_constraint, definition, kind, self._version)
            if (constraint := self._attempt(read, ("constraints", index))) is not None:
                constraints.append(constraint)
        return tuple(constraints)

    def _attempt(self, read: Callable[[], T], below: TemplatePath) -> T | None:
        try:
            return read()
        except InvalidSchemaError as error:
            found = error
            if error.reason is Reason.CONSTRAINT_TYPE:
                found = error.but(lead=(invalid_parameter_lead(self._name),))
            self._report_at(found, below)
            return None


def _constraint(kind: str, body: Any, description: str, parameter_type: str) -> Constraint:
    """A constraint whose allowed values have the parameter's type."""

    def to_type(value: Any) -> Any:
        # For a list each element is compared, so each is text.
        try:
            return convert("string" if parameter_type == "comma_delimited_list" else parameter_type, value)
        except ValueError as error:
            raise InvalidSchemaError(f"Invalid allowed value {value!r}: {error}"[:300]) from None

    return _make_constraint(kind, body, description, parameter_type, to_type)


def _hot_constraint(definition: Any, kind: str, version: Version) -> Constraint:
    if not isinstance(definition, dict):
        raise InvalidSchemaError("Invalid parameter constraints, expected a mapping")
    for key in definition:
        if key not in KINDS and key != "description":
            raise InvalidSchemaError(
                f"Invalid key '{key}' for parameter constraints",
                remedy=nearest(key, KINDS) or f"Use one of {', '.join(KINDS)}.",
            )
    known = [key for key in KINDS if key in definition and key in version.constraints]
    if not known:
        raise InvalidSchemaError("No constraint expressed", remedy=f"Add one of {', '.join(KINDS)}.")
    description = str(definition.get("description") or "")
    return _constraint(known[0], definition[known[0]], description, kind)


def _cfn_constraints(given: Mapping[str, Any], kind: str) -> tuple[Constraint, ...]:
    description = str(given.get("constraint_description") or "")
    constraints: list[Constraint] = []

    def bounds(low: str, high: str, read: Callable[[Any, str], Any]) -> tuple[Any, Any] | None:
        values = [None if given.get(key) is None else read(given[key], key) for key in (low, high)]
        return None if values == [None, None] else (values[0], values[1])

    if (length := bounds("min_length", "max_length", whole_number)) is not None:
        constraints.append(Length(*length, description=description))
    if (size := bounds("min_value", "max_value", number_of)) is not None:
        constraints.append(Range(*size, description=description))
    if given.get("allowed_values") is not None:
        allowed = _constraint("allowed_values", given["allowed_values"], description, kind)
        constraints.append(allowed if isinstance(allowed, AllowedValues) else Constraint())
    if given.get("allowed_pattern") is not None:
        allowed_pattern: AllowedPattern = pattern(given["allowed_pattern"], description)
        constraints.append(allowed_pattern)
    for constraint in constraints:
        _check_applies(constraint, kind)
    return tuple(constraints)


def _check_applies(constraint: Constraint, kind: str) -> None:
    """A constraint of a CloudFormation parameter is refused for a type to which it does not apply."""
    if isinstance(constraint, Range) and kind != "number":
        raise InvalidSchemaError(Reason.CONSTRAINT_TYPE(constraint="Range", type=kind.title()))
    if isinstance(constraint, Length) and kind in ("number", "boolean"):
        raise InvalidSchemaError(Reason.CONSTRAINT_TYPE(constraint="Length", type=kind.title()))
    if isinstance(constraint, AllowedPattern) and kind != "string":
        raise InvalidSchemaError(Reason.CONSTRAINT_TYPE(constraint="AllowedPattern", type=kind.title()))
