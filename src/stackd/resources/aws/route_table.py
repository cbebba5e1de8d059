"""AWS::EC2::RouteTable, a router for some of the subnets of a VPC."""

from __future__ import annotations

from stackd.resources.aws.instance_parts import Pair, tags_without_effect
from stackd.resources.aws.vpc_routers import gateway_of, router_of_vpc, table_mark
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.network import BUILT, network
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import Properties, prop


class RouteTableProps(Properties):
    """Properties of ``AWS::EC2::RouteTable``."""

    vpc: str = prop("Id of the VPC.", name="VpcId", required=True)
    tags: list[Pair] | None = tags_without_effect()


@resource_type("AWS::EC2::RouteTable", since="2014.1")
class RouteTable(RestResource[RouteTableProps]):
    """A router, with the same way to the outside as the VPC's own; its description names the VPC."""

    entity = network("router")
    readiness = BUILT
    survives = True

    async def creation(self, ctx: Context, props: RouteTableProps) -> JSON:
        """A VPC that is connected to the outside already passes that on."""
        body = self.body(ctx, props) | {"description": table_mark(props.vpc)}
        if external := gateway_of(await router_of_vpc(ctx, props.vpc)):
            body["external_gateway_info"] = {"network_id": external}
        return body
