"""OS::Neutron::Net, a network of one project."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.context import Context
from stackd.resources.neutron.agents import DHCP, assign
from stackd.resources.neutron.net_props import NetProps
from stackd.resources.neutron.network import BUILT, names, naming_ports, network, segments_of
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same


@resource_type("OS::Neutron::Net")
class Net(RestResource[NetProps]):
    """A virtual network to which ports are connected."""

    entity = network("network", tags=True)
    lookups: ClassVar = {"neutron.network": names("Network", "/networks")}
    readiness = BUILT
    survives = True
    fields: ClassVar = same("name", "admin_state_up", "shared", "tenant_id", "availability_zone_hints") | {
        "port_security_enabled": Field("port_security_enabled", cleared=KEEP),
        "qos_policy": Field("qos_policy_id", cleared=None),
        "dns_domain": Field("dns_domain", cleared=""),
    }
    attributes: ClassVar = {
        "status": attr("State of the network."),
        "name": attr("Name of the network."),
        "subnets": attr("Ids of the network's subnets.", "list"),
        "admin_state_up": attr("Whether the network carries traffic."),
        "tenant_id": attr("Project that owns the network."),
        "port_security_enabled": attr("Whether new ports are guarded.", "boolean", since="5.0.0"),
        "mtu": attr("Largest packet in bytes.", "integer", since="5.0.0"),
        "qos_policy_id": attr("Id of the QoS policy.", since="6.0.0"),
        "l2_adjacency": attr("Whether all ports are in one broadcast domain.", "boolean", since="9.0.0"),
        "segments": attr("Segments of the network.", "list", read=segments_of, since="11.0.0"),
    }

    async def configure(self, ctx: Context, props: NetProps) -> None:
        """Agents are chosen, too."""
        if props.dhcp_agent_ids:
            await assign(ctx, DHCP, props.dhcp_agent_ids)
        await super().configure(ctx, props)

    async def delete(self, ctx: Context, props: NetProps) -> None:
        """Ports that keep it from going are named."""
        async with naming_ports(ctx, network_id=str(ctx.physical_id)):
            await super().delete(ctx, props)

    async def update(self, ctx: Context, old: NetProps, new: NetProps) -> None:
        """Without a list of agents, those that serve the network stay."""
        await super().update(ctx, old, new)
        if new.dhcp_agent_ids is not None and new.dhcp_agent_ids != old.dhcp_agent_ids:
            await assign(ctx, DHCP, new.dhcp_agent_ids)
