"""OS::Aodh::GnocchiAggregationByMetricsAlarm, an alarm on several metrics together."""

from __future__ import annotations

from typing import Any

from stackd.resources.aodh.alarm_props import GnocchiProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.aodh.gnocchi import COMPARED
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, prop


class GnocchiAggregationByMetricsAlarmProps(GnocchiProps):
    """Properties of ``OS::Aodh::GnocchiAggregationByMetricsAlarm``."""

    metrics: list[Any] = prop("Ids of the metrics.", required=True, update=IN_PLACE)


@resource_type("OS::Aodh::GnocchiAggregationByMetricsAlarm", since="2015.1")
class GnocchiAggregationByMetricsAlarm(AlarmType[GnocchiAggregationByMetricsAlarmProps]):
    """Compares what several metrics in Gnocchi are together with a threshold."""

    alarm_type = "gnocchi_aggregation_by_metrics_threshold"
    rule_fields = (*COMPARED, "metrics")
