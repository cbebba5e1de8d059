"""Snapshots: what they keep, how they are restored, and that nothing they made stays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stackd.db import resources
from stackd.db.journal import Change, Insert, Update
from stackd.devcloud import DevCloud
from stackd.devcloud.wire import Call
from stackd.engine.usecases import snapshots
from stackd.engine.usecases.snapshots import SnapshotView
from stackd.errors import (
    ActionInProgress,
    NotFound,
    NotSupported,
    RequestLimitExceeded,
    SnapshotNotFound,
)
from stackd.records import Action, Event, Resource, Stack, Status
from tests.support.actions import a_server, a_test, act, made, resource, state, template
from tests.support.engine import Process, World, unless_dead
from tests.support.templates import hot
from tests.support.waiting import until

VOLUME = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}
VALUE = {"type": "OS::Heat::Value", "properties": {"value": "before"}}
TEMPLATE = hot({"disk": VOLUME, "value": VALUE})


async def taken(process: Process, stack: Stack, name: str | None = None) -> tuple[Stack, SnapshotView]:
    begun = await snapshots.take(process.engine, process.caller, stack, name)
    assert (begun.snapshot.status, begun.data["resources"]) == (Status.IN_PROGRESS, {})
    ended = await process.done(stack)
    return ended, await snapshots.show(process.engine, process.caller, stack, begun.snapshot.id)


async def completed(process: Process, stack: Stack, begun: SnapshotView) -> Stack:
    """The stack after a snapshot that another process had begun."""
    stack = await process.done(stack)
    view = await snapshots.show(process.engine, process.caller, stack, begun.snapshot.id)
    assert view.snapshot.status is Status.COMPLETE
    return stack


async def deleted(process: Process, stack: Stack, view: SnapshotView, remaining: int = 0) -> None:
    await snapshots.delete(process.engine, process.caller, stack, view.snapshot.id)
    await left(process, stack, remaining)


async def left(process: Process, stack: Stack, number: int) -> None:
    async def is_so() -> bool:
        return len(await snapshots.listed(process.engine, process.caller, stack)) == number

    await until(is_so)


async def test_snapshot_keeps_the_stack_and_restoring_it_brings_back_volume_and_definition(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, tags=("t",)))
        stack, view = await taken(process, stack, "first")
        assert (stack.action, stack.status) == (Action.SNAPSHOT, Status.COMPLETE)
        assert view.snapshot.reason == "Stack SNAPSHOT completed successfully"
        (backup,) = stackd_world.objects("backups")
        disk = view.data["resources"]["disk"]
        assert (disk["action"], disk["status"]) == ("SNAPSHOT", "COMPLETE")
        assert disk["resource_data"] == {"backup_id": backup["id"]}
        assert (view.data["template"], view.data["action"], view.data["tags"]) == (
            TEMPLATE,
            "SNAPSHOT",
            ["t"],
        )

        volume = (await process.rows(stack))["disk"].physical_id
        stack = await process.done(await process.update(stack, hot({"disk": VOLUME})))
        await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)
        stack = await process.done(stack)
        assert (stack.action, stack.status) == (Action.RESTORE, Status.COMPLETE), stack.reason
        rows = await process.rows(stack)
        assert rows["disk"].physical_id == volume
        assert rows["disk"].properties["backup_id"] == backup["id"]
        assert rows["value"].properties["value"] == "before"

        await deleted(process, stack, view)
        assert stackd_world.objects("backups") == []


async def test_deletion_of_a_stack_removes_its_snapshots(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        await taken(process, stack)
        _, second = await taken(process, stack)
        assert len(stackd_world.objects("backups")) == 2
        await deleted(process, stack, second, remaining=1)
        assert len(stackd_world.objects("backups")) == 1
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_snapshot_that_a_crash_interrupts_is_completed_with_one_backup(stackd_world: World) -> None:
    def is_noted(change: Change) -> bool:
        data: Any = change.values.get("data") if isinstance(change, Update) else None
        return isinstance(change, Update) and change.kind is Resource and "backup_id" in (data or {})

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
    async with stackd_world.process(dies_on=is_noted, after=True) as process:
        begun = await snapshots.take(process.engine, process.caller, stack, None)
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        stack = await completed(process, stack, begun)
        assert len(stackd_world.objects("backups")) == 1
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


RESTING = template(
    server=a_server(),
    group=resource("OS::Heat::ResourceGroup", count=1, resource_def=a_server()),
    other=a_test(),
)


def servers(world: World) -> set[str]:
    return {each["status"] for each in world.objects("servers")}


@pytest.mark.parametrize("times", [1, 2])
async def test_what_rests_goes_on_resting_after_a_snapshot_and_can_be_resumed(
    stackd_world: World, times: int
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, RESTING)
        await act(process, stack, "suspend")
        for _ in range(times):
            stack, view = await taken(process, stack)
            assert (state(stack), view.snapshot.status) == ("SNAPSHOT_COMPLETE", Status.COMPLETE)
        rows = await process.rows(stack)
        assert {state(each) for each in rows.values()} == {"SUSPEND_COMPLETE"}
        assert "server SNAPSHOT_COMPLETE" in await process.told(stack)
        assert servers(stackd_world) == {"SUSPENDED"}
        assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
        assert servers(stackd_world) == {"ACTIVE"}
        stack, _ = await taken(process, stack)
        assert state((await process.rows(stack))["server"]) == "SNAPSHOT_COMPLETE"
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_what_rests_can_be_resumed_after_a_snapshot_that_failed_and_another(
    stackd_world: World,
) -> None:
    refused = {"service": "compute", "method": "POST", "path": "/action$", "effect": "status", "status": 403}
    async with stackd_world.process() as process:
        stack = await made(process, RESTING)
        await act(process, stack, "suspend")
        stackd_world.cloud.faults.replace([refused])
        await snapshots.take(process.engine, process.caller, stack, None)
        assert state(await process.done(stack)) == "SNAPSHOT_FAILED"
        stackd_world.cloud.faults.replace([])
        stack, _ = await taken(process, stack)
        assert state((await process.rows(stack))["server"]) == "SUSPEND_COMPLETE"
        assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
        assert servers(stackd_world) == {"ACTIVE"}


async def test_update_after_a_snapshot_of_what_rests_resumes_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, RESTING)
        await act(process, stack, "suspend")
        stack, _ = await taken(process, stack)
        changed = {**RESTING, "outputs": {"x": {"value": 1}}}
        stack = await process.done(await process.update(stack, changed))
        assert (state(stack), servers(stackd_world)) == ("UPDATE_COMPLETE", {"ACTIVE"})


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("action", [Action.SNAPSHOT, Action.SUSPEND])
async def test_snapshot_of_what_rests_survives_a_crash(
    stackd_world: World, action: Action, after: bool
) -> None:
    def is_entered(change: Change) -> bool:
        return (
            isinstance(change, Update)
            and change.kind is Resource
            and change.values.get("action") is action
            and change.values.get("updated_at") is not None
        )

    async with stackd_world.process() as process:
        stack = await made(process, RESTING)
        await act(process, stack, "suspend")
    images = len(stackd_world.objects("images"))
    async with stackd_world.process(dies_on=is_entered, after=after) as process:
        begun = await snapshots.take(process.engine, process.caller, stack, None)
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        stack = await completed(process, stack, begun)
        assert len(stackd_world.objects("images")) == images + 1
        assert state(await act(process, stack, "resume")) == "RESUME_COMPLETE"
        assert servers(stackd_world) == {"ACTIVE"}


LOST = {"service": "volume", "method": "POST", "path": "/backups$", "effect": "drop_after"}


async def test_backup_whose_answer_is_lost_is_found_and_not_made_again(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        stackd_world.cloud.faults.replace([LOST])
        stack, view = await taken(process, stack)
        assert (stack.action, stack.status) == (Action.SNAPSHOT, Status.COMPLETE), stack.reason
        (backup,) = stackd_world.objects("backups")
        assert view.data["resources"]["disk"]["resource_data"] == {"backup_id": backup["id"]}
        assert "copy" not in view.data["resources"]["disk"]
        _, second = await taken(process, stack)
        names = {each["name"] for each in stackd_world.objects("backups")}
        assert len(names) == len(stackd_world.objects("backups")) == 2
        assert second.data["resources"]["disk"]["resource_data"] != {"backup_id": backup["id"]}
        assert [rule.fired for rule in stackd_world.cloud.faults.rules] == [2]


def has_backup(change: Change) -> bool:
    """Whether a change stores the id of a backup."""
    data: Any = change.values.get("data") if isinstance(change, Update) else None
    return isinstance(change, Update) and change.kind is Resource and bool((data or {}).get("backup_id"))


@pytest.mark.parametrize("policy", ["Delete", "Snapshot"])
async def test_backup_whose_id_a_crash_has_lost_is_found_again(stackd_world: World, policy: str) -> None:
    """It is made for a snapshot, or before the volume goes."""
    async with stackd_world.process() as process:
        stack = await process.done(
            await process.create("s", hot({"disk": VOLUME | {"deletion_policy": policy}}))
        )
    async with stackd_world.process(dies_on=has_backup) as process:
        if policy == "Delete":
            await snapshots.take(process.engine, process.caller, stack, None)
        else:
            await process.delete(stack)
        await process.journal.died.wait()
    assert len(stackd_world.objects("backups")) == 1
    async with stackd_world.process() as process:
        stack = await process.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        assert len(stackd_world.objects("backups")) == 1
        if policy == "Delete":
            await process.done(await process.delete(stack))
            assert stackd_world.counts() == {}


async def test_deletion_of_a_stack_finds_the_backup_whose_id_a_crash_has_lost(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
    async with stackd_world.process(dies_on=has_backup) as process:
        await snapshots.take(process.engine, process.caller, stack, None)
        await process.journal.died.wait()
    assert len(stackd_world.objects("backups")) == 1
    async with stackd_world.process() as process:
        await process.delete(stack)
        await process.done(stack)
        assert stackd_world.counts() == {}


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of requests that restore backups, as they come."""
    seen: list[str] = []
    make = DevCloud._call

    def noted(self: DevCloud, service: Any, scope: Any, path: str, body: bytes) -> Call:
        if path.endswith("/restore"):
            seen.append(path.rpartition("/backups/")[2])
        return make(self, service, scope, path, body)

    monkeypatch.setattr(DevCloud, "_call", noted)
    return seen


async def test_each_restoration_of_a_snapshot_rewrites_the_volume(
    stackd_world: World, restored: list[str]
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        stack, view = await taken(process, stack)
        volume = (await process.rows(stack))["disk"].physical_id
        for count in (1, 2, 3):
            await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)
            stack = await process.done(stack)
            assert (stack.action, stack.status) == (Action.RESTORE, Status.COMPLETE), stack.reason
            row = (await process.rows(stack))["disk"]
            assert (row.physical_id, row.previous_properties) == (volume, None)
            assert len(restored) == count
        source = stack.definition
        stack = await process.done(await process.update(stack, TEMPLATE))
        assert stack.definition != source
        assert len(restored) == 3


def is_update(change: Change, status: Status) -> bool:
    """Whether a change stores that the update of the volume begins, or has ended."""
    if not isinstance(change, Update) or change.kind is not Resource:
        return False
    return change.values.get("status") is status and "backup_id" not in change.values


@pytest.mark.parametrize(
    ("status", "after", "times"),
    [(Status.IN_PROGRESS, True, 1), (Status.COMPLETE, False, 2), (Status.COMPLETE, True, 1)],
)
async def test_second_restoration_goes_on_after_a_crash(
    stackd_world: World, restored: list[str], status: Status, after: bool, times: int
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"disk": VOLUME})))
        stack, view = await taken(process, stack)
        await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)
        await process.done(stack)
    restored.clear()
    async with stackd_world.process(dies_on=lambda change: is_update(change, status), after=after) as process:
        await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        stack = await process.done(stack)
        assert (stack.action, stack.status) == (Action.RESTORE, Status.COMPLETE), stack.reason
        assert len(restored) == times


async def test_deletion_that_a_crash_interrupts_is_taken_up(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        stack, view = await taken(process, stack)
        process.engine.removals.begin = lambda snapshot: None  # type: ignore[method-assign]
        await snapshots.delete(process.engine, process.caller, stack, view.snapshot.id)
    async with stackd_world.process() as process:
        await left(process, stack, 0)
        assert stackd_world.objects("backups") == []


async def test_what_is_refused(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        engine, caller = process.engine, process.caller
        stack = await process.done(await process.create("s", TEMPLATE))
        other = await process.done(await process.create("other", hot({})))
        begun = await snapshots.take(engine, caller, stack, None)
        for refused in (snapshots.take(engine, caller, stack, None), process.update(stack, TEMPLATE)):
            with pytest.raises(ActionInProgress):
                await refused
        with pytest.raises(NotSupported, match=r"Deleting in-progress snapshot is not supported\."):
            await snapshots.delete(engine, caller, stack, begun.snapshot.id)
        with pytest.raises(NotSupported, match=r"Restoring incomplete snapshot is not supported\."):
            await snapshots.restore(engine, caller, stack, begun.snapshot.id)
        await process.done(stack)
        with pytest.raises(SnapshotNotFound):
            await snapshots.restore(engine, caller, other, begun.snapshot.id)
        with pytest.raises(NotFound, match="Snapshot with id nowhere not found"):
            await snapshots.show(engine, caller, stack, "nowhere")
        engine.limits = engine.limits.model_copy(update={"max_snapshots_per_stack": 1})
        with pytest.raises(RequestLimitExceeded, match=r"maximum snapshots per stack \(1\)"):
            await snapshots.take(engine, caller, stack, None)


async def test_restoration_rebuilds_the_server_from_its_image_each_time(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot({"server": a_server()})))
        before = (await process.rows(stack))["server"].physical_id
        stack, view = await taken(process, stack)
        for times in (1, 2):
            await snapshots.restore(process.engine, process.caller, stack, view.snapshot.id)
            stack = await process.done(stack)
            assert (stack.action, stack.status) == (Action.RESTORE, Status.COMPLETE), stack.reason
            row = (await process.rows(stack))["server"]
            assert row.physical_id == before
            (server,) = stackd_world.objects("servers")
            assert server["image"] == view.data["resources"]["server"]["resource_data"]["snapshot_image_id"]
            assert (await process.told(stack)).count("server UPDATE_COMPLETE") == times


async def test_server_that_a_restoration_replaced_is_not_replaced_again_after_a_crash(
    stackd_world: World,
) -> None:
    server = a_server(image_update_policy="REPLACE")

    def is_replacement(change: Change) -> bool:
        event = change.record if isinstance(change, Insert) else None
        return isinstance(event, Event) and (event.resource_name, event.action, event.status) == (
            "server",
            Action.CREATE,
            Status.COMPLETE,
        )

    async with stackd_world.process() as first:
        stack = await first.done(await first.create("s", hot({"server": server})))
        stack, view = await taken(first, stack)
    async with stackd_world.process(dies_on=is_replacement, after=True) as second:
        await snapshots.restore(second.engine, second.caller, stack, view.snapshot.id)
        await unless_dead(second, asyncio.create_task(second.done(stack)))
        assert second.journal.died.is_set()
        (made,) = [
            row.physical_id
            for row in await resources.of_stack(second.db, stack.id)
            if row.action is Action.CREATE and row.status is Status.COMPLETE
        ]
    async with stackd_world.process() as last:
        ended = await last.done(stack)
        assert (ended.action, ended.status) == (Action.RESTORE, Status.COMPLETE), ended.reason
        assert (await last.rows(stack))["server"].physical_id == made
