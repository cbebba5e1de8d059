"""AWS::EC2::SubnetRouteTableAssociation, which lets a route table serve a subnet."""

from __future__ import annotations

from stackd.resources.aws.vpc_routers import connect, disconnect, router_at, router_of_vpc
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop


class AssociationProps(Properties):
    """Properties of ``AWS::EC2::SubnetRouteTableAssociation``."""

    table: str = prop("Id of the route table.", name="RouteTableId", required=True)
    subnet: str = prop("Name or id of the subnet.", name="SubnetId", required=True, find="neutron.subnet")


@resource_type("AWS::EC2::SubnetRouteTableAssociation")
class SubnetRouteTableAssociation(ResourceType[AssociationProps]):
    """Moves a subnet from the router that serves it to the route table's.

    The cloud has no object for it; its physical id names both, so that a replacement takes the same over.
    """

    service = "network"

    async def create(self, ctx: Context, props: AssociationProps) -> None:
        """Only the id; the subnet is moved next, and can be so again."""
        await ctx.created(f"{props.table}:{props.subnet}")

    async def configure(self, ctx: Context, props: AssociationProps) -> None:
        """Move the subnet to the route table."""
        await connect(ctx, props.subnet, props.table)

    async def undo_replace(self, ctx: Context, props: AssociationProps) -> None:
        """Take the subnet back from the association that was to replace this one."""
        await connect(ctx, props.subnet, props.table)

    async def delete(self, ctx: Context, props: AssociationProps) -> None:
        """Give the subnet back to the VPC's router; one that another association moved stays there."""
        if await router_at(ctx, props.subnet) not in (props.table, None):  # none after an interruption here
            return
        vpc = (await ctx.cloud.network.get(f"/subnets/{props.subnet}"))["subnet"]["network_id"]
        if router := await router_of_vpc(ctx, vpc):
            await connect(ctx, props.subnet, router["id"])
        else:
            await disconnect(ctx, props.subnet, props.table)
