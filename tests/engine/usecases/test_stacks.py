"""Stories of whole stacks: create, update, replace, fail, roll back, delete."""

import asyncio
import re
from datetime import timedelta

import pytest

from stackd.errors import EntityNotFound, StackExists, TemplateError
from stackd.records import Action, Stack, Status
from tests.support.engine import Process, World
from tests.support.templates import hot

VALUE = {"type": "OS::Heat::Value", "properties": {"value": "x"}}
NETWORK = {
    "net": {"type": "OS::Neutron::Net"},
    "subnet": {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.1.0.0/24"},
    },
    "port": {"type": "OS::Neutron::Port", "properties": {"network": {"get_resource": "net"}}},
}


async def test_stack_without_resources_completes(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("empty", hot({})))
        assert (stack.action, stack.status) == (Action.CREATE, Status.COMPLETE)
        assert stack.reason == "Stack CREATE completed successfully"


async def test_outputs_are_stored_when_the_stack_completes(stackd_world: World) -> None:
    outputs = {"v": {"value": {"get_attr": ["v", "value"]}}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"v": VALUE}, outputs=outputs)))
        assert await process.outputs(stack) == {"v": "x"}


async def test_port_waits_for_the_subnets_of_its_network(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("net", hot(NETWORK)))
        assert stack.status is Status.COMPLETE, stack.reason
        told = await process.told(stack)
        assert told.index("subnet CREATE_COMPLETE") < told.index("port CREATE_IN_PROGRESS")
        assert stackd_world.counts()["ports"] == 1
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_changed_property_that_cannot_change_replaces_and_dependents_follow(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("net", hot(NETWORK)))
        before = await process.rows(stack)
        changed = dict(NETWORK)
        changed["subnet"] = {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "net"}, "cidr": "10.2.0.0/24"},
        }
        changed.pop("port")
        stack = await process.done(await process.update(stack, hot(changed)))
        assert stack.status is Status.COMPLETE, stack.reason
        after = await process.rows(stack)
        assert after["net"].physical_id == before["net"].physical_id
        assert after["subnet"].physical_id != before["subnet"].physical_id
        assert {row["cidr"] for row in stackd_world.objects("subnets")} == {"10.2.0.0/24"}
        assert "port" not in after


async def test_update_in_place_keeps_the_object(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("net", hot(NETWORK)))
        before = (await process.rows(stack))["net"]
        changed = NETWORK | {"net": {"type": "OS::Neutron::Net", "properties": {"name": "renamed"}}}
        stack = await process.done(await process.update(stack, hot(changed)))
        after = (await process.rows(stack))["net"]
        assert after.physical_id == before.physical_id
        assert [net["name"] for net in stackd_world.objects("networks")] == ["renamed"]
        assert "net UPDATE_COMPLETE" in await process.told(stack)


async def test_repeated_update_touches_nothing(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("net", hot(NETWORK)))
        told = await process.told(stack)
        stack = await process.done(await process.update(stack, hot(NETWORK)))
        assert (await process.told(stack))[len(told) :] == ["net UPDATE_IN_PROGRESS", "net UPDATE_COMPLETE"]


FAILING = {"bad": {"type": "OS::Heat::TestResource", "properties": {"fail": True}}}


async def test_failure_names_resource_and_cause(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("f", hot(FAILING)))
        assert stack.status is Status.FAILED
        assert stack.reason.startswith("Resource CREATE failed: ")
        assert "resources.bad: Test Resource failed bad" in stack.reason


async def test_failed_create_with_rollback_leaves_an_empty_stack(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        template = hot(NETWORK | {"bad": FAILING["bad"] | {"depends_on": "port"}})
        stack = await process.done(await process.create("f", template, disable_rollback=False))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE)
        assert await process.rows(stack) == {}
        assert stackd_world.counts() == {}
        told = await process.told(stack)
        assert "f CREATE_FAILED" in told
        assert told[-1] == "f ROLLBACK_COMPLETE"


async def test_failed_update_with_rollback_restores_what_was(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("f", hot(NETWORK), disable_rollback=False))
        before = await process.rows(stack)
        changed = NETWORK | {"bad": FAILING["bad"] | {"depends_on": "net"}}
        changed |= {"net": {"type": "OS::Neutron::Net", "properties": {"name": "other"}}}
        stack = await process.done(await process.update(stack, hot(changed)))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        after = await process.rows(stack)
        assert {name: row.physical_id for name, row in after.items()} == {
            name: row.physical_id for name, row in before.items()
        }
        assert [net["name"] != "other" for net in stackd_world.objects("networks")] == [True]


async def test_failed_stack_is_mended_by_an_update(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("f", hot(NETWORK | FAILING)))
        mended = {"bad": {"type": "OS::Heat::TestResource"}}
        stack = await process.done(await process.update(stack, hot(NETWORK | mended)))
        assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
        assert stackd_world.counts()["ports"] == 1


async def test_name_is_taken_until_the_stack_is_deleted(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("same", hot({})))
        with pytest.raises(StackExists):
            await process.create("same", hot({}))
        await process.done(await process.delete(stack))
        again = await process.done(await process.create("same", hot({})))
        assert again.id != stack.id


async def test_deleted_stack_cannot_be_deleted_again(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({})))
        await process.done(await process.delete(stack))
        with pytest.raises(EntityNotFound):
            await process.delete(stack)


async def test_unknown_flavor_is_refused_before_anything_is_made(stackd_world: World) -> None:
    server = {"type": "OS::Nova::Server", "properties": {"flavor": "m9.huge", "image": "cirros"}}
    async with stackd_world.process() as process:
        with pytest.raises(TemplateError, match=r"resources\.s\.properties\.flavor"):
            await process.create("s", hot({"s": server}))


GROUP = {
    "type": "OS::Heat::ResourceGroup",
    "properties": {"count": 2, "resource_def": {"type": "OS::Heat::RandomString"}},
}


async def test_group_is_a_stack_of_its_own(stackd_world: World) -> None:
    outputs = {"all": {"value": {"get_attr": ["g", "value"]}}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("g", hot({"g": GROUP}, outputs=outputs)))
        assert stack.status is Status.COMPLETE, stack.reason
        assert len((await process.outputs(stack))["all"]) == 2
        child_id = (await process.rows(stack))["g"].nested_stack_id
        assert child_id
        bigger = {"type": GROUP["type"], "properties": GROUP["properties"] | {"count": 3}}
        before = await process.outputs(stack)
        stack = await process.done(await process.update(stack, hot({"g": bigger}, outputs=outputs)))
        after = await process.outputs(stack)
        assert len(after["all"]) == 3
        assert set(before["all"]) < set(after["all"])
        await process.done(await process.delete(stack))


async def test_failure_inside_a_nested_stack_is_named_with_its_path(stackd_world: World) -> None:
    inner = {"type": "OS::Heat::TestResource", "properties": {"fail": True}}
    group = {"type": GROUP["type"], "properties": {"count": 1, "resource_def": inner}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("g", hot({"g": group})))
        assert "resources.g.resources.0: Test Resource failed 0" in stack.reason


async def test_update_supersedes_a_create_that_waits(stackd_world: World) -> None:
    seconds = {"action_wait_secs": {"create": -1}}
    waiting = {"w": {"type": "OS::Heat::TestResource", "properties": seconds}}
    async with stackd_world.process() as process:
        stack = await process.create("w", hot(waiting | {"v": VALUE}))
        await _until_running(process, stack)
        stack = await process.done(await process.update(stack, hot({"v": VALUE})))
        assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
        assert set(await process.rows(stack)) == {"v"}


async def test_timeout_fails_the_stack_and_the_resource_that_waits(stackd_world: World) -> None:
    waiting = {"w": {"type": "OS::Heat::TestResource", "properties": {"wait_secs": -1}}}
    async with stackd_world.process() as process:
        stack = await process.create("w", hot(waiting), timeout_mins=1)
        await _until_running(process, stack)
        process.engine.operator._trees[stack.root_id].cancellation.set_deadline(0.05)
        stack = await process.done(stack)
        assert stack.status is Status.FAILED
        assert re.fullmatch(r"Timed out after 60 s while waiting for w \(CREATE for \d+ s\)", stack.reason)
        assert (await process.rows(stack))["w"].status is Status.FAILED


async def _until_running(process: Process, stack: Stack) -> None:
    while True:
        row = (await process.rows(stack)).get("w")
        if row is not None and row.physical_id:
            return
        await asyncio.sleep(0.01)


async def test_credentials_go_with_the_last_stack_that_used_them(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        one = await process.done(await process.create("one", hot({})))
        two = await process.done(await process.create("two", hot({})))
        assert one.credential_id == two.credential_id == (await process.trusted()).id
        assert len(stackd_world.objects("trusts")) == 1
        for stack, left in ((one, 1), (two, 0)):
            await process.done(await process.delete(stack))
            await process.engine.trusts.revoke_idle(timedelta(0))
            assert len(stackd_world.objects("trusts")) == left
