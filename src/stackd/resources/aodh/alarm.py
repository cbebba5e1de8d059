"""OS::Aodh::Alarm, an alarm on a meter of Ceilometer."""

from __future__ import annotations

from typing import Any

from stackd.resources.aodh.alarm_props import OPERATORS, TYPES, PeriodicProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.rest import without_nulls
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_OLD = Support(
    "DEPRECATED",
    "10.0.0",
    message="Ceilometer keeps no samples any more. Use OS::Aodh::GnocchiAggregationByResourcesAlarm.",
    previous=Support(version="2014.1"),
)
_ABOUT_SERVERS = ("instance", "cpu", "vcpus", "memory", "disk")
"""What the names of meters begin with whose samples have the metadata of a server."""

_SAMPLE, _SERVER = "metering.", "user_metadata."


class QueryProps(Properties):
    """A condition that samples must meet."""

    field: str | None = prop("Name of the field.")
    op: str | None = prop("How it is compared.", constraints=[OPERATORS])
    type: str = prop("Type of the value.", default="string", constraints=[TYPES], since="8.0.0")
    value: str | None = prop("What it is compared with.")


class MeterAlarmProps(PeriodicProps):
    """Properties of ``OS::Aodh::Alarm``."""

    meter_name: str = prop("Name of the meter.", required=True)
    matching_metadata: dict[str, Any] = prop(
        "Metadata that samples must have to count.", default={}, update=IN_PLACE
    )
    period: int | None = prop("Length of a period, in seconds.", update=IN_PLACE)
    statistic: str | None = prop(
        "How the samples of a period become one value.",
        update=IN_PLACE,
        constraints=[one_of("count", "avg", "sum", "min", "max")],
    )
    query: list[QueryProps] | None = prop(
        "Conditions that samples must meet to count.", update=IN_PLACE, since="2015.1"
    )


@resource_type("OS::Aodh::Alarm", support=_OLD)
class Alarm(AlarmType[MeterAlarmProps]):
    """Compares the samples of a meter with a threshold. Services of today refuse it."""

    alarm_type = "threshold"
    rule_fields = (
        *("meter_name", "statistic", "period", "evaluation_periods", "threshold"),
        "comparison_operator",
    )

    async def rule(self, ctx: Context, props: MeterAlarmProps) -> JSON:
        """Wanted metadata are conditions of the query."""
        conditions = without_nulls(props.data.get("query") or [])
        matching = [
            {"field": _field(props.meter_name, key), "op": "eq", "value": str(value)}
            for key, value in props.matching_metadata.items()
        ]
        return await super().rule(ctx, props) | {"query": [*conditions, *matching]}


def _field(meter: str, key: str) -> str:
    """Where samples have a key of the metadata, which may be written with its prefix."""
    name = key.removeprefix("metadata.")
    for prefix in (_SAMPLE, _SERVER):
        name = name.removeprefix(prefix)
    of_server = meter.replace("_", ".").split(".")[0] in _ABOUT_SERVERS
    return f"metadata.{_SERVER if of_server else _SAMPLE}{name}"
