"""What the objects have in common that plug-ins of the network service add: firewalls, VPNs, chains, taps."""

from __future__ import annotations

from typing import Any, Final

from stackd.resources.entity import Entity, Readiness
from stackd.resources.rest import Field
from stackd.resources.schema import IN_PLACE, prop

DESCRIPTION: Final = Field("description", cleared="")
"""The service takes no null there."""

SETTLED: Final = Readiness(ready=("ACTIVE", "INACTIVE", "DOWN"), working=("PENDING_CREATE", "PENDING_UPDATE"))
"""Of firewalls and tunnels. What is switched off is DOWN, and so is a tunnel whose other end is silent."""


def plugged(path: str, key: str, plural: str, **others: Any) -> Entity:
    """The collection of one kind of object at ``path``."""
    return Entity("network", path, key, plural, update="PUT", **others)


def name_of(what: str) -> Any:
    """Declare the property ``name``."""
    return prop(f"Name of the {what}.", update=IN_PLACE)


def description_of(what: str) -> Any:
    """Declare the property ``description``."""
    return prop(f"What the {what} is for.", update=IN_PLACE)


def switch_of(what: str) -> Any:
    """Declare the property ``admin_state_up``."""
    return prop(f"Whether the {what} works; it can be switched off.", default=True, update=IN_PLACE)
