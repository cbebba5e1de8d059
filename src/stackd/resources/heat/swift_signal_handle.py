"""OS::Heat::SwiftSignalHandle, an object in Swift to which guests write signals."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.heat import guests
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties

_URL = "signal_url"


def _url(resource: Resource) -> str | None:
    return resource.data.get(_URL)


def _command(resource: Resource) -> str | None:
    return f"curl -i -X PUT '{resource.data[_URL]}'" if _URL in resource.data else None


@resource_type("OS::Heat::SwiftSignalHandle", since="2014.2")
class SwiftSignalHandle(ResourceType[Properties]):
    """Gathers signals in an object of Swift: whoever has its URL may write them, without a user or token."""

    service = "object-store"
    attributes: ClassVar = {
        "token": attr("Always empty: no token is needed.", compute=lambda resource: ""),
        "endpoint": attr("The URL to which signals are written.", compute=_url),
        "curl_cli": attr(
            'A command that writes a signal, to be followed by --data-binary \'{"status": "SUCCESS"}\'.',
            compute=_command,
        ),
    }

    async def create(self, ctx: Context, props: Properties) -> None:
        """Choose the object's name, which is known before there is an object."""
        await ctx.created(ctx.physical_name)

    async def configure(self, ctx: Context, props: Properties) -> None:
        """Make the object, and keep its URL."""
        await guests.prepare_object(ctx, ctx.stack.id, ctx.physical_id, keep_all=True)
        if _URL not in ctx.data:
            await ctx.put_data(**{_URL: await guests.object_url(ctx, ctx.stack.id, ctx.physical_id)})

    async def delete(self, ctx: Context, props: Properties) -> None:
        """Remove the object and its older versions, and the container with the last one."""
        await guests.remove_object(ctx, ctx.stack.id, ctx.physical_id)

    def reference(self, resource: Resource) -> Any:
        """The URL, or the name before there is one."""
        return resource.data.get(_URL) or resource.name
