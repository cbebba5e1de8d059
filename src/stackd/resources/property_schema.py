"""What one property takes, and how the values of a template become those of its type.

Values that are not known yet (``Unknown``) pass through conversion untouched and unchecked.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stackd.errors import PropertyError
from stackd.template.constraints import Constraint
from stackd.template.problems import nearest
from stackd.template.unknown import Unknown, has_unknown
from stackd.wording import Reason


class Update(enum.Enum):
    """What a changed value means: a new object, a change in place, or a refusal."""

    REPLACE = "replace"
    IN_PLACE = "in place"
    IMMUTABLE = "immutable"


REPLACE, IN_PLACE, IMMUTABLE = Update.REPLACE, Update.IN_PLACE, Update.IMMUTABLE


@dataclass(frozen=True, slots=True)
class Support:
    """Since when a type, property or attribute exists, and whether it still should be used."""

    status: str = "SUPPORTED"
    version: str | None = None
    message: str | None = None
    previous: Support | None = None

    def shown(self) -> dict[str, Any]:
        """The form of the resource-type API."""
        return {
            "status": self.status,
            "version": self.version,
            "message": self.message,
            "previous_status": self.previous.shown() if self.previous else None,
        }


@dataclass(frozen=True, slots=True)
class PropertySchema:
    """What one property takes.

    ``keys`` is the schema of a map's keys, ``element`` that of a list's elements. ``find`` names the
    collection in which a name is resolved to an id before the cloud is called.
    ``moved_to`` names the property that took this one's place.
    """

    name: str
    type: str
    description: str = ""
    default: Any = None
    required: bool = False
    update: Update = REPLACE
    constraints: tuple[Constraint, ...] = ()
    support: Support = field(default_factory=Support)
    keys: Mapping[str, PropertySchema] | None = None
    element: PropertySchema | None = None
    convertible: bool = False
    implemented: bool = True
    find: str | None = None
    moved_to: str | None = None
    converted_default: Any = field(default=None, init=False, repr=False, compare=False)
    """The default in the declared type; None where it is not valid. A list or map has to be copied."""

    def __post_init__(self) -> None:
        """Convert the default once: most properties of most resources have no other value."""
        if self.default is not None:
            errors: list[PropertyError] = []
            value = convert(self, _default(self), self.name, errors)
            if not errors:
                object.__setattr__(self, "converted_default", value)

    @property
    def hidden(self) -> bool:
        """Whether the property still works but is no longer listed."""
        return self.support.status == "HIDDEN"

    def shown(self) -> dict[str, Any]:
        """The property as ``GET /resource_types/{type}`` shows it."""
        view: dict[str, Any] = {
            "type": self.type,
            "required": self.required,
            "update_allowed": self.update is IN_PLACE,
            "immutable": self.update is IMMUTABLE,
        }
        if self.description:
            view["description"] = self.description
        if self.default is not None:
            view["default"] = self.default
        if self.constraints:
            view["constraints"] = [constraint.shown() for constraint in self.constraints]
        if self.keys is not None:
            view["schema"] = {name: key.shown() for name, key in self.keys.items()}
        elif self.element is not None:
            view["schema"] = {"*": self.element.shown()}
        return view


# --- conversion: resolved template data → values of the declared types -------------------------


def _to_string(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return str(value)
    raise ValueError(f"Value must be a string; got {value!r}")


def _to_integer(value: Any) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Value '{value}' is not an integer") from None


def _to_number(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except (TypeError, ValueError):
            continue
    raise ValueError(f"could not convert string to float: {value!r}")


_BOOLEANS = {"true": True, "false": False}


def _to_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise ValueError(f'"{value}" is not a valid boolean')
    return known


def _to_list(value: Any) -> Any:
    if type(value) is list:  # most are, and the classes below are slow to ask
        return value.copy()
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise ValueError(f'"{value}" is not a list')
    return list(value)


def _to_map(value: Any) -> Any:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise ValueError(f'"{value}" is not a map')
    return dict(value)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "string": _to_string,
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
    "list": _to_list,
    "map": _to_map,
    "any": lambda value: value,
}
_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "list": [], "map": {}}


def _default(schema: PropertySchema) -> Any:
    """What stands for null; an empty map or list stands for the empty value of any type."""
    has_one = schema.default not in (None, {}, [])
    return schema.default if has_one else _EMPTY.get(schema.type, schema.default)


def _loosely(schema: PropertySchema, value: Any) -> Any:
    """Extra conversions of properties that stand for a template's parameters."""
    if schema.type == "list" and isinstance(value, str):
        return value.split(",") if value else []
    if schema.type == "map" and isinstance(value, list):
        return value if has_unknown(value) else json.dumps(value)
    if schema.type == "map" and isinstance(value, str):
        return value
    return None


def convert(schema: PropertySchema, value: Any, path: str, errors: list[PropertyError]) -> Any:
    """One value in the declared type; what is wrong with it is appended to ``errors``."""
    if isinstance(value, Unknown):
        return value
    if value is None:
        if schema.type == "any":
            return None
        value = _default(schema)
    loose = _loosely(schema, value) if schema.convertible else None
    if loose is None:
        try:
            loose = _CONVERT[schema.type](value)
        except ValueError as error:
            errors.append(PropertyError(str(error), path=path, remedy=f"Give a value of type {schema.type}."))
            return None
    converted = _inside(schema, loose, path, errors)
    if schema.constraints and not has_unknown(converted):
        complaints = (constraint.problem(converted) for constraint in schema.constraints)
        remedy = "Choose a value that the constraint allows."
        errors.extend(PropertyError(each, path=path, remedy=remedy) for each in complaints if each)
    return converted


def _inside(schema: PropertySchema, value: Any, path: str, errors: list[PropertyError]) -> Any:
    if schema.keys is not None and isinstance(value, dict):
        return convert_all(schema.keys, value, path, errors)
    if schema.element is not None and isinstance(value, list):
        element = schema.element
        return [convert(element, each, f"{path}[{index}]", errors) for index, each in enumerate(value)]
    return value


def convert_all(
    schemas: Mapping[str, PropertySchema], raw: Mapping[str, Any], path: str, errors: list[PropertyError]
) -> dict[str, Any]:
    """All values of a map with a schema, complete with defaults; complaints go to ``errors``.

    What has neither a value nor a default is left out, so the result can be converted again. An
    explicit null satisfies ``required`` and reads as the default or the type's empty value.
    """
    if not raw.keys() <= schemas.keys():
        errors.extend(
            PropertyError(
                Reason.UNKNOWN_PROPERTY(name=name),
                path=f"{path}.{name}",
                at=path,
                remedy=_nearest(name, schemas),
            )
            for name in raw
            if name not in schemas
        )
    values: dict[str, Any] = {}
    moved = False
    for name, schema in schemas.items():
        value: Any = None
        if name in raw:
            moved = moved or schema.moved_to is not None
            value = convert(schema, raw[name], f"{path}.{name}", errors)
            if not schema.implemented and raw[name] is not None:
                reason = Reason.NOT_IMPLEMENTED(name=name)
                errors.append(PropertyError(reason, path=f"{path}.{name}", remedy="Leave it out."))
        elif schema.converted_default is not None:
            value = _copied(schema.converted_default)
        elif schema.default is not None:
            value = convert(schema, _default(schema), f"{path}.{name}", errors)
        elif schema.required:
            reason = Reason.MISSING_PROPERTY(name=name)
            errors.append(PropertyError(reason, path=path, remedy=f"Give {name} a value."))
        if value is not None:
            values[name] = value
    return _moved(schemas, values, raw, path, errors) if moved else values


def _copied(value: Any) -> Any:
    """Plain data that shares no list and no map with the original."""
    if type(value) is dict:
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if type(value) is list else value


def _moved(
    schemas: Mapping[str, PropertySchema],
    values: dict[str, Any],
    raw: Mapping[str, Any],
    path: str,
    errors: list[PropertyError],
) -> dict[str, Any]:
    """Carry the values of properties that got a new name over to it."""
    for name, schema in schemas.items():
        target = schema.moved_to
        if target is None or raw.get(name) is None:
            continue
        if raw.get(target) is not None:
            both = Reason.EXCLUSIVE_PROPERTIES(names=f"{target}, {name}")
            errors.append(PropertyError(both, path=path, remedy=f"Keep {target} only."))
            continue
        if name in values:
            values[target] = values.pop(name)
        missing = Reason.MISSING_PROPERTY(name=target)
        errors[:] = [error for error in errors if not (error.path == path and error.complaint == missing)]
    return values


def _nearest(name: str, schemas: Mapping[str, PropertySchema]) -> str:
    known = ", ".join(sorted(key for key, schema in schemas.items() if not schema.hidden))
    return nearest(name, schemas) or f"Known properties: {known}."


def walk_values(
    schemas: Mapping[str, PropertySchema], values: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[PropertySchema, Any, str, Any, Any]]:
    """Every leaf with its schema: (schema, value, path, container, key), to check or replace it."""
    for name, schema in schemas.items():
        value = values.get(name)
        if value is not None and not isinstance(value, Unknown):
            yield from _walk(schema, value, f"{path}.{name}" if path else name, values, name)


def _walk(
    schema: PropertySchema, value: Any, path: str, container: Any, key: Any
) -> Iterator[tuple[PropertySchema, Any, str, Any, Any]]:
    yield schema, value, path, container, key
    if schema.keys is not None and isinstance(value, Mapping):
        yield from walk_values(schema.keys, value, path)
    elif schema.element is not None and isinstance(value, list):
        for index, each in enumerate(value):
            if each is not None and not isinstance(each, Unknown):
                yield from _walk(schema.element, each, f"{path}[{index}]", value, index)
