"""The database service of the dev cloud: states that take a while, and what the service refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User


def base(user: User) -> str:
    return f"/database/v1.0/{user.project_id}"


async def flavors(user: User) -> dict[str, str]:
    """Ids of the flavors by name."""
    found = (await user.get(f"{base(user)}/flavors"))["flavors"]
    assert {each["id"] for each in found} == {None}
    return {each["name"]: each["str_id"] for each in found}


async def instance(user: User, **values: Any) -> dict[str, Any]:
    """A request for an instance."""
    flavor = (await flavors(user))["m1.small"]
    given = {"name": "db", "flavorRef": flavor, "volume": {"size": 2}} | values
    return {"instance": {key: value for key, value in given.items() if value is not None}}


async def made(cloud: Cloud, user: User, **values: Any) -> str:
    """The path of a new instance, which is active."""
    shown = (await user.post(f"{base(user)}/instances", await instance(user, **values)))["instance"]
    assert shown["status"] == "BUILD"
    cloud.time.now += 1
    return f"/instances/{shown['id']}"


async def refusal(user: User, path: str, body: Any, method: str = "POST") -> str:
    reply = await user.call(method, base(user) + path, body)
    fault = next(iter(reply.json().values()))
    assert fault["code"] == reply.status_code
    return f"{reply.status_code} {fault['message']}"


async def test_instance_comes_changes_and_goes_in_its_time(cloud: Cloud, demo: User) -> None:
    first = (await demo.post(f"{base(demo)}/instances", await instance(demo)))["instance"]
    path = f"/instances/{first['id']}"
    assert (first["status"], first["datastore"]) == ("BUILD", {"type": "mysql", "version": "8.0.29"})
    assert "422" in await refusal(demo, path, None, "DELETE")
    assert "422" in await refusal(demo, f"{path}/action", {"resize": {"volume": {"size": 3}}})
    cloud.time.now += 1
    shown = (await demo.get(base(demo) + path))["instance"]
    assert (shown["status"], shown["operating_status"]) == ("ACTIVE", "HEALTHY")
    assert shown["links"][0]["href"].endswith(path)
    assert "must be larger" in await refusal(demo, f"{path}/action", {"resize": {"volume": {"size": 2}}})
    same = {"resize": {"flavorRef": shown["flavor"]["id"]}}
    assert "must be different" in await refusal(demo, f"{path}/action", same)
    await demo.post(f"{base(demo)}{path}/action", {"resize": {"volume": {"size": 3}}})
    assert (await demo.get(base(demo) + path))["instance"]["status"] == "RESIZE"
    cloud.time.now += 1
    resized = (await demo.get(base(demo) + path))["instance"]
    assert (resized["status"], resized["volume"]) == ("ACTIVE", {"size": 3})
    await demo.post(f"{base(demo)}{path}/action", {"restart": {}})
    assert (await demo.get(base(demo) + path))["instance"]["status"] == "REBOOT"
    cloud.time.now += 1
    assert await demo.status("PUT", base(demo) + path, {"instance": {"name": "n"}}) == 202
    assert "unexpected" in await refusal(demo, path, {"instance": {"volume": {"size": 9}}}, "PUT")
    assert [each["name"] for each in (await demo.get(f"{base(demo)}/instances"))["instances"]] == ["n"]
    assert "400 Invalid request body" in await refusal(demo, f"{path}/action", {"odd": {}})
    assert await demo.status("DELETE", base(demo) + path) == 202
    assert (await demo.get(base(demo) + path))["instance"]["status"] == "SHUTDOWN"
    cloud.time.now += 1
    assert await demo.status("GET", base(demo) + path) == 404


async def test_an_instance_in_the_making_can_be_given_up_by_its_owner(demo: User) -> None:
    shown = (await demo.post(f"{base(demo)}/instances", await instance(demo)))["instance"]
    path = f"/instances/{shown['id']}"
    assert "403" in await refusal(demo, f"{path}/action", {"reset_status": {}})
    await demo.post(f"{base(demo)}{path}/action", {"reset_status": {"force_delete": True}})
    assert await demo.status("DELETE", base(demo) + path) == 202


NIC = {"net-id": "n"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": ""}, "Validation error: instance['name']"),
        ({"flavorRef": "none"}, "400 Resource none cannot be found"),
        ({"volume": None}, "400 Volume size was not specified"),
        ({"volume": {"size": 0}}, "Validation error"),
        ({"datastore": {"type": "oracle"}}, "404 Datastore 'oracle' cannot be found"),
        ({"datastore": {"version": "1"}}, "404 Datastore version '1' cannot be found"),
        ({"nics": [NIC, NIC]}, "is too long"),
        ({"nics": [{"port-id": "p"}]}, "Additional properties are not allowed ('port-id' was unexpected)"),
        ({"nics": [{}]}, "The network or subnet must be provided"),
        ({"nics": [NIC | {"ip_address": "10.0.0.1"}]}, "The subnet must be provided"),
        ({"nics": [NIC | {"subnet_id": "s"}]}, "Subnet s cannot be found"),
        ({"databases": [{"name": "mysql"}]}, "reserved list"),
        ({"databases": [{"name": "a"}] * 2}, "Two or more databases"),
        ({"users": [{"name": "root", "password": "p1"}]}, "is not valid, or reserved"),
        ({"users": [{"name": "u", "password": "p1"}] * 2}, "Two or more users"),
        ({"users": [{"name": "u", "password": "p1", "databases": [{"name": "b"}]}]}, "is not included"),
        ({"replica_count": 2}, "Replica count only valid when creating replicas"),
        ({"replica_count": 9}, "is not between 1 and 3"),
        ({"replica_of": "none"}, "Cannot specify flavor when creating replicas"),
        ({"replica_of": "none", "flavorRef": None, "volume": None}, "404 Resource none cannot be found"),
        ({"restorePoint": {"backupRef": "none"}}, "404 Resource none cannot be found"),
    ],
)
async def test_what_is_refused(demo: User, values: dict[str, Any], reason: str) -> None:
    assert reason in await refusal(demo, "/instances", await instance(demo, **values))


async def test_replicas_have_numbers_and_keep_their_source(cloud: Cloud, demo: User) -> None:
    source = await made(cloud, demo)
    given: dict[str, Any] = {"flavorRef": None, "volume": None, "replica_of": source.rpartition("/")[2]}
    with_data = await instance(demo, **given, databases=[{"name": "a"}])
    assert "users or databases" in await refusal(demo, "/instances", with_data)
    last = await made(cloud, demo, **given, replica_count=3, name="copy")
    names = [each["name"] for each in (await demo.get(f"{base(demo)}/instances/detail"))["instances"]]
    assert names == ["db", "copy-1", "copy-2", "copy-3"]
    shown = (await demo.get(base(demo) + last))["instance"]
    assert (shown["name"], shown["replica_of"]["id"], shown["volume"]) == (
        "copy-3",
        given["replica_of"],
        {"size": 2},
    )
    assert "403 Detach replicas" in await refusal(demo, source, None, "DELETE")
    again = await instance(demo, **given | {"replica_of": shown["id"]})
    assert await demo.status("POST", f"{base(demo)}/instances", again) == 401
    assert await demo.status("PUT", base(demo) + last, {"instance": {"replica_of": None}}) == 202
    assert "replica_of" not in (await demo.get(base(demo) + last))["instance"]


async def test_lists_come_in_pages_of_twenty(cloud: Cloud, demo: User) -> None:
    body = await instance(demo)
    for _ in range(22):
        await demo.post(f"{base(demo)}/instances", body)
    page = await demo.get(f"{base(demo)}/instances")
    [link] = page["links"]
    assert (len(page["instances"]), link["rel"]) == (20, "next")
    rest = await demo.get(link["href"].removeprefix("http://dev.test"))
    assert (len(rest["instances"]), "links" in rest) == (2, False)


async def test_databases_and_users_are_made_changed_and_removed(cloud: Cloud, demo: User) -> None:
    path = await made(cloud, demo, databases=[{"name": "a"}])
    at = base(demo) + path
    await demo.post(f"{at}/databases", {"databases": [{"name": "b"}]})
    assert "already exists" in await refusal(demo, f"{path}/databases", {"databases": [{"name": "b"}]})
    assert [each["name"] for each in (await demo.get(f"{at}/databases"))["databases"]] == ["a", "b"]
    user = {"name": "u", "password": "p1", "databases": [{"name": "a"}]}
    await demo.post(f"{at}/users", {"users": [user]})
    assert "already exists" in await refusal(demo, f"{path}/users", {"users": [user]})
    unknown = {"users": [user | {"name": "v", "databases": [{"name": "c"}]}]}
    assert "404" in await refusal(demo, f"{path}/users", unknown)
    assert (await demo.get(f"{at}/users/u%40%25"))["user"] == {
        "name": "u",
        "host": "%",
        "databases": [{"name": "a"}],
    }
    assert await demo.status("PUT", f"{at}/users/u/databases", {"databases": [{"name": "b"}]}) == 202
    assert (await demo.get(f"{at}/users/u/databases"))["databases"] == [{"name": "a"}, {"name": "b"}]
    assert await demo.status("DELETE", f"{at}/users/u/databases/a") == 202
    assert await demo.status("DELETE", f"{at}/users/u/databases/a") == 404
    renamed = {"user": {"host": "10.0.0.7", "password": "p2"}}
    assert await demo.status("PUT", f"{at}/users/u", renamed) == 202
    assert await demo.status("GET", f"{at}/users/u") == 404
    [shown] = (await demo.get(f"{at}/users"))["users"]
    assert shown == {"name": "u", "host": "10.0.0.7", "databases": [{"name": "b"}]}
    assert await demo.status("DELETE", f"{at}/databases/b") == 202
    assert (await demo.get(f"{at}/users/u%4010.0.0.7"))["user"]["databases"] == []
    assert await demo.status("DELETE", f"{at}/users/u%4010.0.0.7") == 202
    assert await demo.status("DELETE", f"{at}/users/u%4010.0.0.7") == 404
    await demo.post(f"{at}/action", {"restart": {}})
    assert await demo.status("GET", f"{at}/databases") == 422


async def test_backups_are_what_instances_begin_with(cloud: Cloud, demo: User) -> None:
    path = await made(cloud, demo)
    body = {"backup": {"name": "b", "instance": path.rpartition("/")[2]}}
    backup = (await demo.post(f"{base(demo)}/backups", body))["backup"]
    restored = {"restorePoint": {"backupRef": backup["id"]}}
    assert "409" in await refusal(demo, "/instances", await instance(demo, **restored))
    cloud.time.now += 1
    assert (await demo.get(f"{base(demo)}/backups/{backup['id']}"))["backup"]["status"] == "COMPLETED"
    await made(cloud, demo, **restored)


async def cluster(user: User, count: int = 3, **values: Any) -> dict[str, Any]:
    member = {"flavorRef": (await flavors(user))["m1.small"], "volume": {"size": 2}}
    source = {"type": "mariadb", "version": "10.4.18"}
    return {"cluster": {"name": "c", "datastore": source, "instances": [member] * count} | values}


async def test_cluster_comes_and_goes_with_its_instances(cloud: Cloud, demo: User) -> None:
    brief = (await demo.post(f"{base(demo)}/clusters", await cluster(demo)))["cluster"]
    path = f"/clusters/{brief['id']}"
    assert brief["task"]["name"] == "BUILDING"
    assert {"status" in each for each in brief["instances"]} == {False}
    assert "current cluster task is 'BUILDING'" in await refusal(demo, path, None, "DELETE")
    cloud.time.now += 1
    shown = (await demo.get(base(demo) + path))["cluster"]
    assert (shown["task"]["name"], {each["status"] for each in shown["instances"]}) == ("NONE", {"ACTIVE"})
    assert len(shown["ip"]) == 3
    [listed] = (await demo.get(f"{base(demo)}/clusters"))["clusters"]
    assert "status" not in listed["instances"][0]
    assert (await demo.get(f"{base(demo)}/instances"))["instances"] == []
    members = (await demo.get(f"{base(demo)}/instances?include_clustered=true"))["instances"]
    assert {each["cluster_id"] for each in members} == {brief["id"]}
    assert "501" in await refusal(demo, f"/instances/{members[0]['id']}", None, "DELETE")
    assert await demo.status("DELETE", base(demo) + path) == 202
    cloud.time.now += 1
    assert await demo.status("GET", base(demo) + path) == 404
    assert await demo.status("GET", f"{base(demo)}/instances/{members[0]['id']}") == 404


@pytest.mark.parametrize(
    ("count", "values", "reason"),
    [
        (2, {}, "must be at least 3"),
        (3, {"datastore": {"type": "mysql", "version": "8.0.29"}}, "Clusters not supported for mysql-8.0.29"),
        (3, {"instances": {}}, "is not of type 'array'"),
        (3, {"instances": [{}] * 3}, "'flavorRef' is a required property"),
    ],
)
async def test_clusters_that_are_refused(demo: User, count: int, values: Any, reason: str) -> None:
    assert reason in await refusal(demo, "/clusters", await cluster(demo, count, **values))


async def test_networks_of_a_cluster_are_only_understood_by_their_newer_name(demo: User) -> None:
    [member, *_] = (await cluster(demo))["cluster"]["instances"]
    members = [member | {"nics": [NIC]}] * 3
    assert "500" in await refusal(demo, "/clusters", await cluster(demo, instances=members))


async def test_instances_of_a_cluster_are_alike(demo: User) -> None:
    body = await cluster(demo)
    members = [dict(each) for each in body["cluster"]["instances"]]
    members[0]["volume"] = {"size": 5}
    assert "must be the same" in await refusal(
        demo, "/clusters", {"cluster": body["cluster"] | {"instances": members}}
    )


async def test_datastores_are_known_by_name_and_id(demo: User) -> None:
    found = {each["name"]: each for each in (await demo.get(f"{base(demo)}/datastores"))["datastores"]}
    assert found.keys() == {"mysql", "mariadb", "postgresql"}
    assert found["mysql"]["default_version"] == found["mysql"]["versions"][-1]["id"]
    for name in ("mysql", found["mysql"]["id"]):
        versions = (await demo.get(f"{base(demo)}/datastores/{name}/versions"))["versions"]
        assert [each["name"] for each in versions] == ["5.7.29", "8.0.29"]
        one = await demo.get(f"{base(demo)}/datastores/{name}/versions/{versions[0]['id']}")
        assert one["version"]["name"] == "5.7.29"
    assert await demo.status("GET", f"{base(demo)}/datastores/oracle") == 404
    flavor = (await flavors(demo))["m1.tiny"]
    assert (await demo.get(f"{base(demo)}/flavors/{flavor}"))["flavor"]["name"] == "m1.tiny"
    assert await demo.status("GET", f"{base(demo)}/flavors/none") == 404


async def test_quotas_are_413(build: Callable[..., Cloud]) -> None:
    few = await build(quotas={"database_instances": 0}).login("demo", "demo")
    assert "413 Quota exceeded for resources: ['instances']" in await refusal(
        few, "/instances", await instance(few)
    )
    small = await build(quotas={"database_gigabytes": 1}).login("demo", "demo")
    assert "413 Quota exceeded for resources: ['volumes']" in await refusal(
        small, "/instances", await instance(small)
    )


async def test_the_only_version_is_listed(demo: User) -> None:
    assert (await demo.http.get("/database/")).json()["versions"][0]["id"] == "v1.0"


async def test_state_of_the_cloud_has_an_instance_with_its_users(cloud: Cloud, demo: User) -> None:
    user = {"name": "u", "password": "p1", "host": "10.0.0.1", "databases": [{"name": "b"}]}
    await made(cloud, demo, databases=[{"name": "b"}], users=[user])
    state = (await cloud.http.get("/_dev/state")).json()
    [beside] = state["hidden"]["database.instances"]
    assert beside["users"] == {"u/10.0.0.1": {"password": "p1", "databases": ["b"]}}
