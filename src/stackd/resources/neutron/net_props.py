"""The properties of OS::Neutron::Net."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import custom
from stackd.resources.neutron.network import owner, tags, value_specs
from stackd.resources.schema import IN_PLACE, Properties, prop


class NetProps(Properties):
    """Properties of a network."""

    name: str | None = prop("Name of the network.", update=IN_PLACE)
    value_specs: dict[str, Any] = value_specs()
    admin_state_up: bool = prop("Whether the network carries traffic.", default=True, update=IN_PLACE)
    tenant_id: str | None = owner("network")
    shared: bool = prop("Whether all projects may use the network.", default=False, update=IN_PLACE)
    dhcp_agent_ids: list[Any] | None = prop("Ids of the DHCP agents that serve the network.", update=IN_PLACE)
    port_security_enabled: bool | None = prop(
        "Whether new ports of the network are guarded by security groups.", update=IN_PLACE, since="5.0.0"
    )
    qos_policy: str | None = prop(
        "Name or id of the QoS policy of the network.",
        update=IN_PLACE,
        find="neutron.qos_policy",
        since="6.0.0",
    )
    dns_domain: str | None = prop(
        "DNS domain of the network's ports.",
        update=IN_PLACE,
        constraints=[custom("dns_domain")],
        since="7.0.0",
    )
    availability_zone_hints: list[Any] | None = prop(
        "Availability zones in which the network should be served.", since="19.0.0"
    )
    tags: list[str] | None = tags("network")
