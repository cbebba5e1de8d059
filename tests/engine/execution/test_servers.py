"""Stories of servers on a cloud that refuses what a real one refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stackd.devcloud.nova.boot import READY
from stackd.engine.usecases import stacks as use_cases
from stackd.records import Action, Stack, Status
from tests.engine.execution.test_lifecycle import is_good, mark, net, subnet, tune
from tests.support.engine import Process, World, world
from tests.support.templates import hot
from tests.support.waiting import until

NET = {"get_resource": "net"}
SUBNET = {"get_resource": "subnet"}
FIXED = {"subnet": SUBNET, "fixed_ip": "10.1.0.20"}


def server(networks: list[Any], flavor: str = "m1.tiny", **more: Any) -> dict[str, Any]:
    properties = {"flavor": flavor, "image": "cirros", "networks": networks, **more}
    return {"type": "OS::Nova::Server", "properties": properties}


def members(networks: list[Any], flavor: str = "m1.tiny", **more: Any) -> dict[str, Any]:
    """A network with a subnet, a port, a security group, and a server."""
    port = {"type": "OS::Neutron::Port", "properties": {"network": NET}, "depends_on": "subnet"}
    return {
        "net": net(),
        "subnet": subnet("10.1.0.0/24"),
        "port": port,
        "group": {"type": "OS::Neutron::SecurityGroup"},
        "server": server(networks, flavor, **more),
    }


PORT = {"port": {"get_resource": "port"}}
REPLACED = {"flavor_update_policy": "REPLACE"}


async def settled(process: Process, stack: Stack) -> Stack:
    stack = await process.done(stack)
    assert is_good(stack)
    return stack


def delete_server(seen: World, identity: str | None) -> None:
    """Somebody deletes a server; its ports are free then, or gone with it."""
    store = seen.cloud.store
    found = store.get("compute.servers", identity or "")
    assert found is not None
    store.remove(found)
    for port in list(store.find("network.ports", device_id=found.id)):
        store.update(port, {"device_id": "", "device_owner": ""})


def attached(seen: World, identity: str | None) -> list[dict[str, Any]]:
    return [dict(port) for port in seen.objects("ports") if port["device_id"] == identity]


@pytest.mark.parametrize("networks", [[PORT], [FIXED], [PORT, FIXED]], ids=["port", "own port", "both"])
@pytest.mark.parametrize("how", ["changed", "unhealthy"])
async def test_server_that_somebody_deleted_is_replaced_by_the_first_update(
    stackd_world: World, networks: list[Any], how: str
) -> None:
    async with stackd_world.process() as process:
        stack = await settled(process, await process.create("s", hot(members(networks, **REPLACED))))
        before = (await process.rows(stack))["server"].physical_id
        delete_server(stackd_world, before)
        flavor = "m1.tiny"
        if how == "changed":
            flavor = "m1.small"
        else:
            await mark(process, (await process.rows(stack))["server"], Action.CHECK)
        template = hot(members(networks, flavor, **REPLACED))
        stack = await settled(process, await process.update(stack, template))
        after = (await process.rows(stack))["server"].physical_id
        assert after != before
        assert len(attached(stackd_world, after)) == len(networks)
        assert len(stackd_world.objects("ports")) == len({"port", *map(str, networks)} - {str(PORT)})
        await settled(process, await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_server_that_somebody_deleted_does_not_stop_a_rollback(stackd_world: World) -> None:
    fails = {"type": "OS::Heat::TestResource", "depends_on": "server", "properties": {"fail": True}}
    async with stackd_world.process() as process:
        template = hot(members([PORT, FIXED], **REPLACED))
        stack = await settled(process, await process.create("s", template, disable_rollback=False))
        delete_server(stackd_world, (await process.rows(stack))["server"].physical_id)
        template = hot(members([PORT, FIXED], "m1.small", **REPLACED) | {"bad": fails})
        stack = await process.done(await process.update(stack, template))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason


async def test_interfaces_stay_as_long_as_they_have_what_is_asked_for(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await settled(process, await process.create("s", hot(members([{"network": NET}]))))
        identity = (await process.rows(stack))["server"].physical_id
        [before] = attached(stackd_world, identity)
        address = before["fixed_ips"][0]["ip_address"]
        for networks in (
            [{"network": NET, "subnet": SUBNET}],
            [{"subnet": SUBNET}],
            [{"network": NET, "fixed_ip": address}],
            [PORT, {"network": NET, "fixed_ip": address}],
            [{"subnet": SUBNET}, PORT],
            [{"network": NET}],
        ):
            stack = await settled(process, await process.update(stack, hot(members(networks))))
            ids = {port["id"] for port in attached(stackd_world, identity)}
            assert before["id"] in ids
            assert len(ids) == len(networks)
        assert (await process.rows(stack))["server"].physical_id == identity
        await settled(process, await process.delete(stack))
        assert stackd_world.counts() == {}


async def test_network_entry_becomes_a_port_and_a_network_entry_again(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await settled(process, await process.create("s", hot(members([{"network": NET}]))))
        rows = await process.rows(stack)
        identity, port = rows["server"].physical_id, rows["port"].physical_id
        stack = await settled(process, await process.update(stack, hot(members([PORT]))))
        assert [each["id"] for each in attached(stackd_world, identity)] == [port]
        stack = await settled(process, await process.update(stack, hot(members([{"network": NET}]))))
        [left] = attached(stackd_world, identity)
        assert left["id"] != port
        assert len(stackd_world.objects("ports")) == 2


async def test_interface_that_an_update_adds_has_the_security_groups(stackd_world: World) -> None:
    groups = {"security_groups": [{"get_resource": "group"}]}
    one, two = [{"network": NET}], [{"network": NET}, {"network": NET}]
    async with stackd_world.process() as process:
        stack = await settled(process, await process.create("s", hot(members(one, **groups))))
        stack = await settled(process, await process.update(stack, hot(members(two, **groups))))
        rows = await process.rows(stack)
        group = rows["group"].physical_id
        ports = attached(stackd_world, rows["server"].physical_id)
        assert [each["security_groups"] for each in ports] == [[group], [group]]
        await settled(process, await process.update(stack, hot(members(one, **groups))))
        assert len(attached(stackd_world, rows["server"].physical_id)) == 1
        await settled(process, await process.delete(stack))
        assert stackd_world.counts() == {}


async def building(process: Process, stack: Stack, seen: World) -> None:
    """Until the server that takes the other's place is being built."""
    await until(lambda: [each["status"] for each in seen.objects("servers")] == ["ACTIVE", "BUILD"])


@pytest.mark.parametrize("networks", [[PORT], [FIXED], [PORT, FIXED]], ids=["port", "own port", "both"])
async def test_update_is_cancelled_while_a_server_with_a_port_is_replaced(
    tmp_path: Path, networks: list[Any]
) -> None:
    async with world(tmp_path, ready_after=5.0) as seen, seen.process() as process:
        stack = await settled(process, await process.create("s", hot(members(networks, **REPLACED))))
        before = (await process.rows(stack))["server"].physical_id
        ports = {(each["id"], str(each["fixed_ips"])) for each in attached(seen, before)}
        stack = await process.update(stack, hot(members(networks, "m1.small", **REPLACED)))
        await building(process, stack, seen)
        await use_cases.cancel_update(process.engine, process.caller, await process.stack(stack))
        stack = await process.done(stack)
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        assert [each["id"] for each in seen.objects("servers")] == [before]
        assert {(each["id"], str(each["fixed_ips"])) for each in attached(seen, before)} == ports
        await settled(process, await process.delete(stack))
        assert seen.counts() == {}


async def test_stopped_server_is_resized_and_stays_stopped(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await settled(process, await process.create("s", hot(members([PORT]))))
        found = stackd_world.cloud.store.get(
            "compute.servers", (await process.rows(stack))["server"].physical_id or ""
        )
        assert found is not None
        stopped = {"status": "SHUTOFF", "OS-EXT-STS:vm_state": "stopped", "OS-EXT-STS:power_state": 4}
        stackd_world.cloud.store.update(found, READY | stopped)
        stack = await settled(process, await process.update(stack, hot(members([PORT], "m1.small"))))
        [seen] = stackd_world.objects("servers")
        assert (seen["id"], seen["status"]) == (found.id, "SHUTOFF")
        assert found.private["flavor"].data["name"] == "m1.small"
        template = hot(members([PORT], "m1.small", metadata={"a": "b"}))
        await settled(process, await process.update(stack, template))
        assert stackd_world.objects("servers")[0]["metadata"] == {"a": "b"}


async def test_resource_that_waits_says_for_what(tmp_path: Path) -> None:
    async with world(tmp_path, ready_after=30.0) as seen, seen.process() as process:
        stack = await process.create("s", hot({"server": server([{"allocate_network": "none"}])}))
        await until(lambda: seen.objects("servers"))
        await asyncio.sleep(2)
        assert (await process.rows(stack))["server"].reason == "state changed"
        await asyncio.sleep(10)
        row = (await process.rows(stack))["server"]
        assert row.reason == "Waiting until the server is built; its status is BUILD"
        assert row.status is Status.IN_PROGRESS
        stack = await settled(process, stack)
        assert (await process.rows(stack))["server"].reason == "state changed"


async def test_port_quota_that_the_compute_service_reports_is_a_quota_error(tmp_path: Path) -> None:
    async with world(tmp_path, quotas={"ports": 1}) as seen, seen.process() as process:
        template = members([{"network": NET}])
        template["server"]["depends_on"] = "port"
        stack = await process.done(await process.create("s", hot(template)))
        assert stack.reason.startswith("Resource CREATE failed: OverQuota: resources.server: "), stack.reason
        assert "Maximum number of ports exceeded" in stack.reason


async def test_service_that_is_away_is_named_in_plain_words(stackd_world: World) -> None:
    rule = {"method": "GET", "path": "/subnets/", "effect": "drop"}
    async with stackd_world.process() as process:
        tune(process, grace=1.0)
        stack = await settled(process, await process.create("s", hot(members([PORT]))))
        stackd_world.cloud.faults.replace([rule | {"method": "PUT", "path": "/ports/"}])
        changed = members([PORT])
        changed["port"]["properties"] = {"network": NET, "name": "renamed"}
        stack = await process.done(await process.update(stack, hot(changed)))
        assert stack.status is Status.FAILED
        assert stack.reason.startswith(
            "Resource UPDATE failed: ServiceUnavailable: resources.port: The service network did not answer: "
            "the connection was lost (5 attempts in "
        ), stack.reason
