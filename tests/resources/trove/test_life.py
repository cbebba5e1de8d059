"""Instances and clusters of databases from creation to deletion, on the dev cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stackd.devcloud.store import Entity
from stackd.errors import StackdError
from stackd.records import Action, Stack, Status
from tests.support.actions import act, handed_on
from tests.support.engine import Process, World, world
from tests.support.templates import hot

T = "OS::Trove::"
NAME = "data"
BLOG, SHOP = {"name": "blog"}, {"name": "shop", "character_set": "latin1"}
ANNA = {"name": "anna", "password": "secret1", "databases": ["blog"]}
BERT = {"name": "bert", "password": "secret2", "host": "10.0.0.7", "databases": ["blog", "shop"]}
INSTANCE: Mapping[str, Any] = {
    "flavor": "m1.small", "size": 2, "datastore_type": "mysql", "datastore_version": "8.0.29",
    "databases": [BLOG, SHOP], "users": [ANNA, BERT], "networks": [{"network": {"get_resource": "net"}}],
}  # fmt: skip
MEMBER = {"flavor": "m1.small", "volume_size": 3, "networks": [{"network": {"get_resource": "net"}}]}
CLUSTER: Mapping[str, Any] = {
    "datastore_type": "mariadb", "datastore_version": "10.4.18", "instances": [MEMBER] * 3,
}  # fmt: skip
NET: dict[str, Any] = {
    "net": {"type": "OS::Neutron::Net"},
    "subnet": {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.9.0.0/24"},
    },
    "router": {"type": "OS::Neutron::Router"},
    "way": {
        "type": "OS::Neutron::RouterInterface",
        "properties": {"router": {"get_resource": "router"}, "subnet": {"get_resource": "subnet"}},
    },
}


@pytest_asyncio.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as fresh:
        yield fresh


def instance(**changes: Any) -> dict[str, Any]:
    """An instance, changed; None takes a property away."""
    given = {key: value for key, value in {**INSTANCE, **changes}.items() if value is not None}
    db = {"type": T + "Instance", "properties": given}
    shown = {name: {"value": {"get_attr": ["db", name]}} for name in ("hostname", "href")}
    return hot(NET | {"db": db}, outputs=shown)


def cluster(**changes: Any) -> dict[str, Any]:
    many = {"type": T + "Cluster", "properties": {**CLUSTER, **changes}}
    shown = {name: {"value": {"get_attr": ["many", name]}} for name in ("instances", "ip")}
    return hot(NET | {"many": many}, outputs=shown)


async def done(process: Process, stack: Stack, status: Status = Status.COMPLETE) -> Stack:
    ended = await process.done(stack)
    assert ended.status is status, ended.reason
    return ended


def only(made: World, kind: str = "instances") -> Entity:
    made.cloud.store.settle()
    [found] = made.cloud.store.all(f"database.{kind}")
    return found


def held(found: Entity) -> tuple[set[str], dict[tuple[str, str], tuple[str, list[str]]]]:
    """The databases in an instance, and of each user the password and what it may use."""
    users = found.private["users"].items()
    return {*found.private["databases"]}, {
        account: (user["password"], sorted(user["databases"])) for account, user in users
    }


async def test_an_instance_is_made_changed_in_place_replaced_and_deleted(made: World) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, instance()))
        first = only(made)
        identity = first.id
        assert (await process.rows(stack))["db"].physical_id == identity
        assert (first.data["status"], first.data["volume"]) == ("ACTIVE", {"size": 2})
        assert first.data["datastore"] == {"type": "mysql", "version": "8.0.29"}
        assert held(first) == (
            {"blog", "shop"},
            {("anna", "%"): ("secret1", ["blog"]), ("bert", "10.0.0.7"): ("secret2", ["blog", "shop"])},
        )
        shown = await process.outputs(stack)
        assert shown["hostname"] == first.data["ip"][0]
        assert shown["href"].endswith(f"/instances/{identity}")

        changes = {
            "name": "main", "flavor": "m1.medium", "size": 5, "databases": [BLOG, {"name": "wiki"}],
            "users": [
                {**ANNA, "password": "other1", "databases": ["wiki"]},
                {"name": "carl", "password": "secret3", "databases": ["blog"]},
                {**BERT, "host": "10.0.0.8", "databases": ["blog"]},
            ],
        }  # fmt: skip
        stack = await done(process, await process.update(stack, instance(**changes)))
        second = only(made)
        flavors = {each.id: each.data["name"] for each in made.cloud.store.all("compute.flavors")}
        assert (second.id, second.data["name"], second.data["volume"]) == (identity, "main", {"size": 5})
        assert flavors[second.data["flavor"]] == "m1.medium"
        assert held(second) == (
            {"blog", "wiki"},
            {
                ("anna", "%"): ("other1", ["wiki"]),
                ("carl", "%"): ("secret3", ["blog"]),
                ("bert", "10.0.0.8"): ("secret2", ["blog"]),
            },
        )

        emptied = instance(**changes | {"databases": None, "users": None, "name": None})
        stack = await done(process, await process.update(stack, emptied))
        assert held(only(made)) == (set(), {})
        assert only(made).data["name"].startswith(f"{NAME}-db-")

        stack = await done(process, await process.update(stack, instance(datastore_version="5.7.29")))
        assert only(made).id != identity
        assert only(made).data["datastore"]["version"] == "5.7.29"

        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
        assert made.objects("instances") == []


async def test_databases_need_a_way_out(made: World) -> None:
    async with made.process() as process:
        ends = ((instance(), "is not associated with router"), (cluster(), "administrator has to reset"))
        for template, reason in ends:
            for name in ("router", "way"):
                del template["resources"][name]
            stack = await done(process, await process.create(NAME, template), Status.FAILED)
            assert reason in stack.reason
            for each in made.cloud.store.all("database.clusters"):
                made.cloud.store.update(each, {"task": {"name": "NONE"}})  # as an administrator does
            assert (await process.done(await process.delete(stack))).status is Status.COMPLETE


async def test_a_volume_cannot_shrink(made: World) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, instance()))
        stack = await done(process, await process.update(stack, instance(size=1)), Status.FAILED)
        assert "must be larger than the current volume size of '2'" in stack.reason
        identity = only(made).id
        await done(process, await process.update(stack, instance(size=3)))
        assert (only(made).id, only(made).data["volume"]) == (identity, {"size": 3})


async def test_an_address_is_asked_for_with_its_subnet(made: World) -> None:
    network = {"network": {"get_resource": "net"}, "fixed_ip": "10.9.0.77"}
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, instance(networks=[network])))
        assert only(made).data["ip"] == ["10.9.0.77"]
        lost = [{**network, "fixed_ip": "10.7.0.1"}]
        failed = await done(process, await process.update(stack, instance(networks=lost)), Status.FAILED)
        assert "has the address 10.7.0.1" in failed.reason


async def test_replicas_come_and_go_together(made: World) -> None:
    async with made.process() as process:
        source = instance()
        stack = await done(process, await process.create(NAME, source))
        given = {
            "flavor": "m1.small", "size": 2, "replica_of": {"get_resource": "db"}, "replica_count": 3,
            "name": "copy",
        }  # fmt: skip
        replicas = {"copies": {"type": T + "Instance", "properties": given}}
        both = source | {"resources": source["resources"] | replicas}
        stack = await done(process, await process.update(stack, both))
        found = {each["name"]: each["id"] for each in made.objects("instances")}
        assert len(found) == 4
        assert (await process.rows(stack))["copies"].physical_id == found["copy-3"]
        stack = await done(process, await process.update(stack, source))
        assert len(made.objects("instances")) == 1


async def test_an_instance_begins_with_a_backup(made: World) -> None:
    async with made.process() as process:
        await done(process, await process.create(NAME, instance()))
        data = {"id": "b" * 8, "name": "b", "status": "COMPLETED"}
        made.cloud.store.add("database.database_backups", "b" * 8, only(made).project_id, data)
        restored = await process.create("restored", instance(restore_point="b" * 8))
        assert (await process.done(restored)).status is Status.COMPLETE
        missing = await process.create("missing", instance(restore_point="nothing"))
        await done(process, missing, Status.FAILED)
        assert len(made.objects("instances")) == 2


async def test_a_cluster_is_made_replaced_and_deleted(made: World) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, cluster()))
        first = only(made, "clusters")
        assert first.data["task"]["name"] == "NONE"
        members = made.objects("instances")
        assert {each["status"] for each in members} == {"ACTIVE"}
        shown = await process.outputs(stack)
        assert shown == {
            "instances": [each["id"] for each in members],
            "ip": [each["ip"][0] for each in members],
        }
        bigger = [{**MEMBER, "volume_size": 4}] * 3
        stack = await done(process, await process.update(stack, cluster(instances=bigger)))
        assert only(made, "clusters").id != first.id
        assert {each["volume"]["size"] for each in made.objects("instances")} == {4}
        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
    assert {kind for kind in made.counts() if kind in ("instances", "clusters")} == set()


LOST = {"service": "database", "method": "POST", "effect": "drop_after"}


async def test_nothing_is_made_twice_when_every_answer_is_lost(made: World) -> None:
    made.cloud.faults.replace(
        [
            {**LOST, "path": f"/{plural}$", "nth": 1}
            for plural in ("instances", "clusters", "action", "databases", "users")
        ]
    )
    both = instance(databases=None, users=None)
    both["resources"]["many"] = cluster()["resources"]["many"]
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, both))
        changed = instance(size=4)
        changed["resources"]["many"] = both["resources"]["many"]
        stack = await done(process, await process.update(stack, changed))
        assert [rule.fired for rule in made.cloud.faults.rules] == [1] * 5
        [db] = [each for each in made.objects("instances") if each["volume"] == {"size": 4}]
        assert (await process.rows(stack))["db"].physical_id == db["id"]
        assert len(made.objects("instances")) == 4
        found = made.cloud.store.get("database.instances", db["id"])
        assert found is not None
        assert held(found)[0] == {"blog", "shop"}


@pytest.mark.parametrize(("path", "content"), [("/instances$", instance()), ("/clusters$", cluster())])
async def test_what_goes_to_error_is_made_again(made: World, path: str, content: dict[str, Any]) -> None:
    rule = {"service": "database", "method": "POST", "path": path, "nth": 1, "effect": "error_status"}
    made.cloud.faults.replace([rule])
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, content))
        assert len(made.objects("instances")) == (1 if "instances" in path else 3)
        assert [each for each in await process.told(stack) if each.endswith("CREATE_FAILED")] != []


async def test_an_instance_that_is_never_built_can_be_deleted(tmp_path: Path) -> None:
    async with world(tmp_path, ready_after=10_000) as slow, slow.process() as process:
        stack = await process.create(NAME, hot({"db": {"type": T + "Instance", "properties": {
            "flavor": "m1.small", "size": 1}}}), timeout_mins=1)  # fmt: skip
        stack = await done(process, stack, Status.FAILED)
        assert only(slow).data["status"] == "BUILD"
        slow.cloud.world.ready_after = 0.02
        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
        assert slow.objects("instances") == []


async def test_check_adopt_and_what_was_deleted_behind_the_back(made: World) -> None:
    async with made.process() as process:
        stack = await done(process, await process.create(NAME, instance()))
        identity = only(made).id
        assert (await act(process, stack, "check")).status is Status.COMPLETE
        made.cloud.store.update(only(made), {"status": "SHUTDOWN"})
        checked = await act(process, stack, "check")
        assert (checked.action, checked.status) == (Action.CHECK, Status.FAILED)
        made.cloud.store.update(only(made), {"status": "ACTIVE"})
        adopted = await handed_on(process, stack)
        assert adopted.status is Status.COMPLETE, adopted.reason
        assert (await process.rows(adopted))["db"].physical_id == identity
        made.cloud.store.remove(only(made))
        assert (await process.done(await process.delete(adopted))).status is Status.COMPLETE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"datastore_type": "oracle"}, "Datastore type oracle is not valid"),
        (
            {"datastore_version": "9"},
            r"version 9 for datastore type mysql is not valid\. Allowed versions are",
        ),
        ({"datastore_type": None}, "datastore_version without datastore_type"),
        ({"databases": None}, "Databases property is required"),
        ({"users": [{**ANNA, "databases": ["none"]}]}, "Database none specified for user anna does not"),
        ({"networks": [{}]}, "Either network or port must be provided"),
        ({"networks": [{"network": "n", "port": "p"}]}, "Either network or port must be provided"),
        ({"flavor": "nothing"}, "nothing"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_made(
    made: World, changes: dict[str, Any], message: str
) -> None:
    async with made.process() as process:
        with pytest.raises(StackdError, match=message):
            await process.create(NAME, instance(**changes))


async def test_a_quota_of_instances_ends_the_creation(tmp_path: Path) -> None:
    async with world(tmp_path, quotas={"database_instances": 0}) as full, full.process() as process:
        stack = await done(process, await process.create(NAME, instance()), Status.FAILED)
        assert "Quota exceeded for resources: ['instances']" in stack.reason
