"""OS::Nova::FloatingIPAssociation, which lets a floating IP lead to a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.follows import ANY, Follows, Key, Siblings
from stackd.resources.neutron.siblings import GATEWAY, INTERFACE, network_key
from stackd.resources.nova.floating_ip import retired
from stackd.resources.nova.floating_ips import leave_port, port_of_instance, reach_port
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_NAME = "name"


def _any(properties: Mapping[str, Any], siblings: Siblings) -> Sequence[Key]:
    return (ANY,)


class AssociationProps(Properties):
    """Properties of an association."""

    server_id: str = prop("Name or id of the server.", required=True, update=IN_PLACE, find="nova.server")
    floating_ip: str = prop("Id of the floating IP.", required=True, update=IN_PLACE)


@resource_type("OS::Nova::FloatingIPAssociation", support=retired("Use OS::Neutron::FloatingIPAssociation."))
class FloatingIPAssociation(ResourceType[AssociationProps]):
    """Lets a floating IP lead to the first port of a server.

    The cloud has no object for it; its physical id names both. Translation needs a way from the port to the
    outside, and any interface and gateway of the stack may be on it.
    """

    service = "compute"
    follows = tuple(Follows(kind, key=network_key, keys=_any, guess=True) for kind in (INTERFACE, GATEWAY))

    async def create(self, ctx: Context, props: AssociationProps) -> None:
        """Find both ends; the association is made next, and can be so again."""
        await ctx.put_data(**{_NAME: ctx.physical_name})
        await ctx.created(await _ends(ctx, props))

    async def configure(self, ctx: Context, props: AssociationProps) -> None:
        """Let the address lead there."""
        floating_ip, _, port = ctx.physical_id.partition(":")
        await reach_port(ctx, floating_ip, port)

    async def update(self, ctx: Context, old: AssociationProps, new: AssociationProps) -> None:
        """Another end; a former address leads nowhere then."""
        if new.floating_ip != old.floating_ip:
            await self.delete(ctx, old)
        await ctx.created(await _ends(ctx, new))
        await self.configure(ctx, new)

    async def delete(self, ctx: Context, props: AssociationProps) -> None:
        """Let the address lead nowhere, unless it leads to something else by now."""
        floating_ip, _, port = ctx.physical_id.partition(":")
        await leave_port(ctx, floating_ip, port)

    def reference(self, resource: Resource) -> Any:
        """The name of the association."""
        return resource.data.get(_NAME) or resource.name


async def _ends(ctx: Context, props: AssociationProps) -> str:
    """The ids of the floating IP and of the port, with a colon between them."""
    return f"{props.floating_ip}:{await port_of_instance(ctx, props.server_id)}"
