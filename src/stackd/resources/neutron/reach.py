"""How ports of a stack reach the external network: what a floating IP requires. Pure.

Before they exist, siblings are identified by their logical names. Where a property already has the
id of an object, its sibling cannot be identified; then every candidate counts:
a requirement too many costs only order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stackd.resources.base import Sibling, Siblings
from stackd.resources.neutron.siblings import either, key_of, network_key, same
from stackd.resources.rules import is_set
from stackd.template.unknown import Unknown


def path_between(network: Any, port: Any, siblings: Siblings) -> list[str]:
    """Names of what connects a port's network with an external one."""
    return [*gateways_to(network, siblings), *interfaces_for(port, siblings)]


def gateways_to(network: Any, siblings: Siblings) -> list[str]:
    """Names of the routers (and former router gateways) that lead to an external network."""
    if not is_set(network):
        return []
    return [
        each.name
        for kind in ("OS::Neutron::Router", "OS::Neutron::RouterGateway")
        for each in siblings.grouped(kind, _outside_of).get(key_of(network), ())
    ]


def interfaces_for(port: Any, siblings: Siblings) -> list[str]:
    """Names of the router interfaces on the subnets of a port."""
    ports = _candidates(port, siblings)
    return [
        each.name
        for each in siblings.of("OS::Neutron::RouterInterface")
        if any(_serves(each.properties, candidate.properties, siblings) for candidate in ports)
    ]


def interfaces_for_first_address(port: Any, siblings: Siblings) -> list[str]:
    """Names of the router interfaces on the subnet of a port's first address."""
    first = [_subnets_of(each.properties)[:1] for each in _candidates(port, siblings)]
    return [
        each.name
        for each in siblings.of("OS::Neutron::RouterInterface")
        if any(_on_one_of(each.properties, subnets) for subnets in first)
    ]


def _outside_of(properties: Mapping[str, Any]) -> Any:
    """What the external network of a router, or of a router's gateway, is recognised by."""
    gateway = properties.get("external_gateway_info")
    return key_of(gateway.get("network")) if isinstance(gateway, Mapping) else network_key(properties)


def _candidates(port: Any, siblings: Siblings) -> Sequence[Sibling]:
    """The ports that a value can mean: one by name, or any by an id that we cannot compare."""
    if not is_set(port):
        return []
    ports = siblings.of("OS::Neutron::Port")
    if not isinstance(port, Unknown):
        return ports
    return [each for each in ports if each.name == port.resource]


def _subnets_of(port: Mapping[str, Any]) -> list[Any]:
    addresses = port.get("fixed_ips")
    if not isinstance(addresses, list):
        return []
    return [either(each, "subnet", "subnet_id") for each in addresses if isinstance(each, Mapping)]


def _on_one_of(interface: Mapping[str, Any], subnets: Iterable[Any]) -> bool:
    subnet = either(interface, "subnet", "subnet_id")
    return any(same(subnet, other) for other in subnets)


def _serves(interface: Mapping[str, Any], port: Mapping[str, Any], siblings: Siblings) -> bool:
    """Whether an interface is on a subnet of the port; of its network, if the port names no subnet."""
    subnets = _subnets_of(port)
    if subnets:
        return _on_one_of(interface, subnets)
    subnet = either(interface, "subnet", "subnet_id")
    if not isinstance(subnet, Unknown):
        return True
    network = either(port, "network", "network_id")
    on_it = siblings.grouped("OS::Neutron::Subnet", network_key).get(key_of(network), ())
    return is_set(network) and any(each.name == subnet.resource for each in on_it)
