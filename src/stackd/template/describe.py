"""The parameters and description of a template, in the form that template validation returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.template.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from stackd.template.schemas import TYPES, ParameterSchema
from stackd.template.shown_values import MASK
from stackd.template.template import Template
from stackd.template.unknown import has_unknown

_API_TYPES: Final = {name: api for api, name in TYPES["cfn"].items()}


def describe_template(template: Template, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Description, parameters and parameter groups of a template; ``values`` are those the user gave."""
    shown: dict[str, Any] = {
        "Description": template.description,
        "Parameters": {
            name: describe_parameter(schema, (values or {}).get(name))
            for name, schema in template.parameter_schemas.items()
        },
    }
    if template.parameter_groups:
        shown["ParameterGroups"] = template.parameter_groups
    return shown


def describe_parameter(schema: ParameterSchema, value: Any = None) -> dict[str, Any]:
    """One parameter: CloudFormation's keys whatever the dialect; the value of a hidden one is masked."""
    shown: dict[str, Any] = {
        "Type": _API_TYPES[schema.type],
        "Description": schema.description,
        "NoEcho": "true" if schema.hidden else "false",
        "Label": schema.label or schema.name,
    }
    if schema.default is not None:
        shown["Default"] = schema.default
    if value is not None and not has_unknown(value):
        shown["Value"] = MASK if schema.hidden else value
    if schema.tags:
        shown["Tags"] = list(schema.tags)
    for constraint in schema.constraints:
        shown.update((key, item) for key, item in _described(constraint).items() if item is not None)
    if texts := [constraint.description for constraint in schema.constraints if constraint.description]:
        shown["ConstraintDescription"] = " ".join(texts)
    return shown


def _described(constraint: Constraint) -> dict[str, Any]:
    match constraint:
        case Length(low, high):
            return {"MinLength": low, "MaxLength": high}
        case Range(least, most):
            return {"MinValue": least, "MaxValue": most}
        case Modulo(step, offset):
            return {"Step": step, "Offset": offset}
        case AllowedValues(allowed):
            return {"AllowedValues": list(allowed)}
        case AllowedPattern(pattern):
            return {"AllowedPattern": pattern}
        case CustomConstraint(name):
            return {"CustomConstraint": name}
    return {}
