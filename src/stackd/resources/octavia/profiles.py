"""Flavors and availability zones of load balancers, which have profiles: what they have in common."""

from __future__ import annotations

from stackd.clients.lookup import Collection
from stackd.resources.entity import Entity
from stackd.resources.octavia.balanced import SERVICE
from stackd.resources.schema import IN_PLACE, Properties, prop


def operated(key: str, path: str, plural: str = "", *, identity: str = "id") -> Entity:
    """The collection of one kind of object, which the operator of the service makes."""
    return Entity(SERVICE, f"/lbaas/{path}", key, plural or path, update="PUT", id_field=identity)


def names(title: str, entity: Entity) -> Collection:
    """The collection in which such objects are looked up by name."""
    return Collection(title, SERVICE, entity.path, entity.plural, id=entity.id_field)


class OfferProps(Properties):
    """What users choose by its name, and the operator describes by a profile."""

    description: str = prop("What it is for.", default="", update=IN_PLACE)
    enabled: bool = prop("Whether new load balancers can have it.", default=True, update=IN_PLACE)
    name: str | None = prop("Its name, which is unique.", update=IN_PLACE)


class ProfileProps(Properties):
    """What a provider of load balancers reads."""

    name: str | None = prop("Name of the profile.", update=IN_PLACE)
    provider_name: str | None = prop("The provider that reads the profile.", update=IN_PLACE)
