"""A stack of the types that administrators of the network use, and of ways through one router.

Each row has the properties of a resource, those that change in place, and those that ask for a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
        anew={"remote_ip_prefix": "10.0.0.0/9"},
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


def stack_of(*chapters: str) -> dict[str, Any]:
    """The template in which every resource has the properties of these chapters, the later ones last."""
    found: dict[str, Any] = {}
    for name, life in LIVES.items():
        properties = {key: value for each in chapters for key, value in getattr(life, each).items()}
        found[name] = {"type": f"OS::Neutron::{life.kind}", "properties": properties}
    found["forward"]["depends_on"] = ["gateway"]
    return hot(found)


def shared_router(name: str, *numbers: int) -> dict[str, Any]:
    """A router with a gateway, and single routes and sets of routes that are added at the same time."""
    found = {key: LIVES[key] for key in ("subnet", "router", "interface", "gateway")}
    found |= {"net": Life("Net", {}), "router": Life("Router", {"name": name})}
    for number in numbers:
        found[f"route_{number}"] = Life("ExtraRoute", {"router_id": ref("router"), **hop(number)})
        routes = {"router": ref("router"), "routes": [hop(100 + number)]}
        found[f"routes_{number}"] = Life("ExtraRouteSet", routes)
    resources = {
        key: {"type": f"OS::Neutron::{life.kind}", "properties": dict(life.first)}
        for key, life in found.items()
    }
    return hot(resources)
