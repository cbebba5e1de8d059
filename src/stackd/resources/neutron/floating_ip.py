"""OS::Neutron::FloatingIP, an address of an external network for a port inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from stackd.resources.base import Entity, ResourceType, Siblings, attr
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.neutron import objects, reach
from stackd.resources.neutron.objects import Field, fields, is_set
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, REPLACE, Properties, Support, prop

_FLOATING_IP = Entity("network", "/floatingips", "floatingip", "floatingips", name_filter="")
_FIELDS = fields(
    "floating_ip_address",
    floating_network=Field("floating_network_id"),
    floating_subnet=Field("subnet_id"),
    port_id=Field("port_id", cleared=None),
    fixed_ip_address=Field("fixed_ip_address", cleared=None),
    dns_name=Field("dns_name", cleared=""),
    dns_domain=Field("dns_domain", cleared=""),
)
_ASSOCIATION = frozenset({"port_id", "fixed_ip_address"})


class FloatingIPProps(Properties):
    """Properties of a floating IP."""

    floating_network_id: str | None = prop(
        "",
        find="neutron.network",
        moved_to="floating_network",
        support=Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.2")),
    )
    floating_network: str = prop(
        "Name or id of the external network.", required=True, find="neutron.network", since="2014.2"
    )
    floating_subnet: str | None = prop(
        "Name or id of the external subnet from which the address is taken.",
        find="neutron.subnet",
        since="9.0.0",
    )
    value_specs: dict[str, Any] = objects.value_specs(REPLACE)
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
class FloatingIP(ResourceType[FloatingIPProps]):
    """An outside address that is translated to the address of a port inside.

    The API knows no names of floating IPs: our deterministic name is kept as the description.
    """

    properties = FloatingIPProps
    service = "network"
    entity = _FLOATING_IP
    attributes: ClassVar = {
        "router_id": attr("Id of the router that translates the address."),
        "tenant_id": attr("Project that owns the address."),
        "floating_network_id": attr("Id of the external network."),
        "fixed_ip_address": attr("The address inside.", lazy=True),
        "floating_ip_address": attr("The address outside."),
        "port_id": attr("Id of the port that is reached.", lazy=True),
    }

    def validate(self, props: FloatingIPProps) -> None:
        """An inner address is one of a port."""
        objects.check_value_specs(props)
        if is_set(props.fixed_ip_address):
            objects.at_least_one(props, "port_id")

    def implicit_requires(self, props: FloatingIPProps, siblings: Siblings) -> Iterable[str]:
        """What connects the port's network with the external one: translation needs that path."""
        return [
            *reach.gateways_to(props.floating_network, siblings),
            *reach.interfaces_for(props.port_id, siblings),
        ]

    async def create(self, ctx: Context, props: FloatingIPProps) -> None:
        """Take an address."""
        body = {"description": ctx.physical_name} | objects.creation(ctx, props, _FIELDS)
        reply = await ctx.cloud.network.post("/floatingips", {"floatingip": body})
        await ctx.created(reply["floatingip"]["id"], reply["floatingip"])

    async def find(self, ctx: Context, props: FloatingIPProps) -> Sequence[JSON]:
        """Addresses of the network with our description."""
        description = (props.value_specs or {}).get("description", ctx.physical_name)
        query = {"floating_network_id": props.floating_network, "description": description}
        found: list[JSON] = await ctx.cloud.network.list_all("/floatingips", "floatingips", query)
        return found

    def broken(self, live: JSON) -> bool:
        """Only what is in error has to be replaced."""
        return objects.in_error(live)

    async def update(self, ctx: Context, old: FloatingIPProps, new: FloatingIPProps) -> None:
        """Send what differs; port and inner address belong together."""
        body = objects.change(ctx, old, new, _FIELDS)
        if _ASSOCIATION & new.changed(old):
            body |= {"port_id": new.port_id or None, "fixed_ip_address": new.fixed_ip_address or None}
        await objects.put(ctx, _FLOATING_IP, body)

    async def lazy_attribute(self, ctx: Context, name: str) -> Any:
        """What others may have changed since: an association is a resource of its own."""
        return (await ctx.live(fresh=True)).get(name)
