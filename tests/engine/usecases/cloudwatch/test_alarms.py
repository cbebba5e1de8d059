"""Alarms through the API: limits, changes at the same time, and what a new configuration keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stackd.engine.usecases.cloudwatch.worker import AlarmWorker
from stackd.errors import QueryFault
from tests.engine.usecases.cloudwatch.test_evaluating import kinds
from tests.support.alarms import ALARM, alarm, call, push_for, state
from tests.support.engine import Process, World
from tests.support.waiting import until


async def test_a_new_configuration_keeps_the_state_until_it_is_evaluated(process: Process) -> None:
    await call(process, "PutMetricAlarm", **ALARM, Tags=[{"Key": "a", "Value": "b"}])
    await push_for(process, 3, 50.0)
    assert await state(process) == "ALARM"
    await call(process, "PutMetricAlarm", **{**ALARM, "Threshold": 60, "Statistic": "Maximum"})
    shown = await alarm(process)
    assert (shown["StateValue"], shown["Threshold"], shown["Statistic"]) == ("ALARM", 60, "Maximum")

    async def is_ok() -> bool:
        return await state(process) == "OK"

    await until(is_ok)
    tags = await call(process, "ListTagsForResource", ResourceARN=shown["AlarmArn"])
    assert tags["Tags"] == [{"Key": "a", "Value": "b"}]


async def test_changes_at_the_same_time_are_all_made(process: Process) -> None:
    await asyncio.gather(*(call(process, "PutMetricAlarm", **{**ALARM, "Period": 60}) for _ in range(3)))
    states = ("OK", "ALARM", "INSUFFICIENT_DATA")
    await asyncio.gather(
        *(
            call(process, "SetAlarmState", AlarmName="hot", StateValue=each, StateReason=each)
            for each in states
        )
    )
    updates = [summary for kind, summary in await kinds(process) if kind == "StateUpdate"]
    assert updates[-1].endswith(f" to {await state(process)}")
    assert len([kind for kind, _ in await kinds(process) if kind == "ConfigurationUpdate"]) == 3


async def test_a_project_has_no_more_alarms_than_it_may(stackd_world: World) -> None:
    few = stackd_world.settings.metrics.model_copy(update={"max_alarms_per_project": 1})
    stackd_world.settings = stackd_world.settings.model_copy(update={"metrics": few})
    async with stackd_world.process() as process:
        await call(process, "PutMetricAlarm", **ALARM)
        await call(process, "PutMetricAlarm", **ALARM)
        with pytest.raises(QueryFault, match="1 alarms") as refused:
            await call(process, "PutMetricAlarm", **{**ALARM, "AlarmName": "another"})
        assert refused.value.fault == "LimitExceeded"


async def test_of_alarms_to_delete_those_that_exist_are_deleted(process: Process) -> None:
    await call(process, "PutMetricAlarm", **ALARM)
    with pytest.raises(QueryFault, match="nowhere") as refused:
        await call(process, "DeleteAlarms", AlarmNames=["nowhere", "hot"])
    assert refused.value.fault == "ResourceNotFound"
    assert (await call(process, "DescribeAlarms"))["MetricAlarms"] == []


async def test_lists_are_filtered(process: Process) -> None:
    for name, action in (("aa", "https://a.test/"), ("ab", "https://b.test/"), ("Ac", "https://a.test/")):
        await call(process, "PutMetricAlarm", **{**ALARM, "AlarmName": name}, OKActions=[action])

    async def names(**request: Any) -> list[str]:
        found = await call(process, "DescribeAlarms", **request)
        return [each["AlarmName"] for each in found["MetricAlarms"]]

    assert await names(AlarmNamePrefix="a") == ["aa", "ab"]
    assert sorted(await names(ActionPrefix="https://a")) == ["Ac", "aa"]
    assert await names(AlarmTypes=["CompositeAlarm"]) == []
    assert await names(StateValue="OK") == []
    assert await names(AlarmNames=["ab", "nowhere"]) == ["ab"]


async def test_an_alarm_on_arithmetic_follows_both_metrics(process: Process) -> None:
    def stat(id_: str, name: str) -> dict[str, Any]:
        metric = {"Namespace": "test", "MetricName": name}
        return {"Id": id_, "MetricStat": {"Metric": metric, "Period": 10, "Stat": "Sum"}, "ReturnData": False}

    one_metric = ("Namespace", "MetricName", "Statistic", "Period")
    rest = {name: value for name, value in ALARM.items() if name not in one_metric}
    share = {"Id": "share", "Expression": "100 * errors / requests"}
    queries = [share, stat("errors", "Errors"), stat("requests", "Requests")]
    await call(process, "PutMetricAlarm", **rest, Metrics=queries)
    for _ in range(3):
        data = [
            {"MetricName": "Errors", "Value": 2, "StorageResolution": 1},
            {"MetricName": "Requests", "Value": 10, "StorageResolution": 1},
        ]
        await call(process, "PutMetricData", Namespace="test", MetricData=data)
        await asyncio.sleep(10)
    assert await state(process) == "ALARM"
    assert "20" in (await alarm(process))["StateReason"]


async def test_of_two_that_evaluate_one_does_and_acts(process: Process) -> None:
    other = AlarmWorker(process.engine)
    other.start()
    action = "arn:openstack:heat::x:stacks/a/b/resources/c"
    await call(process, "PutMetricAlarm", **ALARM, AlarmActions=[action])
    await push_for(process, 4, 50.0)
    await other.close()
    assert await state(process) == "ALARM"
    assert [kind for kind, _ in await kinds(process)] == ["ConfigurationUpdate", "StateUpdate", "Action"]
