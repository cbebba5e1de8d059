"""Alarms in templates: a group grows and shrinks as its members' metrics say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stackd.db import alarms, resources, stacks
from stackd.db.journal import Change, Insert
from stackd.engine.usecases import abandoning, actions
from stackd.errors import QueryFault
from stackd.records import Action, Alarm, Stack, Status
from tests.support.alarms import ALARM, call, push_for, unhurried
from tests.support.engine import Process, World, unless_dead


def template(cooldown: int = 0, **alarm: Any) -> dict[str, Any]:
    """A group with an alarm that lets it grow and one that lets it shrink."""
    group = {"Ref": "Group"}

    def policy(by: int) -> dict[str, Any]:
        properties = {
            "AutoScalingGroupName": group,
            "AdjustmentType": "ChangeInCapacity",
            "ScalingAdjustment": by,
            "Cooldown": cooldown,
        }
        return {"Type": "AWS::AutoScaling::ScalingPolicy", "Properties": properties}

    def reacting(operator: str, threshold: str, action: str) -> dict[str, Any]:
        properties = {
            "MetricName": "Load",
            "Namespace": "test",
            "Statistic": "Average",
            "Period": "10",
            "EvaluationPeriods": "1",
            "Threshold": threshold,
            "ComparisonOperator": operator,
            "AlarmActions": [{"Ref": action}],
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": group}],
            **alarm,
        }
        return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    members = {"MinSize": "1", "MaxSize": "3", "AvailabilityZones": ["nova"]}
    launch = {"ImageId": "cirros", "InstanceType": "m1.tiny"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Launch": {"Type": "AWS::AutoScaling::LaunchConfiguration", "Properties": launch},
            "Group": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {**members, "LaunchConfigurationName": {"Ref": "Launch"}},
            },
            "Up": policy(1),
            "Down": policy(-1),
            "Hot": reacting("GreaterThanThreshold", "50", "Up"),
            "Cold": reacting("LessThanThreshold", "10", "Down"),
        },
        "Outputs": {"Group": {"Value": group}, "Hot": {"Value": {"Ref": "Hot"}}},
    }


async def made(process: Process, **options: Any) -> Stack:
    stack = await process.done(await process.create("s", template(**options)))
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


async def size(process: Process, stack: Stack) -> int:
    (child,) = await stacks.children(process.db, stack.id)
    return len(await resources.of_stack(process.db, (await process.done(child)).id))


def of_group(name: str) -> dict[str, Any]:
    """Dimensions as the tools in a member send them."""
    pairs = {"metering.AutoScalingGroupName": name, "InstanceId": "i-1"}
    return {"Dimensions": [{"Name": key, "Value": value} for key, value in pairs.items()]}


async def states(process: Process) -> dict[str, str]:
    """The states of the alarms by the names of their resources."""
    found = await call(process, "DescribeAlarms")
    return {each["AlarmName"].split("-")[1]: each["StateValue"] for each in found["MetricAlarms"]}


async def test_pushed_metrics_scale_a_group_up_and_back(process: Process) -> None:
    stack = await made(process)
    group = of_group((await process.outputs(stack))["Group"])
    assert await size(process, stack) == 1
    await push_for(process, 10, 90.0, **group)
    assert await size(process, stack) == 3
    assert await states(process) == {"Hot": "ALARM", "Cold": "OK"}
    await push_for(process, 10, 1.0, **group)
    assert await size(process, stack) == 1
    assert await states(process) == {"Hot": "OK", "Cold": "ALARM"}
    told = await process.told(stack)
    assert (told.count("Up SIGNAL_COMPLETE"), told.count("Down SIGNAL_COMPLETE")) == (2, 2)


async def test_a_cooldown_holds_a_lasting_alarm_back(process: Process) -> None:
    stack = await made(process, cooldown=3600)
    group = of_group((await process.outputs(stack))["Group"])
    await push_for(process, 9, 90.0, **group)
    assert await size(process, stack) == 2


async def test_metrics_of_others_do_not_count_but_those_that_name_the_alarm_do(process: Process) -> None:
    stack = await made(process)
    await push_for(process, 3, 90.0, **of_group("another"))
    assert (await states(process))["Hot"] == "INSUFFICIENT_DATA"
    name = (await process.outputs(stack))["Hot"]
    await asyncio.sleep(30)
    await push_for(process, 4, 90.0, Dimensions=[{"Name": "AlarmName", "Value": name}])
    found = await states(process)
    assert (found["Hot"], found["Cold"]) == ("ALARM", "INSUFFICIENT_DATA")


async def test_actions_are_shown_without_signatures_and_the_api_leaves_the_alarm_alone(
    process: Process,
) -> None:
    stack = await made(process)
    name = (await process.outputs(stack))["Hot"]
    (shown,) = (await call(process, "DescribeAlarms", AlarmNames=[name]))["MetricAlarms"]
    arn = f"arn:openstack:heat::{stack.project_id}:stacks/s/{stack.id}/resources/Up"
    assert shown["AlarmActions"] == [arn]
    with pytest.raises(QueryFault, match="template"):
        await call(process, "DeleteAlarms", AlarmNames=[name])
    await call(process, "DisableAlarmActions", AlarmNames=[name])


async def test_what_is_hidden_in_a_stack_is_masked_in_its_alarms(process: Process) -> None:
    content = template(AlarmDescription={"Ref": "Word"})
    content["Parameters"] = {"Word": {"Type": "String", "NoEcho": "true", "Default": "s3cret-word"}}
    url = {"Fn::Join": ["", ["https://hooks.test/call?key=", {"Ref": "Word"}]]}
    content["Resources"]["Hot"]["Properties"]["AlarmActions"] = [url]
    stack = await process.done(await process.create("s", content))
    assert stack.status is Status.COMPLETE, stack.reason
    shown = await call(process, "DescribeAlarms")
    assert "s3cret" not in str(shown)
    assert {each["AlarmDescription"] for each in shown["MetricAlarms"]} == {"******"}
    name = (await process.outputs(stack))["Hot"]
    await call(process, "SetAlarmState", AlarmName=name, StateValue="ALARM", StateReason="a test")
    await asyncio.sleep(5)
    assert "s3cret" not in str(await call(process, "DescribeAlarmHistory"))


async def test_suspended_alarms_rest_and_resumed_ones_begin_anew(process: Process) -> None:
    stack = await made(process)
    group = of_group((await process.outputs(stack))["Group"])
    await push_for(process, 4, 90.0, **group)
    assert (await states(process))["Hot"] == "ALARM"
    await actions.act(process.engine, process.caller, await process.stack(stack), "suspend")
    assert (await process.done(await process.stack(stack))).action is Action.SUSPEND
    assert await alarms.next_due(process.db) is None
    await asyncio.sleep(300)  # what was pushed is too old then to say anything
    await actions.act(process.engine, process.caller, await process.stack(stack), "resume")
    assert (await process.done(await process.stack(stack))).action is Action.RESUME
    assert await states(process) == {"Hot": "INSUFFICIENT_DATA", "Cold": "INSUFFICIENT_DATA"}


async def test_alarms_change_and_go_with_their_stack(process: Process) -> None:
    stack = await made(process)
    changed = template()
    changed["Resources"]["Hot"]["Properties"]["Threshold"] = "70"
    stack = await process.done(await process.update(stack, changed))
    assert stack.status is Status.COMPLETE, stack.reason
    found = (await call(process, "DescribeAlarms"))["MetricAlarms"]
    assert sorted(each["Threshold"] for each in found) == [10.0, 70.0]
    await process.done(await process.delete(stack))
    assert (await call(process, "DescribeAlarms"))["MetricAlarms"] == []
    items = (await call(process, "DescribeAlarmHistory"))["AlarmHistoryItems"]
    assert [" deleted by resource" in each["HistorySummary"] for each in items][:3] == [True, True, False]


@pytest.mark.parametrize("is_kept", [True, False])
async def test_what_a_stack_leaves_behind_is_the_apis_or_nothing(process: Process, is_kept: bool) -> None:
    content = template()
    del content["Resources"]["Cold"], content["Outputs"]
    if is_kept:
        content["Resources"]["Hot"]["DeletionPolicy"] = "Retain"
    stack = await process.done(await process.create("s", content))
    (before,) = (await call(process, "DescribeAlarms"))["MetricAlarms"]
    if is_kept:
        await process.done(await process.delete(stack))
    else:
        process.engine.limits = process.engine.limits.model_copy(update={"enable_stack_abandon": True})
        await abandoning.abandon(process.engine, process.caller, await process.stack(stack))
        await process.done(stack)
    left = (await call(process, "DescribeAlarms"))["MetricAlarms"]
    assert left == ([before] if is_kept else [])
    await call(process, "PutMetricAlarm", **{**ALARM, "AlarmName": before["AlarmName"]})
    await call(process, "DeleteAlarms", AlarmNames=[before["AlarmName"]])


async def test_a_name_that_is_taken_fails_the_resource(process: Process) -> None:
    await call(
        process,
        "PutMetricAlarm",
        AlarmName="taken",
        Namespace="test",
        MetricName="Load",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    stack = await process.done(await process.create("s", template(AlarmName="taken")))
    assert stack.status is Status.FAILED
    assert "another AlarmName" in stack.reason


@pytest.mark.parametrize("after", [False, True])
async def test_an_alarm_is_made_once_whatever_dies(stackd_world: World, after: bool) -> None:
    unhurried(stackd_world)
    properties = template()["Resources"]["Hot"]["Properties"] | {"AlarmActions": [], "Dimensions": []}
    content = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"Hot": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}},
    }

    def makes_alarm(change: Change) -> bool:
        return isinstance(change, Insert) and isinstance(change.record, Alarm)

    async with stackd_world.process(dies_on=makes_alarm, after=after) as first:

        async def create() -> Stack:
            return await first.done(await first.create("s", content))

        assert await unless_dead(first, asyncio.create_task(create())) is None
    async with stackd_world.process() as second:
        stack = await stacks.named(second.db, "s", second.caller.project_id)
        assert stack is not None
        stack = await second.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        assert len((await call(second, "DescribeAlarms"))["MetricAlarms"]) == 1
        await second.done(await second.delete(stack))
        assert (await call(second, "DescribeAlarms"))["MetricAlarms"] == []
