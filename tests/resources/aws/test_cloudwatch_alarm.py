"""AWS::CloudWatch::Alarm and its former name: from properties to a request for an alarm."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.registry import load_registry
from stackd.resources.schema import REPLACE
from tests.support.context import FakeContext

KIND = "AWS::CloudWatch::Alarm"
OLD = "OS::Heat::CWLiteAlarm"
PROPERTIES: dict[str, Any] = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": "1",
    "MetricName": "CPUUtilization",
    "Namespace": "system/linux",
    "Period": "60",
    "Statistic": "Average",
    "Threshold": "50",
    "Units": "Percent",
    "AlarmActions": ["policy"],
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "group"}],
}


def context(kind: str = KIND, **properties: Any) -> FakeContext:
    return FakeContext(kind, properties={**PROPERTIES, **properties})


@pytest.mark.parametrize("kind", [KIND, OLD])
async def test_numbers_in_texts_become_numbers(kind: str) -> None:
    ctx = context(kind)
    await ctx.type.create(ctx, ctx.props)
    ((name, request),) = ctx.alarms.asked
    assert name == ctx.physical_name == ctx.physical_id
    assert (request["Period"], request["EvaluationPeriods"], request["Threshold"]) == (60, 1, 50.0)
    assert request["Unit"] == "Percent"
    assert request["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": "group"}]
    assert request["AlarmActions"] == ["policy"]
    assert request["enabled"] is True


async def test_todays_properties_are_taken() -> None:
    more: dict[str, Any] = {"AlarmName": "mine", "ActionsEnabled": False, "DatapointsToAlarm": 1}
    ctx = context(**more, TreatMissingData="breaching", ExtendedStatistic="p99", Namespace=None)
    await ctx.type.create(ctx, ctx.props)
    ((name, request),) = ctx.alarms.asked
    assert (name, request["enabled"], request["DatapointsToAlarm"]) == ("mine", False, 1)
    assert (request["ExtendedStatistic"], request["TreatMissingData"]) == ("p99", "breaching")
    assert "Statistic" not in request
    assert request["Namespace"] == "system/linux"
    arn = "arn:openstack:cloudwatch:RegionOne:project-id:alarm:mine"
    assert ctx.type.computed_values(ctx.resource) == {"Arn": arn}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Threshold", "much"),
        ("Period", "1.5"),
        ("EvaluationPeriods", ""),
        ("Threshold", "nan"),
        ("Threshold", "1e999"),
    ],
)
def test_what_is_no_number_is_refused(name: str, value: str) -> None:
    ctx = context(**{name: value})
    with pytest.raises(PropertyError, match=name):
        ctx.type.validate(ctx.props)


async def test_a_dimension_that_is_none_is_refused() -> None:
    ctx = context(Dimensions=["group"])
    with pytest.raises(ResourceFailure, match="Name and Value"):
        await ctx.type.create(ctx, ctx.props)


async def test_updates_keep_the_name_and_deletion_removes_the_alarm() -> None:
    ctx = context()
    await ctx.type.create(ctx, ctx.props)
    name = ctx.physical_id
    changed = context(Threshold="70").props
    await ctx.type.update(ctx, ctx.props, changed)
    await ctx.type.suspend(ctx, changed)
    await ctx.type.resume(ctx, changed)
    await ctx.type.delete(ctx, changed)
    assert [each for each, _ in ctx.alarms.asked] == [name, name, "suspend", "resume", "delete"]
    assert ctx.alarms.asked[1][1]["Threshold"] == 70.0


def test_what_the_former_type_measures_does_not_change() -> None:
    schema = load_registry([]).get(OLD).properties.schema
    replacing = {name for name, each in schema.items() if each.update is REPLACE}
    assert replacing == {"MetricName", "Namespace", "Dimensions", "AlarmName"}
