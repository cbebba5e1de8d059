"""Load balancers and their parts from creation to deletion, on the dev cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stackd.records import Action, Stack, Status
from tests.resources.octavia.balancing import IN_ITS_PLACE, IN_PLACE, LB, PROPERTIES, REPLACING, template
from tests.support.engine import Process, World, world

NAME = "web"
KINDS = {
    "LoadBalancer": "loadbalancers", "Listener": "listeners", "Pool": "pools", "PoolMember": "pool_members",
    "HealthMonitor": "healthmonitors", "L7Policy": "l7policies", "L7Rule": "l7rules",
}  # fmt: skip

PATHS = KINDS | {"PoolMember": "members", "L7Rule": "rules"}


@pytest_asyncio.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as fresh:
        yield fresh


async def done(process: Process, stack: Stack) -> Stack:
    ended = await process.done(stack)
    assert ended.status is Status.COMPLETE, ended.reason
    return ended


def objects(made: World) -> dict[str, Mapping[str, Any]]:
    """The only object of each type."""
    found = {name: made.objects(kind) for name, kind in KINDS.items()}
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(KINDS, 1)
    return {name: each[0] for name, each in found.items()}


async def ids(process: Process, stack: Stack) -> dict[str, Any]:
    return {name: row.physical_id for name, row in (await process.rows(stack)).items() if name in KINDS}


async def test_each_part_is_made_changed_in_place_replaced_and_deleted(made: World) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, template()))
        first = objects(made)
        assert await ids(process, stack) == {name: each["id"] for name, each in first.items()}
        assert {each["provisioning_status"] for each in first.values()} == {"ACTIVE"}
        assert first["PoolMember"]["subnet_id"] == first["LoadBalancer"]["vip_subnet_id"]

        stack = await done(process, await process.update(stack, template(IN_PLACE)))
        second = objects(made)
        assert await ids(process, stack) == {name: each["id"] for name, each in first.items()}
        for name, changes in IN_PLACE.items():
            assert {key: second[name][key] for key in changes if key != "session_persistence"} == {
                key: value for key, value in changes.items() if key != "session_persistence"
            }
        assert second["Pool"]["session_persistence"]["cookie_name"] == "c"

        stack = await done(process, await process.update(stack, template()))  # what was given is taken away
        third = objects(made)
        assert await ids(process, stack) == {name: each["id"] for name, each in first.items()}
        assert third["HealthMonitor"]["url_path"] == "/"
        assert third["Pool"]["session_persistence"] is None
        assert (third["L7Rule"]["key"], third["L7Policy"]["redirect_url"]) == (None, None)
        assert third["PoolMember"]["tags"] == []

        stack = await done(process, await process.update(stack, template(REPLACING)))
        fourth = objects(made)
        replaced = {name for name in KINDS if fourth[name]["id"] != first[name]["id"]}
        assert replaced == KINDS.keys() - {"LoadBalancer"}  # what refers to the listener is replaced with it
        assert fourth["PoolMember"]["address"] == "10.0.0.8"

        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
    assert {kind: count for kind, count in made.counts().items() if kind in {*KINDS.values(), "ports"}} == {}


async def test_what_there_can_be_only_one_of_makes_way_for_its_replacement(made: World) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, template()))
        first = objects(made)
        stack = await done(process, await process.update(stack, template(IN_ITS_PLACE)))
        second = objects(made)
        assert {name for name in KINDS if second[name]["id"] != first[name]["id"]} == IN_ITS_PLACE.keys()
        stack = await done(process, await process.update(stack, template({"Pool": {"protocol": "PROXY"}})))
        third = objects(made)
        assert third["Listener"]["default_pool_id"] == third["Pool"]["id"] != first["Pool"]["id"]
        assert await ids(process, stack) == {name: each["id"] for name, each in third.items()}


@pytest.mark.parametrize("change", [IN_ITS_PLACE, {"Pool": {"protocol": "PROXY"}}])
async def test_a_rollback_puts_back_what_made_way(made: World, change: Any) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, template()))
        twin = {"type": LB + "PoolMember", "properties": PROPERTIES["PoolMember"]}  # whose address is taken
        late = {"twin": {**twin, "depends_on": [*KINDS]}}
        update = await process.update(stack, template(change, **late), disable_rollback=False)
        ended = await process.done(update)
        assert (ended.action, ended.status) == (Action.ROLLBACK, Status.COMPLETE), ended.reason
        after = objects(made)
        assert await ids(process, stack) == {name: each["id"] for name, each in after.items()}
        assert after["Listener"]["default_pool_id"] == after["Pool"]["id"]
        assert (after["Pool"]["protocol"], after["HealthMonitor"]["type"]) == ("HTTP", "HTTP")
        assert after["PoolMember"]["monitor_port"] is None


def fault(effect: str, name: str) -> dict[str, Any]:
    """A fault at the first creation of a part."""
    path = f"/{PATHS[name]}$"
    return {"service": "load-balancer", "method": "POST", "path": path, "nth": 1, "effect": effect}


def chained() -> dict[str, Any]:
    """One part after another, so that no creation is refused."""
    found = template()
    for before, after in pairwise(PROPERTIES):
        found["resources"][after]["depends_on"] = before
    return found


async def test_no_part_is_made_twice_when_every_answer_is_lost(made: World) -> None:
    made.cloud.faults.replace([fault("drop_after", name) for name in KINDS])
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, chained()))
        assert await ids(process, stack) == {name: each["id"] for name, each in objects(made).items()}
        assert [rule.fired for rule in made.cloud.faults.rules] == [1] * len(KINDS)


async def test_what_goes_to_error_is_deleted_and_made_again(made: World) -> None:
    broken = ("LoadBalancer", "PoolMember", "L7Rule")
    made.cloud.faults.replace([fault("error_status", name) for name in broken])
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, chained()))
        assert len(objects(made)) == len(KINDS)
        told = await process.told(stack)
        assert [name for name in KINDS if f"{name} CREATE_FAILED" in told] == [*broken]


async def test_parts_of_one_load_balancer_are_made_in_turns_with_calls_in_proportion(made: World) -> None:
    count, given = 12, PROPERTIES["L7Rule"]
    more = {
        f"rule_{number}": {"type": LB + "L7Rule", "properties": given | {"value": f"/{number}"}}
        for number in range(1, count + 1)
    }
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, template()))
        made.cloud.meter.reset()
        await done(process, await process.update(stack, template(**more)))
        assert len(made.objects("l7rules")) == count + 1
        calls = made.cloud.meter.calls
        assert count <= calls["load-balancer", "POST", "/lbaas/l7policies/{l7policy}/rules"] <= count + 2
        assert (
            sum(number for (service, *_), number in calls.items() if service == "load-balancer") <= 5 * count
        )
