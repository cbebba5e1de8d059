"""Resource types as JSON Schema: what editors know of properties while a template is being written.

A resource's type decides what its properties are (``if`` its type is this, ``then`` …), so a fault is
reported at the property it is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.resources.base import ResourceType
from stackd.resources.property_schema import PropertySchema
from stackd.resources.registry import Registry
from stackd.resources.schema import Support
from stackd.template.json_schema import CALLS, VALUE, Schema, exactly, or_call, quoted, ref, ref_all
from stackd.template.json_schema import environment_schema as _environment_schema
from stackd.template.json_schema import template_schema as _template_schema
from stackd.template.registry import TEMPLATE_SUFFIXES
from stackd.template.versions import VERSIONS, Dialect

_INTEGER: Final = r"^\s*[-+]?[0-9]+\s*$"
_NUMBER: Final = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_BOOLEAN: Final = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"
_PLAIN: Final[Mapping[str, Schema]] = {
    "string": {"type": ["string", "integer", "boolean", "null"]},
    "integer": {"type": ["integer", "string", "null"], "pattern": _INTEGER},
    "number": {"type": ["number", "string", "null"], "pattern": _NUMBER},
    "boolean": {"type": ["boolean", "string", "null"], "pattern": _BOOLEAN},
    "list": {"type": ["array", "null"], "items": VALUE},
    "map": {"type": ["object", "null"], "additionalProperties": VALUE},
}


def template_schema(registry: Registry, dialect: Dialect = "hot") -> Schema:
    """The schema of templates of a dialect whose resources are of the registry's types."""
    kinds = {name: kind for name, kind in sorted(registry.types.items()) if kind.support.status != "HIDDEN"}
    keys = [each.resource_keys for each in VERSIONS.values() if each.dialect == dialect][-1]
    definitions = {name: _properties(kind) for name, kind in kinds.items()}
    definitions |= {f"members.{name}": _member(kind) for name, kind in kinds.items()}
    definitions |= {
        "type-name": _type_name(kinds),
        "member": _members(kinds),
        "resource-by-type": {
            "properties": {keys["type"]: ref("type-name")},
            "allOf": [_resource(kind, keys) for kind in kinds.values()],
        },
    }
    return _template_schema(dialect, definitions)


def environment_schema(registry: Registry) -> Schema:
    """The schema of environments, which offers the registry's types for mapping."""
    return _environment_schema(registry.matching())


def _type_name(kinds: Mapping[str, ResourceType[Any]]) -> Schema:
    """A known type, a file or URL, or a custom name that is not a misspelt known type."""
    families = sorted({quoted(name.rpartition("::")[0] + "::") for name in kinds if "::" in name})
    endings = "|".join(quoted(ending) for ending in TEMPLATE_SUFFIXES)
    ours = f"^({'|'.join(families)})(?!.*({endings})$)"
    return {
        "description": "A resource type, or the file of a template that serves as one.",
        "if": {"pattern": ours},
        "then": {"enum": list(kinds)},
        "anyOf": [{"enum": list(kinds)}, {}],  # for editors, which offer the types
    }


def _resource(kind: ResourceType[Any], keys: Mapping[str, str]) -> Schema:
    """What a resource must be if it is of this type; objects that exist already need no properties."""
    condition: Schema = {"properties": {keys["type"]: exactly(kind.type_name)}, "required": [keys["type"]]}
    if "external_id" in keys:
        condition["not"] = {"required": [keys["external_id"]]}
    shapes: dict[str, Schema] = {
        keys["type"]: {"description": kind.description},
        keys["properties"]: or_call(ref(kind.type_name), ()),
    }
    if kind.update_policy:
        policy = _map_of(kind.update_policy)
        shapes[keys["update_policy"]] = or_call({"type": ["object", "null"], **policy})
    if not kind.snapshots:
        shapes[keys["deletion_policy"]] = {"not": {"enum": ["Snapshot", "snapshot"]}}
    needed: Schema = {"required": [keys["properties"]]} if _required(kind.properties.schema) else {}
    return {"if": condition, "then": {"properties": shapes, **needed}}


def _properties(kind: ResourceType[Any]) -> Schema:
    """All properties of a type."""
    if kind.any_properties:
        return {"type": ["object", "null"], "additionalProperties": VALUE}
    return {"type": "object" if _required(kind.properties.schema) else ["object", "null"]} | _map_of(
        kind.properties.schema
    )


def _map_of(schemas: Mapping[str, PropertySchema]) -> Schema:
    """The keys of a map."""
    shown: Schema = {
        "properties": {name: property_schema(each) for name, each in schemas.items()},
        "additionalProperties": False,
    }
    required = _required(schemas)
    plain = [names[0] for names in required if len(names) == 1]
    choices = [{"anyOf": [{"required": [name]} for name in names]} for names in required if len(names) > 1]
    return shown | ({"required": plain} if plain else {}) | ({"allOf": choices} if choices else {})


def _required(schemas: Mapping[str, PropertySchema]) -> list[list[str]]:
    """For each property that must be given, the names under which it can be."""
    older: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        if schema.moved_to is not None:
            older.setdefault(schema.moved_to, []).append(name)
    return [
        [name, *older.get(name, ())]
        for name, schema in schemas.items()
        if schema.required and schema.default is None and schema.moved_to is None
    ]


def property_schema(schema: PropertySchema) -> Schema:
    """What a property takes: a value of its type, or a function."""
    if not schema.implemented:
        return {**_described(schema), "type": "null"}
    if schema.type == "any":
        return {**_described(schema), **ref_all("value")}
    plain = _plain(schema)
    return {**_described(schema), **or_call(plain, _offered(schema, plain))}


def _offered(schema: PropertySchema, plain: Schema) -> tuple[Schema, ...]:
    """Completions that editors should offer besides the keys of a map."""
    if schema.keys is not None:
        return ()
    if "enum" in plain:
        return ({"enum": plain["enum"][:-1]}, CALLS)
    return ({"type": "boolean"}, CALLS) if schema.type == "boolean" else (CALLS,)


def _plain(schema: PropertySchema) -> Schema:
    """A value of the property's type that is no function."""
    plain = dict(_PLAIN[schema.type])
    if schema.convertible:
        plain["type"] = [*plain["type"], "string"]
    if schema.keys is not None:
        if {"type", "properties"} <= schema.keys.keys():
            return {**plain, **_map_of(schema.keys), "allOf": [ref("member")]}
        plain.pop("additionalProperties", None)
        plain |= _map_of(schema.keys)
    if schema.element is not None:
        plain["items"] = property_schema(schema.element)
    for constraint in schema.constraints:
        for name, limit in constraint.shown().items():
            _limit(plain, schema, name, limit)
    return plain


def _limit(plain: Schema, schema: PropertySchema, name: str, limit: Any) -> None:
    """Add a constraint, as far as JSON Schema can express it."""
    if name == "range":
        words = {"min": "minimum", "max": "maximum"}
        plain.update({words[bound]: value for bound, value in limit.items() if value is not None})
    elif name == "length":
        unit = {"string": "Length", "list": "Items", "map": "Properties"}.get(schema.type)
        if unit is not None:
            plain.update({f"{bound}{unit}": value for bound, value in limit.items() if value is not None})
    elif name == "allowed_values":
        values = [each for value in limit for each in _spellings(value, schema)]
        if schema.type == "list":
            plain["items"] = or_call({"enum": values})
        else:
            plain["enum"] = [*values, None]
    elif name == "allowed_pattern":
        plain["pattern"] = f"^(?:{limit})$"
    elif name == "modulo" and not limit.get("offset") and schema.type in ("integer", "number"):
        plain["multipleOf"] = limit["step"]


def _spellings(value: Any, schema: PropertySchema) -> list[Any]:
    """An allowed value, and what else is converted to it."""
    if not isinstance(value, str):
        return [value, str(value)]
    is_number = value.isdecimal() and str(int(value)) == value
    return [value, int(value)] if schema.type == "string" and is_number else [value]


def _described(schema: PropertySchema) -> Schema:
    """What editors show of a property."""
    shown: Schema = {}
    notes = [schema.description]
    customs = [each.shown().get("custom_constraint") for each in schema.constraints]
    if named := [str(custom) for custom in customs if custom]:
        notes.append(f"Must be known to the cloud: {', '.join(named)}.")
    if text := " ".join(filter(None, notes)):
        shown["description"] = text
    if schema.default is not None:
        shown["default"] = schema.default
    if note := deprecation(schema.support, schema.moved_to):
        shown["deprecationMessage"] = note
    return shown


def deprecation(support: Support, moved_to: str | None) -> str:
    """Why something should not be used any more; empty when it may."""
    if support.status not in ("DEPRECATED", "HIDDEN"):
        return ""
    since = f" since {support.version}" if support.version and support.status == "DEPRECATED" else ""
    instead = f"Use {moved_to}." if moved_to else support.message or ""
    return " ".join(filter(None, (f"Deprecated{since}.", instead)))


def _member(kind: ResourceType[Any]) -> Schema:
    """The properties of a member of a group: names only, since values may contain the member's index."""
    if kind.any_properties:
        return {}
    shapes = _map_of(kind.properties.schema)
    shapes["properties"] = {
        name: {**_described(each), **ref_all("value")} for name, each in kind.properties.schema.items()
    }
    return {"type": ["object", "null"], **shapes}


def _members(kinds: Mapping[str, ResourceType[Any]]) -> Schema:
    """The definition of a group's members: a resource with fewer keys."""
    return {
        "properties": {"type": or_call(ref("type-name"))},
        "allOf": [
            {
                "if": {"properties": {"type": exactly(name)}, "required": ["type"]},
                "then": {
                    "properties": {"properties": or_call(ref(f"members.{name}"), ())},
                    **({"required": ["properties"]} if _required(kind.properties.schema) else {}),
                },
            }
            for name, kind in kinds.items()
        ],
    }
