"""Shares with all that belongs to them, from creation to deletion, on the dev cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stackd.records import Stack, Status
from tests.support.actions import act, handed_on
from tests.support.engine import Process, World, world
from tests.support.templates import hot

M = "OS::Manila::"
NAME = "files"
KINDS = {
    "directory": "security_services", "network": "share_networks", "share": "shares", "type": "share_types",
}  # fmt: skip
PATHS = {
    "directory": "/security-services", "network": "/share-networks", "share": "/shares", "type": "/types",
}  # fmt: skip
RULE = {"access_type": "ip", "access_to": "10.0.0.0/24", "access_level": "rw"}
OTHER = {"access_type": "ip", "access_to": "10.0.1.7"}
PROPERTIES: Mapping[str, dict[str, Any]] = {
    "type": {"name": "fast", "driver_handles_share_servers": True, "extra_specs": {"thin": True}},
    "directory": {"type": "ldap", "server": "ldap.test", "user": "reader", "password": "p"},
    "network": {
        "neutron_subnet": {"get_resource": "subnet"},
        "security_services": [{"get_resource": "directory"}],
    },
    "share": {
        "share_protocol": "NFS", "size": 2, "share_type": {"get_resource": "type"}, "metadata": {"a": 1},
        "share_network": {"get_resource": "network"}, "access_rules": [RULE, OTHER],
    },
}  # fmt: skip
NET: dict[str, Any] = {
    "net": {"type": "OS::Neutron::Net"},
    "subnet": {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.9.0.0/24"},
    },
}
TYPES = {"type": "ShareType", "directory": "SecurityService", "network": "ShareNetwork", "share": "Share"}
OUTPUTS = {
    "places": {"value": {"get_attr": ["share", "export_locations", 0, "path"]}},
    "cidr": {"value": {"get_attr": ["network", "cidr"]}},
    "status": {"value": {"get_attr": ["share", "status"]}},
}


@pytest_asyncio.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as fresh:
        yield fresh


def template(*changes: Mapping[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The share with all that belongs to it, changed; None takes a property away."""
    resources: dict[str, Any] = dict(NET)
    for name, given in PROPERTIES.items():
        properties = dict(given)
        for change in changes:
            properties |= change.get(name, {})
        kept = {key: value for key, value in properties.items() if value is not None}
        resources[name] = {"type": M + TYPES[name], "properties": kept}
    return hot(resources | more, outputs=OUTPUTS)


async def done(process: Process, stack: Stack, status: Status = Status.COMPLETE) -> Stack:
    ended = await process.done(stack)
    assert ended.status is status, ended.reason
    return ended


def objects(made: World) -> dict[str, Mapping[str, Any]]:
    """The only object of each type."""
    found = {name: made.objects(kind) for name, kind in KINDS.items()}
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(KINDS, 1)
    return {name: dict(each[0]) for name, each in found.items()}


def rules(made: World) -> list[tuple[str, str, str]]:
    found = made.objects("access_rules")
    return sorted((each["access_to"], each["access_level"], each["state"]) for each in found)


async def ids(process: Process, stack: Stack) -> dict[str, Any]:
    return {name: row.physical_id for name, row in (await process.rows(stack)).items() if name in KINDS}


async def test_all_is_made_changed_in_place_replaced_and_deleted(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await done(process, await process.create(NAME, template()))
        first = objects(made)
        assert await ids(process, stack) == {name: each["id"] for name, each in first.items()}
        assert first["type"]["extra_specs"] == {
            "driver_handles_share_servers": "True",
            "snapshot_support": "True",
            "thin": "true",
        }
        assert first["network"]["neutron_net_id"] == made.objects("networks")[0]["id"]
        assert (first["share"]["status"], first["share"]["metadata"]) == ("available", {"a": "1"})
        assert rules(made) == [("10.0.0.0/24", "rw", "active"), ("10.0.1.7", "rw", "active")]
        shown = await process.outputs(stack)
        assert shown["places"].endswith(f"share-{first['share']['id']}")
        assert (shown["cidr"], shown["status"]) == (None, "available")  # the share came after the network

        changes: Mapping[str, dict[str, Any]] = {
            "type": {"extra_specs": {"replication_type": "dr"}},
            "network": {"name": "renamed"},
            "directory": {"description": "people"},
            "share": {
                "name": "mine", "description": "d", "metadata": {"b": "2"},
                "access_rules": [{**RULE, "access_level": "ro"}, {**OTHER, "access_to": "10.0.2.1"}],
            },
        }  # fmt: skip
        stack = await done(process, await process.update(stack, template(changes)))
        second = objects(made)
        assert await ids(process, stack) == {name: each["id"] for name, each in first.items()}
        assert second["type"]["extra_specs"].keys() - first["type"]["extra_specs"].keys() == {
            "replication_type"
        }
        assert "thin" not in second["type"]["extra_specs"]
        assert (second["network"]["name"], second["directory"]["description"]) == ("renamed", "people")
        assert (second["share"]["name"], second["share"]["metadata"]) == ("mine", {"b": "2"})
        assert rules(made) == [("10.0.0.0/24", "ro", "active"), ("10.0.2.1", "rw", "active")]

        stack = await done(process, await process.update(stack, template({"share": {"size": 3}})))
        third = objects(made)
        assert {name for name in KINDS if third[name]["id"] != first[name]["id"]} == {"share"}
        assert (third["share"]["size"], third["share"]["metadata"]) == (3, {"a": "1"})

        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
    assert {kind: n for kind, n in made.counts().items() if kind in {*KINDS.values(), "access_rules"}} == {}


async def test_security_services_and_the_place_of_a_network_change_while_nobody_uses_it(made: World) -> None:
    second = {"type": M + "SecurityService", "properties": {"type": "ldap", "name": "second"}}
    place = {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.8.0.0/24"},
    }
    unused = template()
    del unused["resources"]["share"], unused["outputs"]
    async with made.process(user="admin") as process:
        stack = await done(process, await process.create(NAME, unused))
        before = made.objects("share_networks")[0]["id"]
        moved = {
            "security_services": [{"get_resource": "second"}],
            "neutron_subnet": {"get_resource": "place"},
        }
        changed = template({"network": moved}, second=second, place=place)
        del changed["resources"]["share"], changed["outputs"]
        stack = await done(process, await process.update(stack, changed))
        [network] = made.objects("share_networks")
        cidrs = {each["id"]: each["cidr"] for each in made.objects("subnets")}
        assert (network["id"], cidrs[network["neutron_subnet_id"]]) == (before, "10.8.0.0/24")
        [row] = made.cloud.store.all("shared-file-system.share_networks")
        rows = await process.rows(stack)
        assert row.private["services"] == [rows["second"].physical_id]
        await done(process, await process.update(stack, unused))


async def test_a_share_type_leaves_its_name_to_the_one_that_replaces_it(made: World) -> None:
    alone = hot({"type": {"type": M + "ShareType", "properties": PROPERTIES["type"]}})
    changed = hot(
        {"type": {"type": M + "ShareType", "properties": PROPERTIES["type"] | {"is_public": False}}}
    )
    async with made.process(user="admin") as process:
        stack = await done(process, await process.create(NAME, alone))
        first = made.objects("share_types")[0]["id"]
        stack = await done(process, await process.update(stack, changed))
        [now] = made.objects("share_types")
        assert (now["name"], now["share_type_access:is_public"]) == ("fast", False)
        assert now["id"] != first

        failing = changed["resources"] | {
            "late": {"type": M + "SecurityService", "properties": {"type": "ldap"}, "depends_on": "type"}
        }
        failing["type"] = alone["resources"]["type"]
        made.cloud.faults.replace(
            [{"service": "shared-file-system", "method": "POST", "path": "/security", "status": 400}]
        )
        update = await process.update(stack, hot(failing), disable_rollback=False)
        await done(process, update)
        [after] = made.objects("share_types")
        assert (after["id"], after["name"]) == (now["id"], "fast")


def fault(effect: str, name: str) -> dict[str, Any]:
    """A fault at the first creation of an object."""
    path = f"{PATHS[name]}$"
    return {"service": "shared-file-system", "method": "POST", "path": path, "nth": 1, "effect": effect}


async def test_nothing_is_made_twice_when_every_answer_is_lost(made: World) -> None:
    lost = [fault("drop_after", name) for name in KINDS]
    actions = {"service": "shared-file-system", "method": "POST", "path": "/action$", "nth": [1, 3]}
    made.cloud.faults.replace([*lost, {**actions, "effect": "drop_after"}])
    async with made.process(user="admin") as process:
        stack = await done(process, await process.create(NAME, template()))
        assert await ids(process, stack) == {name: each["id"] for name, each in objects(made).items()}
        assert [rule.fired for rule in made.cloud.faults.rules] == [1, 1, 1, 1, 2]
        assert len(rules(made)) == 2


@pytest.mark.parametrize("path", ["/shares$", "/action$"])
async def test_a_share_in_error_or_with_a_rule_in_error_is_made_again(made: World, path: str) -> None:
    rule = {"service": "shared-file-system", "method": "POST", "path": f"/shares.*{path}", "nth": 1}
    if path == "/shares$":
        rule["path"] = path
    made.cloud.faults.replace([{**rule, "effect": "error_status"}])
    async with made.process(user="admin") as process:
        stack = await done(process, await process.create(NAME, template()))
        assert len(made.objects("shares")) == 1
        assert {state for *_, state in rules(made)} == {"active"}
        assert "share CREATE_FAILED" in await process.told(stack)


async def test_check_sees_a_share_in_error_and_one_that_is_gone(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await done(process, await process.create(NAME, template()))
        [share] = made.cloud.store.all("shared-file-system.shares")

        async def check(expected: Status) -> str:
            ended = await act(process, stack, "check")
            assert ended.status is expected
            return (await process.rows(stack))["share"].reason

        await check(Status.COMPLETE)
        made.cloud.store.update(share, {"status": "error"})
        assert "expected 'available', got 'error'" in await check(Status.FAILED)
        made.cloud.store.remove(share)
        await check(Status.FAILED)


async def test_an_adopted_share_is_the_old_one(made: World) -> None:
    plain = hot({"share": {"type": M + "Share", "properties": {"share_protocol": "NFS", "size": 1}}})
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, plain))
        before = made.objects("shares")[0]["id"]
        adopted = await handed_on(process, stack)
        assert adopted.status is Status.COMPLETE, adopted.reason
        assert (await process.rows(adopted))["share"].physical_id == before
        assert [each["id"] for each in made.objects("shares")] == [before]
        await done(process, await process.delete(adopted))
        assert made.objects("shares") == []


async def test_a_share_over_quota_fails_at_once(tmp_path: Path) -> None:
    plain = hot({"share": {"type": M + "Share", "properties": {"share_protocol": "NFS", "size": 3}}})
    async with world(tmp_path, quotas={"share_gigabytes": 2}) as small, small.process() as process:
        stack = await done(process, await process.create(NAME, plain), Status.FAILED)
        assert "gigabytes quota" in (await process.stack(stack)).reason
        assert small.objects("shares") == []
