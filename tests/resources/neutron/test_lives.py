"""The lives of the types that administrators use, all in one stack: made, changed, replaced, and gone.

What the cloud has is compared with what the types say after every step, as a detection of drift does it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from stackd.engine.execution import drift
from stackd.engine.planning.drift import DELETED, IN_SYNC
from stackd.records import Resource, ResourceDrift, Stack, Status
from tests.resources.neutron.lives import LIVES, OBJECTS, hop, shared_router, stack_of
from tests.support.engine import Process, World, world


@asynccontextmanager
async def administrators(tmp_path: Path) -> AsyncIterator[tuple[World, Process]]:
    """A cloud with a QoS policy named gold, which belongs to nobody's stack."""
    async with world(tmp_path) as made, made.process(user="admin") as process:
        cloud = process.engine.trusts.of_caller(process.caller)
        await cloud.network.post("/qos/policies", {"policy": {"name": "gold"}})
        yield made, process


async def compared(process: Process, stack: Stack) -> list[ResourceDrift]:
    engine = process.engine
    return await drift.compare(engine.services, engine.trusts.of_caller(process.caller), stack)


async def standing(process: Process, stack: Stack) -> dict[str, Resource]:
    """The rows of a stack whose objects are all as they should be."""
    done = await process.done(stack)
    assert done.status is Status.COMPLETE, done.reason
    found = await compared(process, done)
    assert {each.name: each.content.get("differences") for each in found if each.status != IN_SYNC} == {}
    assert {each.name for each in found} >= OBJECTS.keys()
    return await process.rows(stack)


def router_of(made: World) -> Mapping[str, Any]:
    (router,) = made.objects("routers")
    return router


def routes_of(made: World) -> list[Any]:
    return sorted(router_of(made)["routes"], key=str)


def quota_of(made: World, project: str, name: str) -> int:
    entity = made.cloud.store.first("identity.projects", name=project)
    assert entity is not None
    return made.cloud.world.quota(entity.id, name)


async def test_everything_is_made_changed_in_place_replaced_and_deleted(tmp_path: Path) -> None:
    async with administrators(tmp_path) as (made, process):
        before = made.counts()
        stack = await process.create("s", stack_of("first"))
        first = await standing(process, stack)
        assert routes_of(made) == [hop(1), hop(3)]
        assert router_of(made)["external_gateway_info"]["network_id"] in str(first["gateway"].physical_id)
        assert quota_of(made, "demo", "networks") == 50

        await process.update(stack, stack_of("first", "then"))
        then = await standing(process, stack)
        assert {name: row.physical_id for name, row in then.items()} == {
            name: row.physical_id for name, row in first.items()
        }
        assert routes_of(made) == [hop(1), hop(4), hop(5)]
        assert (quota_of(made, "demo", "networks"), quota_of(made, "demo", "ports")) == (60, 7)

        await process.update(stack, stack_of("first", "then", "anew"))
        anew = await standing(process, stack)
        replaced = {name for name, row in anew.items() if row.physical_id != then[name].physical_id}
        assert replaced == {name for name, life in LIVES.items() if life.anew}
        assert routes_of(made) == [hop(2), hop(4), hop(5)]
        assert (quota_of(made, "demo", "networks"), quota_of(made, "admin", "networks")) == (-1, 60)

        await process.delete(stack)
        assert (await process.done(stack)).deleted_at is not None
        assert made.counts() == before
        assert quota_of(made, "admin", "networks") == -1


LOST = ("metering", "qos", "address-scopes", "subnetpools", "segments", "trunks", "rbac", "port_forwardings")
ONCE = (
    *("qos_bandwidth_limit_rules", "qos_dscp_marking_rules", "rbac_policies", "port_forwardings"),
    *("metering_labels", "metering_label_rules", "trunks", "address_scopes", "subnetpools"),
)
CHANGED = ("extraroutes", "quotas")


async def test_objects_whose_answers_were_lost_are_found_and_not_made_twice(tmp_path: Path) -> None:
    async with administrators(tmp_path) as (made, process):
        rules: list[dict[str, Any]] = [
            {"method": "POST", "path": path, "effect": "drop_after"} for path in LOST
        ]
        rules += [{"method": "POST", "path": "v2.0/networks$", "effect": "drop_after"}]
        rules += [
            {"method": "PUT", "path": path, "effect": "drop_after", "times": 1}
            for path in ("extra", "quotas")
        ]
        made.cloud.faults.replace(rules)
        stack = await process.create("s", stack_of("first"))
        await standing(process, stack)
        assert min(rule.fired for rule in made.cloud.faults.rules) > 0
        counts = made.counts()
        assert {kind: counts[kind] for kind in ONCE} == dict.fromkeys(ONCE, 1)
        assert routes_of(made) == [hop(1), hop(3)]
        made.cloud.faults.replace([])
        await process.delete(stack)
        assert (await process.done(stack)).deleted_at is not None


GONE = ("trunks", "rbac_policies", "qos_policies", "port_forwardings", "qos_dscp_marking_rules")


async def test_objects_that_others_deleted_are_seen_and_need_no_deletion(tmp_path: Path) -> None:
    """Of a policy that is gone its rules are, too, though their collection cannot even be listed."""
    async with administrators(tmp_path) as (made, process):
        stack = await process.create("s", stack_of("first"))
        await standing(process, stack)
        store = made.cloud.store
        for entity in [each for kind in GONE for each in store.all(f"network.{kind}")]:
            store.remove(entity)
        found = await compared(process, await process.stack(stack))
        gone = {"limit", "mark", "bandwidth", "packets", "policy", "trunk", "sharing", "forward"}
        assert {each.name for each in found if each.status == DELETED} == gone
        await process.delete(stack)
        assert (await process.done(stack)).deleted_at is not None
        assert made.objects("ports") == []


async def test_failed_replacement_brings_the_old_objects_back(tmp_path: Path) -> None:
    async with administrators(tmp_path) as (made, process):
        stack = await process.create("s", stack_of("first"))
        first = await standing(process, stack)
        template = stack_of("first", "anew")
        late = {"type": "OS::Neutron::Net", "properties": {"value_specs": {"bad": 1}}}
        template["resources"]["last"] = {
            **late,
            "depends_on": ["forward", "limit", "mark", "route", "quota", "counted"],
        }
        await process.update(stack, template, disable_rollback=False)
        done = await process.done(stack)
        assert (done.action, done.status) == ("ROLLBACK", Status.COMPLETE), done.reason
        rows = await standing(process, stack)
        assert routes_of(made) == [hop(1), hop(3)]
        assert quota_of(made, "demo", "networks") == 50
        assert rows["forward"].data["floating_ip"] == first["address"].physical_id
        assert rows["limit"].data == first["limit"].data


async def test_changes_of_one_router_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    slow = {"service": "network", "method": "PUT", "path": "routers", "effect": "delay", "seconds": 1}
    async with world(tmp_path) as made, made.process() as process:
        made.cloud.faults.replace([slow])
        stack = await process.create("s", shared_router("one", *range(1, 7)))
        assert (await process.done(stack)).status is Status.COMPLETE
        numbers = [*range(1, 7), *range(101, 107)]
        assert routes_of(made) == sorted(map(hop, numbers), key=str)
        assert router_of(made)["external_gateway_info"] is not None
        await process.update(stack, shared_router("two", *range(4, 10)))
        done = await process.done(stack)
        assert done.status is Status.COMPLETE, done.reason
        numbers = [*range(4, 10), *range(104, 110)]
        assert routes_of(made) == sorted(map(hop, numbers), key=str)
        assert router_of(made)["name"] == "two"
