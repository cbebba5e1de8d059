"""AWS::EC2::VPCGatewayAttachment, which connects a VPC with the external network."""

from __future__ import annotations

from stackd.resources.aws.vpc_routers import TABLE, routers_of_vpc, set_gateway, vpc_key
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.follows import Follows, one
from stackd.resources.neutron.external import external_network
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop


class AttachmentProps(Properties):
    """Properties of ``AWS::EC2::VPCGatewayAttachment``."""

    vpc: str = prop("Id of the VPC.", name="VpcId", required=True)
    gateway: str | None = prop("Reference of the internet gateway.", name="InternetGatewayId")
    vpn_gateway: str | None = prop("Not implemented.", name="VpnGatewayId", implemented=False)


@resource_type("AWS::EC2::VPCGatewayAttachment")
class VPCGatewayAttachment(ResourceType[AttachmentProps]):
    """Gives the VPC's router and its route tables a way to the external network.

    The cloud has no object for it; its physical id is the VPC's, so that a replacement for the same VPC takes
    the connection over.
    """

    service = "network"
    follows = (Follows(TABLE, key=vpc_key, keys=one(vpc_key)),)

    async def create(self, ctx: Context, props: AttachmentProps) -> None:
        """Only the id; the routers are connected next, and can be so again."""
        await ctx.created(props.vpc)

    async def configure(self, ctx: Context, props: AttachmentProps) -> None:
        """Connect the routers with the outside."""
        external = await external_network(ctx)
        for router in await routers_of_vpc(ctx, props.vpc):
            await set_gateway(ctx, router, external)

    async def delete(self, ctx: Context, props: AttachmentProps) -> None:
        """Disconnect the routers; floating IPs that need them keep that from being done."""
        for router in await routers_of_vpc(ctx, props.vpc):
            await set_gateway(ctx, router, None)
