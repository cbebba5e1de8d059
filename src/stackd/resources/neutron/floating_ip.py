"""OS::Neutron::FloatingIP, an address of an external network for a port inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.base import Siblings
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.neutron import reach
from stackd.resources.neutron.network import former, network, value_specs
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.rules import at_least_one, is_set
from stackd.resources.schema import IN_PLACE, REPLACE, Properties, prop

_ASSOCIATION = frozenset({"port_id", "fixed_ip_address"})


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


@resource_type("OS::Neutron::FloatingIP")
class FloatingIP(RestResource[FloatingIPProps]):
    """An outside address that is translated to the address of a port inside.

    The API knows no names of floating IPs: our deterministic name is kept as the description.
    """

    entity = network("floatingip", name_field="description", found_by=("floating_network_id", "description"))
    survives = True
    fields: ClassVar = {
        "floating_ip_address": "floating_ip_address",
        "floating_network": "floating_network_id",
        "floating_subnet": "subnet_id",
        "port_id": Field("port_id", cleared=None),
        "fixed_ip_address": Field("fixed_ip_address", cleared=None),
        "dns_name": Field("dns_name", cleared=""),
        "dns_domain": Field("dns_domain", cleared=""),
    }
    attributes: ClassVar = {
        "router_id": attr("Id of the router that translates the address."),
        "tenant_id": attr("Project that owns the address."),
        "floating_network_id": attr("Id of the external network."),
        "fixed_ip_address": attr("The address inside.", how=LIVE),
        "floating_ip_address": attr("The address outside."),
        "port_id": attr("Id of the port that is reached.", how=LIVE),
    }

    def validate(self, props: FloatingIPProps) -> None:
        """An inner address is one of a port."""
        super().validate(props)
        if is_set(props.fixed_ip_address):
            at_least_one(props, "port_id")

    def implicit_requires(self, props: FloatingIPProps, siblings: Siblings) -> Iterable[str]:
        """What connects the port's network with the external one: translation needs that path."""
        return [
            *reach.gateways_to(props.floating_network, siblings),
            *reach.interfaces_for(props.port_id, siblings),
        ]

    async def change(self, ctx: Context, old: FloatingIPProps, new: FloatingIPProps) -> JSON:
        """Port and inner address belong together."""
        body = await super().change(ctx, old, new)
        if _ASSOCIATION & new.changed(old):
            body |= {"port_id": new.port_id or None, "fixed_ip_address": new.fixed_ip_address or None}
        return body
