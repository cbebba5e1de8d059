"""The template language as JSON Schema (draft-07, what YAML language servers read best).

Made of the same tables as the parser: versions, sections, keys, functions, constraints. Choices are written
as ``if``/``then`` on what the author has written, never as ``oneOf``, so that a fault is reported where it
stands and not as a failure of every alternative.

A mapping with one key that names a function is a call, as in the parser. Which functions a version has is
checked separately from the types of values, so that these are written once for all versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from stackd.template.constraints import APPLIES_TO
from stackd.template.environment import SECTIONS
from stackd.template.merge import STRATEGIES
from stackd.template.registry import HOOKS, RESTRICTED_ACTIONS
from stackd.template.schemas import TYPES
from stackd.template.versions import VERSION_KEYS, VERSIONS, Dialect, Version

Schema = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"


def ref(name: str) -> Schema:
    """A reference to one of the document's definitions."""
    return {"$ref": f"#/definitions/{name.replace('~', '~0').replace('/', '~1')}"}


CALLS: Final = ref("offered-call")


def or_call(plain: Schema, offered: tuple[Schema, ...] = (CALLS,)) -> Schema:
    """A value of this kind, or a function that will give one.

    Editors do not look into ``else`` for what to offer: the alternatives, of which the last accepts
    everything, are there for them.
    """
    choice = {"if": ref("is-call"), "then": ref("call"), "else": plain}
    return {**choice, "anyOf": [*offered, {}]} if offered else choice


def exactly(*names: str) -> Schema:
    """One of these texts; as a pattern, for editors take the beginning of an enumerated one for the whole."""
    return {"type": "string", "pattern": f"^({'|'.join(map(quoted, sorted(names)))})$"}


def quoted(text: str) -> str:
    """A text as a part of a pattern, in any dialect of regular expressions."""
    return re.sub(r"([.*+?^${}()|\[\]\\])", r"\\\1", text)


VALUE: Final = ref("value")
_CONDITION: Final = ref("condition")
_TEXT: Final = or_call({"type": ["string", "number", "boolean", "null"]})
_NAME: Final = or_call({"type": "string", "minLength": 1})
_LIST: Final = or_call({"type": ["array", "null"], "items": VALUE})
_MAP: Final = or_call({"type": ["object", "null"], "additionalProperties": VALUE})
_TWO_VALUES: Final[Schema] = {"type": "array", "items": VALUE, "minItems": 2, "maxItems": 2}
_URL_PARTS: Final = ("scheme", "username", "password", "host", "port", "path", "query", "fragment")


def _several(item: Schema, low: int, high: int | None = None) -> Schema:
    return {"type": "array", "items": item, "minItems": low} | ({} if high is None else {"maxItems": high})


def _parts(*items: Schema, low: int | None = None, more: Schema | None = None) -> Schema:
    """A list of different parts, of which the first `low` must be there."""
    least = len(items) if low is None else low
    rest: Schema = {"maxItems": len(items)} if more is None else {"additionalItems": more}
    return {"type": "array", "items": list(items), "minItems": least} | rest


def _keys(required: Iterable[str], **keys: Schema) -> Schema:
    return {
        "type": "object",
        "properties": keys,
        "required": sorted(required),
        "additionalProperties": False,
    }


_LISTS: Final = or_call(_several(_LIST, 0))
_REPLACE: Final = {
    "type": "object",
    "properties": {"template": VALUE, "params": _MAP},
    "required": ["params", "template"],
}
_CONDITIONS: Final = _several(_CONDITION, 2)
_NAME_AND_PATH: Final[Schema] = {
    "if": {"type": "array"},
    "then": _parts(_NAME, low=1, more=VALUE),
    "else": _NAME,
}
_ARGUMENTS: Final[Mapping[str, Schema]] = {
    "get_param": _NAME_AND_PATH,
    "get_resource": _NAME,
    "get_attr": or_call(_parts(_NAME, low=1, more=VALUE)),
    "get_file": _NAME,
    "resource_facade": {"enum": ["metadata", "deletion_policy", "update_policy"]},
    "list_join": _parts(_TEXT, _LIST, more=_LIST),
    "str_replace": _REPLACE,
    "str_replace_strict": _REPLACE,
    "str_replace_vstrict": _REPLACE,
    "str_split": _parts(_NAME, _TEXT, VALUE, low=2),
    "repeat": {
        "type": "object",
        "properties": {"template": VALUE, "for_each": _MAP, "permutations": or_call({"type": "boolean"})},
        "required": ["for_each", "template"],
    },
    "digest": _parts(_NAME, _TEXT),
    "map_merge": or_call(_several(_MAP, 0)),
    "map_replace": _parts(_MAP, or_call(_keys((), keys=_MAP, values=_MAP))),
    "yaql": _keys(["expression"], expression=_TEXT, data=VALUE),
    "if": _parts(_CONDITION, VALUE, VALUE, low=2),
    "filter": _parts(_LIST, _LIST),
    "contains": _TWO_VALUES,
    "list_concat": _LISTS,
    "list_concat_unique": _LISTS,
    "make_url": _keys((), **dict.fromkeys(_URL_PARTS, VALUE)),
    "equals": _TWO_VALUES,
    "not": _CONDITION,
    "and": _CONDITIONS,
    "or": _CONDITIONS,
    "Ref": {"type": "string"},
    "Fn::GetAtt": _parts(_NAME, _NAME),
    "Fn::FindInMap": _parts(_NAME, VALUE, VALUE, VALUE, low=3),
    "Fn::Cidr": _parts(VALUE, VALUE, VALUE, low=2),
    "Fn::Length": _LIST,
    "Fn::Sub": {
        "if": {"type": "array"},
        "then": _parts({"type": "string"}, {"type": "object", "additionalProperties": VALUE}),
        "else": {"type": "string"},
    },
    "Condition": {"type": "string"},
    "Fn::GetAZs": VALUE,
    "Fn::Select": or_call(_TWO_VALUES),
    "Fn::Join": _parts(_TEXT, _LIST),
    "Fn::Split": _parts(_NAME, _TEXT),
    "Fn::Replace": _parts(_MAP, VALUE),
    "Fn::Base64": or_call({"type": "string"}),
    "Fn::MemberListToMap": _parts(_NAME, _NAME, _LIST),
    "Fn::ResourceFacade": {"enum": ["Metadata", "DeletionPolicy", "UpdatePolicy"]},
    "Fn::If": _parts(_CONDITION, VALUE, VALUE),
    "Fn::Equals": _TWO_VALUES,
    "Fn::Not": _several(_CONDITION, 1, 1),
    "Fn::And": _CONDITIONS,
    "Fn::Or": _CONDITIONS,
}


def template_schema(dialect: Dialect, types: Mapping[str, Schema]) -> Schema:
    """The schema of a whole template.

    ``types`` are definitions of the resource types, among them ``resource-by-type``, which each resource must
    meet besides having the keys of its version.
    """
    versions = [version for version in VERSIONS.values() if version.dialect == dialect]
    keys = [key for key in VERSION_KEYS if any(version.key == key for version in versions)]
    definitions = {**_common(versions), **types}
    for version in versions:
        definitions |= _version(version)
    chosen = [
        {
            "if": {"properties": {version.key: {"enum": _dates(version)}}, "required": [version.key]},
            "then": ref(version.name),
        }
        for version in versions
    ]
    heads = {
        key: {
            "description": "The version of the template language.",
            "enum": [date for version in versions if version.key == key for date in _dates(version)],
        }
        for key in keys
    }
    needed: Schema = (
        {"required": keys} if len(keys) == 1 else {"anyOf": [{"required": [key]} for key in keys]}
    )
    title = "Heat orchestration template" if dialect == "hot" else "CloudFormation template"
    return {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "properties": heads,
        **needed,
        "allOf": chosen,
        "definitions": definitions,
    }


def _dates(version: Version) -> list[str]:
    return [version.date, *version.aliases]


def _common(versions: list[Version]) -> dict[str, Schema]:
    """Values and calls: the same for every version of a dialect."""
    functions = {name: each for version in versions for name, each in version.functions.items()}
    conditions = {name: each for version in versions for name, each in version.condition_functions.items()}

    def calls(table: Mapping[str, Any]) -> Schema:
        described = {
            name: {"description": f"{each.summary} {each.usage}".strip(), **_ARGUMENTS.get(name, VALUE)}
            for name, each in sorted(table.items())
        }
        return {"type": "object", "properties": described, "additionalProperties": False}

    def is_call(table: Mapping[str, Any]) -> Schema:
        return {"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": exactly(*table)}

    return {
        "is-call": is_call(functions),
        "call": calls(functions),
        "offered-call": {"properties": calls(versions[-1].functions)["properties"]},
        # Language servers follow ``items`` without end, unless something stands between.
        "value": or_call({"items": ref_all("value"), "additionalProperties": VALUE}),
        "condition-call": calls(conditions),
        "condition": {
            "description": "The name of a condition, a boolean, or a function of conditions.",
            "if": {"type": "object"},
            "then": {"minProperties": 1, "maxProperties": 1, **ref_all("condition-call")},
            "else": {"type": ["string", "boolean"]},
        },
    }


def ref_all(*names: str) -> Schema:
    """A schema that requires several definitions; unlike a bare reference it may have sibling keywords."""
    return {"allOf": [ref(name) for name in names]}


def _version(version: Version) -> dict[str, Schema]:
    """The definitions of one version: its sections, and the functions that it has."""
    sections, name = version.sections, version.name
    bodies: dict[str, Schema] = {
        "version": {},
        "other_version": {"not": {}},
        "description": {"type": ["string", "null"], "description": "What the template is for."},
        "parameter_groups": _groups(),
        "parameters": _section("What is asked of those who use the template.", _parameter(version)),
        "conditions": _section("Truths by name, for `condition` and `if`.", _condition_definition(version)),
        "mappings": _section("Values by two keys, for `Fn::FindInMap`.", {"type": "object"}),
        "resources": {
            **_section("What the stack is made of.", ref(f"{name}.resource")),
            "propertyNames": {"pattern": "^[^/]*$"},
        },
        "outputs": _section("What the stack tells about itself.", _output(version)),
    }
    return {
        name: {
            "properties": {written: bodies.get(key, {}) for key, written in sections.items()},
            "additionalProperties": False,
        },
        f"{name}.resource": _resource(version),
        f"{name}.functions": {
            "if": ref("is-call"),
            "then": {"propertyNames": {"enum": sorted(version.functions)}},
            "items": ref_all(f"{name}.functions"),
            "additionalProperties": ref(f"{name}.functions"),
        },
    }


def _section(description: str, entry: Schema) -> Schema:
    return {"description": description, "type": ["object", "null"], "additionalProperties": entry}


def _groups() -> Schema:
    group = {
        "type": "object",
        "properties": {
            "label": {"type": "string"},
            "description": {"type": "string"},
            "parameters": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        },
        "required": ["parameters"],
    }
    return {"description": "Parameters that belong together.", "type": ["array", "null"], "items": group}


_DEFAULTS: Final[Mapping[str, Schema]] = {
    "string": {"type": ["string", "number", "boolean", "null"]},
    "number": {
        "type": ["number", "string", "boolean", "null"],
        "pattern": "^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$",
    },
    "boolean": {"type": ["boolean", "string", "integer", "null"]},
    "comma_delimited_list": {"type": ["array", "string", "null"]},
    "json": {"type": ["object", "array", "string", "null"]},
}
_KEY_SHAPES: Final[Mapping[str, Schema]] = {
    "label": {"type": "string", "description": "What to call the parameter when asking for it."},
    "description": {"type": "string", "description": "What the parameter is for."},
    "default": {"description": "The value when none is given."},
    "hidden": {
        "description": "Whether the value is a secret, which is masked wherever it is shown.",
        "if": {"type": "string"},
        "then": {"pattern": "^([Tt]rue|[Ff]alse)$"},
        "else": {"type": "boolean"},
    },
    "immutable": {"type": "boolean", "description": "Whether updates are refused."},
    "tags": {"type": "array", "description": "Free labels."},
    "allowed_values": {"type": "array"},
    "allowed_pattern": {"type": "string", "format": "regex"},
    "constraint_description": {"type": "string"},
    **{key: {"type": ["integer", "string"]} for key in ("min_length", "max_length")},
    **{key: {"type": ["number", "string"]} for key in ("min_value", "max_value")},
}


def _parameter(version: Version) -> Schema:
    """A parameter's definition; what its default and constraints may be depends on its type."""
    keys, types = version.parameter_keys, TYPES[version.dialect]
    shapes: dict[str, Schema] = {written: _KEY_SHAPES.get(key, {}) for key, written in keys.items()}
    shapes[keys["type"]] = {"enum": list(types), "description": "The type of the value."}
    if "constraints" in keys:
        shapes[keys["constraints"]] = {
            "description": "What values are accepted.",
            "type": ["array", "null"],
            "items": _constraint(version),
        }
    by_type = [
        {
            "if": {"properties": {keys["type"]: {"const": written}}, "required": [keys["type"]]},
            "then": {"properties": _typed_keys(version, kind)},
        }
        for written, kind in types.items()
    ]
    return {
        "type": "object",
        "properties": shapes,
        "required": [keys["type"]],
        "additionalProperties": False,
        "allOf": by_type,
    }


def _typed_keys(version: Version, kind: str) -> dict[str, Schema]:
    keys = version.parameter_keys
    typed = {keys["default"]: _DEFAULTS[kind]}
    if "constraints" in keys:
        names = sorted(name for name in version.constraints if kind in APPLIES_TO[name])
        typed[keys["constraints"]] = {"items": {"propertyNames": {"enum": [*names, "description"]}}}
    return typed


def _constraint(version: Version) -> Schema:
    def bounds(kind: list[str]) -> Schema:
        limits = {"min": {"type": kind}, "max": {"type": kind}}
        return {
            "type": "object",
            "properties": limits,
            "additionalProperties": False,
            "minProperties": 1,
        }

    number = ["number", "string"]
    whole = {"type": ["integer", "string"]}
    kinds: dict[str, Schema] = {
        "length": bounds(["integer", "string"]),
        "range": bounds(number),
        "modulo": _keys(["step", "offset"], step=whole, offset=whole),
        "allowed_values": {"type": "array"},
        "allowed_pattern": {"type": "string", "format": "regex"},
        "custom_constraint": {"type": "string"},
    }
    known = {name: kinds[name] for name in sorted(version.constraints)}
    return {
        "type": "object",
        "properties": {**known, "description": {"type": "string"}},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in known],
    }


def _condition_definition(version: Version) -> Schema:
    called = {"propertyNames": {"enum": sorted(version.condition_functions)}}
    plain = {"type": "boolean"}
    return {"if": {"type": "object"}, "then": {**called, **ref_all("condition")}, "else": plain}


def _output(version: Version) -> Schema:
    keys = version.output_keys
    shapes: dict[str, Schema] = {
        "description": {"type": ["string", "null"]},
        "value": ref_all("value", f"{version.name}.functions"),
        "condition": _CONDITION,
        "export": _keys(["Name"], Name=VALUE),
    }
    return {
        "type": "object",
        "properties": {written: shapes.get(key, VALUE) for key, written in keys.items()},
        "required": [keys["value"]],
        "additionalProperties": False,
    }


def _resource(version: Version) -> Schema:
    """The keys of a resource in one version; its type adds its own schema."""
    keys = version.resource_keys
    functions = f"{version.name}.functions"
    names: Schema = {"type": "string"}
    choices = {"enum": list(version.deletion_policies)}
    policy: Schema = {
        "description": "What happens to the object when the resource goes.",
        **or_call({"enum": [*version.deletion_policies, None]}, (choices,)),
    }
    shapes: dict[str, Schema] = {
        "type": {"type": "string"},
        "properties": ref(functions),
        "metadata": {**or_call({"type": ["object", "null"]}), **ref_all(functions)},
        "depends_on": {
            "description": "Resources that must be there first.",
            "if": {"type": "array"},
            "then": {"items": names},
            "else": {"type": ["string", "null"]},
        },
        **dict.fromkeys(("deletion_policy", "update_replace_policy"), policy),
        "update_policy": or_call({"type": ["object", "null"]}),
        "description": {"type": ["string", "null"]},
        "external_id": or_call({"type": ["string", "null"], "description": "An object that exists already."}),
        "condition": {"if": {"const": None}, "else": _CONDITION},
    }
    closed: Schema = {"additionalProperties": False} if version.dialect == "hot" else {}
    return {
        "type": "object",
        "properties": {written: shapes.get(key, VALUE) for key, written in keys.items()},
        "required": [keys["type"]],
        **closed,
        **ref_all("resource-by-type"),
    }


def environment_schema(types: Iterable[str] = ()) -> Schema:
    """The schema of an environment; ``types`` are offered as names in the resource registry."""

    def texts(allowed: Iterable[str]) -> Schema:
        choice: Schema = {"enum": list(allowed)}
        return {"if": {"type": "array"}, "then": {"items": choice}, "else": choice}

    target = {"type": ["string", "null"], "description": "A type, or the file of a template."}
    inner: Schema = {
        "if": {"type": "object"},
        "then": {
            "properties": {"hooks": texts(HOOKS), "restricted_actions": texts(RESTRICTED_ACTIONS)},
            "additionalProperties": ref("resource-entry"),
        },
        "else": target,
    }
    bodies: dict[str, Schema] = {
        "parameters": {"type": "object", "description": "Values for the template's parameters."},
        "parameter_defaults": {"type": "object", "description": "Values for parameters that have no other."},
        "resource_registry": {
            "type": "object",
            "description": "What types stand for.",
            "properties": {
                **dict.fromkeys(sorted(types), target),
                "base_url": {"type": "string"},
                "resources": {"type": "object", "additionalProperties": ref("resource-entry")},
            },
            "additionalProperties": target,
        },
        "parameter_merge_strategies": {
            "type": "object",
            "description": "How values of several environments become one.",
            "additionalProperties": {"enum": list(STRATEGIES)},
        },
        "event_sinks": {"type": "array", "items": {"type": "object"}},
        "encrypted_param_names": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "$schema": DRAFT,
        "title": "Environment of a Heat orchestration template",
        "type": ["object", "null"],
        "properties": {section: bodies[section] for section in SECTIONS},
        "additionalProperties": False,
        "definitions": {"resource-entry": inner},
    }
