"""OS::Octavia::LoadBalancer, an address whose connections are spread over members."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.octavia.balanced import BALANCERS, STATUS, Balanced, in_turn, is_idle, names
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class LoadBalancerProps(Properties):
    """Properties of a load balancer."""

    name: str | None = prop("Name of the load balancer.", update=IN_PLACE)
    description: str = prop("What the load balancer is for.", default="", update=IN_PLACE)
    vip_subnet: str = prop(
        "Name or id of the subnet on which the load balancer has its address.",
        required=True,
        find="neutron.subnet",
    )
    vip_address: str | None = prop("Address of the load balancer.", constraints=[custom("ip_addr")])
    admin_state_up: bool = prop("Whether the load balancer works.", default=True, update=IN_PLACE)
    provider: str | None = prop("Provider of the load balancer; the cloud's default when it is left out.")
    tenant_id: str | None = prop(
        "Name or id of the project that owns the load balancer; only administrators may choose another.",
        find="keystone.project",
    )
    flavor: str | None = prop(
        "Name or id of the flavor of the load balancer.", find="octavia.flavor", since="14.0.0"
    )
    availability_zone: str | None = prop(
        "Availability zone in which the load balancer works.",
        find="octavia.availabilityzone",
        since="17.0.0",
    )


@resource_type("OS::Octavia::LoadBalancer", since="10.0.0")
class LoadBalancer(Balanced[LoadBalancerProps]):
    """An address with listeners. It is its own load balancer, and can be deleted in ERROR, too."""

    entity = BALANCERS
    lookups: ClassVar = {"octavia.loadbalancer": names("Load balancer", "loadbalancers")}
    fields: ClassVar = same(*("name", "vip_address", "admin_state_up", "provider", "availability_zone")) | {
        "description": Field("description", cleared=""),
        "vip_subnet": "vip_subnet_id",
        "tenant_id": "project_id",
        "flavor": "flavor_id",
    }
    attributes: ClassVar = {
        "vip_address": attr("Address of the load balancer."),
        "vip_port_id": attr("Id of the port that has the address."),
        "vip_subnet_id": attr("Id of the subnet of the address."),
        "pools": attr("The pools of the load balancer.", "list", LIVE),
        "flavor_id": attr("Id of the flavor of the load balancer."),
    }

    async def balancer(self, ctx: Context, props: LoadBalancerProps) -> str:
        """Itself."""
        return ctx.physical_id

    async def make(self, ctx: Context, props: LoadBalancerProps) -> JSON:
        """Nobody else changes what is not there yet."""
        return await RestResource.make(self, ctx, props)

    async def find(self, ctx: Context, props: LoadBalancerProps) -> Sequence[JSON]:
        """By its name, wherever it is."""
        return await self.find_placed(ctx, props)

    async def delete(self, ctx: Context, props: LoadBalancerProps) -> None:
        """Remove a load balancer that nobody changes."""
        await in_turn(ctx, ctx.physical_id, partial(RestResource.delete, self, ctx, props), _can_be_deleted)


def _can_be_deleted(live: JSON) -> bool:
    return live[STATUS] == "ERROR" or is_idle(live)
