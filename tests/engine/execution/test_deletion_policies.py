"""What becomes of an object is what its deletion policy says, on every way on which its resource may go."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from stackd.engine.usecases import abandoning
from stackd.records import Action, Stack, Status
from tests.support.actions import act
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until

FAILS = {"type": "OS::Heat::TestResource", "properties": {"fail": True}}
GOOD = {"type": "OS::Heat::None"}

Way = Callable[[Process, dict[str, Any]], Awaitable[Stack]]


def volume(policy: str, **properties: Any) -> dict[str, Any]:
    return {"type": "OS::Cinder::Volume", "properties": {"size": 1, **properties}, "deletion_policy": policy}


async def made(process: Process, template: dict[str, Any], **options: Any) -> Stack:
    stack = await process.done(await process.create("s", template, **options))
    assert (stack.action, stack.status) == (Action.CREATE, Status.COMPLETE), stack.reason
    return stack


async def updated(process: Process, stack: Stack, template: dict[str, Any], **options: Any) -> Stack:
    stack = await process.done(await process.update(stack, template, **options))
    assert (stack.action, stack.status) == (Action.UPDATE, Status.COMPLETE), stack.reason
    return stack


async def gone(process: Process, stack: Stack) -> Stack:
    stack = await process.done(await process.delete(stack))
    assert (stack.action, stack.status) == (Action.DELETE, Status.COMPLETE), stack.reason
    return stack


async def _deletion(process: Process, disk: dict[str, Any]) -> Stack:
    return await gone(process, await made(process, hot({"disk": disk})))


async def _removal(process: Process, disk: dict[str, Any]) -> Stack:
    return await updated(process, await made(process, hot({"disk": disk})), hot({}))


async def _removal_with_another_policy_before(process: Process, disk: dict[str, Any]) -> Stack:
    other = "Retain" if disk["deletion_policy"] == "Delete" else "Delete"
    stack = await made(process, hot({"disk": {**disk, "deletion_policy": other}}))
    return await updated(process, await updated(process, stack, hot({"disk": disk})), hot({}))


async def _deletion_that_waits_for_another(process: Process, disk: dict[str, Any]) -> Stack:
    waits = {"type": "OS::Heat::TestResource", "properties": {"action_wait_secs": {"delete": -1}}}
    stack = await made(process, hot({"disk": disk, "w": waits, "last": GOOD | {"depends_on": ["disk", "w"]}}))
    await process.delete(stack)

    async def disk_is_gone() -> bool:
        return "disk" not in await process.rows(stack)

    await until(disk_is_gone)
    return await process.stack(stack)


async def _rollback_of_an_update(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, hot({}), disable_rollback=False)
    template = hot({"disk": disk, "bad": FAILS | {"depends_on": "disk"}})
    stack = await process.done(await process.update(stack, template))
    assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
    return stack


async def _rollback_of_a_creation(process: Process, disk: dict[str, Any]) -> Stack:
    template = hot({"disk": disk, "bad": FAILS | {"depends_on": "disk"}})
    stack = await process.done(await process.create("s", template, disable_rollback=False))
    assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
    return stack


def nested(disk: dict[str, Any]) -> dict[str, str]:
    return {"inner.yaml": json.dumps(hot({"disk": disk}))}


INNER = {"type": "inner.yaml"}


async def _deletion_around(process: Process, disk: dict[str, Any]) -> Stack:
    return await gone(process, await made(process, hot({"inner": INNER}), files=nested(disk)))


async def _removal_around(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, hot({"inner": INNER}), files=nested(disk))
    return await updated(process, stack, hot({}))


async def _removal_inside(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, hot({"inner": INNER}), files=nested(disk))
    empty = {"inner.yaml": json.dumps(hot({}))}
    return await updated(process, stack, hot({"inner": INNER}), files=empty)


def group(count: int, member: dict[str, Any]) -> dict[str, Any]:
    properties = {"count": count, "resource_def": member}
    return hot({"group": {"type": "OS::Heat::ResourceGroup", "properties": properties}})


async def _group_that_shrinks(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, group(1, INNER), files=nested(disk))
    return await updated(process, stack, group(0, INNER), files=nested(disk))


def scaled(size: int, member: dict[str, Any]) -> dict[str, Any]:
    properties = {"min_size": 0, "max_size": 3, "desired_capacity": size, "resource": member}
    return hot({"group": {"type": "OS::Heat::AutoScalingGroup", "properties": properties}})


async def _scaling_group_that_shrinks(process: Process, disk: dict[str, Any]) -> Stack:
    return await updated(process, await made(process, scaled(1, disk)), scaled(0, disk))


async def _deletion_after_suspension(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, hot({"disk": disk}))
    return await gone(process, await act(process, stack, "suspend"))


WAYS: list[Way] = [
    _deletion,
    _removal,
    _removal_with_another_policy_before,
    _deletion_that_waits_for_another,
    _rollback_of_an_update,
    _rollback_of_a_creation,
    _deletion_around,
    _removal_around,
    _removal_inside,
    _group_that_shrinks,
    _scaling_group_that_shrinks,
    _deletion_after_suspension,
]
LEFT = {
    "Delete": {},
    "Retain": {"volumes": 1},
    "Snapshot": {"backups": 1},
}


def what_is_left(world: World) -> dict[str, int]:
    return {kind: number for kind in ("volumes", "backups") if (number := len(world.objects(kind)))}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
@pytest.mark.parametrize("policy", LEFT)
async def test_what_goes_is_deleted_kept_or_backed_up(stackd_world: World, policy: str, way: Way) -> None:
    async with stackd_world.process() as process:
        await way(process, volume(policy))
        assert what_is_left(stackd_world) == LEFT[policy]


async def _replacement(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, hot({"disk": disk}))
    other = {**disk, "properties": {"size": 1, "availability_zone": "nova"}}
    return await updated(process, stack, hot({"disk": other}))


async def _replacement_with_another_policy(process: Process, disk: dict[str, Any]) -> Stack:
    """What is replaced goes by its own policy."""
    stack = await made(process, hot({"disk": disk}))
    return await updated(process, stack, hot({"disk": volume("Delete", availability_zone="nova")}))


async def _replacement_that_is_rolled_back(process: Process, disk: dict[str, Any]) -> Stack:
    """The new object goes by the policy that it was made with."""
    stack = await made(process, hot({"disk": volume("Delete")}), disable_rollback=False)
    other = {**disk, "properties": {"size": 1, "availability_zone": "nova"}}
    template = hot({"disk": other, "bad": FAILS | {"depends_on": "disk"}})
    stack = await process.done(await process.update(stack, template))
    assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
    return stack


async def _change_of_type(process: Process, disk: dict[str, Any]) -> Stack:
    stack = await made(process, hot({"disk": disk, "other": volume("Delete")}))
    return await updated(process, stack, hot({"disk": GOOD, "other": volume("Delete")}))


REPLACEMENTS: list[Way] = [
    _replacement,
    _replacement_with_another_policy,
    _replacement_that_is_rolled_back,
    _change_of_type,
]


@pytest.mark.parametrize("way", REPLACEMENTS, ids=lambda way: way.__name__.strip("_"))
@pytest.mark.parametrize("policy", LEFT)
async def test_what_is_replaced_is_deleted_kept_or_backed_up(
    stackd_world: World, policy: str, way: Way
) -> None:
    async with stackd_world.process() as process:
        await way(process, volume(policy))
        left = LEFT[policy]
        assert what_is_left(stackd_world) == {**left, "volumes": 1 + left.get("volumes", 0)}


@pytest.mark.parametrize("policy", LEFT)
@pytest.mark.parametrize("way", ["plain", "nested", "group"])
async def test_nothing_of_a_stack_that_is_abandoned_goes(stackd_world: World, policy: str, way: str) -> None:
    disk = volume(policy)
    template = {"plain": hot({"disk": disk}), "nested": hot({"inner": INNER}), "group": scaled(1, disk)}[way]
    async with stackd_world.process() as process:
        process.engine.limits = process.engine.limits.model_copy(update={"enable_stack_abandon": True})
        stack = await made(process, template, files=nested(disk))
        await abandoning.abandon(process.engine, process.caller, stack)
        stack = await process.done(stack)
        assert (stack.action, stack.status) == (Action.DELETE, Status.COMPLETE), stack.reason
        assert what_is_left(stackd_world) == {"volumes": 1}


@pytest.mark.parametrize("way", ["deletion", "removal"])
async def test_stack_inside_a_resource_that_is_retained_stays_with_all_in_it(
    stackd_world: World, way: str
) -> None:
    """Whatever the policies of the resources in it are."""
    inner = INNER | {"deletion_policy": "Retain"}
    async with stackd_world.process() as process:
        stack = await made(process, hot({"inner": inner}), files=nested(volume("Delete")))
        if way == "deletion":
            await gone(process, stack)
        else:
            await updated(process, stack, hot({}))
        assert what_is_left(stackd_world) == {"volumes": 1}
