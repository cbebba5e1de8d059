"""Change sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.answers import JsonText
from stackd.cfn_query.cloudformation.changes import require_updatable
from stackd.cfn_query.cloudformation.requests import (
    change_request,
    shown_tags,
    stack_of,
    stack_request,
    tags,
)
from stackd.cfn_query.cloudformation.terms import request_token, require_capabilities, terms_of
from stackd.cfn_query.paging import page_of
from stackd.cfn_query.params import bad_value, choice, flag, required, text
from stackd.engine.usecases import change_sets
from stackd.engine.usecases.arns import arn_of_change_set, change_set_uuid, stack_arn, stack_named
from stackd.engine.usecases.change_sets import CREATE, UPDATE, NewChangeSet, View
from stackd.engine.usecases.repeats import once
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Action as StackAction
from stackd.records import Stack

Json = dict[str, Any]
_NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_ON_FAILURE: Final = ("DO_NOTHING", "ROLLBACK", "DELETE")
_LONGEST_TEXT = 1_024
MASK: Final = "****"
_HEAT_MASK: Final = "******"


async def create_change_set(call: Call) -> Mapping[str, Any]:
    """CreateChangeSet: complete, or failed for want of changes, when this answers."""
    params = call.params
    name = required(params, "ChangeSetName")
    if not _NAME.fullmatch(name):
        raise bad_value("ChangeSetName", "must be letters, digits and hyphens, a letter first, 128 at most")
    kind = choice(params, "ChangeSetType", CREATE, UPDATE) or UPDATE
    on_failure = choice(params, "OnStackFailure", *_ON_FAILURE)
    terms = await terms_of(call)
    request = await _request(call, kind, disabled=None if on_failure is None else on_failure == "DO_NOTHING")
    await require_capabilities(call, request)
    wanted = NewChangeSet(
        name=name,
        kind=kind,
        stack=await _name(call),
        shown={
            "description": _description(call),
            "tags": list(request.tags or ()),
            "on_failure": on_failure,
            "nested": bool(flag(params, "IncludeNestedStacks")),
        },
        token=request_token(call, "ClientToken"),
    )
    made = await change_sets.create(call.engine, call.caller, wanted, request, terms)
    return {"Id": arn_of_change_set(made.change_set), "StackId": stack_arn(made.stack)}


async def _request(call: Call, kind: str, *, disabled: bool | None) -> StackRequest:
    """What the stack is to be; an update may keep the template and values of parameters."""
    if kind == UPDATE:
        stack = await stack_of(call)
        if stack.action is not StackAction.INIT:  # else the use case refuses it, as if it did not exist
            require_updatable(stack)
            return await change_request(call, stack, disable_rollback=disabled)
    request = stack_request(call, disable_rollback=bool(disabled))
    return request.model_copy(update={"tags": tags(call.params)})


async def _name(call: Call) -> str:
    """The name of the stack, or its id if it is named by its ARN."""
    given = required(call.params, "StackName")
    if not given.startswith("arn:"):
        return given
    return (await stack_named(call.engine, call.caller, given, rule=call.rule)).id


def _description(call: Call) -> str | None:
    value = text(call.params, "Description")
    if value and len(value) > _LONGEST_TEXT:
        raise bad_value("Description", f"may have {_LONGEST_TEXT} characters")
    return value or None


# --- showing ---------------------------------------------------------------------------------------------


async def change_set_of(call: Call) -> View:
    """The change set that is named by its ARN, or by its stack and its name."""
    reference = required(call.params, "ChangeSetName")
    uuid = change_set_uuid(call.caller, reference)
    stack = "" if uuid else (await stack_of(call)).id
    return await change_sets.found(call.engine, call.caller, stack, reference, uuid, rule=call.rule)


async def describe_change_set(call: Call) -> Mapping[str, Any]:
    """DescribeChangeSet: page by page its changes."""
    view = await change_set_of(call)
    content = view.change_set.content
    values = bool(flag(call.params, "IncludePropertyValues"))
    changes = content["changes"]
    ids = [str(at) for at in range(len(changes))]
    page, token = page_of(call, changes, ids, view.change_set.uuid)
    return {
        **_summary(view),
        "Parameters": _parameters(content.get("parameters") or {}),
        "Tags": shown_tags(content["tags"]),
        "Changes": [_change(each, values=values) for each in page],
        "NextToken": token,
        **_shown_settings(content["terms"]["settings"]),
        "OnStackFailure": content["on_failure"],
        "IncludeNestedStacks": content["nested"],
    }


def _parameters(shown: Mapping[str, str]) -> list[Json]:
    return [
        {"ParameterKey": name, "ParameterValue": MASK if value == _HEAT_MASK else value}
        for name, value in shown.items()
        if "::" not in name
    ]


def _shown_settings(settings: Mapping[str, Any]) -> Json:
    return {
        "Capabilities": settings.get("capabilities", []),
        "NotificationARNs": settings.get("notification_arns", []),
        "RollbackConfiguration": settings.get("rollback_configuration", {}),
    }


def _summary(view: View) -> Json:
    """What descriptions and lists share."""
    change_set = view.change_set
    return {
        "ChangeSetId": arn_of_change_set(change_set),
        "ChangeSetName": change_set.name,
        "StackId": stack_arn(view.stack),
        "StackName": view.stack.name,
        "Description": change_set.content.get("description"),
        "CreationTime": change_set.created_at,
        "Status": "CREATE_COMPLETE" if change_set.plan_id else "FAILED",
        "StatusReason": change_set.reason,
        "ExecutionStatus": view.execution.value,
    }


def _change(change: Mapping[str, Any], *, values: bool) -> Json:
    shown: Json = {
        "Action": change["action"],
        "LogicalResourceId": change["name"],
        "PhysicalResourceId": change.get("physical_id"),
        "ResourceType": change["type"],
        "PolicyAction": change.get("policy_action"),
        "Replacement": change.get("replacement"),
        "Scope": change.get("scope", []),
        "Details": [_detail(each, values=values) for each in change.get("details", ())],
    }
    return {"Type": "Resource", "ResourceChange": shown}


def _detail(detail: Mapping[str, Any], *, values: bool) -> Json:
    target: Json = {
        "Attribute": detail["attribute"],
        "Name": detail.get("name"),
        "Path": detail.get("path"),
        "RequiresRecreation": detail["recreation"],
        "AttributeChangeType": detail.get("change"),
    }
    if values:
        target |= {"BeforeValue": _value(detail.get("before")), "AfterValue": _value(detail.get("after"))}
    return {
        "Target": target,
        "Evaluation": detail["evaluation"],
        "ChangeSource": detail["source"],
        "CausingEntity": detail.get("entity"),
    }


def _value(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(JsonText(value))


async def list_change_sets(call: Call) -> Mapping[str, Any]:
    """ListChangeSets: those that were not executed."""
    stack = await stack_of(call)
    found = await change_sets.listed(call.engine, call.caller, stack.id)
    page, token = page_of(call, found, [each.change_set.uuid for each in found], stack.id)
    return {"Summaries": [_summary(each) for each in page], "NextToken": token}


async def describe_change_set_hooks(call: Call) -> Mapping[str, Any]:
    """DescribeChangeSetHooks: there are none of this kind."""
    summary = _summary(await change_set_of(call))
    names = ("ChangeSetId", "ChangeSetName", "StackId", "StackName")
    return {**{name: summary[name] for name in names}, "Hooks": [], "Status": "PLANNED"}


# --- executing and deleting -------------------------------------------------------------------------------


async def execute_change_set(call: Call) -> Mapping[str, Any]:
    """ExecuteChangeSet: the stack is in progress when this answers."""
    token = request_token(call)

    async def execute() -> Stack:
        return await change_sets.execute(
            call.engine,
            call.caller,
            await change_set_of(call),
            disable_rollback=flag(call.params, "DisableRollback"),
            unretained=bool(flag(call.params, "RetainExceptOnCreate")),
            token=token,
        )

    await once(call.engine, call.caller, call.rule, token, execute)
    return {}


async def delete_change_set(call: Call) -> Mapping[str, Any]:
    """DeleteChangeSet: also of one that does not exist, of a stack that does."""
    reference = required(call.params, "ChangeSetName")
    uuid = change_set_uuid(call.caller, reference)
    stack = "" if uuid else (await stack_of(call)).id
    await change_sets.delete(call.engine, call.caller, stack, reference, uuid)
    return {}


ACTIONS = table(
    Action("CreateChangeSet", create_change_set),
    Action("DescribeChangeSet", describe_change_set),
    Action("DescribeChangeSetHooks", describe_change_set_hooks),
    Action("ListChangeSets", list_change_sets),
    Action("ExecuteChangeSet", execute_change_set),
    Action("DeleteChangeSet", delete_change_set),
)
