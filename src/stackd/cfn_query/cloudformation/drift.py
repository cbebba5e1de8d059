"""Drift: whether objects in the cloud still are what stacks made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.cfn_query.actions import Action, Call, table
from stackd.cfn_query.answers import JsonText
from stackd.cfn_query.cloudformation.requests import stack_of
from stackd.cfn_query.paging import PAGE, page_of
from stackd.cfn_query.params import bad_value, integer, required, texts
from stackd.engine.usecases import drift
from stackd.engine.usecases.arns import stack_arn, stack_named
from stackd.records import DriftDetection, DriftState, ResourceDrift, Stack
from stackd.template.masking import shown_id
from stackd.urls import shown_name

Json = dict[str, Any]
STATUSES: Final = ("IN_SYNC", "MODIFIED", "DELETED", "NOT_CHECKED", "UNKNOWN", "UNSUPPORTED")
_MOST_NAMES = 200
_STATES: Final = {
    DriftState.RUNNING: "DETECTION_IN_PROGRESS",
    DriftState.DONE: "DETECTION_COMPLETE",
    DriftState.FAILED: "DETECTION_FAILED",
}


async def detect_stack_drift(call: Call) -> Mapping[str, Any]:
    """DetectStackDrift: begins in the background."""
    names = texts(call.params, "LogicalResourceIds", most=_MOST_NAMES) or None
    begun = await drift.detect(call.engine, call.caller, await stack_of(call), names, rule=call.rule)
    return {"StackDriftDetectionId": begun.id}


async def describe_stack_drift_detection_status(call: Call) -> Mapping[str, Any]:
    """DescribeStackDriftDetectionStatus."""
    id_ = required(call.params, "StackDriftDetectionId")
    found = await drift.detection(call.engine, call.caller, id_, rule=call.rule)
    stack = await stack_named(call.engine, call.caller, found.stack_id, rule=call.rule)
    is_done = found.state is DriftState.DONE
    return {
        "StackId": stack_arn(stack),
        "StackDriftDetectionId": found.id,
        "StackDriftStatus": drift_status(found) if is_done else None,
        "DetectionStatus": _STATES[found.state],
        "DetectionStatusReason": found.reason or None,
        "DriftedStackResourceCount": found.drifted if is_done else None,
        "Timestamp": found.created_at,
    }


def drift_status(detection: DriftDetection | None) -> str:
    """What a detection found of its stack as a whole."""
    if detection is None or detection.state is DriftState.RUNNING:
        return "NOT_CHECKED"
    if detection.state is DriftState.FAILED:
        return "UNKNOWN"
    return "DRIFTED" if detection.drifted else "IN_SYNC"


async def describe_stack_resource_drifts(call: Call) -> Mapping[str, Any]:
    """DescribeStackResourceDrifts: as of the newest detection of each resource."""
    wanted = texts(call.params, "StackResourceDriftStatusFilters") or []
    for each in wanted:
        if each not in STATUSES:
            raise bad_value("StackResourceDriftStatusFilters", f"may have {', '.join(STATUSES)}")
    stack = await stack_of(call)
    _, found = await drift.listed(call.engine, call.caller, stack, wanted, rule=call.rule)
    most = integer(call.params, "MaxResults", least=1, most=PAGE) or PAGE
    page, token = page_of(call, found, [each.name for each in found], stack.id, *wanted, most=most)
    return {"StackResourceDrifts": [shown_drift(stack, each) for each in page], "NextToken": token}


async def detect_stack_resource_drift(call: Call) -> Mapping[str, Any]:
    """DetectStackResourceDrift: compares one resource before it answers."""
    name = required(call.params, "LogicalResourceId")
    stack, found = await drift.detect_one(
        call.engine, call.caller, await stack_of(call), name, rule=call.rule
    )
    return {"StackResourceDrift": shown_drift(stack, found)}


def shown_drift(stack: Stack, found: ResourceDrift) -> Json:
    """What is known of one resource."""
    content = found.content
    return {
        "StackId": stack_arn(stack),
        "LogicalResourceId": found.name,
        "PhysicalResourceId": shown_id(found.physical_id),
        "ResourceType": shown_name(found.type),
        "ExpectedProperties": str(JsonText(content["expected"])),
        "ActualProperties": str(JsonText(content["actual"])),
        "PropertyDifferences": [
            {
                "PropertyPath": each["path"],
                "ExpectedValue": _value(each["expected"]),
                "ActualValue": _value(each["actual"]),
                "DifferenceType": each["kind"],
            }
            for each in content["differences"]
        ],
        "StackResourceDriftStatus": found.status,
        "Timestamp": found.checked_at,
        "DriftStatusReason": found.reason,
    }


def _value(value: Any) -> str:
    """A value as a text; what is not there is null."""
    return value if isinstance(value, str) else str(JsonText(value))


ACTIONS = table(
    Action("DetectStackDrift", detect_stack_drift),
    Action("DescribeStackDriftDetectionStatus", describe_stack_drift_detection_status),
    Action("DescribeStackResourceDrifts", describe_stack_resource_drifts),
    Action("DetectStackResourceDrift", detect_stack_resource_drift),
)
