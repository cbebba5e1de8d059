"""Alarms go through their states as their metrics say, and act when they do."""

from __future__ import annotations

import asyncio
from typing import Any

from stackd.db import resources, stacks
from stackd.records import Stack
from tests.support.alarms import ALARM, alarm, call, push_for, state
from tests.support.engine import Process
from tests.support.templates import hot
from tests.support.waiting import until


def scaling(cooldown: int = 0) -> Any:
    group = {"min_size": 1, "max_size": 3, "resource": {"type": "OS::Heat::TestResource"}}
    policy = {
        "auto_scaling_group_id": {"get_resource": "group"},
        "adjustment_type": "change_in_capacity",
        "cooldown": cooldown,
    }
    return hot(
        {
            "group": {"type": "OS::Heat::AutoScalingGroup", "properties": group},
            "up": {"type": "OS::Heat::ScalingPolicy", "properties": {**policy, "scaling_adjustment": 1}},
            "down": {"type": "OS::Heat::ScalingPolicy", "properties": {**policy, "scaling_adjustment": -1}},
        }
    ) | {"outputs": {"up": {"value": {"get_attr": ["up", "alarm_url"]}}}}


async def size(process: Process, stack: Stack) -> int:
    (child,) = await stacks.children(process.db, stack.id)
    return len(await resources.of_stack(process.db, child.id))


def arn(stack: Stack, resource: str) -> str:
    return f"arn:openstack:heat::{stack.project_id}:stacks/{stack.name}/{stack.id}/resources/{resource}"


async def kinds(process: Process) -> list[tuple[str, str]]:
    """The history of the alarm, oldest first."""
    items = (await call(process, "DescribeAlarmHistory", AlarmName="hot", ScanBy="TimestampAscending"))[
        "AlarmHistoryItems"
    ]
    return [(each["HistoryItemType"], each["HistorySummary"]) for each in items]


async def test_an_alarm_follows_its_metric(process: Process) -> None:
    await call(process, "PutMetricAlarm", **ALARM)
    assert await state(process) == "INSUFFICIENT_DATA"
    await push_for(process, 5, 50.0)
    assert await state(process) == "ALARM"
    shown = await alarm(process)
    assert "50" in shown["StateReason"]
    assert '"statistic":"Average"' in shown["StateReasonData"]
    await push_for(process, 5, 1.0)
    assert await state(process) == "OK"
    await asyncio.sleep(45)
    assert await state(process) == "INSUFFICIENT_DATA"
    assert [summary for kind, summary in await kinds(process) if kind == "StateUpdate"] == [
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to INSUFFICIENT_DATA",
    ]


async def test_an_alarm_of_the_api_scales_a_group_again_each_minute_while_it_lasts(process: Process) -> None:
    stack = await process.done(await process.create("s", scaling()))
    assert await size(process, stack) == 1
    await call(process, "PutMetricAlarm", **ALARM, AlarmActions=[arn(stack, "up")])
    await push_for(process, 5, 50.0)
    assert await size(process, stack) == 2
    await push_for(process, 6, 50.0)
    assert await size(process, stack) == 3


async def test_a_signed_url_of_a_policy_is_delivered_inside(process: Process) -> None:
    stack = await process.done(await process.create("s", scaling(cooldown=3600)))
    url = (await process.outputs(stack))["up"]
    await call(process, "PutMetricAlarm", **ALARM, AlarmActions=[url])
    await call(process, "SetAlarmState", AlarmName="hot", StateValue="ALARM", StateReason="a test")

    async def has_grown() -> bool:
        return await size(process, stack) == 2

    await until(has_grown)
    await asyncio.sleep(70)
    assert await size(process, stack) == 2
    assert ("Action", f"Successfully executed action {url.partition('?')[0]}?******") in await kinds(process)


async def test_disabled_actions_do_not_run(process: Process) -> None:
    stack = await process.done(await process.create("s", scaling()))
    await call(process, "PutMetricAlarm", **ALARM, AlarmActions=[arn(stack, "up")])
    await call(process, "DisableAlarmActions", AlarmNames=["hot", "nowhere"])
    await call(process, "SetAlarmState", AlarmName="hot", StateValue="ALARM", StateReason="a test")
    await asyncio.sleep(15)
    assert await size(process, stack) == 1


async def test_nothing_of_another_project_is_signalled(process: Process) -> None:
    stack = await process.done(await process.create("s", scaling()))
    foreign = arn(stack, "up").replace(stack.project_id, "other")
    await call(process, "PutMetricAlarm", **ALARM, AlarmActions=[foreign])
    await call(process, "SetAlarmState", AlarmName="hot", StateValue="ALARM", StateReason="a test")
    await asyncio.sleep(15)
    assert await size(process, stack) == 1
    assert [summary for kind, summary in await kinds(process) if kind == "Action"] == [
        f"Failed to execute action {foreign}"
    ]
