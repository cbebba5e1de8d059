"""The properties of OS::Neutron::FloatingIP."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import custom
from stackd.resources.neutron.network import former, value_specs
from stackd.resources.schema import IN_PLACE, REPLACE, Properties, prop


class FloatingIPProps(Properties):
    """Properties of a floating IP."""

    floating_network_id: str | None = former("floating_network", "neutron.network")
    floating_network: str = prop(
        "Name or id of the external network.", required=True, find="neutron.network", since="2014.2"
    )
    floating_subnet: str | None = prop(
        "Name or id of the external subnet from which the address is taken.",
        find="neutron.subnet",
        since="9.0.0",
    )
    value_specs: dict[str, Any] = value_specs(REPLACE)
    port_id: str | None = prop(
        "Name or id of the port that is reached by the address.", update=IN_PLACE, find="neutron.port"
    )
    fixed_ip_address: str | None = prop(
        "Which of the port's addresses is reached.", update=IN_PLACE, constraints=[custom("ip_addr")]
    )
    floating_ip_address: str | None = prop(
        "The address itself; only administrators may choose it by default.",
        constraints=[custom("ip_addr")],
        since="5.0.0",
    )
    dns_name: str | None = prop(
        "DNS name of the address.", update=IN_PLACE, constraints=[custom("rel_dns_name")], since="7.0.0"
    )
    dns_domain: str | None = prop(
        "DNS domain of the name.", update=IN_PLACE, constraints=[custom("dns_domain")], since="7.0.0"
    )
