"""Parameter schemas: reading their definitions, and converting values to their types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

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
from stackd.template.parse import Limits, ParsedDocument, check_data
from stackd.template.unknown import Unknown
from stackd.template.versions import Version

MASK: Final = "******"
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
    """What a template says about one of its parameters; ``type`` is the HOT name in every dialect.

    ``default`` None means that a value is required.
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
            value = json.loads(value)
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


def read_schemas(section: Any, version: Version, document: ParsedDocument) -> dict[str, ParameterSchema]:
    """The parameter section's schemas; raises InvalidSchemaError."""
    name = version.sections["parameters"]
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise InvalidSchemaError(
            f'The section "{name}" must be a map of parameters.', path=name, place=document.place((name,))
        )
    return {key: _read_schema(key, body, version, document) for key, body in section.items()}


def _read_schema(name: str, body: Any, version: Version, document: ParsedDocument) -> ParameterSchema:
    section = version.sections["parameters"]
    try:
        return _schema(name, body, version)
    except InvalidSchemaError as error:
        error.path = error.path or f"{section}.{name}"
        error.place = document.place((section, name))
        raise


def _schema(name: str, body: Any, version: Version) -> ParameterSchema:
    if not isinstance(body, dict):
        raise InvalidSchemaError(f"Invalid parameter ({name}), expected a mapping")
    keys = {written: key for key, written in version.parameter_keys.items()}
    for written in body:
        if written not in keys:
            raise InvalidSchemaError(
                f"Invalid key '{written}' for parameter ({name})", remedy=f"Use only {', '.join(keys)}."
            )
    given = {keys[written]: value for written, value in body.items()}
    if given.get("type") is None:
        raise InvalidSchemaError(f"Missing parameter type for parameter: {name}", remedy="Add its type.")
    types = TYPES[version.dialect]
    kind = types.get(given["type"]) if isinstance(given["type"], str) else None
    if kind is None:
        raise InvalidSchemaError(
            f"Invalid type ({given['type']})"[:200], remedy=f"Use one of {', '.join(types)}."
        )
    tags = given.get("tags") or []
    if not isinstance(tags, list):
        raise InvalidSchemaError(f"Tags property should be a list for parameter: {name}")
    hidden = given.get("hidden", False)
    read = _hot_constraints if version.dialect == "hot" else _cfn_constraints
    return ParameterSchema(
        name,
        kind,
        str(given.get("label") or name),
        str(given.get("description") or ""),
        given.get("default"),
        bool(hidden) if version.dialect == "hot" else str(hidden).lower() == "true",
        bool(given.get("immutable", False)),
        tuple(map(str, tags)),
        read(given, kind, version),
    )


def _constraint(kind: str, body: Any, description: str, parameter_type: str) -> Constraint:
    """A constraint whose allowed values have the parameter's type."""

    def to_type(value: Any) -> Any:
        # For a list each element is compared, so each is text.
        try:
            return convert("string" if parameter_type == "comma_delimited_list" else parameter_type, value)
        except ValueError as error:
            raise InvalidSchemaError(f"Invalid allowed value {value!r}: {error}"[:300]) from None

    return _make_constraint(kind, body, description, parameter_type, to_type)


def _hot_constraints(given: Mapping[str, Any], kind: str, version: Version) -> tuple[Constraint, ...]:
    definitions = given.get("constraints")
    if definitions is None:
        return ()
    if not isinstance(definitions, list):
        raise InvalidSchemaError("Invalid parameter constraints, expected a list")
    constraints = []
    for definition in definitions:
        if not isinstance(definition, dict):
            raise InvalidSchemaError("Invalid parameter constraints, expected a mapping")
        for key in definition:
            if key not in KINDS and key != "description":
                raise InvalidSchemaError(
                    f"Invalid key '{key}' for parameter constraints", remedy=f"Use one of {', '.join(KINDS)}."
                )
        known = [key for key in KINDS if key in definition and key in version.constraints]
        if not known:
            raise InvalidSchemaError("No constraint expressed", remedy=f"Add one of {', '.join(KINDS)}.")
        description = str(definition.get("description") or "")
        constraints.append(_constraint(known[0], definition[known[0]], description, kind))
    return tuple(constraints)


def _cfn_constraints(given: Mapping[str, Any], kind: str, version: Version) -> tuple[Constraint, ...]:
    description = str(given.get("constraint_description") or "")
    constraints: list[Constraint] = []

    def bounds(low: str, high: str, read: Callable[[Any, str], Any]) -> tuple[Any, Any] | None:
        values = [None if given.get(key) is None else read(given[key], key) for key in (low, high)]
        return None if values == [None, None] else (values[0], values[1])

    if (length := bounds("min_length", "max_length", whole_number)) is not None:
        constraints.append(Length(description, *length))
    if (size := bounds("min_value", "max_value", number_of)) is not None:
        constraints.append(Range(description, *size))
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
    """A constraint of a CloudFormation parameter is refused for a type it says nothing about."""
    if isinstance(constraint, Range) and kind != "number":
        raise InvalidSchemaError(f"Range constraint invalid for {kind.title()}")
    if isinstance(constraint, Length) and kind in ("number", "boolean"):
        raise InvalidSchemaError(f"Length constraint invalid for {kind.title()}")
    if isinstance(constraint, AllowedPattern) and kind != "string":
        raise InvalidSchemaError(f"AllowedPattern constraint invalid for {kind.title()}")
