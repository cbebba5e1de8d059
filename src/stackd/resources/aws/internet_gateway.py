"""AWS::EC2::InternetGateway, the way out of a VPC before it is attached."""

from __future__ import annotations

from stackd.resources.aws.instance_parts import Pair, tags_without_effect
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties


class InternetGatewayProps(Properties):
    """Properties of ``AWS::EC2::InternetGateway``."""

    tags: list[Pair] | None = tags_without_effect()


@resource_type("AWS::EC2::InternetGateway")
class InternetGateway(ResourceType[InternetGatewayProps]):
    """A name that stands for the external network of the cloud, which is there already."""

    local = True

    async def create(self, ctx: Context, props: InternetGatewayProps) -> None:
        """Make nothing but a name."""
        await ctx.created(ctx.physical_name)

    async def delete(self, ctx: Context, props: InternetGatewayProps) -> None:
        """Delete nothing."""
