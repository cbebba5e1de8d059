"""Samples: what is taken, what is refused with the place of the mistake, and whose they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stackd.db import metrics, stacks
from stackd.db.metrics import Metric
from stackd.engine.usecases.cloudwatch.actions import perform
from stackd.errors import Forbidden, QueryFault
from stackd.records import Caller
from tests.support.alarms import call, clock
from tests.support.engine import Process, World
from tests.support.templates import hot


async def put(process: Process, *data: dict[str, Any], namespace: str = "n") -> None:
    given = [{"MetricName": "m", **each} for each in data]
    await call(process, "PutMetricData", Namespace=namespace, MetricData=given)


async def points(process: Process, period: int = 60, **about: Any) -> list[dict[str, Any]]:
    moment = clock(process)
    window = {"StartTime": moment - timedelta(minutes=10), "EndTime": moment + timedelta(minutes=10)}
    statistics = ["SampleCount", "Sum", "Minimum", "Maximum"]
    about = {"Namespace": "n", "MetricName": "m", **about}
    found = await call(
        process, "GetMetricStatistics", **about, **window, Period=period, Statistics=statistics
    )
    return sorted(found["Datapoints"], key=lambda each: (each["Timestamp"], each["Unit"]))


async def test_units_of_old_guests_are_understood_and_kept_apart(process: Process) -> None:
    units = ("Counter", "Count", "megabytes", "Megabytes", "None")
    await put(process, *({"Value": 1, "Unit": unit} for unit in units), {"Value": 1})
    found = await points(process)
    assert [(each["Unit"], each["SampleCount"]) for each in found] == [
        ("Count", 2),
        ("Megabytes", 2),
        ("None", 2),
    ]
    (only,) = await points(process, Unit="Count")
    assert only["Unit"] == "Count"


async def test_samples_of_a_second_are_kept_apart_where_that_is_asked(process: Process) -> None:
    moment = clock(process).replace(second=0, microsecond=0)
    for second in (0, 5, 9):
        await put(process, {"Value": 1, "Timestamp": moment.replace(second=second), "StorageResolution": 1})
    assert [each["SampleCount"] for each in await points(process, 5)] == [1, 2]
    assert [each["SampleCount"] for each in await points(process, 60)] == [3]


@pytest.mark.parametrize(
    ("datum", "fault", "place"),
    [
        ({"Value": "much"}, "InvalidParameterValue", "MetricData.member.1.Value"),
        ({"Value": "1e999"}, "InvalidParameterValue", "MetricData.member.1.Value"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "MetricData.member.1.Value"),
        ({"Value": 1, "Timestamp": 0}, "InvalidParameterValue", "MetricData.member.1.Timestamp"),
        ({"Value": 1, "Timestamp": "soon"}, "InvalidParameterValue", "MetricData.member.1.Timestamp"),
        ({"Value": 1, "StorageResolution": 7}, "InvalidParameterValue", "member.1.StorageResolution"),
        ({"Value": 1, "Unit": "Furlongs"}, "InvalidParameterValue", "MetricData.member.1.Unit"),
        ({"Value": 1, "MetricName": ""}, "InvalidParameterValue", "MetricData.member.1.MetricName"),
        ({"Value": 1, "MetricName": None}, "MissingParameter", "MetricData.member.1.MetricName"),
        ({}, "MissingParameter", "MetricData.member.1"),
        ({"Values": []}, "InvalidParameterValue", "MetricData.member.1.Values"),
        ({"Values": [1], "Counts": [1, 2]}, "InvalidParameterValue", "MetricData.member.1.Counts"),
        ({"Value": 1, "Counts": [1]}, "InvalidParameterCombination", "MetricData.member.1.Counts"),
        ({"Value": 1, "Dimensions": [{"Name": "a"}]}, "MissingParameter", "Dimensions.member.1.Value"),
        (
            {"Value": 1, "Dimensions": [{"Name": "a", "Value": "b"}, {"Name": "a", "Value": "c"}]},
            "InvalidParameterValue",
            "MetricData.member.1.Dimensions",
        ),
        (
            {"StatisticValues": {"SampleCount": 0, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "InvalidParameterValue",
            "MetricData.member.1.StatisticValues.SampleCount",
        ),
    ],
)
async def test_one_wrong_datum_refuses_all(
    process: Process, datum: dict[str, Any], fault: str, place: str
) -> None:
    with pytest.raises(QueryFault, match=place.replace(".", r"\.")) as refused:
        await put(process, datum, {"Value": 1})
    assert refused.value.fault == fault
    assert await metrics.count(process.db, process.caller.project_id) == 0


async def test_a_project_has_no_more_metrics_than_it_may(stackd_world: World) -> None:
    few = stackd_world.settings.metrics.model_copy(update={"max_metrics_per_project": 2})
    stackd_world.settings = stackd_world.settings.model_copy(update={"metrics": few})
    async with stackd_world.process() as process:
        await put(process, {"Value": 1}, {"Value": 1, "MetricName": "other"})
        with pytest.raises(QueryFault, match="2 metrics") as refused:
            await put(process, {"Value": 1, "MetricName": "one too many"})
        assert refused.value.fault == "LimitExceeded"
        await put(process, {"Value": 1})


async def test_guests_push_for_the_project_of_their_stack_and_may_do_nothing_else(process: Process) -> None:
    stack = await process.done(
        await process.create("s", hot({"handle": {"type": "OS::Heat::WaitConditionHandle"}}))
    )
    found = await stacks.get(process.db, stack.id, None)
    assert found is not None
    assert found.stack_user_project_id
    guest = Caller(
        user_id="guest",
        user_name="guest",
        project_id=found.stack_user_project_id,
        roles=("heat_stack_user",),
    )
    datum = {"MetricName": "m", "Value": 1}
    await perform(process.engine, guest, "PutMetricData", {"Namespace": "n", "MetricData": [datum]}, 1)
    known = await metrics.named(process.db, process.caller.project_id, "n", "m")
    assert [each.metric for each in known] == [Metric("n", "m", (), "None")]
    for action in ("ListMetrics", "DescribeAlarms", "SetAlarmState", "PutMetricAlarm"):
        with pytest.raises(Forbidden):
            await perform(process.engine, guest, action, {}, 1)
    stranger = replace(guest, project_id="elsewhere")
    await perform(process.engine, stranger, "PutMetricData", {"Namespace": "n", "MetricData": [datum]}, 1)
    assert await metrics.count(process.db, process.caller.project_id) == 1


async def test_metrics_without_samples_are_forgotten_in_time(stackd_world: World) -> None:
    short = stackd_world.settings.metrics.model_copy(update={"retention_hours": 1.0})
    stackd_world.settings = stackd_world.settings.model_copy(update={"metrics": short})
    async with stackd_world.process() as process:
        moment = clock(process)
        await put(process, {"Value": 1, "Timestamp": moment - timedelta(hours=2)})
        known = await metrics.named(process.db, process.caller.project_id, "n", "m")
        start = int((moment - timedelta(hours=3)).timestamp())
        numbers = [each.id for each in known]
        assert len(await metrics.buckets(process.db, numbers, start, start + 20_000, 60)) == 1
    async with stackd_world.process() as process:
        await asyncio.sleep(1)
        assert await metrics.buckets(process.db, numbers, start, start + 20_000, 60) == []
        assert await metrics.count(process.db, process.caller.project_id) == 1
