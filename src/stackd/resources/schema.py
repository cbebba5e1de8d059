"""Property schemas: one declaration per property drives validation, the API, and the docs.

A type's properties are declared as a class::

    class VolumeProps(Properties):
        size: int | None = prop("Size in GB.", update=IN_PLACE, constraints=[between(1)])
        metadata: dict[str, Any] | None = prop("Key/value pairs.", update=IN_PLACE)

The annotation gives the wire type: ``str`` string, ``int`` integer, ``float`` number, ``bool``
boolean, ``dict`` map, ``list[...]`` list, ``Any`` any; a ``Properties`` subclass is a map with a
schema of its own. ``| None`` means that the value may be absent, ``required=True`` that the user
must give one.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from stackd.errors import PropertyError
from stackd.resources.constraints import custom
from stackd.resources.property_schema import (
    IMMUTABLE,
    IN_PLACE,
    REPLACE,
    PropertySchema,
    Support,
    Update,
    convert_all,
)
from stackd.template.constraints import Constraint, CustomConstraint
from stackd.template.unknown import Unknown

__all__ = ["IMMUTABLE", "IN_PLACE", "REPLACE", "Properties", "Support", "prop"]


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
