"""Exports, and stacks that are given up: what stays, and what the data says."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db.journal import Insert
from stackd.engine.usecases import abandoning
from stackd.engine.usecases import stacks as use_cases
from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Operation, Stack, Status
from tests.support.engine import Process, World
from tests.support.templates import hot

NET = {"type": "OS::Neutron::Net", "properties": {"name": {"get_param": "name"}}}
GROUP = {
    "type": "OS::Heat::ResourceGroup",
    "properties": {"count": 2, "resource_def": {"type": "OS::Neutron::Net"}},
}
TEMPLATE = {
    **hot({"net": NET, "group": GROUP}),
    "parameters": {"name": {"type": "string", "hidden": True}},
}


def permit(process: Process) -> None:
    allowed = {"enable_stack_abandon": True, "enable_stack_adopt": True}
    process.engine.limits = process.engine.limits.model_copy(update=allowed)


async def made(process: Process) -> Stack:
    permit(process)
    stack = await process.create("given", TEMPLATE, parameters={"name": "secret-name"}, tags=("a", "b"))
    return await process.done(stack)


async def test_abandoned_stack_is_gone_with_the_stacks_inside_and_leaves_every_object(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process)
        assert await abandoning.export(process.engine, process.caller, stack) == await abandoning.abandon(
            process.engine, process.caller, stack
        )
        gone = await process.done(stack)
        assert (gone.action, gone.status) == (Action.DELETE, Status.COMPLETE)
        assert stackd_world.counts() == {"networks": 3}
        again = await process.done(await process.create("given", TEMPLATE, parameters={"name": "other"}))
        assert again.status is Status.COMPLETE


async def test_export_has_the_definition_unmasked_and_all_resources(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process)
        data = await abandoning.export(process.engine, process.caller, stack)
        rows = await process.rows(stack)
    assert data["resources"]["net"] == {
        "name": "net",
        "resource_id": rows["net"].physical_id,
        "type": "OS::Neutron::Net",
        "action": "CREATE",
        "status": "COMPLETE",
        "metadata": {},
        "resource_data": {},
    }
    group = data["resources"]["group"]
    assert group["id"] == rows["group"].physical_id
    assert sorted(group["resources"]) == ["0", "1"]
    assert group["template"]["resources"].keys() == {"0", "1"}
    del data["resources"]
    assert data == {
        "name": "given",
        "id": stack.id,
        "action": "CREATE",
        "status": "COMPLETE",
        "project_id": stack.project_id,
        "stack_user_project_id": None,
        "tags": ["a", "b"],
        "template": TEMPLATE,
        "environment": {
            "parameters": {"name": "secret-name"},
            "parameter_defaults": {},
            "resource_registry": {"resources": {}},
            "event_sinks": [],
        },
        "files": {},
    }


async def test_deletion_that_comes_in_between_leaves_the_objects_too(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process)

    def is_accepted(change: Any) -> bool:
        return isinstance(change, Insert) and isinstance(change.record, Operation)

    async with stackd_world.process(dies_on=is_accepted, after=True) as process:
        permit(process)
        process.engine.operator.schedule = lambda *_: None  # type: ignore[method-assign]
        process.journal.dies_on = None
        await abandoning.abandon(process.engine, process.caller, stack)
        await use_cases.delete(process.engine, process.caller, await process.stack(stack))
    async with stackd_world.process() as process:
        await process.done(stack)
        assert stackd_world.counts()["networks"] == 3


async def test_neither_is_there_unless_permitted_nor_while_something_goes_on(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        for act in (abandoning.export, abandoning.abandon):
            with pytest.raises(NotSupported, match=r"Stack \w+ is not supported"):
                await act(process.engine, process.caller, stack)
        permit(process)
        await process.update(stack, hot({"w": {"type": "OS::Heat::WaitConditionHandle"}}))
        with pytest.raises(ActionInProgress):
            await abandoning.abandon(process.engine, process.caller, stack)
        await process.done(stack)
