"""Property schemas: one declaration per property drives validation, the API, and the docs.

A type's properties are declared as a class::

    class VolumeProps(Properties):
        size: int | None = prop("Size in GB.", update=IN_PLACE, constraints=[between(1)])
        metadata: dict[str, Any] | None = prop("Key/value pairs.", update=IN_PLACE)

The annotation gives the wire type: ``str`` string, ``int`` integer, ``float`` number, ``bool``
boolean, ``dict`` map, ``list[...]`` list, ``Any`` any; a ``Properties`` subclass is a map with a
schema of its own. ``| None`` means that the value may be absent, ``required=True`` that the user
must give one.

Values that are not known yet (``Unknown``) pass through conversion untouched and unchecked.
"""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from stackd.errors import PropertyError
from stackd.resources.constraints import custom
from stackd.template.constraints import Constraint, CustomConstraint
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


@dataclass(frozen=True, slots=True)
class _Declared:
    """The arguments of ``prop``, until the class body is complete and the annotation known."""

    description: str
    wire_name: str | None
    options: Mapping[str, Any]


def prop(
    description: str,
    *,
    default: Any = None,
    required: bool = False,
    update: Update = REPLACE,
    constraints: Sequence[Constraint] = (),
    find: str | None = None,
    name: str | None = None,
    support: Support | None = None,
    since: str | None = None,
    moved_to: str | None = None,
    implemented: bool = True,
    element_constraints: Sequence[Constraint] = (),
    element_find: str | None = None,
) -> Any:
    """Declare a property; ``name`` is its wire name where Python cannot spell it.

    ``find`` implies the custom constraint of the same name. ``element_constraints`` and
    ``element_find`` are for lists of plain values.
    """
    if find is not None and not any(isinstance(c, CustomConstraint) for c in constraints):
        constraints = [*constraints, custom(find)]
    if element_find is not None and not any(isinstance(c, CustomConstraint) for c in element_constraints):
        element_constraints = [*element_constraints, custom(element_find)]
    options: dict[str, Any] = {
        "default": default,
        "required": required,
        "update": update,
        "constraints": tuple(constraints),
        "support": support or Support(version=since),
        "find": find,
        "moved_to": moved_to,
        "implemented": implemented,
        "element_constraints": tuple(element_constraints),
        "element_find": element_find,
    }
    return _Declared(description, name, options)


_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return parts[0] if len(parts) == 1 else Any
    return annotation


def _typed(annotation: Any) -> dict[str, Any]:
    """Wire type and inner schema of an annotation, and the class that wraps inner maps."""
    annotation = _without_none(annotation)
    if annotation in _SCALARS:
        return {"type": _SCALARS[annotation]}
    if annotation is Any:
        return {"type": "any"}
    origin = get_origin(annotation) or annotation
    if origin is dict:
        return {"type": "map"}
    if origin is list:
        inner = _without_none(get_args(annotation)[0]) if get_args(annotation) else Any
        if inner is Any:
            return {"type": "list"}
        return {"type": "list", "element": PropertySchema(name="*", **_typed(inner))}
    if isinstance(annotation, type) and issubclass(annotation, Properties):
        return {"type": "map", "keys": annotation.schema}
    raise TypeError(f"a property cannot be annotated with {annotation!r}")


def _wrapper(annotation: Any) -> type[Properties] | None:
    """The ``Properties`` class in which a value (or each element of a list) is handed out."""
    annotation = _without_none(annotation)
    if get_origin(annotation) is list and get_args(annotation):
        annotation = _without_none(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Properties):
        return annotation
    return None


class _Field:
    """Reads one property of a ``Properties`` instance by its Python name."""

    __slots__ = ("wire_name", "wrapper")

    def __init__(self, wire_name: str, wrapper: type[Properties] | None) -> None:
        self.wire_name = wire_name
        self.wrapper = wrapper

    def __get__(self, instance: Properties | None, owner: type[Properties]) -> Any:
        if instance is None:
            return owner.schema[self.wire_name]
        value = instance.data.get(self.wire_name)
        if self.wrapper is None or value is None or isinstance(value, Unknown):
            return value
        if isinstance(value, list):
            return [self.wrapper.wrap(each) if isinstance(each, dict) else each for each in value]
        return self.wrapper.wrap(value)


_RESERVED = frozenset({"data", "given", "schema", "load", "wrap", "changed", "changed_from", "body"})


class Values(dict[str, Any]):
    """Property values by wire name; one that is not set reads as None."""

    __slots__ = ()

    def __missing__(self, key: str) -> None:
        return None


class Properties:
    """The property values of one resource, converted and complete with defaults.

    ``data`` is plain JSON by wire name; ``given`` the names that the user set to something
    other than null. Declared properties are read as attributes; maps with a schema come as
    instances of their class.
    """

    __slots__ = ("data", "given")
    schema: ClassVar[Mapping[str, PropertySchema]] = {}

    def __init__(self, data: dict[str, Any], given: frozenset[str]) -> None:
        self.data = data if type(data) is Values else Values(data)
        self.given = given

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = {key: value for key, value in vars(cls).items() if isinstance(value, _Declared)}
        hints = get_type_hints(cls) if declared else {}
        schema = dict(cls.schema)
        if taken := declared.keys() & _RESERVED:
            raise TypeError(
                f"{cls.__name__}: give {sorted(taken)} other Python names, with name= on the wire"
            )
        for attribute, given in declared.items():
            wire_name = given.wire_name or attribute
            schema[wire_name] = _build(wire_name, hints[attribute], given)
            setattr(cls, attribute, _Field(wire_name, _wrapper(hints[attribute])))
        cls.schema = types.MappingProxyType(schema)

    @classmethod
    def load(cls, raw: Mapping[str, Any], path: str = "properties") -> Self:
        """Values from resolved template data; raises the first ``PropertyError``."""
        errors: list[PropertyError] = []
        data = convert_all(cls.schema, raw, path, errors)
        if errors:
            raise errors[0]
        return cls.wrap(data, raw)

    @classmethod
    def wrap(cls, data: dict[str, Any], raw: Mapping[str, Any] | None = None) -> Self:
        """An instance over data that is converted already."""
        source = data if raw is None else raw
        return cls(data, frozenset([key for key, value in source.items() if value is not None]))

    def changed(self, old: Properties) -> frozenset[str]:
        """Wire names of the properties whose values differ from ``old``'s."""
        names = self.data.keys() | old.data.keys()
        return frozenset(name for name in names if self.data.get(name) != old.data.get(name))

    def changed_from(self, old: Properties, *names: str) -> dict[str, Any]:
        """Of the named properties, the new values that differ from ``old``'s."""
        changed = self.changed(old)
        return {name: self.data.get(name) for name in names if name in changed}

    def body(self, *names: str) -> dict[str, Any]:
        """Of the named properties, those that have a value, as a request body takes them."""
        return {name: self.data[name] for name in names if self.data.get(name) is not None}


def _build(wire_name: str, annotation: Any, given: _Declared) -> PropertySchema:
    options = dict(given.options)
    element_constraints = options.pop("element_constraints")
    element_find = options.pop("element_find")
    typed = _typed(annotation)
    if element_constraints or element_find:
        typed["element"] = replace(typed["element"], constraints=element_constraints, find=element_find)
    return PropertySchema(name=wire_name, description=given.description, **typed, **options)


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
