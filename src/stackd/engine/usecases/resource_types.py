"""Resource types: those a caller may use, their properties and attributes, and template skeletons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.availability import unavailable
from stackd.engine.usecases.engine import Engine
from stackd.errors import BadRequest, Forbidden, NotSupported, StackdError
from stackd.offload import offloaded
from stackd.records import Caller
from stackd.resources.base import ResourceType
from stackd.resources.index import Listing
from stackd.resources.registry import Registry
from stackd.resources.schema import PropertySchema

Json = dict[str, Any]

SUPPORT_STATUSES = ("UNKNOWN", "SUPPORTED", "DEPRECATED", "UNSUPPORTED", "HIDDEN")
_KEPT: Final = 64  # views of types, some 30 kB each
_SHOW = {"type": "map", "description": "Detailed information about resource."}


class Invalid(StackdError):
    """Data supplied was not valid."""

    code = 400


async def listed(
    engine: Engine,
    caller: Caller,
    *,
    pattern: str | None = None,
    status: str | None = None,
    version: str | None = None,
    rule: str = "stacks:list_resource_types",
) -> list[Listing]:
    """The types that the caller may use and whose service exists in the cloud."""
    enforce(engine, caller, rule)
    if status is not None and status not in SUPPORT_STATUSES:
        raise Invalid(
            f"Data supplied was not valid: Invalid support status and should be one of {SUPPORT_STATUSES}"
        )
    registry = engine.services.registry
    found = []
    for name in await _matching(registry, pattern, status):
        kind = registry.types.listing(name)
        if version is not None and kind.version != version:
            continue
        if engine.policy.allows_type(caller, name) and not await unavailable(
            engine, caller, name, kind.service
        ):
            found.append(kind)
    return found


async def _matching(registry: Registry, pattern: str | None, status: str | None) -> list[str]:
    try:
        return list(await offloaded(_names, registry, pattern, status))
    except ValueError as error:
        raise BadRequest(f"The name cannot be used as a regular expression: {error}.") from None


def _names(registry: Registry, pattern: str | None, status: str | None) -> list[str]:
    return list(registry.matching(pattern, status))


async def show(
    engine: Engine,
    caller: Caller,
    name: str,
    *,
    described: bool = False,
    rule: str = "stacks:resource_schema",
) -> Json:
    """The properties and attributes of a type whose service exists in the cloud."""
    enforce(engine, caller, rule)
    kind = await _usable(engine, caller, name)
    why = await unavailable(engine, caller, name, kind.needed_service())
    if why is not None:
        raise why
    return schema(kind, described=described)


async def generate_template(
    engine: Engine,
    caller: Caller,
    name: str,
    *,
    template_type: str | None = None,
    rule: str = "stacks:generate_template",
) -> Json:
    """A template with one resource of a type, in the dialect ``cfn`` or ``hot``."""
    enforce(engine, caller, rule)
    chosen = dialect(template_type)
    return template(await _usable(engine, caller, name), chosen)


async def _usable(engine: Engine, caller: Caller, name: str) -> ResourceType[Any]:
    """The type with this name, if the caller may use it."""
    await engine.services.registry.ready([name])
    kind = engine.services.registry.get(name)
    if not engine.policy.allows_type(caller, name):
        raise Forbidden(f"You are not authorized to use resource_types:{name}.")
    if kind.support.status == "HIDDEN":
        raise NotSupported(f"{name} is not supported.")
    return kind


@lru_cache(_KEPT)
def schema(kind: ResourceType[Any], *, described: bool) -> Json:
    """Properties, attributes and support status of a type; not to be changed."""
    view: Json = {
        "resource_type": kind.type_name,
        "properties": {
            name: each.shown() for name, each in kind.properties.schema.items() if not each.hidden
        },
        "attributes": {**attributes(kind), "show": _SHOW},
        "support_status": kind.support.shown(),
    }
    if described:
        view["description"] = kind.description
    return view


def attributes(kind: ResourceType[Any]) -> Json:
    """The attributes of a type except ``show``, which every type has."""
    return {
        name: {"type": attribute.type, "description": attribute.description}
        for name, attribute in kind.attributes.items()
        if attribute.support.status != "HIDDEN"
    }


# --- templates to start from ----------------------------------------------------------------------

_TYPES = {
    "cfn": {
        "string": "String",
        "integer": "Number",
        "number": "Number",
        "boolean": "Boolean",
        "map": "Json",
        "list": "CommaDelimitedList",
        "any": "String",
    },
    "hot": {
        "string": "string",
        "integer": "number",
        "number": "number",
        "boolean": "boolean",
        "map": "json",
        "list": "comma_delimited_list",
        "any": "string",
    },
}
_CFN_CONSTRAINTS: Mapping[str, Mapping[str, str]] = {
    "range": {"min": "MinValue", "max": "MaxValue"},
    "length": {"min": "MinLength", "max": "MaxLength"},
}


def dialect(text: str | None) -> str:
    """The requested dialect."""
    chosen = (text or "cfn").lower()
    if chosen not in _TYPES:
        raise BadRequest(
            f'Template type is not supported: Invalid template type "{text}", valid types are: cfn, hot.'
        )
    return chosen


def template(kind: ResourceType[Any], dialect: str) -> Json:
    """A template with one resource of a type, whose properties are the parameters."""
    if dialect == "hot":
        version, key = {"heat_template_version": "2016-10-14"}, str.lower
        attribute, reference = "get_attr", "get_resource"
        parameter, value = _hot_parameter, _hot_value
    else:
        version, key = {"HeatTemplateFormatVersion": "2012-12-12"}, str.capitalize
        attribute, reference = "Fn::GetAtt", "Ref"
        parameter, value = _cfn_parameter, _cfn_value
    name, properties = type(kind).__name__, _shown_properties(kind)
    outputs: Json = {
        each: {key("value"): {attribute: [name, each]}, key("description"): text}
        for each, text in _outputs(kind).items()
    }
    values = {each: value(each, schema) for each, schema in properties.items()}
    return {
        **version,
        key("description"): f"Initial template of {name}",
        key("parameters"): {each: parameter(schema) for each, schema in properties.items()},
        key("resources"): {name: {key("type"): kind.type_name, key("properties"): values}},
        key("outputs"): {**outputs, "OS::stack_id": {key("value"): {reference: name}}},
    }


def _shown_properties(kind: ResourceType[Any]) -> dict[str, PropertySchema]:
    wanted = {"SUPPORTED", "UNKNOWN"}
    schemas = kind.properties.schema.items()
    return {name: each for name, each in schemas if each.implemented and each.support.status in wanted}


def _outputs(kind: ResourceType[Any]) -> dict[str, str]:
    described = {name: str(each["description"]) for name, each in attributes(kind).items()}
    return {**described, "show": _SHOW["description"]}


def _described(kind: str, schema: PropertySchema, key: Callable[[str], str]) -> Json:
    shown: Json = {key("type"): kind}
    if schema.description:
        shown[key("description")] = schema.description
    if schema.default is not None:
        shown[key("default")] = schema.default
    return shown


def _hot_parameter(schema: PropertySchema) -> Json:
    shown = _described(_TYPES["hot"][schema.type], schema, str.lower)
    if schema.constraints:
        shown["constraints"] = [constraint.shown() for constraint in schema.constraints]
    return shown


def _hot_value(name: str, schema: PropertySchema) -> Json:
    return {"get_param": name}


def _cfn_value(name: str, schema: PropertySchema) -> Json:
    return {"Fn::Split": [",", {"Ref": name}]} if schema.type == "list" else {"Ref": name}


def _cfn_parameter(schema: PropertySchema) -> Json:
    shown = _described(_TYPES["cfn"][schema.type], schema, str.capitalize)
    for constraint in schema.constraints:
        for key, value in constraint.shown().items():
            if key in _CFN_CONSTRAINTS:
                shown |= {
                    _CFN_CONSTRAINTS[key][bound]: limit for bound, limit in value.items() if limit is not None
                }
            elif key == "allowed_values":
                shown["AllowedValues"] = value
            elif key == "allowed_pattern":
                shown["AllowedPattern"] = value
    return shown
