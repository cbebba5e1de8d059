"""How resources end whose operation was cancelled or whose replacement failed, and what is taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from stackd.db import resources
from stackd.db.journal import Change, Update
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.queries import Reader
from stackd.records import Action, Stack, Status, now
from tests.engine.execution.test_lifecycle import is_good, mark, tune, until_in_progress
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until


def waiting(value: str = "a", replace: str = "a", **seconds: float) -> dict[str, Any]:
    properties = {"value": value, "update_replace_value": replace, "action_wait_secs": seconds}
    return {"type": "OS::Heat::TestResource", "properties": properties}


async def cancelled(process: Process, stack: Stack) -> Stack:
    await until_in_progress(process, stack)
    await use_cases.cancel(process.engine, process.caller, await process.stack(stack))
    return await process.done(stack)


async def states(process: Process, stack: Stack) -> dict[str, tuple[Action, Status]]:
    found = await resources.of_tree(process.db, stack.root_id)
    return {row.name: (row.action, row.status) for row in found}


async def test_cancelled_update_leaves_nothing_in_progress(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("c", hot({"w": waiting(), "x": waiting()})))
        stack = await process.update(stack, hot({"w": waiting("b", update=-1), "x": waiting()}))
        stack = await cancelled(process, stack)
        assert (stack.action, stack.status) == (Action.UPDATE, Status.FAILED)
        assert stack.reason == "Stack UPDATE cancelled"
        row = (await process.rows(stack))["w"]
        assert (row.action, row.status) == (Action.UPDATE, Status.FAILED)
        assert "UPDATE aborted (" in row.reason
        assert "w UPDATE_FAILED" in await process.told(stack)
        stack = await process.done(await process.update(stack, hot({"w": waiting("b"), "x": waiting()})))
        assert is_good(stack)


async def test_cancelled_create_leaves_nothing_in_progress_in_nested_stacks(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 1, "resource_def": waiting(create=-1)},
    }
    async with stackd_world.process() as process:
        stack = await process.create("c", hot({"g": group}))
        while "0" not in await states(process, stack):
            await until_in_progress(process, stack)
        stack = await cancelled(process, stack)
        assert set((await states(process, stack)).values()) == {(Action.CREATE, Status.FAILED)}
        assert (stack.action, stack.status) == (Action.CREATE, Status.FAILED)


async def test_cancellation_that_a_crash_interrupted_is_completed(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("c", hot({"w": waiting()})))
    async with stackd_world.process(dies_at=10_000) as process:
        await process.update(stack, hot({"w": waiting("b", update=-1)}))
        await until_in_progress(process, stack)
        process.engine.operator.schedule = lambda *_: None  # type: ignore[method-assign]
        await use_cases.cancel(process.engine, process.caller, await process.stack(stack))
    async with stackd_world.process() as process:
        process.engine.operator.schedule(stack.root_id)
        stack = await process.done(stack)
        row = (await process.rows(stack))["w"]
        assert (row.action, row.status) == (Action.UPDATE, Status.FAILED)
        assert row.reason == "ResourceFailure: resources.w: UPDATE aborted (Stack UPDATE cancelled)"


async def test_failed_replacement_is_what_clients_see(stackd_world: World) -> None:
    failing = waiting(replace="b") | {}
    failing["properties"]["fail"] = True
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("r", hot({"w": waiting()})))
        stack = await process.done(await process.update(stack, hot({"w": failing})))
        assert stack.status is Status.FAILED
        reader = Reader(process.engine)
        [view] = await reader.resources(stack)
        shown = (await reader.resource(stack, "w")).resource
        for row in (view.resource, shown):
            assert (row.action, row.status) == (Action.CREATE, Status.FAILED)
            assert row.reason == "ValueError: resources.w: Test Resource failed w"
        assert stack.reason.startswith("Resource CREATE failed: ValueError: resources.w: ")
        stack = await process.done(await process.update(stack, hot({"w": waiting()})))
        assert is_good(stack)
        [view] = await reader.resources(stack)
        assert view.resource.status is Status.COMPLETE


async def test_failed_replacement_of_an_unhealthy_resource_is_a_failed_create(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("r", hot({"w": waiting()})))
        await mark(process, (await process.rows(stack))["w"], Action.CHECK)
        failing = waiting()
        failing["properties"]["fail"] = True
        stack = await process.done(await process.update(stack, hot({"w": failing})))
        assert stack.reason.startswith("Resource CREATE failed: ValueError: resources.w: "), stack.reason


async def test_create_that_is_taken_up_again_is_in_progress_with_an_event(stackd_world: World) -> None:
    volume = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}
    away = {"method": "GET", "path": "/volumes/", "effect": "status", "status": 400}
    async with stackd_world.process() as process:
        tune(process)
        stackd_world.cloud.faults.replace([away])
        stack = await process.done(await process.create("v", hot({"v": volume})))
        assert stack.status is Status.FAILED
        stackd_world.cloud.faults.replace([])
        before = (await process.rows(stack))["v"]
        told = len(await process.told(stack))
        stack = await process.done(await process.update(stack, hot({"v": volume})))
        assert is_good(stack)
        assert (await process.rows(stack))["v"].physical_id == before.physical_id
        assert [line for line in (await process.told(stack))[told:] if line.startswith("v ")][1:-1] == [
            "v CREATE_IN_PROGRESS",
            "v CREATE_COMPLETE",
        ]


@pytest.mark.parametrize(
    "changed",
    [lambda n: waiting(f"v{n}", update=40), lambda n: waiting(replace=f"v{n}", create=40, delete=5)],
    ids=["in place", "replaced"],
)
async def test_updates_that_pile_up_leave_the_last_one_its_time(
    stackd_world: World, changed: Callable[[int], dict[str, Any]]
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("p", hot({"w": waiting()}), timeout_mins=1))
        for count in range(5):
            stack = await process.update(stack, hot({"w": changed(count)}))
            await asyncio.sleep(20)
        assert is_good(await process.done(stack))


async def test_time_that_begins_again_ends_all_the_same(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("p", hot({"w": waiting()}), timeout_mins=1))
        clock = asyncio.get_running_loop().time
        stack = await process.update(stack, hot({"w": waiting("b", update=40)}))
        await asyncio.sleep(20)
        began = clock()
        stack = await process.update(stack, hot({"w": waiting("c", update=-1)}))
        stack = await process.done(stack)
        assert stack.status is Status.FAILED
        assert stack.reason.startswith("Timed out after ")
        assert 90 < clock() - began < 121


@pytest.fixture
def times_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The times that are stored go by the virtual clock too."""
    start = now()

    def moment() -> datetime:
        return start + timedelta(seconds=asyncio.get_running_loop().time())

    for module in (
        "usecases.stacks",
        "execution.operation",
        "execution.resource_context",
        "execution.stack_run",
    ):
        monkeypatch.setattr(f"stackd.engine.{module}.now", moment)


async def is_under_way(process: Process, stack: Stack, value: str) -> bool:
    row = (await process.rows(stack))["w"]
    return row.status is Status.IN_PROGRESS and row.properties["value"] == value


@pytest.mark.parametrize(("rest", "status"), [(50, Status.COMPLETE), (100, Status.FAILED)])
async def test_time_that_began_again_is_kept_over_a_restart(
    stackd_world: World, times_of_the_loop: None, rest: int, status: Status
) -> None:
    clock = asyncio.get_running_loop().time
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("p", hot({"w": waiting()}), timeout_mins=1))
        await process.update(stack, hot({"w": waiting("b", update=40)}))
        await until(partial(is_under_way, process, stack, "b"))
        await asyncio.sleep(1)
        began = clock()
        stack = await process.update(stack, hot({"w": waiting("c", update=rest)}))
        await asyncio.sleep(45)
        assert await is_under_way(process, stack, "c")
    async with stackd_world.process() as process:
        stack = await process.done(stack)
        assert stack.status is status, stack.reason
        assert clock() - began < 121
        if status is Status.FAILED:
            assert clock() - began > 95
            assert stack.reason.startswith(("Timed out after 99 s", "Timed out after 100 s"))


def subnet(cidr: str) -> dict[str, Any]:
    network = {"type": "OS::Neutron::Net"}
    properties = {"network": {"get_resource": "n"}, "cidr": cidr}
    return hot({"n": network, "s": {"type": "OS::Neutron::Subnet", "properties": properties}})


def begins_deletion(change: Change) -> bool:
    return isinstance(change, Update) and change.values.get("action") is Action.DELETE


async def test_interrupted_deletion_is_completed_before_the_resource_is_made_again(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", subnet("10.2.0.0/24")))
    async with stackd_world.process(dies_on=begins_deletion, after=True) as process:
        await process.update(stack, subnet("10.3.0.0/24"))
        await process.journal.died.wait()
    async with stackd_world.process() as process:
        stack = await process.done(await process.update(stack, subnet("10.2.0.0/24")))
        assert is_good(stack), stack.reason
        assert [each["cidr"] for each in stackd_world.objects("subnets")] == ["10.2.0.0/24"]
