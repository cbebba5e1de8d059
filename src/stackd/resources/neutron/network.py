"""What the objects of the network service have in common: collections, statuses, shared properties."""

from __future__ import annotations

from typing import Any

from stackd.resources.entity import Entity, Readiness
from stackd.resources.schema import IN_PLACE, Support, prop

BUILT = Readiness(ready=("ACTIVE", "DOWN"), working=("BUILD",))
"""Of networks, ports, routers and trunks, which the service builds after it has answered."""

_HIDDEN = Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2"))


def network(key: str, *, plural: str = "", tags: bool = False, **others: Any) -> Entity:
    """The collection of one kind of object of the network service."""
    plural = plural or f"{key}s"
    path = f"/{plural.replace('_', '-')}"
    return Entity("network", path, key, plural, update="PUT", tags=tags, **others)


def value_specs(update: Any = IN_PLACE) -> Any:
    """Declare the property ``value_specs``."""
    return prop("Further fields of the request, for extensions of the API.", default={}, update=update)


def tags(kind: str) -> Any:
    """Declare the property ``tags``."""
    return prop(f"Tags of the {kind}.", update=IN_PLACE, since="9.0.0")


def former(now: str, find: str, description: str = "", support: Support = _HIDDEN) -> Any:
    """Declare a property that has another name ``now``."""
    return prop(description, find=find, moved_to=now, support=support)
