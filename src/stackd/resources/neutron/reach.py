"""How ports of a stack reach the outside: what a floating IP has to wait for. Pure.

Before they exist, siblings are told apart by their logical names. Where a property already has the
id of an object, it cannot be told which sibling that is; then every one that could be meant counts:
a requirement too many costs only order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stackd.resources.base import Sibling
from stackd.resources.neutron.objects import either, is_set, same
from stackd.template.unknown import Unknown


def gateways_to(network: Any, siblings: Iterable[Sibling]) -> list[str]:
    """Names of the routers (and former router gateways) that lead to an external network."""
    return [each.name for each in siblings if same(network, _outside_of(each))]


def interfaces_for(port: Any, siblings: Sequence[Sibling]) -> list[str]:
    """Names of the router interfaces on the subnets of a port."""
    if not is_set(port):
        return []
    ports = [each for each in siblings if each.kind == "OS::Neutron::Port" and _may_be(port, each)]
    return [
        each.name
        for each in siblings
        if each.kind == "OS::Neutron::RouterInterface"
        and any(_serves(each.properties, candidate.properties, siblings) for candidate in ports)
    ]


def interfaces_for_first_address(port: Any, siblings: Sequence[Sibling]) -> list[str]:
    """Names of the router interfaces on the subnet of a port's first address."""
    first = [
        _subnets_of(each.properties)[:1]
        for each in siblings
        if each.kind == "OS::Neutron::Port" and _may_be(port, each)
    ]
    return [
        each.name
        for each in siblings
        if each.kind == "OS::Neutron::RouterInterface"
        and any(_on_one_of(each.properties, subnets) for subnets in first)
    ]


def _outside_of(sibling: Sibling) -> Any:
    if sibling.kind == "OS::Neutron::RouterGateway":
        return either(sibling.properties, "network", "network_id")
    gateway = sibling.properties.get("external_gateway_info")
    is_router = sibling.kind == "OS::Neutron::Router"
    return gateway.get("network") if is_router and isinstance(gateway, Mapping) else None


def _may_be(value: Any, sibling: Sibling) -> bool:
    """Whether a value can mean this sibling: by name, or by an id that we cannot compare."""
    if isinstance(value, Unknown):
        return value.resource == sibling.name
    return is_set(value)


def _subnets_of(port: Mapping[str, Any]) -> list[Any]:
    addresses = port.get("fixed_ips")
    if not isinstance(addresses, list):
        return []
    return [either(each, "subnet", "subnet_id") for each in addresses if isinstance(each, Mapping)]


def _on_one_of(interface: Mapping[str, Any], subnets: Iterable[Any]) -> bool:
    subnet = either(interface, "subnet", "subnet_id")
    return any(same(subnet, other) for other in subnets)


def _serves(interface: Mapping[str, Any], port: Mapping[str, Any], siblings: Iterable[Sibling]) -> bool:
    """Whether an interface is on a subnet of the port; of its network, if the port names no subnet."""
    subnets = _subnets_of(port)
    if subnets:
        return _on_one_of(interface, subnets)
    subnet = either(interface, "subnet", "subnet_id")
    if not isinstance(subnet, Unknown):
        return True
    network = either(port, "network", "network_id")
    return any(
        each.name == subnet.resource and same(network, either(each.properties, "network", "network_id"))
        for each in siblings
    )
