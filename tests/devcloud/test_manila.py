"""The shared file systems of the dev cloud: states that take a while, and what the service refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User

V2 = "/shared-file-system/v2"
SHARE: dict[str, Any] = {"share_proto": "nfs", "size": 2, "name": "s"}
TYPE: dict[str, Any] = {"name": "t", "extra_specs": {"driver_handles_share_servers": "false"}}
RULE: dict[str, Any] = {"access_type": "ip", "access_to": "10.0.0.0/8"}
KEYS = {
    "shares": "share", "types": "share_type", "snapshots": "snapshot", "share-networks": "share_network",
    "security-services": "security_service",
}  # fmt: skip


async def made(user: User, plural: str, body: dict[str, Any]) -> dict[str, Any]:
    key = KEYS[plural]
    shown: dict[str, Any] = (await user.post(f"{V2}/{plural}", {key: body}))[key]
    return shown


async def refusal(user: User, path: str, body: Any, method: str = "POST") -> str:
    reply = await user.call(method, f"{V2}{path}", body)
    fault = next(iter(reply.json().values()))
    assert fault["code"] == reply.status_code
    return f"{reply.status_code} {fault['message']}"


async def act(user: User, share: dict[str, Any], **action: Any) -> Any:
    return await user.post(f"{V2}/shares/{share['id']}/action", action)


async def test_share_comes_and_goes_in_its_time(cloud: Cloud, demo: User, admin: User) -> None:
    share = await made(demo, "shares", SHARE | {"metadata": {"a": "1"}})
    path = f"{V2}/shares/{share['id']}"
    assert (share["status"], share["share_proto"], share["share_type_name"]) == ("creating", "NFS", "default")
    assert (await demo.get(f"{path}/export_locations"))["export_locations"] == []
    assert await demo.status("DELETE", path) == 403
    cloud.time.now += 1
    shown = (await demo.get(path))["share"]
    assert (shown["status"], shown["access_rules_status"], shown["metadata"]) == (
        "available",
        "active",
        {"a": "1"},
    )
    assert "host" not in shown
    assert (await admin.get(path))["share"]["host"] == "dev@dummy#dummy"
    [place] = (await demo.get(f"{path}/export_locations"))["export_locations"]
    assert place["path"].endswith(share["id"])
    named = await demo.call("PUT", path, {"share": {"display_name": "n", "name": "ignored"}})
    assert named.json()["share"]["name"] == "n"
    assert [each["name"] for each in (await demo.get(f"{V2}/shares/detail?name=n"))["shares"]] == ["n"]
    await demo.call("PUT", f"{path}/metadata", {"metadata": {"b": "2"}})
    assert (await demo.get(f"{path}/metadata"))["metadata"] == {"b": "2"}
    assert await demo.status("DELETE", path) == 202
    assert (await demo.get(path))["share"]["status"] == "deleting"
    cloud.time.now += 1
    assert await demo.status("GET", path) == 404


async def test_rules_are_applied_and_taken_away_in_their_time(cloud: Cloud, demo: User) -> None:
    share = await made(demo, "shares", SHARE)
    path = f"{V2}/shares/{share['id']}"
    assert "invalid state" in await refusal(demo, f"/shares/{share['id']}/action", {"allow_access": RULE})
    cloud.time.now += 1
    rule = (await act(demo, share, allow_access=RULE))["access"]
    assert (rule["state"], rule["access_level"]) == ("queued_to_apply", "rw")
    assert (await demo.get(path))["share"]["access_rules_status"] == "syncing"
    cloud.time.now += 1
    assert (await demo.get(path))["share"]["access_rules_status"] == "active"
    listed = (await demo.get(f"{V2}/share-access-rules?share_id={share['id']}"))["access_list"]
    assert [each["state"] for each in listed] == ["active"]
    assert "exists" in await refusal(demo, f"/shares/{share['id']}/action", {"allow_access": RULE})
    await act(demo, share, deny_access={"access_id": rule["id"]})
    assert (await demo.get(f"{V2}/share-access-rules/{rule['id']}"))["access"]["state"] == "queued_to_deny"
    cloud.time.now += 1
    assert (await demo.get(f"{V2}/share-access-rules?share_id={share['id']}"))["access_list"] == []
    denied = {"deny_access": {"access_id": rule["id"]}}
    assert await demo.status("POST", f"{path}/action", denied) == 404


@pytest.mark.parametrize(
    ("plural", "body", "reason"),
    [
        ("shares", SHARE | {"share_proto": "ftp"}, "400 Invalid input received: Invalid share protocol"),
        ("shares", SHARE | {"size": 0}, "greater than 0"),
        ("shares", SHARE | {"size": "x"}, "must be an integer"),
        ("shares", SHARE | {"share_type": "none"}, "404 Share type not found"),
        ("shares", SHARE | {"share_type": "servers"}, "Share network must be set"),
        ("shares", SHARE | {"share_network_id": "none"}, "404 Share network none could not be found"),
        ("shares", SHARE | {"snapshot_id": "none"}, "404 Snapshot none could not be found"),
        ("shares", SHARE | {"metadata": {"a": 1}}, "400 Metadata property value"),
        ("shares", SHARE | {"is_public": True}, "403 Public shares cannot be created"),
        ("shares", SHARE | {"name": "n" * 256}, "255 characters"),
        ("share-networks", {"neutron_net_id": "n"}, "specify both neutron_net_id and neutron_subnet_id"),
        ("share-networks", {"nova_net_id": "n"}, "nova networking is not supported"),
        ("security-services", {"type": "odd"}, "Invalid type odd"),
        ("types", TYPE, "403 Policy doesn't allow"),
        ("snapshots", {"share_id": "none"}, "404 Share none could not be found"),
    ],
)
async def test_what_is_refused(demo: User, plural: str, body: dict[str, Any], reason: str) -> None:
    assert reason in await refusal(demo, f"/{plural}", {KEYS[plural]: body})


@pytest.mark.parametrize(
    ("access", "reason"),
    [
        ({"access_type": "ip", "access_to": "here"}, "'here' is not valid"),
        ({"access_type": "user", "access_to": "ab"}, "'ab' is not valid"),
        ({"access_type": "cert", "access_to": " "}, "is not valid"),
        ({"access_type": "cephx", "access_to": "client.x"}, "is not valid"),
        ({"access_type": "odd", "access_to": "x"}, "access types are supported"),
        (RULE | {"access_level": "rx"}, "Invalid share access level"),
    ],
)
async def test_rules_that_are_refused(cloud: Cloud, demo: User, access: dict[str, Any], reason: str) -> None:
    share = await made(demo, "shares", SHARE)
    cloud.time.now += 1
    path = f"/shares/{share['id']}/action"
    assert reason in await refusal(demo, path, {"allow_access": access})
    assert "no such action" in await refusal(demo, path, {"odd": {}})


async def test_snapshots_become_shares_and_keep_their_share(cloud: Cloud, demo: User) -> None:
    share = await made(demo, "shares", SHARE)
    assert "must be 'available'" in await refusal(demo, "/snapshots", {"snapshot": {"share_id": share["id"]}})
    cloud.time.now += 1
    snapshot = await made(demo, "snapshots", {"share_id": share["id"], "name": "snap"})
    early = SHARE | {"snapshot_id": snapshot["id"]}
    assert "status must be" in await refusal(demo, "/shares", {"share": early})
    cloud.time.now += 1
    copy = await made(demo, "shares", early | {"size": 3})
    assert (copy["share_type"], copy["size"]) == (share["share_type"], 3)
    assert "snapshot size" in await refusal(demo, "/shares", {"share": early | {"size": 1}})
    assert "403 Invalid share: Share still has 1" in await refusal(
        demo, f"/shares/{share['id']}", None, "DELETE"
    )
    assert [each["name"] for each in (await demo.get(f"{V2}/snapshots"))["snapshots"]] == ["snap"]


async def test_types_show_users_only_what_concerns_them(demo: User, admin: User) -> None:
    given = {"driver_handles_share_servers": False, "snapshot_support": True, "thin": "yes"}
    made_type = await made(admin, "types", {"name": "t", "extra_specs": given})
    path = f"{V2}/types/{made_type['id']}"
    assert made_type["extra_specs"] == {
        "driver_handles_share_servers": "False",
        "snapshot_support": "True",
        "thin": "yes",
    }
    seen = (await demo.get(path))["share_type"]["extra_specs"]
    assert ("thin" in seen, seen["snapshot_support"], seen["mount_snapshot_support"]) == (
        False,
        "True",
        "False",
    )
    assert "409" in await refusal(admin, "/types", {"share_type": TYPE})
    assert "not specified" in await refusal(admin, "/types", {"share_type": {"name": "u", "extra_specs": {}}})
    odd = {"extra_specs": {"snapshot_support": "maybe"}}
    assert "Invalid extra_spec" in await refusal(admin, f"/types/{made_type['id']}/extra_specs", odd)
    await admin.post(f"{path}/extra_specs", {"extra_specs": {"more": "1"}})
    assert await admin.status("DELETE", f"{path}/extra_specs/more") == 202
    assert await admin.status("DELETE", f"{path}/extra_specs/more") == 404
    assert await admin.status("DELETE", f"{path}/extra_specs/driver_handles_share_servers") == 403
    assert await demo.status("GET", f"{path}/extra_specs") == 403
    hidden = {"share_type": {"share_type_access:is_public": False}}
    assert (await admin.call("PUT", path, hidden)).json()["share_type"]["name"] == "t"
    assert await demo.status("GET", path) == 404
    assert {each["name"] for each in (await demo.get(f"{V2}/types"))["share_types"]} == {"default", "servers"}
    used = await made(admin, "shares", SHARE | {"share_type": "t"})
    assert "still in use" in await refusal(admin, f"/types/{made_type['id']}", None, "DELETE")
    assert used["share_type"] == made_type["id"]


async def test_share_networks_and_their_services_keep_each_other(cloud: Cloud, demo: User) -> None:
    place = {"neutron_net_id": "n", "neutron_subnet_id": "s"}
    network = await made(demo, "share-networks", {"name": "n", **place})
    [subnet] = network["share_network_subnets"]
    assert (subnet["neutron_subnet_id"], subnet["cidr"]) == ("s", None)
    one, twin = [await made(demo, "security-services", {"type": "ldap"}) for _ in range(2)]
    path = f"/share-networks/{network['id']}"
    add = {"add_security_service": {"security_service_id": one["id"]}}
    await demo.post(f"{V2}{path}/action", add)
    assert "Already associated" in await refusal(demo, f"{path}/action", add)
    other = {"add_security_service": {"security_service_id": twin["id"]}}
    assert "409" in await refusal(demo, f"{path}/action", other)
    listed = await demo.get(f"{V2}/security-services?share_network_id={network['id']}")
    assert [each["id"] for each in listed["security_services"]] == [one["id"]]
    assert "403" in await refusal(demo, f"/security-services/{one['id']}", None, "DELETE")
    share = await made(demo, "shares", SHARE | {"share_type": "servers", "share_network_id": network["id"]})
    remove = {"remove_security_service": {"security_service_id": one["id"]}}
    assert "403" in await refusal(demo, f"{path}/action", remove)
    changed = {"share_network": {"neutron_subnet_id": "t"}}
    assert "used by share servers" in await refusal(demo, path, changed, "PUT")
    secret = {"security_service": {"password": "p"}}
    assert "403" in await refusal(demo, f"/security-services/{one['id']}", secret, "PUT")
    assert "409 Can not delete share network" in await refusal(demo, path, None, "DELETE")
    cloud.time.now += 1
    assert await demo.status("DELETE", f"{V2}/shares/{share['id']}") == 202
    cloud.time.now += 1
    assert await demo.status("POST", f"{V2}{path}/action", remove) == 200
    assert await demo.status("PUT", f"{V2}{path}", changed) == 200
    assert await demo.status("DELETE", f"{V2}{path}") == 202


async def test_quotas_are_413(build: Callable[..., Cloud]) -> None:
    demo = await build(quotas={"shares": 1, "share_gigabytes": 3}).login("demo", "demo")
    assert "gigabytes quota" in await refusal(demo, "/shares", {"share": SHARE | {"size": 4}})
    await made(demo, "shares", SHARE)
    assert "413 Maximum number of shares allowed (1)" in await refusal(
        demo, "/shares", {"share": SHARE | {"size": 1}}
    )


async def test_versions_beyond_those_that_are_simulated_are_named(demo: User) -> None:
    reply = await demo.call("GET", f"{V2}/shares", headers={"X-OpenStack-Manila-API-Version": "2.99"})
    assert reply.status_code == 406
    assert "maximum is 2.65" in reply.text
    [version] = (await demo.http.get("/shared-file-system/")).json()["versions"]
    assert (version["min_version"], version["version"]) == ("2.51", "2.65")
