"""The pool of resources and what is mixed of it: no process is killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackd.engine.execution import drift
from stackd.engine.planning.drift import IN_SYNC
from stackd.records import Stack, Status
from stackd.resources.heat.none import NoneResource
from stackd.resources.registry import load_registry
from tests.chaos.mixes import LARGEST, POOL, SMALLEST, Mix, closed, mixes, references
from tests.chaos.tables import is_beside, is_by_itself, tables, types_of_families, unclaimed
from tests.scenarios.ledger import made_since
from tests.scenarios.story import snapshot
from tests.support.engine import Process, World, world

ALL = 8
"""So many mixes have the whole pool."""

SEEDS = range(1, 6)


def makes_nothing(name: str) -> bool:
    """Whether a type is a retired one that takes any properties: there is nothing to lose or to double."""
    return isinstance(load_registry([]).get(name), NoneResource)


def test_every_type_that_makes_something_is_in_the_pool() -> None:
    missing = {*types_of_families()} - {each.type for each in POOL.values()}
    assert {name for name in missing if not makes_nothing(name)} == set()


def test_objects_of_every_type_are_looked_for_unless_it_has_none_of_its_own() -> None:
    own = {name for name in types_of_families() if load_registry([]).get(name).entity is not None}
    assert {name for name in own - tables().keys() if not name.endswith("::Quota")} == set()


@pytest.mark.parametrize("name", POOL)
def test_what_a_resource_requires_is_in_the_pool(name: str) -> None:
    fragment = POOL[name]
    required = {each for way in fragment.possible() for each in fragment.required(way)}
    assert required <= POOL.keys() - {name}


@pytest.mark.parametrize("seed", SEEDS)
def test_mixes_have_all_of_the_pool_in_stacks_of_the_right_size(seed: int) -> None:
    made = list(mixes(seed, ALL))
    assert POOL.keys() == {name for mix in made for name in mix.first | mix.then}
    sizes = [len(version) for mix in made for version in (mix.first, mix.then)]
    assert min(sizes) >= SMALLEST
    assert max(sizes) <= LARGEST


@pytest.mark.parametrize("seed", SEEDS)
def test_mixes_change_and_replace_much_and_each_drops_and_adds(seed: int) -> None:
    made = list(mixes(seed, ALL))
    ways = [mix.then[name] for mix in made for name in mix.first.keys() & mix.then.keys()]
    assert sum("then" in way for way in ways) > 4 * ALL
    assert sum("anew" in way for way in ways) > 2 * ALL
    assert all(mix.first.keys() - mix.then.keys() for mix in made)
    assert all(mix.then.keys() - mix.first.keys() for mix in made)


@pytest.mark.parametrize("seed", SEEDS)
def test_versions_have_all_that_their_resources_require(seed: int) -> None:
    for mix in mixes(seed, ALL):
        for version, template in ((mix.first, mix.one), (mix.then, mix.two)):
            assert closed(version) == version
            assert {*references(template["resources"])} <= template["resources"].keys() == version.keys()


def test_a_seed_always_mixes_the_same() -> None:
    assert [(mix.one, mix.two) for mix in mixes(7, 3)] == [(mix.one, mix.two) for mix in mixes(7, 3)]
    assert [mix.one for mix in mixes(7, 3)] != [mix.one for mix in mixes(8, 3)]


# --- what is found --------------------------------------------------------------------------------

PORT: Mapping[str, Any] = {"id": "p1", "name": "a", "device_owner": ""}


def test_objects_are_held_against_resources() -> None:
    made = {"network.ports": [PORT], "compute.keypairs": [{"id": 3, "name": "k"}]}
    port, key = ("OS::Neutron::Port", "p1"), ("OS::Nova::KeyPair", "k")
    assert unclaimed(made, [port, key]) == []
    assert unclaimed(made, [port]) == ["left over: compute.keypairs k k"]
    assert unclaimed(made, [port, key, ("OS::Neutron::Net", "n1")]) == ["lost: network.networks n1"]
    assert unclaimed(made, [port, port, key]) == ["held twice: network.ports p1"]


@pytest.mark.parametrize(
    ("changed", "itself"),
    [
        ({}, False),
        ({"device_owner": "network:dhcp"}, True),
        ({"device_owner": "compute:nova"}, False),
        ({"device_owner": "compute:nova", "name": "s-server-abcdefghijkl-port-0"}, True),
        ({"name": "s-server-abcdefghijkl-port-0"}, False),
    ],
)
def test_ports_that_belong_to_others_need_no_resource(changed: Mapping[str, Any], itself: bool) -> None:
    assert is_by_itself("network.ports", {**PORT, **changed}) is itself


@pytest.mark.parametrize(
    ("table", "each", "beside"),
    [
        ("identity.users", {"name": "ann", "stackd_resource": "r"}, False),
        ("identity.users", {"name": "s-handle-abcdefghijkl"}, True),
        ("identity.projects", {"name": "team"}, False),
        ("identity.projects", {"name": "stackd-1"}, True),
        ("network.ports", {"name": "", "device_owner": "compute:nova"}, True),
        ("network.ports", {"name": "a", "device_owner": "compute:nova"}, False),
        ("database.instances", {"name": "three-member-1"}, True),
        ("database.instances", {"name": "member"}, False),
        ("compute.servers", {"name": "a"}, False),
    ],
)
def test_what_goes_with_a_resource_needs_none_of_its_own(
    table: str, each: Mapping[str, Any], beside: bool
) -> None:
    assert is_beside(table, each) is beside


def test_objects_that_have_the_name_of_a_held_one_are_beside_it() -> None:
    network, router = {"id": "n", "name": "vpc"}, {"id": "r", "name": "vpc"}
    made = {"network.networks": [network], "network.routers": [router]}
    assert unclaimed(made, [("AWS::EC2::VPC", "n")]) == []
    twice = {**made, "network.networks": [network, network | {"id": "m"}]}
    assert unclaimed(twice, [("AWS::EC2::VPC", "n")]) == ["left over: network.networks m vpc"]
    assert len(unclaimed(made, [])) == 2


# --- undisturbed ----------------------------------------------------------------------------------


async def _stands(made: World, process: Process, before: Any, stack: Stack) -> None:
    """The stack is complete, objects and resources are each other's, and nothing has drifted."""
    done = await process.done(stack)
    assert done.status is Status.COMPLETE, done.reason
    rows = await process.rows(stack)
    held = [(row.kind, row.physical_id) for row in rows.values() if row.physical_id]
    assert unclaimed(made_since(before, snapshot(made)), held) == []
    engine = process.engine
    found = await drift.compare(engine.services, engine.trusts.of_caller(process.caller), done)
    assert {each.name: each.content.get("differences") for each in found if each.status != IN_SYNC} == {}


@pytest.mark.parametrize("mix", [*mixes(1, 2)], ids=["one", "two"])
async def test_a_mix_lives_undisturbed(tmp_path: Path, mix: Mix) -> None:
    async with world(tmp_path) as made, made.process(user="admin") as process:
        before = snapshot(made)
        stack = await process.create("mixed", mix.one)
        await _stands(made, process, before, stack)
        for template in (mix.two, mix.one):
            await process.update(stack, template)
            await _stands(made, process, before, stack)
        done = await process.done(await process.delete(stack))
        assert done.status is Status.COMPLETE, done.reason
        left = {
            table: [each for each in rows if not is_by_itself(table, each)]
            for table, rows in made_since(before, snapshot(made)).items()
            if table != "identity.trusts"
        }
        assert {table: rows for table, rows in left.items() if rows and table != "identity.assignments"} == {}
        assert made.cloud.world.project_quotas == {}
