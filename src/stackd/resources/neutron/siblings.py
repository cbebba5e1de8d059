"""How objects of the network service are recognised among the resources of a stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.resources.base import Siblings
from stackd.resources.rules import is_set
from stackd.template.unknown import Unknown


def key_of(value: Any) -> Any:
    """What two values must share to mean the same object.

    A reference to a sibling that has no object yet stands for its logical name.
    """
    return value.resource if isinstance(value, Unknown) and not value.path else value


def same(one: Any, other: Any) -> bool:
    """Whether two property values mean the same object."""
    return is_set(one) and key_of(one) == key_of(other)


def either(properties: Mapping[str, Any], *names: str) -> Any:
    """The first value that there is under the current or a former name of a property."""
    return next((properties[name] for name in names if is_set(properties.get(name))), None)


def network_key(properties: Mapping[str, Any]) -> Any:
    """What the network of a port or subnet is recognised by."""
    return key_of(either(properties, "network", "network_id"))


def subnets_of(network: Any, siblings: Siblings) -> list[str]:
    """Names of the sibling subnets on a network."""
    if not is_set(network):
        return []
    by_network = siblings.grouped("OS::Neutron::Subnet", network_key)
    return [each.name for each in by_network.get(key_of(network), ())]
