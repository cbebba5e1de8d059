"""AWS::CloudFormation::WaitConditionHandle, a signed URL to which guests send signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.heat.addresses import signed_url
from stackd.resources.heat.wait_signals import AWS, merge, signals_in
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties

_URL = "ec2_signed_url"


@resource_type("AWS::CloudFormation::WaitConditionHandle", since="2014.1")
class WaitConditionHandle(ResourceType[Properties]):
    """Gathers signals, which are sent to the signed URL that a reference to it gives."""

    signalable = True
    remade = True

    async def create(self, ctx: Context, props: Properties) -> None:
        """Make the user whose key signs the URL."""
        user = await ctx.users.make(keypair=True)
        await ctx.created(user.user_id)

    async def configure(self, ctx: Context, props: Properties) -> None:
        """Keep the URL: what refers to it must see the same one always."""
        if _URL not in ctx.data:
            user = await ctx.users.make(keypair=True)
            url = signed_url(ctx.endpoints, ctx.stack, ctx.resource.name, user, "waitcondition")
            await ctx.put_data(**{_URL: url})

    async def delete(self, ctx: Context, props: Properties) -> None:
        """Delete the user, with whom the URL becomes invalid."""
        await ctx.users.remove()

    def own_metadata(self, stored: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
        """The signals."""
        return signals_in(AWS, stored)

    async def signal(self, ctx: Context, details: Mapping[str, Any] | None) -> str | None:
        """Keep a signal under its id in the metadata."""
        signals, text = merge(AWS, ctx.resource.metadata, details)
        await ctx.put_metadata(signals)
        return text

    def reference(self, resource: Resource) -> Any:
        """The signed URL, or the name before there is one."""
        return resource.data.get(_URL) or resource.name
