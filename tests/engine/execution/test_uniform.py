"""One verb on every stored resource: nested stacks, failures, interruptions."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from stackd.db import stacks
from stackd.db.journal import Change, Update
from stackd.engine.usecases import actions, signals
from stackd.errors import ActionInProgress, NotSupported
from stackd.records import Action, Resource, Stack
from tests.support.actions import (
    a_server,
    a_test,
    act,
    begin,
    change,
    entity_of,
    made,
    remove,
    resource,
    state,
    template,
)
from tests.support.engine import Process, World, unless_dead

GROUP = template(
    group=resource("OS::Heat::ResourceGroup", count=2, resource_def=a_server()),
    last=a_test("group"),
)


async def inside(process: Process, stack: Stack) -> tuple[Stack, dict[str, Resource]]:
    """The stack of the group, and its members."""
    row = (await process.rows(stack))["group"]
    child = await stacks.get(process.db, row.nested_stack_id or "", None)
    assert child is not None
    return child, await process.rows(child)


def statuses(world: World) -> set[str]:
    return {each["status"] for each in world.objects("servers")}


async def test_members_of_a_group_rest_with_it_and_events_of_all_stacks_tell_so(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, GROUP)
        await act(process, stack, "suspend")
        child, members = await inside(process, stack)
        assert {state(each) for each in (child, *members.values())} == {"SUSPEND_COMPLETE"}
        assert statuses(stackd_world) == {"SUSPENDED"}
        told = await process.told(child)
        assert told[-1] == f"{child.name} SUSPEND_COMPLETE"
        assert f"{child.name} SUSPEND_IN_PROGRESS" in told
        checked = await act(process, stack, "check")
        assert state(checked) == "CHECK_COMPLETE", "a check lets what is suspended rest"
        assert {state(each) for each in (await inside(process, stack))[1].values()} == {"SUSPEND_COMPLETE"}
        assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
        assert statuses(stackd_world) == {"ACTIVE"}


async def test_dead_member_fails_the_check_and_only_it_is_replaced(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, GROUP)
        _, before = await inside(process, stack)
        remove(stackd_world, before["1"])
        checked = await act(process, stack, "check")
        child, members = await inside(process, stack)
        assert {state(each) for each in (checked, child, members["1"])} == {"CHECK_FAILED"}
        assert state(members["0"]) == "CHECK_COMPLETE"
        assert "resources.group.resources.1: " in checked.reason
        assert child.reason.startswith("Resource CHECK failed: 1: ")
        await process.update(stack, GROUP)
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"
        _, after = await inside(process, stack)
        assert after["0"].physical_id == before["0"].physical_id
        assert after["1"].physical_id != before["1"].physical_id
        assert len(stackd_world.objects("servers")) == 2


async def test_group_marked_unhealthy_is_replaced_as_a_whole(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, GROUP)
        _, before = await inside(process, stack)
        await signals.mark(process.engine, process.caller, stack, "group", broken=True, reason="because")
        await process.update(stack, GROUP)
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"
        _, after = await inside(process, stack)
        assert {each.physical_id for each in after.values()}.isdisjoint(
            each.physical_id for each in before.values()
        )


async def test_stack_never_suspended_cannot_be_resumed_and_then_can_be_updated(stackd_world: World) -> None:
    content = template(web=a_server())
    async with stackd_world.process() as process:
        stack = await made(process, content)
        failed = await act(process, stack, "resume")
        assert state(failed) == "RESUME_FAILED"
        assert failed.reason == (
            "Resource RESUME failed: Error: resources.web: State ('CREATE', 'COMPLETE') invalid for resume"
        )
        assert state((await process.rows(stack))["web"]) == "CREATE_COMPLETE"
        await process.update(stack, content)
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"


async def test_check_hides_no_failure(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        content = template(bad=a_test(fail=True), waiting=a_test("bad"), good=a_test())
        stack = await process.done(await process.create("s", content))
        before = await process.rows(stack)
        checked = await act(process, stack, "check")
        rows = await process.rows(stack)
        assert state(checked) == "CHECK_FAILED"
        assert checked.reason == (
            "Resource CHECK failed: bad: ValueError: resources.bad: Test Resource failed bad"
        )
        assert {name: state(row) for name, row in rows.items()} == {
            "bad": "CREATE_FAILED",
            "waiting": "INIT_COMPLETE",
            "good": "CHECK_COMPLETE",
        }
        assert rows["bad"] == before["bad"]


async def test_suspension_that_fails_is_named_and_deletion_still_works(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, template(web=a_server()))
        row = (await process.rows(stack))["web"]
        change(stackd_world, row, status="ERROR", **{"OS-EXT-STS:vm_state": "error"})
        failed = await act(process, stack, "suspend")
        assert state(failed) == "SUSPEND_FAILED"
        assert failed.reason.startswith("Resource SUSPEND failed: CloudConflict: resources.web: ")
        assert state((await process.rows(stack))["web"]) == "SUSPEND_FAILED"
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"


async def test_suspension_has_the_time_of_the_stack(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.create("s", template(web=a_server()), timeout_mins=1)
        await process.done(stack)
        stackd_world.cloud.world.ready_after = 3600.0
        watchers = process.engine.services.watchers
        watchers.shortest = watchers.longest = 20.0
        failed = await act(process, stack, "suspend")
        assert state(failed) == "SUSPEND_FAILED"
        assert failed.reason.startswith("Timed out after 60 s")
        row = (await process.rows(stack))["web"]
        assert (state(row), row.reason) == (
            "SUSPEND_FAILED",
            "ResourceFailure: resources.web: SUSPEND aborted (Timed out)",
        )


async def test_actions_survive_crashes_at_their_writes(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, GROUP)
    turns = itertools.cycle((("suspend", "SUSPENDED"), ("resume", "ACTIVE"), ("check", "ACTIVE")))
    for dies_at in itertools.count(1, 2):
        action, status = next(turns)
        async with stackd_world.process(dies_at=dies_at) as first:
            accepted = asyncio.create_task(actions.act(first.engine, first.caller, stack, action))
            if await unless_dead(first, accepted) is not None:
                await unless_dead(first, asyncio.create_task(first.done(stack)))
            came = first.journal.died.is_set()
        async with stackd_world.process() as second:
            await second.done(stack)
            assert state(await act(second, stack, action)) == f"{action.upper()}_COMPLETE"
            assert statuses(stackd_world) == {status}
        if not came:
            break
    assert dies_at > 8


HANDLE = template(handle=resource("OS::Heat::WaitConditionHandle", signal_transport="HEAT_SIGNAL"))


async def test_user_of_a_suspended_resource_may_not_sign_in_and_its_signals_are_refused(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, HANDLE)
        row = (await process.rows(stack))["handle"]
        user = entity_of(stackd_world, row)
        await act(process, stack, "suspend")
        assert user.data["enabled"] is False
        with pytest.raises(NotSupported, match="Signal resource during SUSPEND is not supported"):
            await signals.signal(process.engine, process.caller, stack, "handle", {})
        await act(process, stack, "resume")
        assert user.data["enabled"] is True
        await signals.signal(process.engine, process.caller, stack, "handle", {})


async def test_deletion_ends_a_suspension_and_an_update_a_resumption(stackd_world: World) -> None:
    content = template(web=a_server(), group=resource("OS::Heat::ResourceGroup", resource_def=a_server()))
    async with stackd_world.process() as process:
        stack = await made(process, content)
        await act(process, stack, "suspend")
        stackd_world.cloud.world.ready_after = 5.0
        resuming = await begin(process, stack, "resume")
        assert state(resuming) == "RESUME_IN_PROGRESS"
        for refused in ("suspend", "resume", "check"):
            with pytest.raises(ActionInProgress):
                await begin(process, stack, refused)
        await process.update(stack, content)
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"
        await asyncio.sleep(5)
        assert statuses(stackd_world) == {"ACTIVE"}
        assert state(await begin(process, stack, "suspend")) == "SUSPEND_IN_PROGRESS"
        await process.delete(stack)
        assert state(await process.done(stack)) == "DELETE_COMPLETE"
        assert stackd_world.objects("servers") == []


async def test_update_goes_on_where_a_resumption_has_failed(stackd_world: World) -> None:
    content = template(a=a_server(), b=a_test("a"), group=GROUP["resources"]["group"])
    content["resources"]["group"] = {**content["resources"]["group"], "depends_on": ["a"]}
    async with stackd_world.process() as process:
        stack = await made(process, content)
        await act(process, stack, "suspend")
        remove(stackd_world, (await process.rows(stack))["a"])
        assert state(await act(process, stack, "resume")) == "RESUME_FAILED"
        rows = await process.rows(stack)
        assert {name: state(row) for name, row in rows.items()} == {
            "a": "RESUME_FAILED",
            "b": "SUSPEND_COMPLETE",
            "group": "SUSPEND_COMPLETE",
        }
        await process.update(stack, {**content, "description": "once more"})
        ended = await process.done(stack)
        assert state(ended) == "UPDATE_COMPLETE", ended.reason
        assert state(await act(process, stack, "check")) == "CHECK_COMPLETE"


async def test_many_servers_are_checked_by_few_calls(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        group = resource("OS::Heat::ResourceGroup", count=60, resource_def=a_server())
        stack = await made(process, template(group=group))
        before = stackd_world.cloud.meter.by_service["compute"]
        assert state(await act(process, stack, "check")) == "CHECK_COMPLETE"
        assert stackd_world.cloud.meter.by_service["compute"] - before < 10


async def test_update_ends_a_check_that_it_supersedes(stackd_world: World) -> None:
    content = template(disk=resource("OS::Cinder::Volume", size=1))
    async with stackd_world.process(dies_on=_begins_a_check, after=True) as process:
        stack = await made(process, content)
        await begin(process, stack, "check")
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        assert state((await process.rows(stack))["disk"]) == "CHECK_IN_PROGRESS"
        await process.update(stack, {**content, "description": "new"})
        assert state(await process.done(stack)) == "UPDATE_COMPLETE"
        assert state((await process.rows(stack))["disk"]) == "CHECK_COMPLETE"


def _begins_a_check(change: Change) -> bool:
    is_row = isinstance(change, Update) and change.kind is Resource
    return is_row and change.values.get("action") is Action.CHECK
