"""Members that are made at the same moment are one change of their load balancer, on the dev cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stackd.records import Stack, Status
from tests.resources.octavia.balancing import member, pools
from tests.support.engine import Process, World, world
from tests.support.templates import hot

MEMBERS = "/lbaas/pools/{pool}/members"
ADDS = ("load-balancer", "PUT", MEMBERS)
POSTS = ("load-balancer", "POST", MEMBERS)


@pytest_asyncio.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as fresh:
        yield fresh


async def ended(process: Process, stack: Stack) -> tuple[Stack, dict[str, str]]:
    """The stack at its end, and the ids of its members by their names."""
    stack = await process.done(stack)
    rows = (await process.rows(stack)).values()
    return stack, {row.name: row.physical_id for row in rows if row.physical_id and "Member" in row.type}


async def complete(process: Process, stack: Stack) -> dict[str, str]:
    stack, ids = await ended(process, stack)
    assert stack.status is Status.COMPLETE, stack.reason
    return ids


def fault(method: str, effect: str, nth: int = 1, **more: Any) -> dict[str, Any]:
    """A fault at a call of the collection of members."""
    where = {"service": "load-balancer", "path": "/members$", "method": method}
    return {**where, "nth": nth, "effect": effect, **more}


def there(made: World) -> dict[str, Mapping[str, Any]]:
    """The members in the cloud by their ids; no two are at one place."""
    found = made.objects("pool_members")
    places = {(each["pool_id"], each["address"], each["protocol_port"]) for each in found}
    assert len(places) == len(found)
    return {each["id"]: each for each in found}


async def test_the_members_of_a_pool_are_made_by_one_call(made: World) -> None:
    async with made.process() as process:
        ids = await complete(process, await process.create("web", pools({"a": 3})))
        assert there(made).keys() == set(ids.values())
        assert (made.cloud.meter.calls[ADDS], made.cloud.meter.calls[POSTS]) == (1, 0)


async def test_the_members_of_each_pool_of_a_load_balancer_are_made_together(made: World) -> None:
    async with made.process() as process:
        ids = await complete(process, await process.create("web", pools({"a": 3, "b": 4})))
        assert made.cloud.meter.calls[ADDS] <= 2 * 2  # each may be refused once, while the other is at work
        assert made.cloud.meter.calls[POSTS] == 0
        rows = there(made)
        assert rows.keys() == set(ids.values())
        assert {name: rows[each]["protocol_port"] for name, each in ids.items()} == {
            name: int(name[1:]) for name in ids
        }
        assert {each["provisioning_status"] for each in rows.values()} == {"ACTIVE"}


async def test_they_are_changed_one_by_one_and_replaced_together(made: World) -> None:
    async with made.process() as process:
        stack = await process.create("web", pools({"a": 3}))
        first = await complete(process, stack)
        second = await complete(process, await process.update(stack, pools({"a": 4}, weight=7)))
        assert {name: second[name] for name in first} == first
        assert {each["weight"] for each in there(made).values()} == {7}
        assert len(there(made)) == 4
        made.cloud.meter.reset()
        elsewhere = pools({"a": 4}, weight=7, address="10.0.0.8")
        third = await complete(process, await process.update(stack, elsewhere))
        assert there(made).keys() == set(third.values())
        assert set(third.values()).isdisjoint(second.values())
        assert made.cloud.meter.calls[ADDS] == 1


async def test_a_member_whose_place_is_taken_fails_by_itself_and_the_other_stays_as_it_is(
    made: World,
) -> None:
    async with made.process() as process:
        await complete(process, await process.create("web", pools({"a": 2})))
        (pool,) = made.objects("pools")
        theirs = {each["id"]: dict(each) for each in there(made).values()}
        more = {f"m{port}": member(pool["id"], port, weight=9) for port in range(2, 6)}
        made.cloud.meter.reset()
        stack, ids = await ended(process, await process.create("more", hot(more)))
        assert (stack.status, "already using ip 10.0.0.7 on protocol_port 2" in stack.reason) == (
            Status.FAILED,
            True,
        )
        assert made.cloud.meter.calls[ADDS] == 1
        assert ids.keys() == {"m3", "m4", "m5"}
        rows = there(made)
        assert {each: rows[each] for each in theirs} == theirs
        assert rows.keys() == theirs.keys() | set(ids.values())


async def test_members_that_are_refused_together_are_made_one_by_one(made: World) -> None:
    wrong = fault("PUT", "status", status=400, body={"faultstring": "one of them is wrong"})
    made.cloud.faults.replace([wrong])
    async with made.process() as process:
        ids = await complete(process, await process.create("web", pools({"a": 4})))
        assert there(made).keys() == set(ids.values())
        assert (made.cloud.meter.calls[ADDS], made.cloud.meter.calls[POSTS] >= 4) == (0, True)


async def test_as_many_are_made_as_the_quota_leaves(made: World) -> None:
    async with made.process() as process:
        made.cloud.world.project_quotas[process.caller.project_id, "pool_members"] = 2
        stack, ids = await ended(process, await process.create("web", pools({"a": 3})))
        assert (stack.status, "Quota has been met" in stack.reason) == (Status.FAILED, True)
        assert there(made).keys() == set(ids.values())
        assert len(ids) == 2


@pytest.mark.parametrize(
    "lost",
    [fault("PUT", "drop_after"), fault("PUT", "drop"), fault("PUT", "status", status=504)],
    ids=["after", "before", "gateway"],
)
async def test_none_is_made_twice_when_the_answer_is_lost(made: World, lost: dict[str, Any]) -> None:
    made.cloud.faults.replace([lost])
    async with made.process() as process:
        ids = await complete(process, await process.create("web", pools({"a": 3})))
        assert there(made).keys() == set(ids.values())
        assert len(ids) == 3
        assert made.cloud.faults.rules[0].fired == 1


async def test_none_is_made_twice_when_it_cannot_be_read_what_was_made(made: World) -> None:
    made.cloud.faults.replace([fault("GET", "drop", nth) for nth in range(2, 7)])
    async with made.process() as process:
        ids = await complete(process, await process.create("web", pools({"a": 3})))
        assert there(made).keys() == set(ids.values())
        assert (len(ids), made.cloud.meter.calls[ADDS], made.cloud.meter.calls[POSTS]) == (3, 1, 0)


async def test_a_service_that_would_remove_the_others_makes_them_one_by_one(made: World) -> None:
    old = {"versions": [{"id": "v2.10", "status": "CURRENT"}]}
    where = {"service": "load-balancer", "method": "GET", "path": "^/$"}
    made.cloud.faults.replace([{**where, "effect": "status", "status": 200, "body": old}])
    async with made.process() as process:
        ids = await complete(process, await process.create("web", pools({"a": 3})))
        assert there(made).keys() == set(ids.values())
        assert (len(ids), made.cloud.meter.calls[ADDS], made.cloud.meter.calls[POSTS] >= 3) == (3, 0, True)
        assert made.cloud.faults.rules[0].fired >= 1


async def test_two_stacks_at_one_pool_leave_each_other_what_they_make(made: World) -> None:
    async with made.process() as process:
        await complete(process, await process.create("web", pools({"a": 1})))
        (pool,) = made.objects("pools")

        async def more(name: str, first: int) -> dict[str, str]:
            members = {f"m{port}": member(pool["id"], port) for port in range(first, first + 5)}
            return await complete(process, await process.create(name, hot(members)))

        one, other = await asyncio.gather(more("one", 10), more("other", 20))
        assert set(one.values()).isdisjoint(other.values())
        assert there(made).keys() >= {*one.values(), *other.values()}
        assert len(there(made)) == 11
