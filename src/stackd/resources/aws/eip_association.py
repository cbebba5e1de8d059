"""AWS::EC2::EIPAssociation, which lets an address lead to an instance or a network interface."""

from __future__ import annotations

from typing import Any

from stackd.errors import PropertyError, ResourceFailure
from stackd.records import Resource
from stackd.resources.aws.vpc_routers import WAY_OUT, gateway_of, router_of_vpc, set_gateway
from stackd.resources.base import ResourceType
from stackd.resources.constraints import custom
from stackd.resources.context import Context
from stackd.resources.nova.floating_ips import leave_port, port_of_instance, reach_port
from stackd.resources.registry import resource_type
from stackd.resources.rules import at_least_one, at_most_one, is_set
from stackd.resources.schema import IN_PLACE, Properties, prop

_NAME = "name"
_ADDRESSES = frozenset({"EIP", "AllocationId"})
_TARGETS = frozenset({"InstanceId", "NetworkInterfaceId"})


class EIPAssociationProps(Properties):
    """Properties of ``AWS::EC2::EIPAssociation``."""

    instance: str | None = prop(
        "The instance to be reached.", name="InstanceId", update=IN_PLACE, find="nova.server"
    )
    address: str | None = prop("The address.", name="EIP", update=IN_PLACE, constraints=[custom("ip_addr")])
    allocation: str | None = prop(
        "Id of the floating IP, in place of its address.", name="AllocationId", update=IN_PLACE
    )
    interface: str | None = prop(
        "Id of the network interface to be reached.", name="NetworkInterfaceId", update=IN_PLACE
    )


@resource_type("AWS::EC2::EIPAssociation")
class EIPAssociation(ResourceType[EIPAssociationProps]):
    """Lets a floating IP lead to a port. The cloud has no object for it; its physical id names both."""

    service = "compute"
    follows = WAY_OUT

    def validate(self, props: EIPAssociationProps) -> None:
        """One address, and something that it leads to."""
        at_most_one(props, "EIP", "AllocationId")
        at_least_one(props, "EIP", "AllocationId")
        at_least_one(props, "InstanceId", "NetworkInterfaceId")
        if is_set(props.data.get("EIP")) and not is_set(props.data.get("InstanceId")):
            raise PropertyError(
                "InstanceId must be given with EIP.",
                path="properties.InstanceId",
                remedy="Give it a value, or use AllocationId in place of EIP.",
            )

    def needs_replace(
        self, old: EIPAssociationProps, new: EIPAssociationProps, changed: frozenset[str]
    ) -> str | None:
        """Another address for something else is another association."""
        both = changed & _ADDRESSES and changed & _TARGETS
        return "the address and what it leads to change together" if both else None

    async def create(self, ctx: Context, props: EIPAssociationProps) -> None:
        """Find both ends; the association is made next, and can be so again."""
        await ctx.put_data(**{_NAME: ctx.physical_name})
        await ctx.created(await _ends(ctx, props))

    async def configure(self, ctx: Context, props: EIPAssociationProps) -> None:
        """Let the address lead there."""
        floating_ip, _, port = ctx.physical_id.partition(":")
        if props.allocation:
            await _open_way(ctx, floating_ip, port)
        await reach_port(ctx, floating_ip, port)

    async def update(self, ctx: Context, old: EIPAssociationProps, new: EIPAssociationProps) -> None:
        """Another end; a former address leads nowhere then."""
        ends = await _ends(ctx, new)
        if ends.partition(":")[0] != ctx.physical_id.partition(":")[0]:
            await self.delete(ctx, old)
        await ctx.created(ends)
        await self.configure(ctx, new)

    async def delete(self, ctx: Context, props: EIPAssociationProps) -> None:
        """Let the address lead nowhere, unless it leads to something else by now."""
        floating_ip, _, port = ctx.physical_id.partition(":")
        await leave_port(ctx, floating_ip, port)

    def reference(self, resource: Resource) -> Any:
        """The name of the association."""
        return resource.data.get(_NAME) or resource.name


async def _ends(ctx: Context, props: EIPAssociationProps) -> str:
    """The ids of the floating IP and of the port, with a colon between them."""
    port = props.interface or await port_of_instance(ctx, str(props.instance))
    return f"{props.allocation or await _floating_ip(ctx, str(props.address))}:{port}"


async def _floating_ip(ctx: Context, address: str) -> str:
    found = await ctx.cloud.network.list_all("/floatingips", "floatingips", {"floating_ip_address": address})
    if not found:
        raise ResourceFailure(f"The project has no floating IP with the address {address}.")
    return str(found[0]["id"])


async def _open_way(ctx: Context, floating_ip: str, port: str) -> None:
    """Connect the router of the port's VPC with the address's network, unless it has a way out."""
    network = ctx.cloud.network
    inside = (await network.get(f"/ports/{port}"))["port"]["network_id"]
    router = await router_of_vpc(ctx, inside)
    if router and gateway_of(router) is None:
        outside = (await network.get(f"/floatingips/{floating_ip}"))["floatingip"]["floating_network_id"]
        await set_gateway(ctx, router, outside)
