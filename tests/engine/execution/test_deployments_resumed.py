"""A deployment is brought to its server once in each action, whatever becomes of the process meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from stackd.db import software
from stackd.db.journal import Change, Insert
from stackd.engine.usecases import signals
from stackd.records import Action, Event, SoftwareConfig, Stack, Status
from tests.support.actions import begin, made, resource, template
from tests.support.engine import Process, World, unless_dead
from tests.support.waiting import until

GOOD = {"deploy_status_code": 0}


def deploying(text: str) -> dict[str, Any]:
    return template(
        config=resource("OS::Heat::SoftwareConfig", config=text),
        deployed=resource(
            "OS::Heat::SoftwareDeployment",
            config={"get_resource": "config"},
            server="some-server",
            signal_transport="HEAT_SIGNAL",
            actions=["UPDATE", "SUSPEND"],
        ),
    )


async def waiting(process: Process, stack: Stack, action: Action) -> SoftwareConfig:
    """The configuration that the server has, once the deployment waits for its guest."""
    found: list[SoftwareConfig] = []

    async def is_there() -> bool:
        row = (await process.rows(stack))["deployed"]
        configs = await software.of_server(process.db, "some-server", process.caller.project_id)
        found[:] = configs
        return bool(configs) and (row.action, row.status) == (action, Status.IN_PROGRESS)

    await until(is_there)
    return found[0]


async def signal(process: Process, stack: Stack) -> None:
    await signals.signal(process.engine, process.caller, stack, "deployed", GOOD)


def is_outcome(change: Change) -> bool:
    """Whether a change says that the deployment is done."""
    event = change.record if isinstance(change, Insert) else None
    return isinstance(event, Event) and (event.resource_name, event.status) == ("deployed", Status.COMPLETE)


async def test_what_the_guest_has_done_is_not_deployed_again_after_a_crash(stackd_world: World) -> None:
    async with stackd_world.process() as first:
        stack = await made(first, deploying("a"))
    for action in (Action.UPDATE, Action.SUSPEND):
        async with stackd_world.process(dies_on=is_outcome) as second:
            if action is Action.UPDATE:
                await second.update(stack, deploying("b"))
            else:
                await begin(second, stack, "suspend")
            before = await waiting(second, stack, action)
            await signal(second, stack)
            await unless_dead(second, asyncio.create_task(second.done(stack)))
            assert second.journal.died.is_set()
        async with stackd_world.process() as last:
            ended = await last.done(stack)
            assert (ended.action, ended.status) == (action, Status.COMPLETE), ended.reason
            (after,) = await software.of_server(last.db, "some-server", last.caller.project_id)
            assert after.id == before.id
