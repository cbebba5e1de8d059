"""OS::Keystone::Endpoint, where a service is reached."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.constraints import one_of
from stackd.resources.entity import Entity
from stackd.resources.keystone.identity import since
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class EndpointProps(Properties):
    """Properties of an endpoint."""

    name: str | None = prop("Name of the endpoint.", update=IN_PLACE)
    region: str | None = prop("Id of the region of the endpoint.", update=IN_PLACE, find="keystone.region")
    service: str = prop("Name or id of the service.", required=True, update=IN_PLACE, find="keystone.service")
    interface: str = prop(
        "For whom the endpoint is.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("public", "internal", "admin")],
    )
    url: str = prop("URL of the service.", required=True, update=IN_PLACE)
    enabled: bool = prop(
        "Whether the catalog has the endpoint.", default=True, update=IN_PLACE, since="6.0.0"
    )


@resource_type("OS::Keystone::Endpoint", support=since("5.0.0"))
class Endpoint(RestResource[EndpointProps]):
    """The URL of a service, for some of its users in one region."""

    entity = Entity(
        *("identity", "/endpoints", "endpoint", "endpoints", "PATCH"),
        mark="stackd_resource",
        found_by=("service_id", "interface"),
    )
    fields: ClassVar = same("name", "interface", "url", "enabled") | {
        "region": Field("region_id", cleared=None),
        "service": "service_id",
    }
