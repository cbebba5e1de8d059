"""OS::Aodh::GnocchiAggregationByResourcesAlarm, an alarm on a metric of all resources that a query finds."""

from __future__ import annotations

from stackd.errors import PropertyError
from stackd.resources.aodh.alarm_props import GnocchiProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.aodh.gnocchi import COMPARED
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, prop
from stackd.template.named import FORMS


class GnocchiAggregationByResourcesAlarmProps(GnocchiProps):
    """Properties of ``OS::Aodh::GnocchiAggregationByResourcesAlarm``."""

    metric: str = prop("Name of the metric.", required=True, update=IN_PLACE)
    query: str = prop(
        "JSON of the query that finds the resources in Gnocchi: servers of a stack by the metadata item "
        'metering.server_group, as in {"=": {"server_group": "the stack\'s id"}}.',
        required=True,
        update=IN_PLACE,
    )
    resource_type: str = prop("Type of the resources in Gnocchi.", required=True, update=IN_PLACE)


@resource_type("OS::Aodh::GnocchiAggregationByResourcesAlarm", since="2015.1")
class GnocchiAggregationByResourcesAlarm(AlarmType[GnocchiAggregationByResourcesAlarmProps]):
    """Compares a metric of all resources in Gnocchi that a query finds, such as a group, with a threshold."""

    alarm_type = "gnocchi_aggregation_by_resources_threshold"
    rule_fields = (*COMPARED, "metric", "query", "resource_type")

    def validate(self, props: GnocchiAggregationByResourcesAlarmProps) -> None:
        """The query is JSON."""
        query = props.data.get("query")
        if isinstance(query, str) and (problem := FORMS["json_string"](query)):
            raise PropertyError(
                f"The query is not JSON: {problem}",
                path="properties.query",
                remedy='Write the query as JSON text, as in {"=": {"server_group": "..."}}.',
            )
