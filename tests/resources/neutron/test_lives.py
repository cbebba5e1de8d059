"""The lives of the types that administrators use, all in one stack: made, changed, replaced, and gone.

Each row has the properties of a resource, those that change in place, and those that ask for a new one. What
the cloud has is compared with what the types say after every step, as a detection of drift does it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stackd.engine.execution import drift
from stackd.engine.planning.drift import DELETED, IN_SYNC
from stackd.records import Resource, ResourceDrift, Stack, Status
from tests.support.engine import Process, World, world
from tests.support.templates import hot


@dataclass(frozen=True, slots=True)
class Life:
    """The type of a resource under OS::Neutron, and its properties at first, then, and as a new object."""

    kind: str
    first: Mapping[str, Any]
    then: Mapping[str, Any] = field(default_factory=dict)
    anew: Mapping[str, Any] = field(default_factory=dict)


def ref(name: str) -> dict[str, Any]:
    return {"get_resource": name}


def vlan(number: int, port: str) -> dict[str, Any]:
    return {"port": ref(port), "segmentation_type": "vlan", "segmentation_id": number}


def hop(number: int) -> dict[str, str]:
    return {"destination": f"10.{number}.0.0/16", "nexthop": "10.8.0.9"}


ADDRESS = {"get_attr": ["inner", "fixed_ips", 0, "ip_address"]}
SURROUNDINGS = {
    "net": Life("Net", {"qos_policy": "gold"}),
    "subnet": Life("Subnet", {"network": ref("net"), "cidr": "10.8.0.0/24"}),
    "router": Life("Router", {}),
    "interface": Life("RouterInterface", {"router": ref("router"), "subnet": ref("subnet")}),
    "address": Life("FloatingIP", {"floating_network": "public"}),
    "address_2": Life("FloatingIP", {"floating_network": "public"}),
    **{name: Life("Port", {"network": ref("net")}) for name in ("inner", "parent", "one", "two")},
}
OBJECTS = {
    "policy": Life("QoSPolicy", {}, {"description": "fast", "shared": True}, {"tenant_id": "p2"}),
    "limit": Life(
        "QoSBandwidthLimitRule",
        {"policy": "gold", "max_kbps": 10},
        {"max_kbps": 20, "max_burst_kbps": 2, "direction": "ingress"},
        {"policy": ref("policy")},
    ),
    "mark": Life(
        "QoSDscpMarkingRule", {"policy": "gold", "dscp_mark": 8}, {"dscp_mark": 56}, {"policy": ref("policy")}
    ),
    "bandwidth": Life(
        "QoSMinimumBandwidthRule",
        {"policy": "gold", "min_kbps": 10},
        {"min_kbps": 0},
        {"policy": ref("policy")},
    ),
    "packets": Life(
        "QoSMinimumPacketRateRule",
        {"policy": "gold", "min_kpps": 10},
        {"direction": "any"},
        {"policy": ref("policy")},
    ),
    "scope": Life("AddressScope", {"name": "near"}, {"name": "far"}, {"ip_version": 6}),
    "pool": Life(
        "SubnetPool",
        {"prefixes": ["10.50.0.0/16"], "default_prefixlen": 24, "tags": ["a"]},
        {"prefixes": ["10.60.0.0/16", "10.50.0.0/16", "10.61.0.0/16"], "default_quota": 512, "tags": ["b"]},
        {"shared": True},
    ),
    "segment": Life(
        "Segment",
        {"network": ref("net"), "network_type": "vxlan", "segmentation_id": 70001},
        {"description": "upstairs"},
        {"segmentation_id": 70002},
    ),
    "label": Life("MeteringLabel", {}, anew={"description": "all"}),
    "counted": Life(
        "MeteringRule",
        {"metering_label_id": ref("label"), "remote_ip_prefix": "10.0.0.0/8"},
        anew={"direction": "egress"},
    ),
    "sharing": Life(
        "RBACPolicy",
        {
            "object_type": "network",
            "object_id": ref("net"),
            "action": "access_as_shared",
            "target_tenant": "1" * 32,
        },
        {"target_tenant": "2" * 32},
        {"action": "access_as_external"},
    ),
    "provider": Life(
        "ProviderNet",
        {"network_type": "vlan", "physical_network": "physnet1", "segmentation_id": "101"},
        {"segmentation_id": "102", "router_external": True, "shared": False},
        {"tenant_id": "p2"},
    ),
    "trunk": Life(
        "Trunk",
        {"port": ref("parent"), "sub_ports": [vlan(7, "one")]},
        {"sub_ports": [vlan(7, "two"), vlan(8, "one")], "description": "thick"},
    ),
    "forward": Life(
        "FloatingIPPortForward",
        {
            "floating_ip": ref("address"),
            "internal_port": ref("inner"),
            "internal_ip_address": ADDRESS,
            "internal_port_number": 80,
            "external_port": 8080,
            "protocol": "tcp",
        },
        {"external_port": 8081},
        {"floating_ip": ref("address_2")},
    ),
}
RELATIONS = {
    "gateway": Life("RouterGateway", {"router_id": ref("router"), "network": "public"}),
    "route": Life("ExtraRoute", {"router_id": ref("router"), **hop(1)}, anew=hop(2)),
    "routes": Life(
        "ExtraRouteSet", {"router": ref("router"), "routes": [hop(3)]}, {"routes": [hop(4), hop(5)]}
    ),
    "quota": Life(
        "Quota", {"project": "demo", "network": 50}, {"network": 60, "port": 7}, {"project": "admin"}
    ),
}
LIVES = SURROUNDINGS | OBJECTS | RELATIONS
POLICY = {"name": "gold"}


def stack_of(*chapters: str) -> dict[str, Any]:
    """The template in which every resource has the properties of these chapters, the later ones last."""
    found: dict[str, Any] = {}
    for name, life in LIVES.items():
        properties = {key: value for each in chapters for key, value in getattr(life, each).items()}
        found[name] = {"type": f"OS::Neutron::{life.kind}", "properties": properties}
    found["forward"]["depends_on"] = ["gateway"]
    return hot(found)


@asynccontextmanager
async def administrators(tmp_path: Path) -> AsyncIterator[tuple[World, Process]]:
    """A cloud with a QoS policy named gold, which belongs to nobody's stack."""
    async with world(tmp_path) as made, made.process(user="admin") as process:
        cloud = process.engine.trusts.of_caller(process.caller)
        await cloud.network.post("/qos/policies", {"policy": POLICY})
        yield made, process


async def compared(process: Process, stack: Stack) -> list[ResourceDrift]:
    engine = process.engine
    return await drift.compare(engine.services, engine.trusts.of_caller(process.caller), stack)


async def standing(process: Process, stack: Stack) -> dict[str, Resource]:
    """The rows of a stack whose objects are all as they should be."""
    done = await process.done(stack)
    assert done.status is Status.COMPLETE, done.reason
    found = await compared(process, done)
    assert {each.name: each.content.get("differences") for each in found if each.status != IN_SYNC} == {}
    assert {each.name for each in found} >= OBJECTS.keys()
    return await process.rows(stack)


def router_of(made: World) -> Mapping[str, Any]:
    (router,) = made.objects("routers")
    return router


def routes_of(made: World) -> list[Any]:
    return sorted(router_of(made)["routes"], key=str)


def quota_of(made: World, project: str, name: str) -> int:
    entity = made.cloud.store.first("identity.projects", name=project)
    assert entity is not None
    return made.cloud.world.quota(entity.id, name)


async def test_everything_is_made_changed_in_place_replaced_and_deleted(tmp_path: Path) -> None:
    async with administrators(tmp_path) as (made, process):
        before = made.counts()
        stack = await process.create("s", stack_of("first"))
        first = await standing(process, stack)
        assert routes_of(made) == [hop(1), hop(3)]
        assert router_of(made)["external_gateway_info"]["network_id"] in str(first["gateway"].physical_id)
        assert quota_of(made, "demo", "networks") == 50

        await process.update(stack, stack_of("first", "then"))
        then = await standing(process, stack)
        assert {name: row.physical_id for name, row in then.items()} == {
            name: row.physical_id for name, row in first.items()
        }
        assert routes_of(made) == [hop(1), hop(4), hop(5)]
        assert (quota_of(made, "demo", "networks"), quota_of(made, "demo", "ports")) == (60, 7)

        await process.update(stack, stack_of("first", "then", "anew"))
        anew = await standing(process, stack)
        replaced = {name for name, row in anew.items() if row.physical_id != then[name].physical_id}
        assert replaced == {name for name, life in LIVES.items() if life.anew}
        assert routes_of(made) == [hop(2), hop(4), hop(5)]
        assert (quota_of(made, "demo", "networks"), quota_of(made, "admin", "networks")) == (-1, 60)

        await process.delete(stack)
        assert (await process.done(stack)).deleted_at is not None
        assert made.counts() == before
        assert quota_of(made, "admin", "networks") == -1


LOST = ("metering", "qos", "address-scopes", "subnetpools", "segments", "trunks", "rbac", "port_forwardings")
ONCE = (
    *("qos_bandwidth_limit_rules", "qos_dscp_marking_rules", "rbac_policies", "port_forwardings"),
    *("metering_labels", "metering_label_rules", "trunks", "address_scopes", "subnetpools"),
)
CHANGED = ("extraroutes", "quotas")


async def test_objects_whose_answers_were_lost_are_found_and_not_made_twice(tmp_path: Path) -> None:
    async with administrators(tmp_path) as (made, process):
        rules: list[dict[str, Any]] = [
            {"method": "POST", "path": path, "effect": "drop_after"} for path in LOST
        ]
        rules += [{"method": "POST", "path": "v2.0/networks$", "effect": "drop_after"}]
        rules += [
            {"method": "PUT", "path": path, "effect": "drop_after", "times": 1}
            for path in ("extra", "quotas")
        ]
        made.cloud.faults.replace(rules)
        stack = await process.create("s", stack_of("first"))
        await standing(process, stack)
        assert min(rule.fired for rule in made.cloud.faults.rules) > 0
        counts = made.counts()
        assert {kind: counts[kind] for kind in ONCE} == dict.fromkeys(ONCE, 1)
        assert routes_of(made) == [hop(1), hop(3)]
        made.cloud.faults.replace([])
        await process.delete(stack)
        assert (await process.done(stack)).deleted_at is not None


GONE = ("trunks", "rbac_policies", "qos_policies", "port_forwardings", "qos_dscp_marking_rules")


async def test_objects_that_others_deleted_are_seen_and_need_no_deletion(tmp_path: Path) -> None:
    """Of a policy that is gone its rules are, too, though their collection cannot even be listed."""
    async with administrators(tmp_path) as (made, process):
        stack = await process.create("s", stack_of("first"))
        await standing(process, stack)
        store = made.cloud.store
        for entity in [each for kind in GONE for each in store.all(f"network.{kind}")]:
            store.remove(entity)
        found = await compared(process, await process.stack(stack))
        gone = {"limit", "mark", "bandwidth", "packets", "policy", "trunk", "sharing", "forward"}
        assert {each.name for each in found if each.status == DELETED} == gone
        await process.delete(stack)
        assert (await process.done(stack)).deleted_at is not None
        assert made.objects("ports") == []
