"""OS::Keystone::Service, a service in the catalog."""

from __future__ import annotations

from typing import ClassVar

from stackd.clients.lookup import Collection
from stackd.resources.entity import Entity
from stackd.resources.keystone.identity import since
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class ServiceProps(Properties):
    """Properties of a service."""

    name: str | None = prop("Name of the service.", update=IN_PLACE)
    description: str | None = prop("What the service is for.", update=IN_PLACE)
    type: str = prop("Type by which clients find the service.", required=True, update=IN_PLACE)
    enabled: bool = prop("Whether the catalog has the service.", default=True, update=IN_PLACE, since="6.0.0")


@resource_type("OS::Keystone::Service", support=since("5.0.0"))
class Service(RestResource[ServiceProps]):
    """A service that the catalog lists with its endpoints."""

    entity = Entity(
        *("identity", "/services", "service", "services", "PATCH"),
        mark="stackd_resource",
        found_by=("name", "type"),
    )
    lookups: ClassVar = {
        "keystone.service": Collection("KeystoneService", "identity", "/services", "services")
    }
    fields: ClassVar = same("name", "description", "type", "enabled")
