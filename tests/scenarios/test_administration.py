"""What administrators make: a life of every type, also when the answers to all creations are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stackd.engine.usecases import signals
from stackd.records import Resource, Stack, Status
from tests.support.actions import template
from tests.support.engine import Process, World, world


@dataclass(frozen=True, slots=True)
class Life:
    """A resource: its properties at first, those that change in place, and those that make another object.

    ``table`` is where its object is in the dev cloud, ``shows`` what is to be seen there after the change.
    """

    kind: str
    first: Mapping[str, Any]
    changed: Mapping[str, Any]
    replaced: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""
    shows: Mapping[str, Any] = field(default_factory=dict)


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


LIVES: Mapping[str, Life] = {
    "region": Life(
        "OS::Keystone::Region",
        {"id": "north", "description": "a"},
        {"description": "b", "enabled": False, "parent_region": "RegionOne"},
        {"id": "south"},
        "identity.regions",
        {"description": "b", "enabled": False, "parent_region_id": "RegionOne"},
    ),
    "service": Life(
        "OS::Keystone::Service",
        {"type": "x-a"},
        {"type": "x-b", "name": "b", "description": "d", "enabled": False},
        table="identity.services",
        shows={"type": "x-b", "name": "b", "description": "d", "enabled": False},
    ),
    "endpoint": Life(
        "OS::Keystone::Endpoint",
        {"service": ref("service"), "region": ref("region"), "interface": "public", "url": "http://a.test/"},
        {"interface": "internal", "url": "http://b.test/", "name": "e", "region": "RegionOne"},
        table="identity.endpoints",
        shows={"interface": "internal", "url": "http://b.test/", "name": "e", "region_id": "RegionOne"},
    ),
    "type": Life(
        "OS::Cinder::VolumeType",
        {"name": "gold", "is_public": False, "projects": ["demo"], "metadata": {"a": "1", "b": 2}},
        {"name": "silver", "description": "d", "projects": ["admin"], "metadata": {"b": "3"}},
        table="volume.types",
        shows={"name": "silver", "description": "d", "extra_specs": {"b": "3"}, "is_public": False},
    ),
    "other": Life(
        "OS::Cinder::VolumeType",
        {"name": "other", "is_public": False, "projects": ["demo"]},
        {"is_public": True, "projects": []},
        table="volume.types",
        shows={"is_public": True},
    ),
    "encryption": Life(
        "OS::Cinder::EncryptedVolumeType",
        {"volume_type": ref("type"), "provider": "luks", "key_size": 256},
        {"provider": "luks2", "key_size": 512},
        {"volume_type": ref("other")},
    ),
    "qos": Life(
        "OS::Cinder::QoSSpecs",
        {"name": "q", "specs": {"read": 1, "write": "2"}},
        {"specs": {"write": "3", "consumer": "both"}},
        {"name": "r"},
        "volume.qos_specs",
        {"specs": {"write": "3"}, "consumer": "both"},
    ),
    "association": Life(
        "OS::Cinder::QoSAssociation",
        {"qos_specs": ref("qos"), "volume_types": [ref("other")]},
        {"volume_types": [ref("type")]},
        {"qos_specs": ref("qos")},
    ),
    "storage": Life(
        "OS::Cinder::Quota",
        {"project": "demo", "volumes": 20, "backups": 3},
        {"volumes": -1},
        {"project": "service"},
    ),
    "computing": Life(
        "OS::Nova::Quota",
        {"project": "demo", "cores": 20, "floating_ips": 3, "injected_files": 2},
        {"cores": 30},
        {"project": "service"},
    ),
    "aggregate": Life(
        "OS::Nova::HostAggregate",
        {"name": "a", "availability_zone": "z1", "hosts": ["dev"], "metadata": {"ssd": True, "old": "1"}},
        {"name": "b", "availability_zone": "z2", "metadata": {"ssd": "no"}},
        table="compute.aggregates",
        shows={"name": "b", "hosts": ["dev"], "metadata": {"ssd": "no", "availability_zone": "z2"}},
    ),
    "flavor": Life(
        "OS::Nova::Flavor",
        {"ram": 64, "vcpus": 1, "is_public": False, "tenants": ["demo"], "extra_specs": {"a": 1}},
        {"tenants": ["admin"], "extra_specs": {"b": "2"}},
        {"ram": 128},
        "compute.flavors",
        {"ram": 64},
    ),
}  # fmt: skip
REPLACED = {name for name, life in LIVES.items() if life.replaced}
CREATED = (
    "/regions$",
    "/v3/services$",
    "/endpoints$",
    "/types$",
    "/encryption$",
    "/qos-specs$",
    "/os-aggregates$",
)
LOST = [{"effect": "drop_after", "method": "POST", "path": path} for path in (*CREATED, "/flavors$")]


def stage(number: int) -> dict[str, Any]:
    """The template at first, after the change in place, and after the replacement."""
    parts = [("first", "changed", "replaced")[: number + 1]] * len(LIVES)
    return template(
        **{
            name: {
                "type": life.kind,
                "properties": {key: value for part in each for key, value in getattr(life, part).items()},
            }
            for (name, life), each in zip(LIVES.items(), parts, strict=True)
        }
    )


async def reached(process: Process, stack: Stack) -> dict[str, Resource]:
    done = await process.done(stack)
    assert done.status is Status.COMPLETE, done.reason
    return await process.rows(done)


@contextmanager
def without_traces(made: World) -> Iterator[None]:
    yield
    assert made.counts() == {}
    assert made.cloud.world.project_quotas == {}
    assert not any(each.private.get("encryption") for each in made.cloud.store.all("volume.types"))


@pytest.mark.parametrize("faults", [[], LOST], ids=["undisturbed", "answers-lost"])
async def test_each_is_made_changed_replaced_and_removed(tmp_path: Path, faults: Any) -> None:
    async with world(tmp_path, faults=faults) as made, made.process(user="admin") as process:
        with without_traces(made):
            stack = await process.create("admins", stage(0))
            first = await reached(process, stack)
            assert sum(rule.fired for rule in made.cloud.faults.rules) >= len(faults)
            assert {name: len(made.objects(name)) for name in ("types", "qos_specs", "endpoints")} == {
                "types": 2, "qos_specs": 1, "endpoints": 1,
            }  # fmt: skip
            changed = await reached(process, await process.update(stack, stage(1)))
            assert ids(changed) == ids(first)
            check_objects(made, changed)
            last = await reached(process, await process.update(stack, stage(2)))
            assert {
                name for name, row in last.items() if row.physical_id != first[name].physical_id
            } == REPLACED
            check_replacements(made, first, last)
            await process.done(await process.delete(stack))


def ids(rows: Mapping[str, Resource]) -> dict[str, str | None]:
    return {name: row.physical_id for name, row in rows.items()}


def check_objects(made: World, rows: Mapping[str, Resource]) -> None:
    """What the dev cloud shows after the change in place."""
    store, quotas = made.cloud.store, made.cloud.world.project_quotas
    for name, life in LIVES.items():
        if life.table:
            entity = store.get(life.table, rows[name].physical_id or "")
            assert entity is not None
            assert entity.data.items() >= life.shows.items(), name
    kind, other = (store.get("volume.types", rows[name].physical_id or "") for name in ("type", "other"))
    assert kind is not None
    assert other is not None
    admin = next(each.id for each in store.find("identity.projects", name="admin"))
    assert kind.private["projects"] == {admin}
    assert other.private["projects"] == set()
    assert kind.private["encryption"].items() >= {"provider": "luks2", "key_size": 512}.items()
    assert (kind.data["qos_specs_id"], other.data["qos_specs_id"]) == (rows["qos"].physical_id, None)
    assert sorted(quotas.values()) == [-1, 2, 3, 3, 30]


def check_replacements(made: World, first: Mapping[str, Resource], last: Mapping[str, Resource]) -> None:
    store = made.cloud.store
    for name in REPLACED:
        if table := LIVES[name].table:
            assert store.get(table, first[name].physical_id or "") is None, name
            assert store.get(table, last[name].physical_id or "") is not None, name
    kind, other = (store.get("volume.types", last[name].physical_id or "") for name in ("type", "other"))
    assert kind is not None
    assert other is not None
    assert kind.data["qos_specs_id"] == last["qos"].physical_id
    assert "encryption" not in kind.private
    assert other.private["encryption"]["provider"] == "luks2"
    projects = {project for project, _ in made.cloud.world.project_quotas}
    assert projects == {last["storage"].physical_id} == {last["computing"].physical_id}


async def test_rollback_brings_back_what_replacements_took_away(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process(user="admin") as process:
        with without_traces(made):
            stack = await process.create("admins", stage(1), disable_rollback=False)
            before = await reached(process, stack)
            failing = {
                "type": "OS::Heat::TestResource",
                "properties": {"fail": True},
                "depends_on": list(LIVES),
            }
            content = stage(2)
            content["resources"]["failing"] = failing
            await process.update(stack, content, disable_rollback=False)
            done = await process.done(stack)
            assert (done.action, done.status) == ("ROLLBACK", "COMPLETE"), done.reason
            after = await process.rows(stack)
            assert {name: ids(after)[name] for name in LIVES} == ids(before)
            check_objects(made, after)
            await process.done(await process.delete(stack))


SETTINGS = ("encryption", "association", "storage", "computing")
"""What has no object of its own: a replacement is the same setting of the same object."""


async def test_what_takes_the_place_of_the_same_setting_keeps_it(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process(user="admin") as process:
        with without_traces(made):
            stack = await process.create("admins", stage(1))
            before = await reached(process, stack)
            for name in SETTINGS:
                await signals.mark(process.engine, process.caller, stack, name, broken=True)
            after = await reached(process, await process.update(stack, stage(1)))
            assert {name for name in LIVES if after[name].id != before[name].id} == set(SETTINGS)
            assert ids(after) == ids(before)
            check_objects(made, after)
            await process.done(await process.delete(stack))
