"""The example templates of CloudFormation on the dev cloud, with guests that report as soon as they run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import yaml

from stackd.records import Stack, Status
from tests.engine.planning.observed import preview
from tests.support import alarms
from tests.support.engine import Process, World, world
from tests.support.guests import guests

EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST = 20
"""Minutes in which alarms bring a group to its bounds."""


def template(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


async def created(process: Process, name: str, **parameters: str) -> Stack:
    asked = await process.create("s", template(name), parameters=parameters)
    async with guests(process, asked):
        stack = await process.done(asked)
    assert stack.status is Status.COMPLETE, stack.reason
    assert (await preview(process, stack, template(name), parameters=parameters)).is_empty
    return stack


async def deleted(made: World, process: Process, stack: Stack) -> None:
    await process.done(await process.delete(stack))
    assert made.counts().keys() <= {"security_groups", "security_group_rules"}, "the default group stays"


async def test_vpc(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await created(process, "vpc.yaml")
        outputs = await process.outputs(stack)
        [address] = made.objects("floatingips")
        assert outputs == {
            "Url": f"http://{address['floating_ip_address']}/",
            "Database": "10.50.2.10",
        }
        routers = {each["id"]: each["name"] for each in made.objects("routers")}
        assert routers[address["router_id"]].startswith("s-PublicRoutes-")
        [disk] = made.objects("volumes")
        [port] = [each for each in made.objects("ports") if each["name"].startswith("s-DatabaseInterface-")]
        assert disk["attachments"][0]["server_id"] == port["device_id"]
        await deleted(made, process, stack)


async def test_blog(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await created(process, "blog.yaml", Password="changeme1")
        outputs = await process.outputs(stack)
        assert json.loads(outputs["Report"]) == {"guest": "All is set up"}
        await deleted(made, process, stack)


async def measured(made: World, process: Process, stack: Stack, load: float, servers: int) -> None:
    """The instances of the group measure a load, minute by minute, until there are so many servers."""
    group = (await process.rows(stack))["Workers"].physical_id
    dimensions = [{"Name": "AutoScalingGroupName", "Value": group}]
    for _ in range(LONGEST):
        datum = {"MetricName": "CPUUtilization", "Value": load, "Dimensions": dimensions}
        await alarms.call(process, "PutMetricData", Namespace="system/linux", MetricData=[datum])
        await asyncio.sleep(60)
        if len(made.objects("servers")) == servers:
            return
    raise AssertionError(f"{len(made.objects('servers'))} servers after {LONGEST} minutes of {load} %")


async def test_balanced(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        alarms.unhurried(made)
        async with made.process() as process:
            stack = await created(process, "balanced.yaml")
            assert len(made.objects("servers")) == 2
            outputs = await process.outputs(stack)
            assert all("/signal/arn" in outputs[policy] for policy in ("More", "Fewer"))
            await measured(made, process, stack, 95, servers=3)
            await measured(made, process, stack, 5, servers=2)
            await deleted(made, process, stack)
