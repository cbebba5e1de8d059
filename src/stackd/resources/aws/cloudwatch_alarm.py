"""AWS::CloudWatch::Alarm: something is done when a metric says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.unknown import Unknown

_NAMESPACE = "system/linux"
_OPERATORS = (
    *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold"),
    *("LessThanThreshold", "LessThanOrEqualToThreshold"),
)
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_AMOUNTS = (
    *("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes"),
    *("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits"),
)
_UNITS = (
    *("Seconds", "Microseconds", "Milliseconds", *_AMOUNTS, "Percent", "Count"),
    *(f"{each}/Second" for each in (*_AMOUNTS, "Count")),
    "None",
)
ARN = "arn"
"""The private value with the ARN of the alarm."""

_WHOLE = ("Period", "EvaluationPeriods", "DatapointsToAlarm")
_AS_THEY_ARE = (
    *("AlarmDescription", "ComparisonOperator", "MetricName", "Statistic", "ExtendedStatistic"),
    *("TreatMissingData", "EvaluateLowSampleCountPercentile"),
    *("AlarmActions", "OKActions", "InsufficientDataActions"),
)
P = TypeVar("P", bound=Properties)


class AlarmProps(Properties):
    """Properties of ``AWS::CloudWatch::Alarm``. Numbers may be texts, as in old templates."""

    comparison: str = prop(
        "How the statistic is compared with the threshold.",
        name="ComparisonOperator",
        required=True,
        update=IN_PLACE,
        constraints=[one_of(*_OPERATORS)],
    )
    description: str | None = prop("What the alarm is for.", name="AlarmDescription", update=IN_PLACE)
    periods: str = prop(
        "Periods that are looked at.", name="EvaluationPeriods", required=True, update=IN_PLACE
    )
    metric: str = prop("Name of the metric.", name="MetricName", required=True, update=IN_PLACE)
    namespace: str | None = prop(
        f"Namespace of the metric; {_NAMESPACE} if not given.", name="Namespace", update=IN_PLACE
    )
    period: str = prop("Seconds of a period.", name="Period", required=True, update=IN_PLACE)
    statistic: str = prop(
        "What is computed of the samples of a period.",
        name="Statistic",
        required=True,
        update=IN_PLACE,
        constraints=[one_of(*_STATISTICS)],
    )
    alarm_actions: list[Any] | None = prop(
        "What is signalled while the alarm is raised: references of policies, ARNs or URLs.",
        name="AlarmActions",
        update=IN_PLACE,
    )
    ok_actions: list[Any] | None = prop(
        "What is signalled while all is well.", name="OKActions", update=IN_PLACE
    )
    dimensions: list[Any] | None = prop(
        "Names and values that samples of the metric have, among others.",
        name="Dimensions",
        update=IN_PLACE,
    )
    insufficient_actions: list[Any] | None = prop(
        "What is signalled while nothing is measured.", name="InsufficientDataActions", update=IN_PLACE
    )
    threshold: str = prop(
        "What the statistic is compared with.", name="Threshold", required=True, update=IN_PLACE
    )
    units: str | None = prop(
        "Unit of the samples that count; any if not given.",
        name="Units",
        update=IN_PLACE,
        constraints=[one_of(*_UNITS)],
    )
    unit: str | None = prop("The same as Units.", name="Unit", update=IN_PLACE, constraints=[one_of(*_UNITS)])
    alarm_name: str | None = prop("Name of the alarm; made up if not given.", name="AlarmName")
    actions_enabled: bool | None = prop(
        "Whether anything is signalled; it is if not given.", name="ActionsEnabled", update=IN_PLACE
    )
    needed: int | None = prop(
        "How many of the periods must breach the threshold; all if not given.",
        name="DatapointsToAlarm",
        update=IN_PLACE,
    )
    gaps: str | None = prop(
        "What a period without samples counts as.",
        name="TreatMissingData",
        update=IN_PLACE,
        constraints=[one_of("breaching", "notBreaching", "ignore", "missing")],
    )
    extended: str | None = prop(
        "A percentile such as p99, in place of the statistic.", name="ExtendedStatistic", update=IN_PLACE
    )
    few: str | None = prop(
        "What is done with percentiles of few samples.",
        name="EvaluateLowSampleCountPercentile",
        update=IN_PLACE,
        constraints=[one_of("evaluate", "ignore")],
    )
    tags: list[Any] | None = prop("Not implemented.", name="Tags", update=IN_PLACE, implemented=False)


class StoredAlarm(ResourceType[P]):
    """An alarm that stackd itself evaluates, on samples that guests and programs push."""

    local = True
    remade = True

    def validate(self, props: P) -> None:
        """Numbers must be numbers."""
        for name in (*_WHOLE, "Threshold"):
            _number(name, props.data.get(name))

    async def create(self, ctx: Context, props: P) -> None:
        """Make the alarm; its name is the reference."""
        await self._put(ctx, props, props.data.get("AlarmName") or ctx.physical_name)

    async def update(self, ctx: Context, old: P, new: P) -> None:
        """Give the alarm another configuration; its state stays."""
        await self._put(ctx, new, ctx.physical_id)

    async def _put(self, ctx: Context, props: P, name: str) -> None:
        enabled = props.data.get("ActionsEnabled")
        await ctx.alarms.put(name, _request(props.data), enabled=enabled is not False)
        place = f"{ctx.endpoints.region}:{ctx.stack.project_id}"
        await ctx.put_data(**{ARN: f"arn:openstack:cloudwatch:{place}:alarm:{name}"})

    async def suspend(self, ctx: Context, props: P) -> None:
        """Let the alarm rest."""
        await ctx.alarms.suspend(True)

    async def resume(self, ctx: Context, props: P) -> None:
        """Let the alarm begin anew."""
        await ctx.alarms.suspend(False)

    async def delete(self, ctx: Context, props: P) -> None:
        """Remove the alarm."""
        if ctx.resource.physical_id:
            await ctx.alarms.delete()


@resource_type("AWS::CloudWatch::Alarm")
class CloudWatchAlarm(StoredAlarm[AlarmProps]):
    """Signals what it names while a metric breaches a threshold, once in each period.

    It counts all samples that have its dimensions among others, and those that name it in a dimension
    AlarmName.
    """

    attributes: ClassVar = {
        "Arn": attr("The ARN of the alarm.", compute=lambda resource: resource.data.get(ARN))
    }


# --- from properties to a request -----------------------------------------------------------------


def _request(data: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request for the alarm."""
    request = {name: data[name] for name in _AS_THEY_ARE if data.get(name) not in (None, "")}
    request |= {name: number for name in _WHOLE if (number := _number(name, data.get(name))) is not None}
    if "ExtendedStatistic" in request:
        request.pop("Statistic", None)
    return request | {
        "Namespace": data.get("Namespace") or _NAMESPACE,
        "Threshold": _number("Threshold", data.get("Threshold")),
        "Dimensions": [_dimension(each) for each in data.get("Dimensions") or ()],
        "Unit": data.get("Units") or data.get("Unit"),
    }


def _number(name: str, value: Any) -> float | int | None:
    """A number that may be a text; ``PropertyError`` if it is none."""
    if value is None or isinstance(value, Unknown):
        return None
    try:
        return int(value) if name in _WHOLE else _finite(float(value))
    except (TypeError, ValueError, OverflowError):
        kind = "an integer" if name in _WHOLE else "a number"
        raise PropertyError(
            f"{name} must be {kind}, not {value!r}.", path=f"properties.{name}", remedy=f"Give {kind}."
        ) from None


def _finite(value: float) -> float:
    if not math.isfinite(value):  # it could neither be compared nor stored
        raise ValueError(value)
    return value


def _dimension(item: Any) -> dict[str, str]:
    """A dimension: a map with Name and Value."""
    if not isinstance(item, Mapping) or not item.get("Name") or item.get("Value") is None:
        raise ResourceFailure("Each of the Dimensions must be a map with Name and Value.")
    return {"Name": str(item["Name"]), "Value": str(item["Value"])}
