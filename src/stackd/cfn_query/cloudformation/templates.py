"""GetTemplate, ValidateTemplate and GetTemplateSummary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.answers import JsonText
from stackd.cfn_query.cloudformation.change_sets import change_set_of
from stackd.cfn_query.cloudformation.requests import stack_of, template_request
from stackd.cfn_query.codes import BAD_COMBINATION, Refused
from stackd.cfn_query.params import choice, text
from stackd.engine.usecases import change_sets, stack_queries, template_summaries, validate
from stackd.engine.usecases.template_summaries import TemplateSummary

Json = dict[str, Any]
_STAGES = ("Original", "Processed")
_TEMPLATES = ("TemplateBody", "TemplateURL", "TemplateUrl")


async def get_template(call: Call) -> Mapping[str, Any]:
    """GetTemplate: of a stack, or of what a change set makes of it.

    As JSON, whatever it was written in. Nothing processes it, so both stages are one.
    """
    choice(call.params, "TemplateStage", *_STAGES)
    if text(call.params, "ChangeSetName"):
        found = await change_sets.template(call.engine, await change_set_of(call))
    else:
        stack = await stack_of(call)
        found = await stack_queries.template(call.reader, call.caller, stack, rule=call.rule)
    return {"TemplateBody": JsonText(found), "StagesAvailable": list(_STAGES)}


async def validate_template(call: Call) -> Mapping[str, Any]:
    """ValidateTemplate: refused with the first mistake, else the parameters."""
    request = template_request(call.params)
    await validate.validate(call.engine, call.caller, request, nested=False, rule=call.rule)
    found = await template_summaries.of_request(call.engine, call.caller, request, rule=call.rule)
    return {
        "Parameters": [
            {
                "ParameterKey": name,
                "DefaultValue": _default(each),
                "NoEcho": each["NoEcho"] == "true",
                "Description": each["Description"] or None,
            }
            for name, each in found.parameters.items()
        ],
        "Description": found.description,
        **_capabilities(found),
        "DeclaredTransforms": [],
    }


async def get_template_summary(call: Call) -> Mapping[str, Any]:
    """GetTemplateSummary: of a template, or of the one that a stack has."""
    named, given = text(call.params, "StackName"), any(text(call.params, name) for name in _TEMPLATES)
    if named and given:
        raise Refused(BAD_COMBINATION, "Give StackName or a template, not both.")
    if named:
        stack = await stack_of(call)
        found = await template_summaries.of_stack(call.reader, call.caller, stack, rule=call.rule)
    else:
        request = template_request(call.params)
        found = await template_summaries.of_request(call.engine, call.caller, request, rule=call.rule)
    return {
        "Parameters": [_declared(name, each) for name, each in found.parameters.items()],
        "Description": found.description,
        **_capabilities(found),
        "ResourceTypes": sorted(found.resources),
        "Version": found.version,
        "Metadata": JsonText(found.metadata) if found.metadata else None,
        "DeclaredTransforms": [],
        "ResourceIdentifierSummaries": [
            {"ResourceType": kind, "LogicalResourceIds": names} for kind, names in found.resources.items()
        ],
    }


def _declared(name: str, shown: Mapping[str, Any]) -> Json:
    return {
        "ParameterKey": name,
        "DefaultValue": _default(shown),
        "ParameterType": shown["Type"],
        "NoEcho": shown["NoEcho"] == "true",
        "Description": shown["Description"] or None,
        "ParameterConstraints": {"AllowedValues": shown["AllowedValues"]}
        if "AllowedValues" in shown
        else None,
    }


def _default(shown: Mapping[str, Any]) -> Any:
    """The default as a text."""
    value = shown.get("Default")
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case list():
            return ",".join(map(str, value))
        case Mapping():
            return str(JsonText(value))
    return str(value)


def _capabilities(found: TemplateSummary) -> Json:
    """What a request has to acknowledge, and because of which types."""
    if not found.capabilities:
        return {"Capabilities": []}
    kinds = ", ".join(kind for kind in found.resources if kind.startswith(template_summaries.IAM))
    reason = f"The following resource(s) require capabilities: [{kinds}]"
    return {"Capabilities": list(found.capabilities), "CapabilitiesReason": reason}


ACTIONS = table(
    Action("GetTemplate", get_template),
    Action("ValidateTemplate", validate_template),
    Action("GetTemplateSummary", get_template_summary),
)
