"""The properties that alarms share."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import between, custom, one_of
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.named import QUEUE

OPERATORS = one_of("le", "ge", "eq", "lt", "gt", "ne")
TYPES = one_of("integer", "float", "string", "boolean", "datetime")


class TimeConstraintProps(Properties):
    """A span of time, beginning again and again, in which an alarm is evaluated."""

    name: str = prop("Name of the span.", required=True)
    start: str = prop(
        "When it begins, as a cron expression.", required=True, constraints=[custom("cron_expression")]
    )
    duration: int = prop("How long it is, in seconds.", required=True, constraints=[between(0)])
    description: str | None = prop("What the span is for.")
    timezone: str | None = prop("Time zone of the cron expression.", constraints=[custom("timezone")])


def _actions(state: str) -> Any:
    return prop(
        f"What to call when the state becomes {state}: URLs, or names of resources that have one.",
        update=IN_PLACE,
    )


def _queues(state: str) -> Any:
    return prop(
        f"Names of the queues of Zaqar that get a message when the state becomes {state}.",
        default=[],
        update=IN_PLACE,
        element_constraints=[custom(QUEUE)],
        since="8.0.0",
    )


class AlarmProps(Properties):
    """What every alarm has."""

    description: str | None = prop("Description of the alarm.", update=IN_PLACE)
    enabled: bool = prop("Whether the alarm is evaluated.", default="true", update=IN_PLACE)
    alarm_actions: list[Any] | None = _actions("alarm")
    ok_actions: list[Any] | None = _actions("ok")
    insufficient_data_actions: list[Any] | None = _actions("insufficient data")
    alarm_queues: list[str] = _queues("alarm")
    ok_queues: list[str] = _queues("ok")
    insufficient_data_queues: list[str] = _queues("insufficient data")
    repeat_actions: bool = prop(
        "Whether the actions are repeated at each evaluation for as long as the state lasts.",
        default="true",
        update=IN_PLACE,
    )
    severity: str = prop(
        "Severity of the alarm.",
        default="low",
        update=IN_PLACE,
        constraints=[one_of("low", "moderate", "critical")],
        since="5.0.0",
    )
    time_constraints: list[TimeConstraintProps] = prop(
        "The only times at which the alarm is evaluated; always without any.", default=[], since="5.0.0"
    )


class ThresholdProps(AlarmProps):
    """What alarms have that compare a value with a threshold."""

    comparison_operator: str | None = prop(
        "How the value is compared with the threshold.", update=IN_PLACE, constraints=[OPERATORS]
    )
    threshold: float = prop("What the value is compared with.", required=True, update=IN_PLACE)


class PeriodicProps(ThresholdProps):
    """What alarms have that compare the values of several periods."""

    evaluation_periods: int | None = prop(
        "How many periods in a row the comparison has to hold.", update=IN_PLACE
    )


class GnocchiProps(PeriodicProps):
    """What alarms on metrics in Gnocchi have."""

    aggregation_method: str | None = prop(
        "How the measures of a period become one value, as in mean.", update=IN_PLACE
    )
    granularity: int | None = prop("Length of a period, in seconds.", update=IN_PLACE)
