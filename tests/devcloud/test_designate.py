"""The DNS service of the dev cloud: states that take a while, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User

V2 = "/dns/v2"
ZONE: dict[str, Any] = {"name": "a.test.", "email": "me@a.test"}
WWW: dict[str, Any] = {"name": "www.a.test.", "type": "A", "records": ["10.0.0.1"]}


async def zone(user: User, **values: Any) -> str:
    """The path of a new zone."""
    shown = await user.post(f"{V2}/zones", ZONE | values)
    assert shown["status"] == "PENDING"
    return f"{V2}/zones/{shown['id']}"


async def refusal(user: User, path: str, body: Any, method: str = "POST") -> str:
    reply = await user.call(method, path, body)
    fault = reply.json()
    return f"{reply.status_code} {fault['type']}: {fault['message']}"


async def test_zone_takes_its_time_to_come_change_and_go(cloud: Cloud, demo: User) -> None:
    path = await zone(demo)
    assert (await demo.get(path))["action"] == "CREATE"
    cloud.time.now += 1
    first = await demo.get(path)
    assert (first["status"], first["ttl"], first["action"]) == ("ACTIVE", 3600, "NONE")
    changed = (await demo.call("PATCH", path, {"ttl": 60})).json()
    assert (changed["status"], changed["ttl"]) == ("PENDING", 60)
    assert changed["serial"] > first["serial"]
    cloud.time.now += 1
    assert (await demo.call("DELETE", path)).json()["action"] == "DELETE"
    assert (await demo.get(path))["status"] == "PENDING"
    assert await demo.status("PATCH", path, {"ttl": 9}) == 400
    cloud.time.now += 1
    assert await refusal(demo, path, None, "GET") == "404 zone_not_found: Could not find Zone"
    assert (await demo.get(f"{V2}/recordsets"))["recordsets"] == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": "a.test"}, "400 invalid_object: 'a.test' does not end with a dot"),
        ({"name": "-a.test."}, "400 invalid_object: '-a.test.' is invalid"),
        ({"name": "test."}, "400 invalid_zone_name: More than one label"),
        ({"email": None}, "400 invalid_object: 'email' is a required property"),
        ({"email": "me"}, "400 invalid_object: me is not an email"),
        ({"email": "me@a.test."}, "400 invalid_object: Email me@a.test. is invalid"),
        ({"masters": ["10.0.0.1"]}, "400 invalid_object: 'masters' has more items"),
        ({"type": "SECONDARY"}, "400 invalid_object: 'masters' is a required property"),
        (
            {"type": "SECONDARY", "masters": ["10.0.0.1"]},
            "400 invalid_object: 'email' can't be specified when type is SECONDARY",
        ),
        ({"type": "ODD"}, "400 invalid_object: 'ODD'"),
        ({"ttl": -1}, "400 invalid_object: -1"),
        ({"description": "d" * 161}, "400 invalid_object: the description"),
        ({"odd": 1}, "400 invalid_object: Keys ['odd'] are not valid for zone"),
    ],
)
async def test_zones_that_are_refused(demo: User, values: Any, reason: str) -> None:
    assert (await refusal(demo, f"{V2}/zones", ZONE | values)).startswith(reason)


async def test_zone_is_unique_and_has_its_own_records(demo: User) -> None:
    path = await zone(demo)
    assert await refusal(demo, f"{V2}/zones", ZONE) == "409 duplicate_zone: Duplicate Zone"
    found = (await demo.get(f"{path}/recordsets"))["recordsets"]
    assert sorted(each["type"] for each in found) == ["NS", "SOA"]
    own = f"{path}/recordsets/{found[0]['id']}"
    assert "Managed records may not be updated" in await refusal(demo, own, {"ttl": 1}, "PUT")
    assert "Managed records may not be deleted" in await refusal(demo, own, None, "DELETE")


async def test_zone_with_zones_in_it_stays(cloud: Cloud, demo: User, admin: User) -> None:
    path, inner = await zone(demo), await zone(demo, name="b.a.test.")
    assert "zone_has_sub_zone" in await refusal(demo, path, None, "DELETE")
    assert await demo.status("DELETE", inner) == 202
    cloud.time.now += 1
    assert await demo.status("DELETE", path) == 202
    below = await refusal(admin, f"{V2}/zones", ZONE | {"name": "c.a.test."})
    assert below.startswith("403 forbidden: Unable to create subzone")


async def test_secondary_zone_may_change_its_masters(demo: User) -> None:
    body = {"name": "a.test.", "type": "SECONDARY", "masters": ["10.0.0.1"]}
    shown = await demo.post(f"{V2}/zones", body)
    path = f"{V2}/zones/{shown['id']}"
    assert (await demo.call("PATCH", path, {"masters": ["10.0.0.2"]})).json()["masters"] == ["10.0.0.2"]
    assert "can't be specified" in await refusal(demo, path, {"ttl": 5}, "PATCH")
    assert "Keys ['name']" in await refusal(demo, path, {"name": "b.test."}, "PATCH")


async def test_records_take_their_time_to_come_change_and_go(cloud: Cloud, demo: User) -> None:
    path = await zone(demo)
    made = await demo.post(f"{path}/recordsets", WWW)
    own = f"{path}/recordsets/{made['id']}"
    assert (made["status"], made["zone_name"]) == ("PENDING", "a.test.")
    cloud.time.now += 1
    assert (await demo.get(own))["status"] == "ACTIVE"
    found = await demo.get(f"{V2}/recordsets?type=A&name=www.a.test.")
    assert [each["id"] for each in found["recordsets"]] == [made["id"]]
    changed = (await demo.call("PUT", own, {"records": ["10.0.0.2", "10.0.0.2"]})).json()
    assert (changed["status"], changed["records"]) == ("PENDING", ["10.0.0.2"])
    cloud.time.now += 1
    assert await demo.status("DELETE", own) == 202
    cloud.time.now += 1
    assert await refusal(demo, own, None, "GET") == "404 recordset_not_found: Could not find RecordSet"
    assert "404 zone_not_found" in await refusal(demo, f"{V2}/zones/none/recordsets", WWW)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": "www"}, "does not end with a dot"),
        ({"name": "www.b.test."}, "is not contained within"),
        ({"name": "xa.test."}, "is not contained within"),
        ({"records": ["10.0.0"]}, "'10.0.0' is not a 'A' Record"),
        ({"records": "10.0.0.1"}, "is not a valid list of records"),
        ({"type": "AAAA"}, "is not a 'AAAA' Record"),
        ({"type": "MX", "records": ["mail.a.test."]}, "is not a 'MX' Record"),
        ({"type": "CNAME", "records": ["b.test"]}, "is not a 'CNAME' Record"),
        ({"type": "CNAME", "records": ["b.test.", "c.test."]}, "may not have more than 1 record"),
        ({"type": "CNAME", "name": "a.test.", "records": ["b.test."]}, "zone apex"),
        ({"type": "CNAME", "name": "one.a.test.", "records": ["b.test."]}, "may not share a name"),
        ({"type": "SOA", "records": ["x"]}, "Creating a SOA recordset is not allowed"),
        ({"type": "ODD"}, "'ODD' is not a valid record type"),
        ({"zone": "x"}, "Keys ['zone'] are not valid for recordset"),
        ({"name": "one.a.test."}, "409 duplicate_recordset: Duplicate RecordSet"),
    ],
)
async def test_records_that_are_refused(demo: User, values: Any, reason: str) -> None:
    path = await zone(demo)
    await demo.post(f"{path}/recordsets", WWW | {"name": "one.a.test."})
    assert reason in await refusal(demo, f"{path}/recordsets", WWW | values)


@pytest.mark.parametrize(
    ("kind", "name", "record"),
    [
        ("A", "*.a.test.", "10.0.0.1"),
        ("AAAA", "a.test.", "fd00::1"),
        ("MX", "a.test.", "10 mail.a.test."),
        ("SRV", "_sip._tcp.a.test.", "10 20 5060 sip.a.test."),
        ("TXT", "a.test.", '"v=spf1 -all"'),
    ],
)
async def test_records_that_are_taken(demo: User, kind: str, name: str, record: str) -> None:
    path = await zone(demo)
    shown = await demo.post(f"{path}/recordsets", {"name": name, "type": kind, "records": [record]})
    assert (shown["type"], shown["records"]) == (kind, [record])


async def test_quotas_are_413(build: Callable[..., Cloud]) -> None:
    demo = await build(quotas={"zones": 1, "zone_recordsets": 2}).login("demo", "demo")
    path = await zone(demo)
    assert "413 over_quota" in await refusal(demo, f"{V2}/zones", ZONE | {"name": "b.test."})
    assert "413 over_quota" in await refusal(demo, f"{path}/recordsets", WWW)


async def test_lists_come_in_pages(demo: User) -> None:
    path = await zone(demo)
    page = await demo.get(f"{path}/recordsets?limit=1")
    assert len(page["recordsets"]) == 1
    assert "marker=" in page["links"]["next"]
    assert (await demo.http.get("/dns/")).json()["versions"]["values"][0]["id"] == "v2"
