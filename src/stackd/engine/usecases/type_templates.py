"""Templates to start from: one resource of a type, with its properties as parameters (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackd.engine.usecases.template_names import resource_name
from stackd.engine.usecases.type_views import SHOW, Json, attributes, shown_properties
from stackd.errors import BadRequest
from stackd.resources.base import ResourceType
from stackd.resources.property_schema import PropertySchema

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


def template(kind: ResourceType[Any], dialect: str, type_name: str) -> Json:
    """A template with one resource of a type, by any of its names, whose properties are the parameters."""
    if dialect == "hot":
        version, key = {"heat_template_version": "2016-10-14"}, str.lower
        attribute, reference = "get_attr", "get_resource"
        parameter, value = _hot_parameter, _hot_value
    else:
        version, key = {"HeatTemplateFormatVersion": "2012-12-12"}, str.capitalize
        attribute, reference = "Fn::GetAtt", "Ref"
        parameter, value = _cfn_parameter, _cfn_value
    name, properties = resource_name(kind.type_name), shown_properties(kind)
    outputs: Json = {
        each: {key("value"): {attribute: [name, each]}, key("description"): text}
        for each, text in _outputs(kind).items()
    }
    values = {each: value(each, schema) for each, schema in properties.items()}
    return {
        **version,
        key("description"): f"Initial template of {name}",
        key("parameters"): {each: parameter(schema) for each, schema in properties.items()},
        key("resources"): {name: {key("type"): type_name, key("properties"): values}},
        key("outputs"): {**outputs, "OS::stack_id": {key("value"): {reference: name}}},
    }


def _outputs(kind: ResourceType[Any]) -> dict[str, str]:
    described = {name: str(each["description"]) for name, each in attributes(kind).items()}
    return {**described, "show": SHOW["description"]}


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
    if schema.type == "boolean":
        shown["AllowedValues"] = ["True", "true", "False", "false"]
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
