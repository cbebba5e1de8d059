"""Groups of instances on the dev cloud: made, resized, changed, repaired, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stackd.db.journal import Change, Insert
from stackd.engine.planning.verbs import Verb
from stackd.engine.usecases import signals
from stackd.engine.usecases.queries import Reader
from stackd.records import Action, Event, Resource, Stack, Status
from tests.engine.planning.observed import beyond, planned, preview, update
from tests.support.actions import act, entity_of, state
from tests.support.engine import Process, World, unless_dead, world

CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"
POLICY = {"MinInstancesInService": 2, "MaxBatchSize": 1, "PauseTime": "PT1M"}
Group = Callable[..., dict[str, Any]]


def instance_group(size: int, **policy: Any) -> dict[str, Any]:
    return a_group("OS::Heat::InstanceGroup", {"Size": size}, "RollingUpdate", policy)


def scaling_group(size: int, **policy: Any) -> dict[str, Any]:
    sizes = {"MinSize": 0, "MaxSize": 5, "DesiredCapacity": size, "VPCZoneIdentifier": [{"Ref": "Subnet"}]}
    return a_group("AWS::AutoScaling::AutoScalingGroup", sizes, "AutoScalingRollingUpdate", policy)


def a_group(kind: str, sizes: dict[str, Any], rolling: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "AvailabilityZones": ["nova"],
        "LaunchConfigurationName": {"Ref": "Conf"},
        "Tags": [{"Key": "role", "Value": "web"}],
        **sizes,
    }
    update_policy = {"UpdatePolicy": {rolling: dict(policy)}} if policy else {}
    return {"Type": kind, "Properties": properties, "DependsOn": "Subnet", **update_policy}


def template(group: dict[str, Any], **configuration: Any) -> dict[str, Any]:
    properties = {"ImageId": "cirros", "InstanceType": "m1.tiny", **configuration}
    subnet = {"network": {"Ref": "Net"}, "cidr": "10.9.0.0/24"}
    return {
        "HeatTemplateFormatVersion": "2012-12-12",
        "Resources": {
            "Net": {"Type": "OS::Neutron::Net"},
            "Subnet": {"Type": "OS::Neutron::Subnet", "Properties": subnet},
            "Conf": {"Type": CONFIGURATION, "Properties": properties},
            "Group": group,
        },
        "Outputs": {
            "Addresses": {"Value": {"Fn::GetAtt": ["Group", "InstanceList"]}},
            "Group": {"Value": {"Ref": "Group"}},
        },
    }


async def reached(process: Process, asked: Stack) -> Stack:
    stack = await process.done(asked)
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


async def inside(process: Process, stack: Stack) -> Stack:
    row = (await process.rows(stack))["Group"]
    return replace(stack, id=row.nested_stack_id or "")


async def members(process: Process, stack: Stack) -> dict[str, Resource]:
    rows = await process.rows(await inside(process, stack))
    return {name: each for name, each in rows.items() if each.replaced_by is None}


def flavors(made: World) -> list[str]:
    """The names of the servers' flavors."""
    rows = made.cloud.store.tables["compute.flavors"].rows.values()
    names = {each.data["id"]: each.data["name"] for each in rows}
    return sorted(names[each["flavor"]] for each in made.objects("servers"))


@pytest.mark.parametrize("group", [instance_group, scaling_group])
async def test_group_is_made_resized_and_deleted(tmp_path: Path, group: Group) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", template(group(2))))
        first, outputs = await members(process, stack), await process.outputs(stack)
        addresses = sorted(
            each["addr"] for server in made.objects("servers") for each in addresses_of(made, server)
        )
        assert sorted(outputs["Addresses"].split(",")) == addresses
        assert len(set(addresses)) == len(first) == 2
        assert outputs["Group"] == (await inside(process, stack)).id

        tags = [each["metadata"] for each in made.objects("servers")]
        names = ["metering.groupname", "metering.AutoScalingGroupName"][: 1 if group is instance_group else 2]
        assert tags == [{"role": "web", **dict.fromkeys(names, outputs["Group"])}] * 2

        stack = await reached(process, await process.update(stack, template(group(2))))
        assert await members(process, stack) == first

        stack = await reached(process, await process.update(stack, template(group(3))))
        grown = await members(process, stack)
        assert len(grown) == 3
        assert {name: grown[name].physical_id for name in first} == {
            name: each.physical_id for name, each in first.items()
        }
        await process.done(await process.delete(stack))
        assert made.counts() == {}


def addresses_of(made: World, server: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    ports = [each for each in made.objects("ports") if each["device_id"] == server["id"]]
    return [{"addr": fixed["ip_address"]} for each in ports for fixed in each["fixed_ips"]]


@pytest.mark.parametrize("group", [instance_group, scaling_group])
async def test_another_configuration_is_for_new_members_without_a_policy(
    tmp_path: Path, group: Group
) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", template(group(2))))
        before = await members(process, stack)
        small = template(group(2), InstanceType="m1.small")
        stack = await reached(process, await process.update(stack, small))
        assert flavors(made) == ["m1.tiny", "m1.tiny"]
        larger = template(group(3), InstanceType="m1.small")
        stack = await reached(process, await process.update(stack, larger))
        assert flavors(made) == ["m1.small", "m1.tiny", "m1.tiny"]
        assert set(before) < set(await members(process, stack))


@pytest.mark.parametrize("group", [instance_group, scaling_group])
async def test_policy_brings_another_configuration_to_all_members_in_batches(
    tmp_path: Path, group: Group
) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", template(group(3, **POLICY))))
        before = await members(process, stack)
        other = template(group(3, **POLICY), UserData="#!/bin/sh")
        stack = await reached(process, await process.update(stack, other))
        after = await members(process, stack)
        assert set(after) == set(before)
        assert not {each.physical_id for each in after.values()} & {
            each.physical_id for each in before.values()
        }
        times = sorted(datetime.fromisoformat(each["created"]) for each in made.objects("servers"))
        assert all((later - one).total_seconds() >= 60 for one, later in pairwise(times))
        told = await process.told(await inside(process, stack))
        assert sum(each.startswith("s-Group-") and each.endswith("UPDATE_IN_PROGRESS") for each in told) == 3
        await process.done(await process.delete(stack))
        assert made.counts() == {}


@pytest.mark.parametrize("group", [instance_group, scaling_group])
@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.COMPLETE])
async def test_rolling_change_keeps_its_pace_after_a_crash(
    tmp_path: Path, group: Group, status: Status
) -> None:
    changed: list[Event] = []

    def is_second_change(change: Change) -> bool:
        if isinstance(change, Insert) and isinstance(change.record, Event):
            event = change.record
            is_change = (event.action, event.status) == (Action.UPDATE, status)
            changed.extend([event] if is_change and event.resource_type == "AWS::EC2::Instance" else [])
        return len(changed) == 2

    async with world(tmp_path) as made:
        async with made.process() as first:
            stack = await reached(first, await first.create("s", template(group(3, **POLICY))))
        small = template(group(3, **POLICY), InstanceType="m1.small")
        async with made.process(dies_on=is_second_change, after=True) as second:
            await unless_dead(second, asyncio.create_task(second.update(stack, small)))
            await second.journal.died.wait()
        async with made.process() as last:
            stack = await reached(last, stack)
            assert flavors(made) == ["m1.small"] * 3
            at_work: set[str] = set()
            begun = 0
            for event in await last.events(await inside(last, stack)):
                if event.action is Action.UPDATE and event.resource_type == "AWS::EC2::Instance":
                    begun += event.status is Status.IN_PROGRESS
                    (at_work.add if event.status is Status.IN_PROGRESS else at_work.discard)(
                        event.resource_name
                    )
                assert len(at_work) <= 1
            assert begun == 3


@pytest.mark.parametrize("group", [instance_group, scaling_group])
async def test_failed_member_is_replaced(tmp_path: Path, group: Group) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", template(group(2))))
        before = await members(process, stack)
        broken, good = sorted(before)
        entity_of(made, before[broken]).data["status"] = "ERROR"
        assert state(await act(process, stack, "check")) == "CHECK_FAILED"
        stack = await reached(process, await process.update(stack, template(group(2))))
        after = await members(process, stack)
        assert set(after) == set(before)
        assert after[broken].physical_id != before[broken].physical_id
        assert after[good].physical_id == before[good].physical_id


async def test_group_is_like_an_instance(tmp_path: Path) -> None:
    server = {
        "Type": "AWS::EC2::Instance",
        "Properties": {"ImageId": "cirros", "InstanceType": "m1.small", "SubnetId": {"Ref": "Subnet"}},
    }
    group = scaling_group(1)
    del group["Properties"]["LaunchConfigurationName"]
    content = template(group)
    content["Resources"] = {"Model": server, **content["Resources"]}
    group["Properties"]["InstanceId"] = {"Ref": "Model"}
    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", content))
        assert flavors(made) == ["m1.small", "m1.small"]
        rows = await members(process, stack)
        group["Properties"]["DesiredCapacity"] = 2
        stack = await reached(process, await process.update(stack, content))
        assert flavors(made) == ["m1.small"] * 3
        assert set(rows) < set(await members(process, stack))
        await process.done(await process.delete(stack))
        assert made.counts() == {}


async def test_signals_scale_the_group_by_its_newest_configuration(tmp_path: Path) -> None:
    policy = {
        "Type": "AWS::AutoScaling::ScalingPolicy",
        "Properties": {
            "AutoScalingGroupName": {"Ref": "Group"},
            "AdjustmentType": "ChangeInCapacity",
            "ScalingAdjustment": "1",
            "Cooldown": "60",
        },
    }
    user_data = {"Fn::Join": ["", ["#!/bin/sh\n# ", {"Ref": "Net"}]]}

    def content(flavor: str) -> dict[str, Any]:
        made = template(scaling_group(1), InstanceType=flavor, UserData=user_data)
        return {**made, "Resources": {**made["Resources"], "Up": policy}}

    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", content("m1.tiny")))
        before = await members(process, stack)
        stack = await reached(process, await process.update(stack, content("m1.small")))
        assert flavors(made) == ["m1.tiny"]
        for _ in range(2):  # the second one comes during the cooldown
            await signals.signal(process.engine, process.caller, stack, "Up", None)
            await reached(process, await inside(process, stack))
        after = await members(process, stack)
        assert flavors(made) == ["m1.small", "m1.tiny"]
        assert {name: after[name].physical_id for name in before} == {
            name: each.physical_id for name, each in before.items()
        }
        [added] = [each for name, each in after.items() if name not in before]
        assert made.objects("networks")[0]["id"] in added.properties["UserData"]
        assert len((await process.outputs(stack))["Addresses"].split(",")) == 2
        plan = await preview(process, stack, content("m1.small"))
        assert plan.is_empty, {step.path: step.causes for step in plan.changes()}


@pytest.mark.parametrize("policy", [{}, POLICY])
@pytest.mark.parametrize("group", [instance_group, scaling_group])
async def test_plan_of_another_configuration_shows_what_becomes_of_each_member(
    tmp_path: Path, group: Group, policy: dict[str, Any]
) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", template(group(3, **policy))))
        small = template(group(3, **policy), InstanceType="m1.small")
        plan = await preview(process, stack, small)
        expected: dict[tuple[str, ...], Verb] = {("Conf",): Verb.REPLACE, ("Group",): Verb.UPDATE}
        if policy:
            expected |= {("Group", name): Verb.UPDATE for name in await members(process, stack)}
        assert planned(plan) == expected
        done = await update(process, stack, small)
        assert not beyond(plan, done), done
        assert (await preview(process, stack, small)).is_empty


async def test_secret_that_only_a_member_still_has_is_not_shown(tmp_path: Path) -> None:
    content = template(instance_group(1), UserData={"Ref": "Word"})
    content["Parameters"] = {"Word": {"Type": "String", "NoEcho": "true"}}
    words = ["first-of-the-secrets", "second-of-the-secrets", "third-of-the-secrets"]

    async def shown(process: Process, stack: Stack) -> str:
        """All that anybody can read of the group's stack and its member."""
        reader = Reader(process.engine)
        child = await process.stack(await inside(process, stack))
        [row] = (await members(process, stack)).values()
        told = [await reader.properties_at(child, each) for each in await process.events(child)]
        view = (await reader.shown_resource(child, row.name)).resource
        return str((await reader.shown_template(child), told, view.attributes, view.metadata, view.reason))

    async with world(tmp_path) as made, made.process() as process:
        stack = await reached(process, await process.create("s", content, parameters={"Word": words[0]}))
        for word in words[1:]:
            stack = await reached(process, await process.update(stack, content, parameters={"Word": word}))
        [row] = (await members(process, stack)).values()
        assert row.properties["UserData"] == words[0]
        text = await shown(process, stack)
        assert [word for word in words if word in text] == []

        content["Resources"]["Group"] = instance_group(1, **POLICY)
        plan = await preview(process, stack, content, parameters={"Word": words[2]})
        text = str([step.causes for step in plan.changes()])
        assert "UserData" in text
        assert [word for word in words if word in text] == []
        stack = await reached(process, await process.update(stack, content, parameters={"Word": words[2]}))
        stack = await reached(process, await process.update(stack, content, parameters={"Word": words[2]}))
        group = (await process.rows(stack))["Group"]
        assert group.data.get("hidden_values") in (None, [words[2]])
