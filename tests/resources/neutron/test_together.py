"""Network objects that a stack makes at one moment: one call for several, each resource by itself.

Each row is a kind of object with the properties of the nth, and those that only the service can refuse.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stackd.records import Stack, Status
from tests.support.engine import Process, World, world
from tests.support.templates import hot

NUMBER = 3
LISTED = 9
"""The port of the rule that the group has from its own properties."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type under OS::Neutron, the table of its objects, and their properties."""

    type: str
    table: str
    path: str
    properties: Callable[[int], Mapping[str, Any]]
    refused: Mapping[str, Any] | None = None


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def rule(port: int) -> dict[str, Any]:
    return {"protocol": "tcp", "port_range_min": port, "port_range_max": port}


PARENTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "network": ("Net", {}),
    "subnet": ("Subnet", {"network": ref("network"), "cidr": "10.0.0.0/24"}),
    "taken": ("Port", {"network": ref("network"), "fixed_ips": [{"ip_address": "10.0.0.9"}]}),
    "lan": ("Net", {}),
    "office": ("Subnet", {"network": ref("lan"), "cidr": "10.0.0.0/24"}),
    "group": ("SecurityGroup", {"rules": [rule(LISTED)]}),
    "label": ("MeteringLabel", {}),
    "counted": ("MeteringRule", {"metering_label_id": ref("label"), "remote_ip_prefix": "10.9.0.0/16"}),
}
KINDS = (
    Kind("Net", "networks", "/networks", lambda number: {"name": f"net-{number}"}),
    Kind(
        *("Subnet", "subnets", "/subnets"),
        lambda number: {"network": ref("lan"), "cidr": f"10.{number}.0.0/24"},
        {"network": ref("lan"), "cidr": "10.0.0.0/16"},
    ),
    Kind(
        *("Port", "ports", "/ports"),
        lambda number: {"network": ref("network")},
        {"network": ref("network"), "fixed_ips": [{"ip_address": "10.0.0.9"}]},
    ),
    Kind("SecurityGroup", "security_groups", "/security-groups", lambda number: {"name": f"g{number}"}),
    Kind(
        *("SecurityGroupRule", "security_group_rules", "/security-group-rules"),
        lambda number: {"security_group": ref("group"), **rule(number)},
        {"security_group": ref("group"), **rule(LISTED)},
    ),
    Kind("MeteringLabel", "metering_labels", "/metering/metering-labels", lambda number: {}),
    Kind(
        *("MeteringRule", "metering_label_rules", "/metering/metering-label-rules"),
        lambda number: {"metering_label_id": ref("label"), "remote_ip_prefix": f"10.{number}.0.0/16"},
        {"metering_label_id": ref("label"), "remote_ip_prefix": "10.9.1.0/24"},
    ),
)


def resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": f"OS::Neutron::{kind}", "properties": dict(properties)}


def parents() -> dict[str, Any]:
    return {name: resource(*parent) for name, parent in PARENTS.items()}


def several() -> dict[str, Any]:
    """Several objects of each kind."""
    return {
        f"{kind.table}-{number}": resource(kind.type, kind.properties(number))
        for kind in KINDS
        for number in range(1, NUMBER + 1)
    }


def refused() -> dict[str, Any]:
    """One more object of each kind, which the service refuses."""
    return {f"{kind.table}-bad": resource(kind.type, kind.refused) for kind in KINDS if kind.refused}


def posts(made: World) -> dict[str, int]:
    counted = made.cloud.meter.report()["calls"]
    return {kind.table: counted[f"network POST {kind.path}"] for kind in KINDS}


async def ids(process: Process, stack: Stack) -> dict[str, Any]:
    return {name: row.physical_id for name, row in (await process.rows(stack)).items()}


def of_kind(physical: Mapping[str, Any], kind: Kind) -> set[str]:
    """The ids of the resources of a kind, without those that are refused."""
    names = [f"{kind.table}-{number}" for number in range(1, NUMBER + 1)]
    names += [name for name, (parent, _) in PARENTS.items() if parent == kind.type]
    found = {physical[name] for name in names}
    assert len(found) == len(names)
    return found


def expect_no_more(made: World, physical: Mapping[str, Any]) -> None:
    """Every object of the cloud is that of one resource, but for the rules that groups list or begin with."""
    for kind in KINDS:
        objects = made.objects(kind.table)
        if kind.type == "SecurityGroupRule":
            objects = [each for each in objects if each["port_range_min"] not in (None, LISTED)]
        assert sorted(str(each["id"]) for each in objects) == sorted(of_kind(physical, kind))


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as cloud:
        yield cloud


async def parented(process: Process, made: World) -> Stack:
    stack = await process.done(await process.create("s", hot(parents())))
    assert stack.status is Status.COMPLETE, stack.reason
    made.cloud.meter.reset()
    return stack


async def test_one_call_makes_all_of_a_kind(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await parented(process, made)
        stack = await process.done(await process.update(stack, hot(parents() | several())))
        assert stack.status is Status.COMPLETE, stack.reason
        assert posts(made) == {kind.table: 1 for kind in KINDS}
        expect_no_more(made, await ids(process, stack))


async def test_a_lost_answer_is_found_again_for_each_resource(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await parented(process, made)
        made.cloud.faults.replace(
            [
                {
                    "service": "network",
                    "method": "POST",
                    "path": f"{kind.path}$",
                    "effect": "drop_after",
                    "nth": 1,
                }
                for kind in KINDS
            ]
        )
        stack = await process.done(await process.update(stack, hot(parents() | several())))
        assert stack.status is Status.COMPLETE, stack.reason
        assert [rule.fired for rule in made.cloud.faults.rules] == [1] * len(KINDS)
        assert posts(made) == {kind.table: 1 for kind in KINDS}
        expect_no_more(made, await ids(process, stack))


async def test_what_the_service_refuses_fails_alone(made: World) -> None:
    async with made.process(user="admin") as process:
        stack = await parented(process, made)
        wanted = hot(parents() | several() | refused())
        stack = await process.done(await process.update(stack, wanted, disable_rollback=True))
        rows = await process.rows(stack)
        assert {name for name, row in rows.items() if row.status is Status.FAILED} == refused().keys()
        expect_no_more(made, await ids(process, stack))
