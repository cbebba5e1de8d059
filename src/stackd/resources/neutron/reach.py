"""On which subnets a port is, so that router interfaces there come before its floating IP. Pure.

The port may be a resource of the stack, one that a server of the stack gets, or any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stackd.resources.follows import ANY, OUTSIDE, Follows, Key, Siblings, either, key_of
from stackd.resources.neutron.siblings import (
    INTERFACE,
    PORT,
    SERVER,
    SUBNET,
    network_key,
    subnet_key,
)
from stackd.template.unknown import Unknown


def addressed_subnets(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    """The subnets that the port of a floating IP names for its addresses."""
    port = _port(properties)
    sibling = siblings.named(port.resource) if isinstance(port, Unknown) and not port.path else None
    named = _named_subnets(sibling.properties) if sibling is not None and sibling.kind == PORT else []
    return [key for key in named if key is not None]


def first_addressed_subnet(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    """The subnet that the port of an association names for its first address."""
    return list(addressed_subnets(properties, siblings))[:1]


def port_subnets(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    """All subnets on which the port of a floating IP may have an address."""
    return _of_port(_port(properties), siblings)


def server_networks(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    """The networks that a server is connected to; a subnet of which none is known counts, too."""
    entries = properties.get("networks")
    if not entries:
        return ()
    known = entries if isinstance(entries, list) else [None]
    return (None, *(network_key(each) or ANY if isinstance(each, Mapping) else ANY for each in known))


def floating_subnets(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    """The subnets on which a server is to be reached by a floating IP."""
    for each in _entries(properties):
        if isinstance(each, Mapping) and each.get("floating_ip"):
            yield from entry_subnets(each, siblings)


def entry_subnets(entry: Any, siblings: Siblings) -> Iterable[Key]:
    """The subnets of one network connection of a server."""
    if not isinstance(entry, Mapping):
        return (ANY,)
    if entry.get("port"):
        return _of_port(entry["port"], siblings)
    if entry.get("subnet"):
        return (key_of(entry["subnet"]),)
    return _of_network(network_key(entry), siblings)


POSSIBLE_INTERFACES = Follows(INTERFACE, key=subnet_key, keys=port_subnets, guess=True)
"""What an address needs which is translated to a port, wherever that comes from."""


def _port(properties: Mapping[str, Any]) -> Any:
    """The port inside that is reached by a floating IP, wholly or by one of its port numbers."""
    return either(properties, "port_id", "internal_port")


def _of_port(port: Any, siblings: Siblings) -> Iterable[Key]:
    if port in (None, ""):
        return ()
    sibling = siblings.named(port.resource) if isinstance(port, Unknown) else None
    if sibling is None or sibling.kind not in (PORT, SERVER):
        return (ANY,)
    if sibling.kind == PORT:
        return _of_sibling(sibling.properties, siblings)
    entries = _entries(sibling.properties)
    return [key for each in entries for key in entry_subnets(each, siblings)] or (ANY,)


def _of_sibling(port: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    """The subnets of a port of the stack: those that it names, or else those of its network."""
    named = _named_subnets(port)
    if named and None not in named:
        return named
    return [*(key for key in named if key), *_of_network(network_key(port), siblings)]


def _named_subnets(port: Mapping[str, Any]) -> list[Key]:
    addresses = port.get("fixed_ips")
    if not isinstance(addresses, list):
        return []
    return [
        key_of(either(each, "subnet", "subnet_id")) if isinstance(each, Mapping) else ANY
        for each in addresses
    ]


def _entries(server: Mapping[str, Any]) -> list[Any]:
    entries = server.get("networks")
    return entries if isinstance(entries, list) else []


def _of_network(network: Key, siblings: Siblings) -> Iterable[Key]:
    """The subnets on a network: those of the stack and, if it is not of the stack, others."""
    if network is None or network == ANY:
        return (ANY,)
    sure, guessed = siblings.index(SUBNET, network_key).find((network,))
    outside = (OUTSIDE,) if isinstance(network, str) else ()
    return [*(Unknown(name) for name in sure | guessed), *outside]
