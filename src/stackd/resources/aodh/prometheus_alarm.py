"""OS::Aodh::PrometheusAlarm, an alarm on a query to Prometheus."""

from __future__ import annotations

from stackd.resources.aodh.alarm_props import ThresholdProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, prop


class PrometheusAlarmProps(ThresholdProps):
    """Properties of ``OS::Aodh::PrometheusAlarm``."""

    query: str = prop("The query, in PromQL.", required=True, update=IN_PLACE)


@resource_type("OS::Aodh::PrometheusAlarm", since="22.0.0")
class PrometheusAlarm(AlarmType[PrometheusAlarmProps]):
    """Compares what a query to Prometheus gives with a threshold."""

    alarm_type = "prometheus"
    rule_fields = ("comparison_operator", "threshold", "query")
