"""The reservation service of the dev cloud: the host, leases and their course, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User

V1 = "/reservation/v1"
# The clock of the tests begins on 2027-01-15 08:00.
HOSTS: dict[str, Any] = {
    "resource_type": "physical:host", "min": 1, "max": 1, "hypervisor_properties": "",
    "resource_properties": "",
}  # fmt: skip
SERVERS: dict[str, Any] = {
    "resource_type": "virtual:instance", "amount": 2, "vcpus": 2, "memory_mb": 1024, "disk_gb": 10,
    "affinity": False, "resource_properties": "",
}  # fmt: skip
LEASE: dict[str, Any] = {
    "name": "l", "start_date": "2027-01-16 09:00", "end_date": "2027-01-17 09:00", "reservations": [SERVERS],
}  # fmt: skip


async def host(admin: User, **values: Any) -> str:
    """The path of the host, which can be reserved from now on."""
    shown = (await admin.post(f"{V1}/os-hosts", {"name": "dev", **values}))["host"]
    return f"{V1}/os-hosts/{shown['id']}"


async def refusal(user: User, path: str, body: Any = None, method: str = "POST") -> str:
    reply = await user.call(method, path, body)
    fault = reply.json()
    assert fault["error_code"] == reply.status_code
    return f"{reply.status_code} {fault['error_message']}"


async def test_host_has_its_capabilities_beside_its_size(admin: User, demo: User) -> None:
    path = await host(admin, gpu=True, rack="r1")
    shown = (await admin.get(path))["host"]
    assert (shown["gpu"], shown["rack"], shown["hypervisor_hostname"]) == ("True", "r1", "dev")
    assert (await admin.call("PUT", path, {"rack": "r2"})).json()["host"]["rack"] == "r2"
    assert await demo.status("GET", f"{V1}/os-hosts") == 403
    assert "already" in await refusal(admin, f"{V1}/os-hosts", {"name": "dev"})
    assert await admin.status("DELETE", path) == 204
    assert (await admin.get(f"{V1}/os-hosts"))["hosts"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "400 Missing parameter name"),
        ({"name": "other"}, "404 Host 'other' not found!"),
        ({"name": "dev", "k" * 65: "v"}, "400 Extra capability key too long"),
    ],
)
async def test_hosts_that_are_refused(admin: User, body: Any, reason: str) -> None:
    assert await refusal(admin, f"{V1}/os-hosts", body) == reason


async def test_host_with_servers_is_not_taken(cloud: Cloud, admin: User) -> None:
    flavor = (await admin.get("/compute/v2.1/flavors"))["flavors"][0]["id"]
    image = (await admin.get("/image/v2/images"))["images"][0]["id"]
    body = {"server": {"name": "s", "flavorRef": flavor, "imageRef": image, "networks": "none"}}
    headers = {"OpenStack-API-Version": "compute 2.72"}
    await admin.post("/compute/v2.1/servers", body, headers=headers)
    assert "found for host dev" in await refusal(admin, f"{V1}/os-hosts", {"name": "dev"})


async def test_lease_begins_and_ends_by_its_dates(build: Callable[..., Cloud]) -> None:
    cloud = build(token_seconds=1e7)
    admin, demo = await cloud.login("admin", "admin"), await cloud.login("demo", "demo")
    host_path = await host(admin)
    lease = (await demo.post(f"{V1}/leases", LEASE))["lease"]
    path = f"{V1}/leases/{lease['id']}"
    assert (lease["status"], lease["start_date"]) == ("PENDING", "2027-01-16T09:00:00.000000")
    assert lease["user_id"] == demo.user_id
    assert {each["event_type"] for each in lease["events"]} == {
        "start_lease",
        "before_end_lease",
        "end_lease",
    }
    assert [each["lease_id"] for each in lease["reservations"]] == [lease["id"]]
    assert "is reserved" in await refusal(admin, host_path, method="DELETE")
    seen = []
    for _ in range(2):
        cloud.time.now += 86400 + 3600
        now = (await demo.get(path))["lease"]
        seen.append((now["status"], now["reservations"][0]["status"]))
    assert seen == [("ACTIVE", "active"), ("TERMINATED", "deleted")]
    assert await admin.status("DELETE", host_path) == 204
    assert len(list(cloud.dev.store.all("identity.trusts"))) == 1
    assert await demo.status("DELETE", path) == 204
    assert list(cloud.dev.store.all("identity.trusts")) == []
    assert "404" in await refusal(demo, path, method="GET")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": None}, "400 Missing parameter name"),
        ({"start_date": "tomorrow"}, "400 tomorrow is an invalid date"),
        ({"start_date": "2020-01-01 00:00"}, "400 Start date must be later"),
        ({"end_date": "2027-01-16 09:00"}, "400 The end_date must be later"),
        ({"before_end_date": "2027-02-01 09:00"}, "400 Datetime is out of lease limits"),
        ({"reservations": [{}]}, "400 Missing parameter resource_type"),
        ({"reservations": [{"resource_type": "odd"}]}, "500 The odd resource type is not supported"),
        ({"reservations": [HOSTS | {"min": "x"}]}, "400 Malformed parameter min"),
        ({"reservations": [HOSTS | {"min": 2}]}, "400 Invalid values for min/max"),
        ({"reservations": [HOSTS | {"min": 2, "max": 2}]}, "500 Not enough hosts"),
        (
            {"reservations": [{"resource_type": "physical:host", "min": 1, "max": 1}]},
            "400 Missing parameter hyper",
        ),
        ({"reservations": [SERVERS | {"amount": 1000}]}, "500 Not enough hosts"),
        ({"reservations": [{**SERVERS, "vcpus": None}]}, "400 Missing parameter vcpus"),
        (
            {"reservations": [{k: v for k, v in SERVERS.items() if k != "affinity"}]},
            "400 Missing parameter aff",
        ),
    ],
)
async def test_leases_that_are_refused(admin: User, demo: User, values: Any, reason: str) -> None:
    await host(admin)
    assert (await refusal(demo, f"{V1}/leases", LEASE | values)).startswith(reason)


async def test_host_is_reserved_once_at_a_time(admin: User, demo: User) -> None:
    assert await refusal(demo, f"{V1}/leases", LEASE) == "500 Not enough hosts available"
    await host(admin)
    whole = LEASE | {"reservations": [HOSTS]}
    await demo.post(f"{V1}/leases", whole)
    assert await refusal(demo, f"{V1}/leases", LEASE) == "500 Not enough hosts available"
    assert await refusal(demo, f"{V1}/leases", whole) == "500 Not enough hosts available"
    later = {"start_date": "2027-01-17 09:00", "end_date": "2027-01-18 09:00"}
    assert (await demo.post(f"{V1}/leases", whole | later))["lease"]["status"] == "PENDING"
    assert len((await demo.get(f"{V1}/leases"))["leases"]) == 2
    assert (await demo.http.get("/reservation/")).json()["versions"][0]["id"] == "v1.0"
