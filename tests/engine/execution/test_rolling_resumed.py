"""A rolling change that is interrupted goes on batch by batch, and leaves alone what it had reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stackd.db.journal import Change, Insert, Remove
from stackd.records import Action, Event, Resource, Stack, Status
from tests.support.actions import made, most_at_work, template
from tests.support.engine import Process, World, unless_dead

SIZE = 4
MEMBER = "OS::Heat::TestResource"


def member(value: str, **properties: Any) -> dict[str, Any]:
    waits = {"update": 2.0, "create": 2.0}
    return {
        "type": MEMBER,
        "properties": {"value": value, "action_wait_secs": waits, **properties},
    }


def resource_group(value: str, pause: int = 5, size: int = SIZE, **properties: Any) -> dict[str, Any]:
    pace = {"max_batch_size": 1, "pause_time": pause}
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": size, "resource_def": member(value, **properties)},
        "update_policy": {"rolling_update": pace, "batch_create": pace},
    }
    return template(group=group)


def scaling_group(value: str, size: int = SIZE, **properties: Any) -> dict[str, Any]:
    pace = {"max_batch_size": 1, "pause_time": 5}
    group = {
        "type": "OS::Heat::AutoScalingGroup",
        "properties": {
            "min_size": size,
            "max_size": size,
            "resource": member(value, **properties),
            "rolling_updates": pace,
        },
    }
    return template(group=group)


GROUPS = [resource_group, scaling_group]


def is_event(action: Action, status: Status, count: int) -> Callable[[Change], bool]:
    """Chooses the write with the so-manieth event of this kind about a member."""
    seen: list[Event] = []

    def chosen(change: Change) -> bool:
        if isinstance(change, Insert) and isinstance(change.record, Event):
            event = change.record
            kind = (event.action, event.status, event.resource_type)
            if kind == (action, status, MEMBER):
                seen.append(event)
        return len(seen) == count

    return chosen


async def inside(process: Process, stack: Stack) -> Stack:
    return replace(stack, id=(await process.rows(stack))["group"].nested_stack_id or "")


async def dies(process: Process, task: asyncio.Task[Stack]) -> None:
    stack = await unless_dead(process, task)
    if stack is not None:
        await unless_dead(process, asyncio.create_task(process.done(stack)))
    assert process.journal.died.is_set()


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.COMPLETE])
@pytest.mark.parametrize("group", GROUPS)
async def test_rolling_update_goes_on_in_batches_after_a_crash(
    stackd_world: World, group: Callable[[str], dict[str, Any]], status: Status
) -> None:
    async with stackd_world.process() as first:
        stack = await made(first, group("a"))
    third = is_event(Action.UPDATE, status, 3)
    async with stackd_world.process(dies_on=third, after=True) as second:
        await dies(second, asyncio.create_task(second.update(stack, group("b"))))
    async with stackd_world.process() as last:
        stack = await last.done(stack)
        assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
        child = await inside(last, stack)
        events = await last.events(child)
        assert most_at_work(events, Action.UPDATE, MEMBER) == 1
        begun = [event for event in events if (event.action, event.status) == (Action.UPDATE, "IN_PROGRESS")]
        members = [event for event in begun if event.resource_type == MEMBER]
        assert len(members) == SIZE  # each once: none was led back, or changed again
        assert {row.properties["value"] for row in (await last.rows(child)).values()} == {"b"}


@pytest.mark.parametrize("group", GROUPS)
async def test_member_that_was_being_made_when_the_process_died_is_made_once_and_not_changed(
    stackd_world: World, group: Callable[..., dict[str, Any]]
) -> None:
    async with stackd_world.process() as first:
        stack = await made(first, group("a", size=1))
    begun = is_event(Action.CREATE, Status.IN_PROGRESS, 1)
    async with stackd_world.process(dies_on=begun, after=True) as second:
        await dies(second, asyncio.create_task(second.update(stack, group("b", size=2))))
    async with stackd_world.process() as last:
        stack = await last.done(stack)
        assert stack.status is Status.COMPLETE, stack.reason
        rows = (await last.rows(await inside(last, stack))).values()
        assert sorted((row.action, row.properties["value"]) for row in rows) == [
            ("CREATE", "b"),
            ("UPDATE", "b"),
        ]


async def test_pause_that_a_crash_interrupted_is_ended_and_those_already_made_are_not_made_again(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as first:
        stack = await made(first, resource_group("a", pause=60))
    third = is_event(Action.UPDATE, Status.COMPLETE, 3)
    async with stackd_world.process(dies_on=third, after=True) as second:
        await dies(second, asyncio.create_task(second.update(stack, resource_group("b", pause=60))))
        died = asyncio.get_running_loop().time()
    async with stackd_world.process() as last:
        await last.done(stack)
        took = asyncio.get_running_loop().time() - died
        # What is left of one pause, then the change of one member: nothing for those that are there.
        assert 30 <= took < 2 * 60


async def test_creation_in_batches_goes_on_in_batches_after_a_crash(stackd_world: World) -> None:
    second = is_event(Action.CREATE, Status.IN_PROGRESS, 2)
    async with stackd_world.process(dies_on=second, after=True) as first:
        stack = await first.create("s", resource_group("a"))
        await dies(first, asyncio.create_task(first.done(stack)))
    async with stackd_world.process() as last:
        stack = await last.done(stack)
        assert (stack.action, stack.status) == (Action.CREATE, Status.COMPLETE), stack.reason
        child = await inside(last, stack)
        events = await last.events(child)
        assert most_at_work(events, Action.CREATE, MEMBER) == 1
        assert set(await last.rows(child)) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("group", GROUPS)
async def test_rolling_update_that_failed_is_repeated_in_batches(
    stackd_world: World, group: Callable[..., dict[str, Any]]
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, group("a"))
        stack = await process.done(await process.update(stack, group("b", fail=True)))
        assert stack.status is Status.FAILED
        stack = await process.done(await process.update(stack, group("b")))
        assert stack.status is Status.COMPLETE, stack.reason
        child = await inside(process, stack)
        assert most_at_work(await process.events(child), Action.UPDATE, MEMBER) == 1
        assert {row.properties["value"] for row in (await process.rows(child)).values()} == {"b"}


@pytest.mark.parametrize("back", ["a", "c"])
@pytest.mark.parametrize("group", GROUPS)
async def test_newer_update_takes_the_place_of_a_rolling_one_in_batches(
    stackd_world: World, group: Callable[..., dict[str, Any]], back: str
) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, group("a"))
        await process.update(stack, group("b"))
        await asyncio.sleep(10)  # two of four members
        stack = await process.done(await process.update(stack, group(back)))
        assert stack.status is Status.COMPLETE, stack.reason
        child = await inside(process, stack)
        # The one that was interrupted may be completed while another has its turn.
        assert most_at_work(await process.events(child), Action.UPDATE, MEMBER) <= 2
        assert {row.properties["value"] for row in (await process.rows(child)).values()} == {back}


async def test_member_that_was_removed_by_reference_is_not_made_again_after_a_crash(
    stackd_world: World,
) -> None:
    def content(*removed: str) -> dict[str, Any]:
        properties = {
            "count": 2,
            "resource_def": {"type": "OS::Neutron::Net"},
            "removal_policies": [{"resource_list": list(removed)}],
            "removal_policies_mode": "update",
        }
        return template(group={"type": "OS::Heat::ResourceGroup", "properties": properties})

    async with stackd_world.process() as first:
        stack = await made(first, content())
        gone = (await first.rows(await inside(first, stack)))["0"].physical_id

    def is_removal(change: Change) -> bool:
        return isinstance(change, Remove) and change.kind is Resource

    async with stackd_world.process(dies_on=is_removal, after=True) as second:
        await dies(second, asyncio.create_task(second.update(stack, content(str(gone)))))
    async with stackd_world.process() as last:
        stack = await last.done(stack)
        assert set(await last.rows(await inside(last, stack))) == {"1", "2"}


async def test_stand_in_of_which_there_is_only_a_row_is_made_after_a_crash(stackd_world: World) -> None:
    def content(value: str) -> dict[str, Any]:
        shared = {"type": "OS::Heat::Value", "properties": {"value": value}}
        group = {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": 2, "resource_def": shared},
            "update_policy": {"rolling_update": {"max_batch_size": 1, "min_in_service": 2}},
        }
        return template(group=group)

    def is_stand_in(change: Change) -> bool:
        row = change.record if isinstance(change, Insert) else None
        return isinstance(row, Resource) and row.name == "2"

    async with stackd_world.process() as first:
        stack = await made(first, content("a"))
    async with stackd_world.process(dies_on=is_stand_in, after=True) as second:
        await dies(second, asyncio.create_task(second.update(stack, content("b"))))
    async with stackd_world.process() as last:
        stack = await last.done(stack)
        assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
        rows = await last.rows(await inside(last, stack))
        assert {name: row.properties["value"] for name, row in rows.items()} == {"0": "b", "1": "b"}
