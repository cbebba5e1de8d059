"""By what objects of the network service are recognised among the resources of a stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.resources.follows import ANY, Key, either, key_of

SUBNET: Final = "OS::Neutron::Subnet"
ROUTER: Final = "OS::Neutron::Router"
GATEWAY: Final = "OS::Neutron::RouterGateway"
INTERFACE: Final = "OS::Neutron::RouterInterface"
PORT: Final = "OS::Neutron::Port"
SERVER: Final = "OS::Nova::Server"


def network_key(properties: Mapping[str, Any]) -> Key:
    """The network of a port, subnet or router gateway."""
    return key_of(either(properties, "network", "network_id"))


def floating_network_key(properties: Mapping[str, Any]) -> Key:
    """The external network of a floating IP."""
    return key_of(either(properties, "floating_network", "floating_network_id"))


def outside_key(properties: Mapping[str, Any]) -> Key:
    """The external network of a router."""
    gateway = properties.get("external_gateway_info")
    return key_of(gateway.get("network")) if isinstance(gateway, Mapping) else None


def router_key(properties: Mapping[str, Any]) -> Key:
    """The router of an interface, a gateway or extra routes."""
    return key_of(either(properties, "router", "router_id"))


def subnet_key(properties: Mapping[str, Any]) -> Key:
    """The subnet of a router interface; it may be any if the interface is a port."""
    subnet = either(properties, "subnet", "subnet_id")
    return ANY if subnet is None else key_of(subnet)
