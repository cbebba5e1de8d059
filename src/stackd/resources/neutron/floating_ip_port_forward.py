"""OS::Neutron::FloatingIPPortForward, one port of an outside address that leads to a port inside."""

from __future__ import annotations

from typing import ClassVar

from stackd.clients.lookup import Collection
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.context import JSON, Context
from stackd.resources.follows import Follows
from stackd.resources.inside import InsideResource
from stackd.resources.neutron import reach
from stackd.resources.neutron.network import network
from stackd.resources.neutron.siblings import INTERFACE, subnet_key
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import IN_PLACE, Properties, prop

_TARGET = ("internal_port_id", "internal_ip_address", "internal_port", "protocol")


class FloatingIPPortForwardProps(Properties):
    """Properties of a port forwarding."""

    internal_ip_address: str = prop(
        "Which of the inner port's addresses is reached.",
        required=True,
        update=IN_PLACE,
        constraints=[custom("ip_addr")],
    )
    internal_port_number: int | None = prop(
        "The TCP or UDP port inside.", update=IN_PLACE, constraints=[between(1, 65535)]
    )
    external_port: int = prop(
        "The TCP or UDP port outside.", required=True, update=IN_PLACE, constraints=[between(1, 65535)]
    )
    internal_port: str = prop(
        "Name or id of the network port that is reached.",
        required=True,
        update=IN_PLACE,
        find="neutron.port",
    )
    protocol: str = prop(
        "The protocol that is forwarded.",
        required=True,
        update=IN_PLACE,
        constraints=[one_of("tcp", "udp", "icmp", "icmp6", "sctp", "dccp")],
    )
    floating_ip: str = prop("Id of the floating IP, or its address.", required=True)


@resource_type("OS::Neutron::FloatingIPPortForward", since="19.0.0")
class FloatingIPPortForward(InsideResource[FloatingIPPortForwardProps]):
    """Lets one port of a floating IP reach a port inside.

    It lives below its floating IP, which has one for each outer port and protocol. The name of a floating IP
    is its address.
    """

    extension = "floating-ip-port-forwarding"
    entity = network(
        "port_forwarding",
        path="/floatingips/{floating_ip}/port_forwardings",
        name_field="",
        distinct=True,
        found_by=("external_port", "protocol"),
    )
    lookups: ClassVar = {
        "neutron.floatingip": Collection(
            "Floating IP", "network", "/floatingips", "floatingips", name="floating_ip_address"
        )
    }
    inside = "floating_ip"
    survives = True
    checkable = True
    fields: ClassVar = same("internal_ip_address", "external_port", "protocol") | {
        "internal_port_number": "internal_port",
        "internal_port": "internal_port_id",
    }
    follows = (
        Follows(INTERFACE, key=subnet_key, keys=reach.first_addressed_subnet),
        reach.POSSIBLE_INTERFACES,
    )

    async def owner_of(self, ctx: Context, props: FloatingIPPortForwardProps) -> str:
        """The id of the floating IP."""
        return await ctx.find.id_of("neutron.floatingip", props.floating_ip)

    async def displace(self, ctx: Context, props: FloatingIPPortForwardProps) -> None:
        """Take the inner port back from the replacement: it can be reached by one floating IP only."""
        await _release(ctx, self.body(ctx, props))


async def _release(ctx: Context, wanted: JSON) -> None:
    """Remove what other floating IPs forward to the same inner port."""
    network = ctx.cloud.network
    listed = await network.list_all("/floatingips", "floatingips")
    for floating in (each for each in listed if each["id"] != ctx.data.get("floating_ip")):
        for each in floating.get("port_forwardings") or ():
            if all(each.get(name) == wanted.get(name) for name in _TARGET):
                await network.delete(f"/floatingips/{floating['id']}/port_forwardings/{each['id']}")
