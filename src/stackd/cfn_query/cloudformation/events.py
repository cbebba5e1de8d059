"""DescribeStackEvents: the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.answers import JsonText
from stackd.cfn_query.cloudformation.requests import stack_of
from stackd.cfn_query.cloudformation.statuses import reason_of, resource_status, status_of
from stackd.cfn_query.paging import PAGE, marker_of, next_token
from stackd.engine.usecases import event_queries
from stackd.engine.usecases.arns import stack_arn
from stackd.engine.usecases.event_queries import EventView
from stackd.engine.usecases.stack_queries import Page
from stackd.records import Event, Stack, Status
from stackd.urls import shown_name

STACK_TYPE: Final = "AWS::CloudFormation::Stack"
_BY_USER: Final = "User Initiated"
"""The reason of the first event of a requested operation; clients look for it."""


async def describe_stack_events(call: Call) -> Mapping[str, Any]:
    """DescribeStackEvents: those of a stack, without those of the stacks inside."""
    stack = await stack_of(call)
    page = Page(limit=PAGE, marker=marker_of(call, stack.id))
    found = await event_queries.listed(
        call.reader, call.caller, stack, {}, page, with_properties=True, rule=call.rule
    )
    token = None
    if len(found.events) == PAGE:
        token = next_token(call, found.events[-1].event.id, stack.id)
    return {"StackEvents": [_shown(view) for view in found.events], "NextToken": token}


def _shown(view: EventView) -> dict[str, Any]:
    event, stack = view.event, view.stack
    shown = {
        "EventId": event.id,
        "StackId": stack_arn(stack),
        "StackName": stack.name,
        "Timestamp": event.time,
        "ResourceProperties": JsonText(event.properties) if event.properties else None,
    }
    return shown | (_of_stack(event, stack) if is_own(event, stack) else _of_resource(event))


def is_own(event: Event, stack: Stack) -> bool:
    """Whether an event is one of the stack itself."""
    return event.physical_id == stack.id and event.resource_name == stack.name


def _of_stack(event: Event, stack: Stack) -> dict[str, Any]:
    begins = event.status is Status.IN_PROGRESS and stack.parent_id is None
    status = status_of(stack, event.action, event.status)
    return {
        "LogicalResourceId": stack.name,
        "PhysicalResourceId": stack_arn(stack),
        "ResourceType": STACK_TYPE,
        "ResourceStatus": status,
        "ResourceStatusReason": _BY_USER
        if begins and "ROLLBACK" not in status
        else reason_of(event.action, event.status, event.reason),
    }


def _of_resource(event: Event) -> dict[str, Any]:
    return {
        "LogicalResourceId": event.resource_name,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": shown_name(event.resource_type),
        "ResourceStatus": resource_status(event.action, event.status),
        "ResourceStatusReason": reason_of(event.action, event.status, event.reason),
    }


ACTIONS = table(Action("DescribeStackEvents", describe_stack_events))
