"""Common parts of the identity service's types: update by PATCH, and a mark.

The service does not return when an object was created. An object of an interrupted creation could not be
distinguished from an older one of the same name with another owner; so every object carries
the id of its resource, as one of the further fields that the service keeps for its clients.
"""

from __future__ import annotations

from typing import Any

from stackd.clients.lookup import Collection
from stackd.resources.entity import Entity
from stackd.resources.schema import IN_PLACE, Support, prop


def identity(key: str, plural: str) -> Entity:
    """The collection of one kind of object of the identity service."""
    found_by = ("name", "domain_id")
    return Entity(
        "identity", f"/{plural}", key, plural, update="PATCH", mark="stackd_resource", found_by=found_by
    )


def names(title: str, plural: str) -> Collection:
    """The collection in which objects are looked up by name, which may include their domain."""
    return Collection(f"Keystone{title}", "identity", f"/{plural}", plural, in_domain=True)


def domain_of(kind: str) -> Any:
    """Declare the property ``domain``."""
    return prop(
        f"Name or id of the {kind}'s domain.", default="default", update=IN_PLACE, find="keystone.domain"
    )


def since(version: str) -> Support:
    """A type that exists since this version, of which the service must speak version 3."""
    return Support(version=version, message="Needs version 3 of the Identity API.")
