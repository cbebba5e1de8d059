"""The process dies in the middle of an update, or of the rollback after it; the next one ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stackd.db import resources
from stackd.records import Action, Stack, Status
from tests.support.engine import Process, World, unless_dead
from tests.support.templates import hot


def subnet(cidr: str) -> dict[str, Any]:
    properties = {"network": {"get_resource": "net"}, "cidr": cidr}
    return {"type": "OS::Neutron::Subnet", "properties": properties}


def net(name: str) -> dict[str, Any]:
    return {"type": "OS::Neutron::Net", "properties": {"name": name}}


BEFORE = hot({"net": net("a"), "subnet": subnet("10.1.0.0/24"), "gone": net("gone")})
AFTER = {"net": net("b"), "subnet": subnet("10.2.0.0/24"), "new": net("new")}
BAD = {"type": "OS::Heat::TestResource", "depends_on": ["subnet", "new"], "properties": {"fail": True}}


async def _die_in_update(process: Process, stack: Stack, template: dict[str, Any]) -> None:
    updated = await unless_dead(process, asyncio.create_task(process.update(stack, template)))
    if updated is not None:
        await unless_dead(process, asyncio.create_task(process.done(updated)))


async def _survivor(world: World, template: dict[str, Any], dies_at: int, **options: Any) -> tuple[Any, ...]:
    """The stack after an update whose process died at a write, its rows, and the rows before."""
    async with world.process() as first:
        stack = await first.done(await first.create("s", BEFORE, **options))
        before = await first.rows(stack)
    async with world.process(dies_at=dies_at, after=dies_at % 2 == 0) as second:
        await _die_in_update(second, stack, template)
    async with world.process() as third:
        ended = await third.done(stack)
        if ended.action is Action.CREATE:  # it died before the update was accepted
            ended = await third.done(await third.update(stack, template))
        rows = await resources.of_stack(third.db, stack.id)
        assert all(row.status is Status.COMPLETE for row in rows), rows
        assert len({row.name for row in rows}) == len(rows)
        assert all(row.replaced_by is None for row in rows)
        return ended, {row.name: row for row in rows}, before


@pytest.mark.parametrize("dies_at", [1, 2, 4, 5, 7, 8, 10])
async def test_update_survives_a_crash_at_a_write(stackd_world: World, dies_at: int) -> None:
    ended, rows, before = await _survivor(stackd_world, hot(AFTER), dies_at)
    assert (ended.action, ended.status) == (Action.UPDATE, Status.COMPLETE), ended.reason
    assert rows.keys() == AFTER.keys()
    assert rows["net"].physical_id == before["net"].physical_id
    assert sorted(each["name"] for each in stackd_world.objects("networks")) == ["b", "new"]
    assert [each["cidr"] for each in stackd_world.objects("subnets")] == ["10.2.0.0/24"]
    assert {each["id"] for each in stackd_world.objects("networks")} == {
        rows["net"].physical_id,
        rows["new"].physical_id,
    }


@pytest.mark.parametrize("dies_at", [5, 8, 12, 15, 19])
async def test_rollback_survives_a_crash_at_a_write(stackd_world: World, dies_at: int) -> None:
    failing = hot(AFTER | {"bad": BAD})
    ended, rows, before = await _survivor(stackd_world, failing, dies_at, disable_rollback=False)
    assert (ended.action, ended.status) == (Action.ROLLBACK, Status.COMPLETE), ended.reason
    assert rows.keys() == before.keys()
    assert rows["subnet"].physical_id == before["subnet"].physical_id
    assert sorted(each["name"] for each in stackd_world.objects("networks")) == ["a", "gone"]
    assert [each["cidr"] for each in stackd_world.objects("subnets")] == ["10.1.0.0/24"]
