"""The actions of the CloudWatch API by their names, whatever protocol a request comes by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.cloudwatch import alarms, history, pushing, reading, requests, tags
from stackd.engine.usecases.cloudwatch.shapes import Shape
from stackd.engine.usecases.engine import Engine
from stackd.offload import parsed
from stackd.records import Caller

Run = Callable[[Engine, Caller, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An action: the shape of its request, and what answers it; None is no result."""

    shape: Shape
    run: Run


OPERATIONS: Final[Mapping[str, Operation]] = {
    "PutMetricData": Operation(requests.PUT_METRIC_DATA, pushing.put_metric_data),
    "GetMetricStatistics": Operation(requests.GET_METRIC_STATISTICS, reading.get_metric_statistics),
    "GetMetricData": Operation(requests.GET_METRIC_DATA, reading.get_metric_data),
    "ListMetrics": Operation(requests.LIST_METRICS, reading.list_metrics),
    "PutMetricAlarm": Operation(requests.PUT_METRIC_ALARM, alarms.put_metric_alarm),
    "DescribeAlarms": Operation(requests.DESCRIBE_ALARMS, alarms.describe_alarms),
    "DescribeAlarmsForMetric": Operation(
        requests.DESCRIBE_ALARMS_FOR_METRIC, alarms.describe_alarms_for_metric
    ),
    "DescribeAlarmHistory": Operation(requests.DESCRIBE_ALARM_HISTORY, history.describe_alarm_history),
    "SetAlarmState": Operation(requests.SET_ALARM_STATE, alarms.set_alarm_state),
    "EnableAlarmActions": Operation(requests.SOME_ALARMS, alarms.enable_alarm_actions),
    "DisableAlarmActions": Operation(requests.SOME_ALARMS, alarms.disable_alarm_actions),
    "DeleteAlarms": Operation(requests.SOME_ALARMS, alarms.delete_alarms),
    "TagResource": Operation(requests.TAG_RESOURCE, tags.tag_resource),
    "UntagResource": Operation(requests.UNTAG_RESOURCE, tags.untag_resource),
    "ListTagsForResource": Operation(requests.LIST_TAGS, tags.list_tags),
}


async def perform(
    engine: Engine, caller: Caller, name: str, request: Mapping[str, Any], weight: int
) -> dict[str, Any] | None:
    """The answer to a request for the action ``name``, which is known; ``weight`` is its size in bytes."""
    enforce(engine, caller, f"cloudwatch:{name}")
    operation = OPERATIONS[name]
    return await operation.run(engine, caller, await parsed(weight, operation.shape, request, ""))
