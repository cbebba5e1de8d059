"""OS::Aodh::EventAlarm, an alarm that an event raises."""

from __future__ import annotations

from stackd.resources.aodh.alarm_props import OPERATORS, TYPES, AlarmProps
from stackd.resources.aodh.alarms import AlarmType
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class EventQueryProps(Properties):
    """A condition that an event must meet."""

    field: str | None = prop("Name of the trait, as in traits.instance_id.")
    op: str | None = prop("How it is compared.", constraints=[OPERATORS])
    type: str = prop("Type of the value.", default="string", constraints=[TYPES])
    value: str | None = prop("What it is compared with.")


class EventAlarmProps(AlarmProps):
    """Properties of ``OS::Aodh::EventAlarm``."""

    event_type: str = prop("Type of the events; it may have wildcards.", default="*", update=IN_PLACE)
    query: list[EventQueryProps] | None = prop("Conditions that an event must meet.", update=IN_PLACE)


@resource_type("OS::Aodh::EventAlarm", since="8.0.0")
class EventAlarm(AlarmType[EventAlarmProps]):
    """Is raised by an event of a service, as soon as that arrives."""

    alarm_type = "event"
    rule_fields = ("event_type", "query")
