"""OS::Neutron::FloatingIPAssociation, the translation of a floating IP to a port."""

from __future__ import annotations

from contextlib import suppress

from stackd.errors import CloudNotFound
from stackd.resources.base import ResourceType
from stackd.resources.constraints import custom
from stackd.resources.context import Context
from stackd.resources.follows import Follows
from stackd.resources.neutron import reach
from stackd.resources.neutron.siblings import INTERFACE, subnet_key
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class AssociationProps(Properties):
    """Properties of an association."""

    floatingip_id: str = prop("Id of the floating IP.", required=True, update=IN_PLACE)
    port_id: str = prop("Name or id of the port.", required=True, update=IN_PLACE, find="neutron.port")
    fixed_ip_address: str | None = prop(
        "Which of the port's addresses is reached.", update=IN_PLACE, constraints=[custom("ip_addr")]
    )


@resource_type("OS::Neutron::FloatingIPAssociation")
class FloatingIPAssociation(ResourceType[AssociationProps]):
    """Lets a floating IP reach a port; the cloud has no object for it, so it has our own id."""

    service = "network"
    follows = (
        Follows(INTERFACE, key=subnet_key, keys=reach.first_addressed_subnet),
        reach.POSSIBLE_INTERFACES,
    )

    async def create(self, ctx: Context, props: AssociationProps) -> None:
        """Point the floating IP at the port."""
        await _associate(ctx, props)
        await ctx.created(ctx.resource.id)

    async def update(self, ctx: Context, old: AssociationProps, new: AssociationProps) -> None:
        """Point at the port; a former floating IP is released first."""
        if new.floatingip_id != old.floatingip_id:
            await self.delete(ctx, old)
        if new.changed(old):
            await _associate(ctx, new)

    async def delete(self, ctx: Context, props: AssociationProps) -> None:
        """Take the floating IP off our port; one that reaches another by now is not ours any more."""
        path = f"/floatingips/{props.floatingip_id}"
        with suppress(CloudNotFound):
            if (await ctx.cloud.network.get(path))["floatingip"]["port_id"] == props.port_id:
                await ctx.cloud.network.put(path, {"floatingip": {"port_id": None}})


async def _associate(ctx: Context, props: AssociationProps) -> None:
    body = {"port_id": props.port_id, "fixed_ip_address": props.fixed_ip_address or None}
    await ctx.cloud.network.put(f"/floatingips/{props.floatingip_id}", {"floatingip": body})
