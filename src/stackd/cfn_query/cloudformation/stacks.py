"""DescribeStacks and ListStacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.cloudformation.drift import drift_status
from stackd.cfn_query.cloudformation.requests import shown_tags, stack_of
from stackd.cfn_query.cloudformation.statuses import native_statuses, reason_of, stack_status
from stackd.cfn_query.paging import PAGE, marker_of, next_token
from stackd.cfn_query.params import text, texts
from stackd.engine.usecases import drift, export_queries, stack_queries
from stackd.engine.usecases.arns import change_set_arn, stack_arn, stack_named
from stackd.engine.usecases.stack_queries import Page, StackFilter, StackView
from stackd.records import Stack

Json = dict[str, Any]
_DESCRIBED = 25
"""Stacks that are described in one answer: each with its parameters and outputs."""

MASK = "****"
"""What CloudFormation shows of a parameter that is not to be shown."""
_HEAT_MASK = "******"


async def describe_stacks(call: Call) -> Mapping[str, Any]:
    """DescribeStacks: one stack, or page by page all of the project."""
    if text(call.params, "StackName"):
        found: Sequence[Stack] = [await stack_of(call)]
        token = None
    else:
        found, token = await _listed(call, StackFilter(show_reserved=True), _DESCRIBED)
    views = [await stack_queries.show(call.reader, call.caller, stack, rule=call.rule) for stack in found]
    shown = [
        _described(view, await export_queries.names_of(call.engine, view.stack))
        | await _more(call, view.stack)
        for view in views
    ]
    return {"Stacks": shown, "NextToken": token}


async def list_stacks(call: Call) -> Mapping[str, Any]:
    """ListStacks: also deleted ones, as long as they are kept."""
    wanted = texts(call.params, "StackStatusFilter") or []
    allowed = {"status": native_statuses(wanted)} if wanted else {}
    found, token = await _listed(
        call, StackFilter(show_deleted=True, show_reserved=True, allowed=allowed), PAGE, *wanted
    )
    shown = [each for each in found if not wanted or stack_status(each) in wanted]
    summaries = [_common(each) | await _drift(call, each) for each in shown]
    return {"StackSummaries": summaries, "NextToken": token}


async def _listed(
    call: Call, wanted: StackFilter, most: int, *bound: str
) -> tuple[Sequence[Stack], str | None]:
    """A page of stacks, and what continues the list."""
    if wanted.allowed.get("status") == ():  # no state is shown under that name
        return [], None
    page = Page(limit=most, marker=marker_of(call, *bound))
    found = await stack_queries.listed(call.reader, call.caller, wanted, page, rule=call.rule)
    token = next_token(call, found.stacks[-1].id, *bound) if found.is_full else None
    return found.stacks, token


def _common(stack: Stack) -> Json:
    """What descriptions and summaries share."""
    return {
        "StackId": stack_arn(stack),
        "StackName": stack.name,
        "CreationTime": stack.created_at,
        "LastUpdatedTime": stack.updated_at,
        "DeletionTime": stack.deleted_at,
        "StackStatus": stack_status(stack),
        "StackStatusReason": reason_of(stack.action, stack.status, stack.reason),
    }


async def _more(call: Call, stack: Stack) -> Json:
    """What is known of a stack elsewhere: its drift, the stacks around it, and the protection it has of
    them."""
    drift_information = await _drift(call, stack)
    if stack.parent_id is None:
        return drift_information
    parent = await stack_named(call.engine, call.caller, stack.parent_id, rule=call.rule)
    root = await stack_named(call.engine, call.caller, stack.root_id, rule=call.rule)
    around = {"ParentId": stack_arn(parent), "RootId": stack_arn(root)}
    return drift_information | around | {"EnableTerminationProtection": root.protected}


async def _drift(call: Call, stack: Stack) -> Json:
    newest = await drift.newest_of(call.engine, stack)
    status = drift_status(newest)
    checked = newest.updated_at if newest is not None and status != "NOT_CHECKED" else None
    return {"DriftInformation": {"StackDriftStatus": status, "LastCheckTimestamp": checked}}


def _described(view: StackView, exported: Mapping[str, str]) -> Json:
    stack, facts = view.stack, view.facts
    return _common(stack) | {
        "Description": facts.description,
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": MASK if value == _HEAT_MASK else value}
            for name, value in facts.parameters.items()
            if "::" not in name
        ],
        "Outputs": [
            _output(key, each) | {"ExportName": exported.get(key)}
            for key, each in (view.outputs or {}).items()
            if _has_value(each)
        ],
        "Tags": shown_tags(stack.tags),
        **_settings(stack),
        "DisableRollback": stack.disable_rollback,
        "TimeoutInMinutes": stack.timeout_mins,
        "EnableTerminationProtection": stack.protected,
    }


def _settings(stack: Stack) -> Json:
    """What the owner asked to be kept with a stack."""
    kept = stack.settings
    change_set = kept.get("change_set")
    return {
        "Capabilities": kept.get("capabilities", []),
        "NotificationARNs": kept.get("notification_arns", []),
        "RoleARN": kept.get("role_arn"),
        "RollbackConfiguration": kept.get("rollback_configuration", {}),
        "RetainExceptOnCreate": kept.get("retain_except_on_create"),
        "ChangeSetId": change_set_arn(stack.project_id, *change_set) if change_set else None,
    }


def _has_value(output: Mapping[str, Any]) -> bool:
    return output.get("value") is not None


def _output(key: str, output: Mapping[str, Any]) -> Json:
    value = output["value"]
    shown = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    return {"OutputKey": key, "OutputValue": shown, "Description": output["description"]}


ACTIONS = table(Action("DescribeStacks", describe_stacks), Action("ListStacks", list_stacks))
