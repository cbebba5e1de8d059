"""What rests goes on resting, whatever fails meanwhile, until it is resumed, deleted or updated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.usecases import signals, snapshots
from stackd.errors import NotSupported
from stackd.records import Stack
from tests.support.actions import a_server, a_test, act, change, made, remove, resource, state, template
from tests.support.engine import Process, World

DISK = resource("OS::Cinder::Volume", size=1)
GROUP = resource("OS::Heat::ResourceGroup", count=1, resource_def=a_server())
CONTENT = template(web=a_server(), disk=DISK, group=GROUP, last=a_test("web"))

REFUSED = {
    "server": {"service": "compute", "method": "POST", "path": "/action$", "effect": "status", "status": 403},
    "volume": {"service": "volume", "method": "POST", "path": "/backups$", "effect": "status", "status": 403},
}


async def suspended(process: Process, content: dict[str, Any]) -> Stack:
    return await act(process, await made(process, content), "suspend")


async def snapshot(process: Process, stack: Stack) -> Stack:
    await snapshots.take(process.engine, process.caller, stack, None)
    return await process.done(stack)


async def failed_snapshot(world: World, process: Process, stack: Stack, what: str) -> Stack:
    world.cloud.faults.replace([REFUSED[what]])
    failed = await snapshot(process, stack)
    assert state(failed) == "SNAPSHOT_FAILED"
    world.cloud.faults.replace([])
    return failed


async def updated(process: Process, stack: Stack, content: dict[str, Any]) -> Stack:
    await process.update(stack, {**content, "description": "once more"})
    return await process.done(stack)


def statuses(world: World) -> set[str]:
    return {each["status"] for each in world.objects("servers")}


@pytest.mark.parametrize("what", REFUSED)
async def test_update_after_a_failed_snapshot_of_what_rests_resumes_it(
    stackd_world: World, what: str
) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        before = await process.rows(stack)
        await failed_snapshot(stackd_world, process, stack, what)
        assert statuses(stackd_world) == {"SUSPENDED"}
        ended = await updated(process, stack, CONTENT)
        assert (state(ended), statuses(stackd_world)) == ("UPDATE_COMPLETE", {"ACTIVE"})
        rows = await process.rows(stack)
        assert {name: row.physical_id for name, row in rows.items()} == {
            name: row.physical_id for name, row in before.items()
        }


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("action", ["resume", "suspend"])
async def test_what_rests_is_resumed_or_suspended_after_a_failed_snapshot(
    stackd_world: World, what: str, action: str
) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        await failed_snapshot(stackd_world, process, stack, what)
        ended = await act(process, stack, action)
        assert state(ended) == f"{action.upper()}_COMPLETE", ended.reason
        assert statuses(stackd_world) == {"ACTIVE" if action == "resume" else "SUSPENDED"}
        assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
        assert statuses(stackd_world) == {"ACTIVE"}


async def test_check_after_a_failed_snapshot_hides_no_failure_and_lets_all_rest(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        await failed_snapshot(stackd_world, process, stack, "server")
        assert state(await act(process, stack, "check")) == "CHECK_FAILED"
        assert state((await process.rows(stack))["web"]) == "SNAPSHOT_FAILED"
        assert statuses(stackd_world) == {"SUSPENDED"}
        ended = await updated(process, stack, CONTENT)
        assert (state(ended), statuses(stackd_world)) == ("UPDATE_COMPLETE", {"ACTIVE"})


async def test_deletion_after_a_failed_snapshot_of_what_rests_leaves_nothing(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        await failed_snapshot(stackd_world, process, stack, "server")
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"
        assert stackd_world.counts() == {}


async def test_restoration_after_a_failed_snapshot_of_what_rests_resumes_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        view = await snapshots.take(process.engine, process.caller, stack, None)
        await process.done(stack)
        await failed_snapshot(stackd_world, process, stack, "server")
        await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)
        ended = await process.done(stack)
        assert state(ended) == "RESTORE_COMPLETE", ended.reason
        assert statuses(stackd_world) == {"ACTIVE"}


async def test_failed_snapshot_of_what_does_not_rest_leaves_it_so(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        await snapshot(process, stack)
        await act(process, stack, "resume")
        await failed_snapshot(stackd_world, process, stack, "server")
        before = len(await process.told(stack))
        ended = await updated(process, stack, CONTENT)
        assert state(ended) == "UPDATE_COMPLETE"
        assert not [each for each in (await process.told(stack))[before:] if "RESUME" in each]
        assert state(await act(process, stack, "suspend")) == "SUSPEND_COMPLETE"


async def test_snapshot_after_a_failed_resumption_leaves_at_rest_what_was_not_resumed(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await suspended(process, CONTENT)
        stackd_world.cloud.faults.replace([REFUSED["server"]])
        assert state(await act(process, stack, "resume")) == "RESUME_FAILED"
        stackd_world.cloud.faults.replace([])
        assert state(await snapshot(process, stack)) == "SNAPSHOT_COMPLETE"
        assert statuses(stackd_world) == {"SUSPENDED"}
        ended = await updated(process, stack, CONTENT)
        assert (state(ended), statuses(stackd_world)) == ("UPDATE_COMPLETE", {"ACTIVE"})


async def test_what_a_failed_suspension_has_reached_is_suspended_again_or_resumed_by_an_update(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, CONTENT)
        for ending in ("suspend", "update"):
            stackd_world.cloud.faults.replace([REFUSED["server"]])
            assert state(await act(process, stack, "suspend")) == "SUSPEND_FAILED"
            stackd_world.cloud.faults.replace([])
            with pytest.raises(NotSupported, match="Updating a stack when it is suspended is not supported"):
                await process.update(stack, CONTENT)
            if ending == "suspend":
                assert state(await act(process, stack, "suspend")) == "SUSPEND_COMPLETE"
                assert statuses(stackd_world) == {"SUSPENDED"}
                assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
            else:
                await act(process, stack, "check")
                assert state(await updated(process, stack, CONTENT)) == "UPDATE_COMPLETE"
            assert statuses(stackd_world) == {"ACTIVE"}


async def test_update_after_a_failed_check_of_what_rests_replaces_what_is_lost_and_resumes_the_rest(
    stackd_world: World,
) -> None:
    content = template(web=a_server(), disk=DISK, group=GROUP)
    async with stackd_world.process() as process:
        stack = await suspended(process, content)
        before = await process.rows(stack)
        remove(stackd_world, before["disk"])
        assert state(await act(process, stack, "check")) == "CHECK_FAILED"
        assert state((await process.rows(stack))["disk"]) == "CHECK_FAILED"
        assert statuses(stackd_world) == {"SUSPENDED"}
        ended = await updated(process, stack, content)
        assert (state(ended), statuses(stackd_world)) == ("UPDATE_COMPLETE", {"ACTIVE"})
        after = await process.rows(stack)
        assert after["disk"].physical_id != before["disk"].physical_id
        assert after["web"].physical_id == before["web"].physical_id


async def test_what_rests_and_passes_a_check_after_one_that_failed_can_be_resumed(
    stackd_world: World,
) -> None:
    content = template(web=a_server(), disk=DISK)
    async with stackd_world.process() as process:
        stack = await suspended(process, content)
        rows = await process.rows(stack)
        server = dict(stackd_world.objects("servers")[0])
        disk = dict(stackd_world.objects("volumes")[0])
        change(stackd_world, rows["web"], status="ERROR")
        change(stackd_world, rows["disk"], status="error")
        assert state(await act(process, stack, "check")) == "CHECK_FAILED"
        change(stackd_world, rows["web"], status=server["status"])
        change(stackd_world, rows["disk"], status=disk["status"])
        ended = await act(process, stack, "check")
        assert state(ended) == "CHECK_COMPLETE", ended.reason
        assert statuses(stackd_world) == {"SUSPENDED"}
        ended = await act(process, stack, "resume")
        assert state(ended) == "RESUME_COMPLETE", ended.reason
        assert statuses(stackd_world) == {"ACTIVE"}


@pytest.mark.parametrize("ending", ["resume", "check", "snapshot"])
async def test_what_rests_and_was_marked_unhealthy_by_mistake_is_resumed_at_once_or_by_an_update(
    stackd_world: World, ending: str
) -> None:
    content = template(web=a_server())
    async with stackd_world.process() as process:
        stack = await suspended(process, content)
        before = (await process.rows(stack))["web"]
        for broken in (True, False):
            await signals.mark(process.engine, process.caller, stack, "web", broken=broken)
        assert state((await process.rows(stack))["web"]) == "CHECK_COMPLETE"
        if ending == "resume":
            assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
        else:
            await (snapshot(process, stack) if ending == "snapshot" else act(process, stack, ending))
            assert state(await updated(process, stack, content)) == "UPDATE_COMPLETE"
        assert statuses(stackd_world) == {"ACTIVE"}
        assert (await process.rows(stack))["web"].physical_id == before.physical_id


async def test_what_rests_and_is_marked_unhealthy_is_replaced_by_an_update(stackd_world: World) -> None:
    content = template(web=a_server(), other=a_server())
    async with stackd_world.process() as process:
        stack = await suspended(process, content)
        before = (await process.rows(stack))["web"]
        await signals.mark(process.engine, process.caller, stack, "web", broken=True)
        ended = await act(process, stack, "resume")
        assert state(ended) == "RESUME_FAILED"
        assert state((await process.rows(stack))["web"]) == "CHECK_FAILED"
        assert state(await updated(process, stack, content)) == "UPDATE_COMPLETE"
        assert statuses(stackd_world) == {"ACTIVE"}
        assert (await process.rows(stack))["web"].physical_id != before.physical_id


INNER = template(group=GROUP)
DEEP = template(group=resource("OS::Heat::ResourceGroup", count=1, resource_def={"type": "inner.yaml"}))


@pytest.mark.parametrize("done", [["check"], ["check", "snapshot"], ["snapshot", "check", "snapshot"]])
@pytest.mark.parametrize("ending", ["resume", "update"])
async def test_what_rests_deep_inside_is_resumed_after_what_was_done_to_all(
    stackd_world: World, done: list[str], ending: str
) -> None:
    files = {"inner.yaml": json.dumps(INNER)}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", DEEP, files=files))
        assert state(stack) == "CREATE_COMPLETE", stack.reason
        await act(process, stack, "suspend")
        for each in done:
            await (snapshot(process, stack) if each == "snapshot" else act(process, stack, each))
        assert statuses(stackd_world) == {"SUSPENDED"}
        if ending == "resume":
            ended = await act(process, stack, "resume")
        else:
            await process.update(stack, {**DEEP, "description": "once more"}, files=files)
            ended = await process.done(stack)
        assert (ended.status, statuses(stackd_world)) == ("COMPLETE", {"ACTIVE"}), ended.reason
