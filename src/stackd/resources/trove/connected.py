"""What databases follow: the service wants a router on the subnets that they are reached by. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from stackd.resources.follows import ANY, Follows, Key, Siblings
from stackd.resources.neutron.reach import entry_subnets
from stackd.resources.neutron.siblings import INTERFACE, SUBNET, network_key, subnet_key


def _networks(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    return [network_key(each) if isinstance(each, Mapping) else ANY for each in _entries(properties)]


def _subnets(properties: Mapping[str, Any], siblings: Siblings) -> Iterable[Key]:
    return [key for each in _entries(properties) for key in entry_subnets(each, siblings)]


def _entries(properties: Mapping[str, Any]) -> Iterator[Any]:
    """The connections of an instance, or of all instances of a cluster; anything for what is not known."""
    networks, members = properties.get("networks"), properties.get("instances")
    yield from networks if isinstance(networks, list) else [networks] if networks else ()
    for each in members if isinstance(members, list) else [members] if members else ():
        yield from _entries(each) if isinstance(each, Mapping) else (each,)


CONNECTED: Final = (
    Follows(SUBNET, key=network_key, keys=_networks, guess=True),
    Follows(INTERFACE, key=subnet_key, keys=_subnets, guess=True),
)
"""Heat orders none of these, so they give way where they would close a circle."""
