"""AWS::EC2::Subnet, a range of addresses in a VPC."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.aws.instance_parts import Pair, tags_without_effect
from stackd.resources.aws.ranges import check_range, version_of
from stackd.resources.aws.vpc_routers import connect, disconnect, router_at, router_of_vpc
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import naming_ports, network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import Properties, prop


class SubnetProps(Properties):
    """Properties of ``AWS::EC2::Subnet``."""

    zone: str | None = prop("Availability zone; it has no effect.", name="AvailabilityZone")
    cidr: str = prop("Range of the subnet in CIDR notation.", name="CidrBlock", required=True)
    vpc: str = prop("Id of the VPC.", name="VpcId", required=True)
    tags: list[Pair] | None = tags_without_effect()


@resource_type("AWS::EC2::Subnet")
class Subnet(RestResource[SubnetProps]):
    """A subnet of the VPC's network, which the VPC's router serves until it has a route table."""

    entity = network("subnet")
    survives = True
    fields: ClassVar = {"CidrBlock": "cidr", "VpcId": "network_id"}
    attributes: ClassVar = {
        "AvailabilityZone": attr(
            "The availability zone that was asked for.",
            compute=lambda resource: resource.properties.get("AvailabilityZone"),
        )
    }

    def validate(self, props: SubnetProps) -> None:
        """The range must be one."""
        check_range(props.data.get("CidrBlock"), "properties.CidrBlock")

    def body(self, ctx: Context, props: SubnetProps) -> JSON:
        """The version of the Internet Protocol is that of the range."""
        return super().body(ctx, props) | {"ip_version": version_of(props.cidr)}

    async def configure(self, ctx: Context, props: SubnetProps) -> None:
        """Connect it to the VPC's router, unless another one serves it."""
        router = await router_of_vpc(ctx, props.vpc)
        if router and await router_at(ctx, ctx.physical_id) is None:
            await connect(ctx, ctx.physical_id, router["id"])

    async def delete(self, ctx: Context, props: SubnetProps) -> None:
        """Take it away from its router first; ports that keep it from going are named."""
        subnet = ctx.physical_id
        if router := await router_at(ctx, subnet):
            await disconnect(ctx, subnet, router)
        async with naming_ports(ctx, fixed_ips=f"subnet_id={subnet}"):
            await super().delete(ctx, props)
