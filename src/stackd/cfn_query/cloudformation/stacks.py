"""DescribeStacks and ListStacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.cloudformation.requests import shown_tags, stack_of
from stackd.cfn_query.cloudformation.statuses import native_statuses, reason_of, stack_status
from stackd.cfn_query.paging import PAGE, marker_of, next_token
from stackd.cfn_query.params import text, texts
from stackd.engine.usecases import stack_queries
from stackd.engine.usecases.arns import stack_arn, stack_named
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
        found, token = await _listed(call, StackFilter(), _DESCRIBED)
    views = [await stack_queries.show(call.reader, call.caller, stack, rule=call.rule) for stack in found]
    shown = [_described(view) | await _around(call, view.stack) for view in views]
    return {"Stacks": shown, "NextToken": token}


async def list_stacks(call: Call) -> Mapping[str, Any]:
    """ListStacks: also deleted ones, as long as they are kept."""
    wanted = texts(call.params, "StackStatusFilter") or []
    allowed = {"status": native_statuses(wanted)} if wanted else {}
    found, token = await _listed(call, StackFilter(show_deleted=True, allowed=allowed), PAGE, *wanted)
    shown = [each for each in found if not wanted or stack_status(each) in wanted]
    return {"StackSummaries": [_common(each) for each in shown], "NextToken": token}


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
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


async def _around(call: Call, stack: Stack) -> Json:
    """The stack in which a nested one is, and the outermost one."""
    if stack.parent_id is None:
        return {}
    parent = await stack_named(call.engine, call.caller, stack.parent_id, rule=call.rule)
    root = await stack_named(call.engine, call.caller, stack.root_id, rule=call.rule)
    return {"ParentId": stack_arn(parent), "RootId": stack_arn(root)}


def _described(view: StackView) -> Json:
    stack, facts = view.stack, view.facts
    return _common(stack) | {
        "Description": facts.description,
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": MASK if value == _HEAT_MASK else value}
            for name, value in facts.parameters.items()
            if "::" not in name
        ],
        "Outputs": [_output(key, each) for key, each in (view.outputs or {}).items() if _has_value(each)],
        "Tags": shown_tags(stack.tags),
        "Capabilities": [],
        "NotificationARNs": [],
        "DisableRollback": stack.disable_rollback,
        "TimeoutInMinutes": stack.timeout_mins,
        "EnableTerminationProtection": False,
    }


def _has_value(output: Mapping[str, Any]) -> bool:
    return output.get("value") is not None


def _output(key: str, output: Mapping[str, Any]) -> Json:
    value = output["value"]
    shown = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    return {"OutputKey": key, "OutputValue": shown, "Description": output["description"]}


ACTIONS = table(Action("DescribeStacks", describe_stacks), Action("ListStacks", list_stacks))
