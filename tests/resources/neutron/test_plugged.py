"""The life of every type that plug-ins of the network service add, in one stack on the simulated cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stackd.records import Stack, Status
from tests.support.actions import act, resource, state, template
from tests.support.engine import Process, World, world


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def port(**more: Any) -> dict[str, Any]:
    bound = {"network": ref("net"), "value_specs": {"binding:host_id": "host"}}
    return resource("OS::Neutron::Port", "subnet", **bound, **more)


@dataclass(frozen=True)
class Case:
    """A type: its properties, a change in place with what the object then shows, a change that replaces."""

    kind: str
    table: str
    properties: Mapping[str, Any]
    in_place: Mapping[str, Any] = field(default_factory=dict)
    shows: Mapping[str, Any] = field(default_factory=dict)
    replacing: Mapping[str, Any] = field(default_factory=dict)


NAMED = {"in_place": {"name": "n", "description": "d"}, "shows": {"name": "n", "description": "d"}}
BASE = {
    "net": resource("OS::Neutron::Net"),
    "subnet": resource("OS::Neutron::Subnet", network=ref("net"), cidr="10.1.0.0/24"),
    "router": resource("OS::Neutron::Router", external_gateway_info={"network": "public"}),
    "interface": resource("OS::Neutron::RouterInterface", router=ref("router"), subnet=ref("subnet")),
    "port": port(),
    "other_port": port(),
    "aside": resource("OS::Neutron::Subnet", network=ref("net"), cidr="10.2.0.0/24"),
    "aside_interface": resource("OS::Neutron::RouterInterface", router=ref("router"), subnet=ref("aside")),
}
SWITCH = {"device_name": "d", "interfaces": [{"name": "i"}]}
CASES = {
    "rule": Case(
        "FirewallRule",
        "firewall_rules",
        {"protocol": "tcp", "destination_port": "80", "action": "allow"},
        {"protocol": "any", "destination_port": None, "ip_version": "6"},
        {"protocol": None, "destination_port": None, "ip_version": 6},
    ),
    "policy": Case(
        "FirewallPolicy",
        "firewall_policies",
        {"firewall_rules": [ref("rule")]},
        {"audited": True, "firewall_rules": None},
        {"audited": True, "firewall_rules": []},
    ),
    "firewall": Case(
        "Firewall",
        "firewalls",
        {"firewall_policy_id": ref("policy")},
        {"admin_state_up": False},
        {"admin_state_up": False, "status": "DOWN"},
    ),
    "ike": Case(
        "IKEPolicy",
        "ikepolicies",
        {"lifetime": {"value": 7200}, "description": "d"},
        {"ike_version": "v2", "lifetime": None, "description": None},
        {"ike_version": "v2", "lifetime": {"units": "seconds", "value": 3600}, "description": ""},
    ),
    "ipsec": Case("IPsecPolicy", "ipsecpolicies", {}, **NAMED, replacing={"pfs": "group14"}),
    "vpn": Case(
        "VPNService",
        "vpnservices",
        {"router": ref("router"), "subnet": ref("subnet")},
        {"admin_state_up": False, "name": "n"},
        {"admin_state_up": False, "name": "n", "status": "ACTIVE"},
        {"subnet": ref("aside")},
    ),
    "tunnel": Case(
        "IPsecSiteConnection",
        "ipsec_site_connections",
        {
            "peer_address": "172.24.4.9",
            "peer_id": "172.24.4.9",
            "peer_cidrs": ["10.9.0.0/24"],
            "psk": "key",
            "dpd": {"actions": "restart"},
            "vpnservice_id": ref("vpn"),
            "ikepolicy_id": ref("ike"),
            "ipsecpolicy_id": ref("ipsec"),
        },
        {"admin_state_up": False, "description": "d"},
        {"admin_state_up": False, "description": "d", "status": "ACTIVE"},
        {"mtu": 1400},
    ),
    "pair": Case(
        "PortPair",
        "port_pairs",
        {"ingress": ref("port"), "egress": ref("port")},
        **NAMED,
        replacing={"egress": ref("other_port")},
    ),
    "other_pair": Case("PortPair", "port_pairs", {"ingress": ref("other_port"), "egress": ref("other_port")}),
    "group": Case(
        "PortPairGroup",
        "port_pair_groups",
        {"port_pairs": [ref("pair"), ref("other_pair")]},
        {"port_pairs": [ref("pair")], "name": "g"},
        {"name": "g"},
    ),
    "classifier": Case(
        "FlowClassifier",
        "flow_classifiers",
        {"protocol": "tcp", "logical_source_port": ref("port"), "source_port_range_max": 7},
        **NAMED,
        replacing={"source_port_range_min": 8, "source_port_range_max": 9},
    ),
    "chain": Case(
        "PortChain",
        "port_chains",
        {"port_pair_groups": [ref("group")], "flow_classifiers": [ref("classifier")]},
        **NAMED,
        replacing={"chain_parameters": {"correlation": "mpls", "symmetric": True}},
    ),
    "tap": Case(
        "TaaS::TapService",
        "tap_services",
        {"port": ref("port")},
        **NAMED,
        replacing={"port": ref("other_port")},
    ),
    "flow": Case(
        "TaaS::TapFlow",
        "tap_flows",
        {"port": ref("other_port"), "tap_service": ref("tap"), "vlan_filter": "1-5,7"},
        {"name": "n"},
        {"name": "n", "status": "ACTIVE", "vlan_filter": "1-5,7", "direction": "BOTH"},
        {"direction": "IN"},
    ),
    "l2": Case("L2Gateway", "l2_gateways", {"name": "g", "devices": [SWITCH]}, {"name": "h"}, {"name": "h"}),
    "l2_connection": Case(
        "L2GatewayConnection",
        "l2_gateway_connections",
        {"l2_gateway_id": ref("l2"), "network_id": ref("net"), "segmentation_id": "7"},
        replacing={"segmentation_id": "8"},
    ),
    "gateway": Case(
        "NetworkGateway",
        "network_gateways",
        {"devices": [{"id": "d", "interface_name": "i"}], "connections": [{"network": ref("net")}]},
        {
            "name": "n",
            "connections": [{"network": ref("net"), "segmentation_type": "vlan", "segmentation_id": 9}],
        },
        {"name": "n"},
    ),
}


def all_types(*steps: str) -> dict[str, Any]:
    """All types, with these changes to the properties of each."""
    made = {
        name: resource(
            f"OS::Neutron::{case.kind}",
            **{**case.properties, **{k: v for step in steps for k, v in getattr(case, step).items()}},
        )
        for name, case in CASES.items()
    }
    return template(**BASE, **made)


def objects(made: World, case: Case) -> dict[str, Any]:
    return {each["id"]: each for each in made.objects(case.table)}


def expect(made: World, physical: Mapping[str, str]) -> None:
    """There are the objects with these ids, and no others."""
    for case in CASES.values():
        ours = {physical[name] for name, each in CASES.items() if each.table == case.table}
        assert objects(made, case).keys() == ours


def lost(table: str) -> dict[str, Any]:
    path = f"/{table.replace('_', '[-_]')}$"
    return {"method": "POST", "path": path, "effect": "drop_after", "times": 1}


async def ids(process: Process, stack: Stack) -> dict[str, Any]:
    rows = await process.rows(stack)
    assert {name: row.reason for name, row in rows.items() if row.status is not Status.COMPLETE} == {}
    return {name: rows[name].physical_id for name in CASES}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as cloud:
        yield cloud


async def test_every_type_lives_from_creation_to_deletion(made: World) -> None:
    """The answer to the first request for each kind of object is lost, which doubles nothing."""
    made.cloud.faults.replace([lost(table) for table in sorted({case.table for case in CASES.values()})])
    async with made.process() as process:
        stack = await process.done(await process.create("s", all_types()))
        assert stack.status is Status.COMPLETE, stack.reason
        assert {rule.fired for rule in made.cloud.faults.rules} == {1}
        first = await ids(process, stack)
        expect(made, first)
        assert state(await act(process, stack, "check")) == "CHECK_COMPLETE"

        stack = await process.done(await process.update(stack, all_types("in_place")))
        assert stack.status is Status.COMPLETE, stack.reason
        assert await ids(process, stack) == first
        for name, case in CASES.items():
            assert case.shows.items() <= objects(made, case)[first[name]].items(), name

        stack = await process.done(await process.update(stack, all_types("in_place", "replacing")))
        assert stack.status is Status.COMPLETE, stack.reason
        second = await ids(process, stack)
        replaced = {name for name, case in CASES.items() if case.replacing}
        follow = {"tunnel", "flow"}  # they refer, by what cannot be changed, to what is replaced
        assert {name for name in CASES if second[name] != first[name]} == replaced | follow
        expect(made, second)
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"
        assert made.counts() == {}


async def test_what_ends_in_error_is_made_again(made: World) -> None:
    kinds = ("firewalls", "tap_services")
    made.cloud.faults.replace([lost(kind) | {"effect": "error_status"} for kind in kinds])
    content = template(
        **{name: BASE[name] for name in ("net", "subnet", "port")},
        policy=resource("OS::Neutron::FirewallPolicy"),
        firewall=resource("OS::Neutron::Firewall", firewall_policy_id=ref("policy")),
        tap=resource("OS::Neutron::TaaS::TapService", port=ref("port")),
    )
    async with made.process() as process:
        stack = await process.done(await process.create("s", content))
        assert stack.status is Status.COMPLETE, stack.reason
        told = await process.told(stack)
        assert {"firewall CREATE_FAILED", "tap CREATE_FAILED"} <= set(told)
        assert [each["status"] for kind in kinds for each in made.objects(kind)] == ["INACTIVE", "ACTIVE"]


async def test_rolled_back_chain_is_made_again(made: World) -> None:
    chained = ("pair", "other_pair", "group", "classifier", "chain")
    parts = {name: BASE[name] for name in ("net", "subnet", "port", "other_port")}
    parts |= {name: all_types()["resources"][name] for name in chained}
    other = all_types("replacing")["resources"]["chain"]
    late = resource("OS::Heat::TestResource", "chain", fail=True)
    async with made.process() as process:
        stack = await process.done(await process.create("s", template(**parts)))
        assert stack.status is Status.COMPLETE, stack.reason
        (before,) = made.objects("port_chains")
        changed = template(**{**parts, "chain": other}, late=late)
        stack = await process.done(await process.update(stack, changed, disable_rollback=False))
        assert state(stack) == "ROLLBACK_COMPLETE", stack.reason
        (after,) = made.objects("port_chains")
        assert after["id"] == (await process.rows(stack))["chain"].physical_id != before["id"]
        own = ("name", "port_pair_groups", "flow_classifiers", "chain_parameters")
        assert [after[name] for name in own] == [before[name] for name in own]
        assert state(await process.done(await process.delete(stack))) == "DELETE_COMPLETE"
        assert made.counts() == {}
