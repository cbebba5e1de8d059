"""OS::Aodh::GnocchiResourcesAlarm, an alarm on a metric of one resource."""

from __future__ import annotations

from stackd.resources.aodh.alarm_props import GnocchiProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.aodh.gnocchi import COMPARED
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, prop


class GnocchiResourcesAlarmProps(GnocchiProps):
    """Properties of ``OS::Aodh::GnocchiResourcesAlarm``."""

    metric: str = prop("Name of the metric.", required=True, update=IN_PLACE)
    resource_id: str = prop("Id of the resource in Gnocchi.", required=True, update=IN_PLACE)
    resource_type: str = prop("Type of the resource in Gnocchi.", required=True, update=IN_PLACE)


@resource_type("OS::Aodh::GnocchiResourcesAlarm", since="2015.1")
class GnocchiResourcesAlarm(AlarmType[GnocchiResourcesAlarmProps]):
    """Compares a metric of one resource in Gnocchi with a threshold."""

    alarm_type = "gnocchi_resources_threshold"
    rule_fields = (*COMPARED, "metric", "resource_id", "resource_type")
