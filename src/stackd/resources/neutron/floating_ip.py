"""OS::Neutron::FloatingIP, an address of an external network for a port inside."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.context import JSON, Context
from stackd.resources.follows import Follows, one
from stackd.resources.neutron import reach
from stackd.resources.neutron.floating_ip_props import FloatingIPProps
from stackd.resources.neutron.network import network
from stackd.resources.neutron.siblings import (
    GATEWAY,
    INTERFACE,
    ROUTER,
    floating_network_key,
    network_key,
    outside_key,
    subnet_key,
)
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.rules import at_least_one, is_set


@resource_type("OS::Neutron::FloatingIP")
class FloatingIP(RestResource[FloatingIPProps]):
    """An outside address for a port inside; as it has no name in the API, ours is its description.

    It follows what connects the port's network with the external one: translation needs that path.
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
    follows = (
        Follows(GATEWAY, key=network_key, keys=one(floating_network_key)),
        Follows(ROUTER, key=outside_key, keys=one(floating_network_key)),
        Follows(INTERFACE, key=subnet_key, keys=reach.addressed_subnets),
        reach.POSSIBLE_INTERFACES,
    )
    shown_by: ClassVar = {"port_id": ("port_id", "fixed_ip_address", "router_id")}
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

    async def change(self, ctx: Context, old: FloatingIPProps, new: FloatingIPProps) -> JSON:
        """Port and inner address belong together."""
        body = await super().change(ctx, old, new)
        if new.changed(old) & {"port_id", "fixed_ip_address"}:
            body |= {"port_id": new.port_id or None, "fixed_ip_address": new.fixed_ip_address or None}
        return body
