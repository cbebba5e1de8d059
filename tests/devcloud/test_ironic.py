"""The bare metal service of the dev cloud: machines, their network cards, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devcloud.conftest import User

V1 = "/baremetal/v1"
MAC = "52:54:00:aa:bb:cc"


async def node(admin: User, at: int = 0) -> str:
    return str((await admin.get(f"{V1}/nodes"))["nodes"][at]["uuid"])


async def port(admin: User, **values: Any) -> dict[str, Any]:
    shown: dict[str, Any] = await admin.post(
        f"{V1}/ports", {"node_uuid": await node(admin), "address": MAC, **values}
    )
    return shown


async def refusal(user: User, path: str, body: Any = None, method: str = "POST") -> str:
    reply = await user.call(method, path, body)
    return f"{reply.status_code} {reply.json()['error_message']['faultstring']}"


async def test_port_is_made_found_changed_and_deleted(admin: User) -> None:
    made = await port(admin, address=MAC.upper())
    assert (made["address"], made["pxe_enabled"], made["internal_info"]) == (MAC, True, {})
    path = f"{V1}/ports/{made['uuid']}"
    await port(admin, address="52:54:00:aa:bb:cd")
    found = (await admin.get(f"{V1}/ports/detail?address={MAC}"))["ports"]
    assert [each["uuid"] for each in found] == [made["uuid"]]
    assert {frozenset(each) for each in (await admin.get(f"{V1}/ports"))["ports"]} == {
        frozenset({"uuid", "address", "links"})
    }
    patch = [
        {"op": "replace", "path": "/pxe_enabled", "value": False},
        {"op": "add", "path": "/extra/rack", "value": "r1"},
    ]
    changed = (await admin.call("PATCH", path, patch)).json()
    assert (changed["pxe_enabled"], changed["extra"]) == (False, {"rack": "r1"})
    assert changed["updated_at"]
    back = [{"op": "replace", "path": "/pxe_enabled", "value": True}, {"op": "remove", "path": "/extra/rack"}]
    again = (await admin.call("PATCH", path, back)).json()
    assert (again["pxe_enabled"], again["extra"]) == (True, {})
    assert await admin.status("DELETE", path) == 204
    assert await refusal(admin, path, method="GET") == f"404 Port {made['uuid']} could not be found."


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"address": None}, "400 Schema error for port: 'address' is a required"),
        ({"address": "x"}, "400 Expected a MAC address but received x."),
        ({"node_uuid": "x"}, "400 Node x could not be found."),
        ({"portgroup_uuid": "x"}, "400 Portgroup x could not be found."),
        ({"odd": 1}, "400 Schema error for port: Additional properties"),
        (
            {"local_link_connection": {"port_id": "p"}},
            "400 Missing mandatory keys in local_link_connection: switch_id",
        ),
        ({"is_smartnic": True, "local_link_connection": {"port_id": "p"}}, "400 Missing mandatory keys"),
        ({"address": MAC}, f"409 A port with MAC address {MAC} already exists."),
    ],
)
async def test_ports_that_are_refused(admin: User, values: Any, reason: str) -> None:
    await port(admin)
    body = {"node_uuid": await node(admin), "address": "52:54:00:00:00:01"} | values
    assert (await refusal(admin, f"{V1}/ports", body)).startswith(reason)


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({}, "400 Invalid JSON patch"),
        ([{"op": "remove", "path": "/address"}], "400 '/address' is a mandatory attribute"),
        ([{"op": "replace", "path": "/uuid", "value": "x"}], "400 Couldn't apply patch"),
        ([{"op": "test", "path": "/extra", "value": {}}], "400 Couldn't apply patch"),
        ([{"op": "remove", "path": "/pxe_enabled"}], "500 Field `pxe_enabled' cannot be None"),
        ([{"op": "replace", "path": "/node_uuid", "value": "x"}], "400 Node x could not be found."),
        (
            [{"op": "replace", "path": "/address", "value": "52:54:00:00:00:02"}],
            "409 A port with MAC address",
        ),
    ],
)
async def test_changes_that_are_refused(admin: User, patch: Any, reason: str) -> None:
    path = f"{V1}/ports/{(await port(admin))['uuid']}"
    await port(admin, address="52:54:00:00:00:02")
    assert (await refusal(admin, path, patch, "PATCH")).startswith(reason)


async def test_port_is_in_a_group_of_its_own_machine(admin: User) -> None:
    group = await admin.post(f"{V1}/portgroups", {"node_uuid": await node(admin), "name": "g"})
    assert (await port(admin, portgroup_uuid=group["uuid"]))["portgroup_uuid"] == group["uuid"]
    other = {
        "node_uuid": await node(admin, 1),
        "address": "52:54:00:00:00:01",
        "portgroup_uuid": group["uuid"],
    }
    assert "belongs to another node" in await refusal(admin, f"{V1}/ports", other)
    twin = {"node_uuid": await node(admin), "name": "g"}
    assert await refusal(admin, f"{V1}/portgroups", twin) == "409 A portgroup with name g already exists."


async def test_machine_goes_with_its_ports(admin: User) -> None:
    made = await admin.post(f"{V1}/nodes", {"driver": "fake-hardware", "name": "n"})
    assert made["provision_state"] == "enroll"
    await port(admin, node_uuid=made["uuid"])
    assert (
        await refusal(admin, f"{V1}/nodes", {"driver": "d", "name": "n"})
        == "409 A node with name n already exists."
    )
    assert "'driver' is a required" in await refusal(admin, f"{V1}/nodes", {})
    assert await admin.status("DELETE", f"{V1}/nodes/{made['uuid']}") == 204
    assert (await admin.get(f"{V1}/ports"))["ports"] == []


async def test_only_administrators_see_machines(admin: User, demo: User) -> None:
    made = await port(admin)
    assert await demo.status("GET", f"{V1}/nodes") == 403
    assert await demo.status("GET", f"{V1}/ports/{made['uuid']}") == 403
    assert await demo.status("POST", f"{V1}/ports", {"address": MAC}) == 403


async def test_versions_within_the_api_are_chosen_by_the_services_own_header(admin: User) -> None:
    name = "X-OpenStack-Ironic-API-Version"
    assert (await admin.call("GET", f"{V1}/nodes", headers={name: "1.72"})).headers[name] == "1.72"
    assert await admin.status("GET", f"{V1}/nodes", headers={name: "1.999"}) == 406
    assert (await admin.http.get("/baremetal/")).json()["default_version"]["id"] == "v1"
