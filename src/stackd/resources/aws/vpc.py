"""AWS::EC2::VPC, a network of one project with a router of its own."""

from __future__ import annotations

from contextlib import suppress

from stackd.errors import CloudNotFound, PropertyError
from stackd.resources.aws.instance_parts import Pair, tags_without_effect
from stackd.resources.aws.vpc_routers import ROUTER
from stackd.resources.beside import made_once
from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.entity import find_made
from stackd.resources.neutron.network import BUILT, naming_ports, network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import Properties, prop

_ROUTER = "router_id"


class VPCProps(Properties):
    """Properties of ``AWS::EC2::VPC``."""

    cidr: str | None = prop("Range of the VPC; the subnets have ranges of their own.", name="CidrBlock")
    tenancy: str = prop(
        "Where instances run; only default is there.",
        name="InstanceTenancy",
        default="default",
        constraints=[one_of("default", "dedicated")],
    )
    tags: list[Pair] | None = tags_without_effect()


@resource_type("AWS::EC2::VPC")
class VPC(RestResource[VPCProps]):
    """A network, and a router of the same name for those subnets that have no route table."""

    entity = network("network")
    readiness = BUILT
    survives = True

    def validate(self, props: VPCProps) -> None:
        """No hosts are set aside for one project."""
        if props.data.get("InstanceTenancy") == "dedicated":
            raise PropertyError(
                "Dedicated instances are not implemented.",
                path="properties.InstanceTenancy",
                remedy="Leave it out, or use host aggregates.",
            )

    async def configure(self, ctx: Context, props: VPCProps) -> None:
        """Make the router."""
        if _ROUTER not in ctx.data:
            router = await made_once(ctx, ROUTER, {"name": ctx.physical_name})
            await ctx.put_data(**{_ROUTER: router["id"]})

    async def delete(self, ctx: Context, props: VPCProps) -> None:
        """Delete the router, then the network; ports that keep it from going are named."""
        for router in await _routers(ctx):
            with suppress(CloudNotFound):
                await ctx.cloud.network.delete(f"/routers/{router}")
        async with naming_ports(ctx, network_id=ctx.physical_id):
            await super().delete(ctx, props)


async def _routers(ctx: Context) -> list[str]:
    """The router's id, looked up if it was never stored."""
    if known := ctx.data.get(_ROUTER):
        return [str(known)]
    return [str(each["id"]) for each in await find_made(ctx, ROUTER, {"name": ctx.physical_name})]
