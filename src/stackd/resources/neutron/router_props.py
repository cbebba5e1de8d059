"""The properties of OS::Neutron::Router."""

from __future__ import annotations

from typing import Any

from stackd.resources.neutron.gateway import GatewayProps
from stackd.resources.neutron.network import owner, tags, value_specs
from stackd.resources.schema import IN_PLACE, Properties, Support, prop


class RouterProps(Properties):
    """Properties of a router."""

    name: str | None = prop("Name of the router.", update=IN_PLACE)
    external_gateway_info: GatewayProps | None = prop("The router's way to the outside.", update=IN_PLACE)
    value_specs: dict[str, Any] = value_specs()
    admin_state_up: bool = prop("Whether the router forwards.", default=True, update=IN_PLACE)
    l3_agent_id: str | None = prop(
        "Id of the L3 agent that serves the router.",
        update=IN_PLACE,
        support=Support(
            "HIDDEN", "6.0.0", previous=Support("DEPRECATED", "2015.1", previous=Support(version="2014.1"))
        ),
    )
    l3_agent_ids: list[str] | None = prop(
        "Ids of the L3 agents that serve the router; several only if it is highly available.",
        update=IN_PLACE,
        since="2015.1",
    )
    distributed: bool | None = prop("Whether the router works on every compute host.", since="2015.1")
    ha: bool | None = prop("Whether the router is highly available.", since="2015.1")
    availability_zone_hints: list[Any] | None = prop(
        "Availability zones in which the router should be.", update=IN_PLACE, since="19.0.0"
    )
    tags: list[str] | None = tags("router")
    tenant_id: str | None = owner("router", since="24.0.0")
