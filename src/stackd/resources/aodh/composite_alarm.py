"""OS::Aodh::CompositeAlarm, an alarm made of the rules of several."""

from __future__ import annotations

from typing import Any

from stackd.resources.aodh.alarm_props import AlarmProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.constraints import length, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.rest import without_nulls
from stackd.resources.schema import IN_PLACE, Properties, prop


class CompositeRuleProps(Properties):
    """Rules, and how they are combined."""

    operator: str = prop(
        "Whether one rule or all have to hold.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("or", "and")],
    )
    rules: list[Any] = prop(
        "The rules: each has a type and what an alarm of that type has, or is a combination under and or or.",
        required=True,
        update=IN_PLACE,
        constraints=[length(2)],
    )


class CompositeAlarmProps(AlarmProps):
    """Properties of ``OS::Aodh::CompositeAlarm``."""

    composite_rule: CompositeRuleProps = prop("The combined rules.", required=True, update=IN_PLACE)


@resource_type("OS::Aodh::CompositeAlarm", since="8.0.0")
class CompositeAlarm(AlarmType[CompositeAlarmProps]):
    """Combines the rules of alarms on thresholds, nested to any depth."""

    alarm_type = "composite"

    async def rule(self, ctx: Context, props: CompositeAlarmProps) -> JSON:
        """The rules under their operator."""
        combined = props.composite_rule
        return {combined.operator: without_nulls(combined.rules)}
