"""Small stacks, what is done to them, and what happens to their objects behind stackd's back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from stackd.devcloud.store import Entity
from stackd.engine.usecases import abandoning, actions, adopting
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Action, Event, Resource, Stack, Status
from tests.support.engine import Process, World


def template(**resources: Any) -> dict[str, Any]:
    return {"heat_template_version": "2018-08-31", "resources": resources}


def resource(kind: str, *needs: str, **properties: Any) -> dict[str, Any]:
    needed = {"depends_on": list(needs)} if needs else {}
    return {"type": kind, "properties": properties, **needed}


def a_server(*needs: str, **properties: Any) -> dict[str, Any]:
    return resource(
        "OS::Nova::Server",
        *needs,
        image="cirros",
        flavor="m1.tiny",
        networks=[{"allocate_network": "none"}],
        **properties,
    )


def a_test(*needs: str, **properties: Any) -> dict[str, Any]:
    return resource("OS::Heat::TestResource", *needs, **properties)


async def begin(process: Process, stack: Stack, action: str) -> Stack:
    return await actions.act(process.engine, process.caller, await process.stack(stack), action)


async def act(process: Process, stack: Stack, action: str) -> Stack:
    await begin(process, stack, action)
    return await process.done(stack)


async def handed_on(process: Process, stack: Stack) -> Stack:
    """A new stack that has adopted the objects of this one, which was abandoned."""
    allowed = {"enable_stack_abandon": True, "enable_stack_adopt": True}
    process.engine.limits = process.engine.limits.model_copy(update=allowed)
    data = await abandoning.abandon(process.engine, process.caller, await process.stack(stack))
    await process.done(stack)
    request = StackRequest(name=f"{stack.name}-again")
    accepted = await adopting.adopt(process.engine, process.caller, request, json.dumps(data))
    return await process.done(accepted)


async def made(process: Process, content: dict[str, Any]) -> Stack:
    stack = await process.done(await process.create("s", content))
    assert stack.status is Status.COMPLETE, stack.reason
    return stack


def state(record: Stack | Resource) -> str:
    return f"{record.action}_{record.status}"


def most_at_work(events: Sequence[Event], action: Action, kind: str) -> int:
    """How many resources of a type went through an action at the same time, as events tell, oldest first."""
    at_work: set[str] = set()
    most = 0
    for event in events:
        if (event.action, event.resource_type) != (action, kind):
            continue
        if event.status is Status.IN_PROGRESS:
            at_work.add(event.resource_name)
        else:
            at_work.discard(event.resource_name)
        most = max(most, len(at_work))
    return most


def entity_of(world: World, row: Resource) -> Entity:
    rows = (table.rows.get(row.physical_id or "") for table in world.cloud.store.tables.values())
    return next(each for each in rows if each is not None)


def remove(world: World, *rows: Resource) -> None:
    for row in rows:
        world.cloud.store.remove(entity_of(world, row))


def change(world: World, row: Resource, **values: Any) -> None:
    world.cloud.store.update(entity_of(world, row), values)
