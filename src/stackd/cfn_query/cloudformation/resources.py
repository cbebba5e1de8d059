"""DescribeStackResource, DescribeStackResources and ListStackResources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stackd.auth.signatures import SignedRequest
from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.answers import JsonText
from stackd.cfn_query.cloudformation.requests import stack_of
from stackd.cfn_query.cloudformation.statuses import reason_of, resource_status
from stackd.cfn_query.codes import BAD_COMBINATION, Refused
from stackd.cfn_query.front import CfnFront
from stackd.cfn_query.paging import page_of
from stackd.cfn_query.params import Params, bad_value, required, text
from stackd.engine.usecases import drift, resource_queries, signed_polls
from stackd.engine.usecases.arns import stack_arn
from stackd.engine.usecases.queries import ResourceView
from stackd.offload import in_turns
from stackd.records import Action as StackAction
from stackd.records import Caller, ResourceDrift, Stack

Json = dict[str, Any]
_AT_ONCE = 100
"""Resources that are rendered in one turn of the event loop."""


async def describe_stack_resource(call: Call) -> Mapping[str, Any]:
    """DescribeStackResource: a resource with its metadata."""
    stack, name = await stack_of(call), required(call.params, "LogicalResourceId")
    view, description, metadata = await resource_queries.with_metadata(
        call.reader, call.caller, stack, name, rule=call.rule
    )
    detail = _common(view, await _drifts(call, stack)) | {
        "LastUpdatedTimestamp": _changed_at(view),
        "Description": description,
        "Metadata": JsonText(metadata),
    }
    return {"StackResourceDetail": detail}


async def _poller(front: CfnFront, params: Params, signed: SignedRequest) -> Caller:
    """Who asks for a resource: its guest, or anybody else."""
    stack, name = required(params, "StackName"), required(params, "LogicalResourceId")
    return await signed_polls.poller(front.engine, front.signatures, signed, stack, name)


async def describe_stack_resources(call: Call) -> Mapping[str, Any]:
    """DescribeStackResources: those of a stack, or of the stack that has an object of the cloud."""
    name, physical_id = text(call.params, "StackName"), text(call.params, "PhysicalResourceId")
    if name and physical_id:
        raise Refused(BAD_COMBINATION, "Give StackName or PhysicalResourceId, not both.")
    if name:
        stack = await stack_of(call)
    elif physical_id:
        stack = await resource_queries.stack_with(call.engine, call.caller, physical_id, rule=call.rule)
    else:
        raise bad_value("StackName", "is required, or PhysicalResourceId")
    wanted = text(call.params, "LogicalResourceId")
    filters = {"name": (wanted,)} if wanted else {}
    found = await resource_queries.listed(call.reader, call.caller, stack, filters, rule=call.rule)
    described = partial(_described, drifts=await _drifts(call, stack))
    return {"StackResources": await in_turns(described, _made(found), _AT_ONCE)}


async def list_stack_resources(call: Call) -> Mapping[str, Any]:
    """ListStackResources: page by page."""
    stack = await stack_of(call)
    found = _made(await resource_queries.listed(call.reader, call.caller, stack, {}, rule=call.rule))
    page, token = page_of(call, found, [view.resource.name for view in found], stack.id)
    drifts = await _drifts(call, stack)
    return {"StackResourceSummaries": [_summary(view, drifts) for view in page], "NextToken": token}


async def _drifts(call: Call, stack: Stack) -> Mapping[str, ResourceDrift]:
    """What is known of the drift of a stack's resources; of most stacks nothing."""
    if stack.drift_id is None:
        return {}
    return {each.name: each for each in await drift.known_of(call.engine, stack)}


def _made(views: list[ResourceView]) -> list[ResourceView]:
    """The resources of which something has begun; others are not known to CloudFormation."""
    return [view for view in views if view.resource.action is not StackAction.INIT]


def _summary(view: ResourceView, drifts: Mapping[str, ResourceDrift]) -> Json:
    row, found = view.resource, drifts.get(view.resource.name)
    return {
        "LogicalResourceId": row.name,
        "PhysicalResourceId": _physical_id(view),
        "ResourceType": view.type,
        "LastUpdatedTimestamp": _changed_at(view),
        "ResourceStatus": resource_status(row.action, row.status),
        "ResourceStatusReason": reason_of(row.action, row.status, row.reason),
        "DriftInformation": {
            "StackResourceDriftStatus": found.status if found is not None else "NOT_CHECKED",
            "LastCheckTimestamp": found.checked_at if found is not None else None,
        },
    }


def _described(view: ResourceView, *, drifts: Mapping[str, ResourceDrift]) -> Json:
    return _common(view, drifts) | {"Timestamp": _changed_at(view)}


def _common(view: ResourceView, drifts: Mapping[str, ResourceDrift]) -> Json:
    """What the descriptions of a resource share: what a summary has, without its time, and its stack."""
    shown = _summary(view, drifts) | {"StackId": stack_arn(view.stack), "StackName": view.stack.name}
    del shown["LastUpdatedTimestamp"]
    return shown


def _physical_id(view: ResourceView) -> str | None:
    """The id of the object; of a stack inside its ARN."""
    if view.nested is not None and view.physical_id == view.nested.id:
        return stack_arn(view.nested)
    return view.physical_id or None


def _changed_at(view: ResourceView) -> Any:
    return view.resource.updated_at or view.resource.created_at


ACTIONS = table(
    Action("DescribeStackResource", describe_stack_resource, check=_poller),
    Action("DescribeStackResources", describe_stack_resources),
    Action("ListStackResources", list_stack_resources),
)
