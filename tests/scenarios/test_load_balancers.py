"""Groups behind a load balancer on the dev cloud: its guest sees the members that there are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from stackd.engine.usecases import resource_queries, signals
from stackd.engine.usecases.access import GUEST
from stackd.engine.usecases.queries import Reader
from stackd.records import Resource, Stack, Status
from tests.engine.planning.observed import preview
from tests.support.engine import Process, World, world
from tests.support.waiting import until

ENVIRONMENT = {"parameter_defaults": {"LbImageId": "cirros", "LbFlavor": "m1.tiny"}}
SUCCESS = {"Status": "SUCCESS", "Reason": "", "UniqueId": "haproxy", "Data": ""}


def _policy(change: int) -> dict[str, Any]:
    properties = {"AutoScalingGroupName": {"Ref": "Group"}, "AdjustmentType": "ChangeInCapacity"}
    return {
        "Type": "AWS::AutoScaling::ScalingPolicy",
        "Properties": {**properties, "ScalingAdjustment": change, "Cooldown": 0},
    }


def template(**listener: Any) -> dict[str, Any]:
    port = {"LoadBalancerPort": 80, "InstancePort": 8080, "Protocol": "HTTP", **listener}
    check = {"Target": "HTTP:8080/health", "Interval": 10, "Timeout": 5}
    vpc, subnet = {"VpcId": {"Ref": "Vpc"}}, {"Ref": "Subnet"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC"},
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {**vpc, "CidrBlock": "10.0.0.0/24"}},
            "Single": {
                "Type": "AWS::EC2::Instance",
                "Properties": {"ImageId": "cirros", "InstanceType": "m1.tiny", "SubnetId": subnet},
            },
            "Balancer": {
                "Type": "AWS::ElasticLoadBalancing::LoadBalancer",
                "Properties": {
                    "AvailabilityZones": ["nova"],
                    "Subnets": [subnet],
                    "Listeners": [port],
                    "HealthCheck": {**check, "HealthyThreshold": 2, "UnhealthyThreshold": 3},
                    "Instances": [{"Ref": "Single"}],
                },
            },
            "Conf": {
                "Type": "AWS::AutoScaling::LaunchConfiguration",
                "Properties": {"ImageId": "cirros", "InstanceType": "m1.tiny"},
            },
            "Group": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {
                    "AvailabilityZones": ["nova"],
                    "LaunchConfigurationName": {"Ref": "Conf"},
                    "MinSize": 1,
                    "MaxSize": 3,
                    "VPCZoneIdentifier": [subnet],
                    "LoadBalancerNames": [{"Ref": "Balancer"}],
                },
            },
            "Up": _policy(1),
            "Down": _policy(-2),
        },
        "Outputs": {
            "Address": {"Value": {"Fn::GetAtt": ["Balancer", "DNSName"]}},
            "Name": {"Value": {"Ref": "Balancer"}},
            "Members": {"Value": {"Fn::GetAtt": ["Group", "InstanceList"]}},
            "Single": {"Value": {"Fn::GetAtt": ["Single", "PrivateIp"]}},
        },
    }


async def inside(process: Process, stack: Stack, name: str) -> tuple[Stack, dict[str, Resource]]:
    row = (await process.rows(stack))[name]
    child = await process.stack(replace(stack, id=row.nested_stack_id or ""))
    return child, await process.rows(child)


async def started(process: Process, stack: Stack) -> None:
    """HAProxy starts: the guest of the load balancer reports it once the instance runs."""

    async def is_waiting() -> bool:
        row = (await process.rows(stack)).get("Balancer")
        if row is None or row.nested_stack_id is None:
            return False
        _, rows = await inside(process, stack, "Balancer")
        return "instance" in rows and rows["instance"].status is Status.COMPLETE

    await until(is_waiting)
    child, _ = await inside(process, stack, "Balancer")
    await signals.signal(process.engine, process.caller, child, "handle", SUCCESS)


async def followed(process: Process, stack: Stack) -> list[str]:
    """The addresses in the configuration that the guest of the load balancer reads, in order."""
    child, rows = await inside(process, stack, "Balancer")
    user, project = rows["user"].physical_id, child.stack_user_project_id
    guest = replace(process.caller, user_id=user, project_id=project, roles=(GUEST,))
    found = await resource_queries.metadata(Reader(process.engine), guest, child, "configuration")
    files = found["AWS::CloudFormation::Init"]["config"]["files"]
    lines = files["/etc/haproxy/haproxy.cfg"]["content"].splitlines()
    return [line.split()[2] for line in lines if line.strip().startswith("server ")]


async def expected(process: Process, stack: Stack, size: int) -> list[str]:
    outputs = await process.outputs(stack)
    members = outputs["Members"].split(",")
    assert len(members) == size
    return [f"{each}:8080" for each in (outputs["Single"], *members)]


async def grown(process: Process, stack: Stack, policy: str) -> Stack:
    await signals.signal(process.engine, process.caller, stack, policy, None)
    child, _ = await inside(process, stack, "Group")
    assert (await process.done(child)).status is Status.COMPLETE
    return await process.done(stack)


async def reached(process: Process, asked: Stack, *, starts: bool = True) -> Stack:
    if starts:
        await started(process, asked)
    stack = await process.done(asked)
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


async def created(made: World, process: Process) -> Stack:
    return await reached(process, await process.create("s", template(), environment=ENVIRONMENT))


async def test_load_balancer_follows_a_group_as_it_grows_and_shrinks(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await created(made, process)
        outputs = await process.outputs(stack)
        _, rows = await inside(process, stack, "Balancer")
        assert outputs["Name"] == "Balancer"
        assert outputs["Address"] == rows["instance"].attributes["PublicIp"]
        assert await followed(process, stack) == await expected(process, stack, 1)
        for policy, size in (("Up", 2), ("Up", 3), ("Down", 1)):
            stack = await grown(process, stack, policy)
            assert await followed(process, stack) == await expected(process, stack, size)
        assert (await preview(process, stack, template(), environment=ENVIRONMENT)).is_empty
        await process.done(await process.delete(stack))
        left = made.counts().keys() - {"security_groups", "security_group_rules"}
        assert left == set(), "only the default group, which every project has"


async def test_members_are_announced_when_they_work_and_withdrawn_before_they_go(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await grown(process, await created(made, process), "Up")
        stack = await grown(process, stack, "Up")
        child, _ = await inside(process, stack, "Group")
        before = len(await process.told(child))
        await grown(process, stack, "Down")
        told = (await process.told(child))[before:]
        announced = told.index("load_balancers UPDATE_COMPLETE")
        gone = [told.index(each) for each in told if each.endswith("DELETE_IN_PROGRESS")]
        assert len(gone) == 2
        assert all(announced < each for each in gone)
        first = (await process.told(child))[:before]
        last = max(index for index, each in enumerate(first) if each.endswith("CREATE_COMPLETE"))
        assert last < len(first) - 1 - first[::-1].index("load_balancers UPDATE_IN_PROGRESS")


async def test_members_rest_while_they_are_resized(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        content = template()
        policy = {"MinInstancesInService": 1, "MaxBatchSize": 1, "PauseTime": "PT1M"}
        content["Resources"]["Group"]["UpdatePolicy"] = {"AutoScalingRollingUpdate": policy}
        content["Resources"]["Group"]["Properties"]["MinSize"] = 2
        stack = await reached(process, await process.create("s", content, environment=ENVIRONMENT))
        child, _ = await inside(process, stack, "Group")
        before = len(await process.events(child))
        content["Resources"]["Conf"]["Properties"]["InstanceType"] = "m1.small"
        asked = await process.update(stack, content, environment=ENVIRONMENT)
        stack = await reached(process, asked, starts=False)
        reader = Reader(process.engine)
        announced = [
            len((await reader.properties_at(child, each))["Addresses"])
            for each in (await process.events(child))[before:]
            if (each.resource_name, each.status) == ("load_balancers", Status.IN_PROGRESS)
        ]
        assert announced == [1, 1, 2]
        assert await followed(process, stack) == await expected(process, stack, 2)
        assert (await preview(process, stack, content, environment=ENVIRONMENT)).is_empty


async def test_other_load_balancer_in_its_place_has_the_same_members(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await grown(process, await created(made, process), "Up")
        old, _ = await inside(process, stack, "Balancer")
        members = await expected(process, stack, 2)
        content = template(LoadBalancerPort=81)
        asked = await process.update(stack, content, environment=ENVIRONMENT)
        await until(partial(_is_replaced, process, stack, old.id))
        stack = await reached(process, asked)
        new, rows = await inside(process, stack, "Balancer")
        assert new.id != old.id
        assert await followed(process, stack) == members
        del content["Resources"]["Balancer"]["Properties"]["Instances"]
        stack = await reached(
            process, await process.update(stack, content, environment=ENVIRONMENT), starts=False
        )
        _, after = await inside(process, stack, "Balancer")
        assert after["instance"].physical_id == rows["instance"].physical_id
        assert await followed(process, stack) == members[1:]


async def _is_replaced(process: Process, stack: Stack, old: str) -> bool:
    row = (await process.rows(stack)).get("Balancer")
    return row is not None and row.nested_stack_id not in (None, old)
