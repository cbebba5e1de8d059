"""OS::Heat::CWLiteAlarm, the former name of AWS::CloudWatch::Alarm."""

from __future__ import annotations

from typing import Any

from stackd.resources.aws.cloudwatch_alarm import AlarmProps, StoredAlarm
from stackd.resources.registry import resource_type
from stackd.resources.schema import Support, prop


class LiteAlarmProps(AlarmProps):
    """Properties of ``OS::Heat::CWLiteAlarm``: what is measured does not change."""

    metric: str = prop("Name of the metric.", name="MetricName", required=True)
    namespace: str = prop("Namespace of the metric.", name="Namespace", required=True)
    dimensions: list[Any] | None = prop(
        "Names and values that samples of the metric have, among others.", name="Dimensions"
    )


@resource_type(
    "OS::Heat::CWLiteAlarm",
    support=Support("HIDDEN", "10.0.0", previous=Support("DEPRECATED", "2014.2")),
)
class LiteAlarm(StoredAlarm[LiteAlarmProps]):
    """The former name of an alarm that stackd itself evaluates; templates use `AWS::CloudWatch::Alarm`."""
