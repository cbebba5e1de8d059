"""Snapshots: what they keep, how they are restored, and that nothing they made stays."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db.journal import Change, Update
from stackd.engine.usecases import snapshots
from stackd.engine.usecases.snapshots import SnapshotView
from stackd.errors import (
    ActionInProgress,
    NotFound,
    NotSupported,
    RequestLimitExceeded,
    SnapshotNotFound,
)
from stackd.records import Action, Resource, Stack, Status
from tests.support.engine import Process, World
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
        stack = await process.done(stack)
        view = await snapshots.show(process.engine, process.caller, stack, begun.snapshot.id)
        assert view.snapshot.status is Status.COMPLETE
        assert len(stackd_world.objects("backups")) == 1
        await process.done(await process.delete(stack))
        assert stackd_world.counts() == {}


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
