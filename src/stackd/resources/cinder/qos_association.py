"""OS::Cinder::QoSAssociation, which volume types have QoS specs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from stackd.errors import CloudNotFound
from stackd.resources.base import ResourceType
from stackd.resources.cinder.qos_specs import change
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class QoSAssociationProps(Properties):
    """Properties of ``OS::Cinder::QoSAssociation``."""

    qos_specs: str = prop("Name or id of the QoS specs.", required=True, find="cinder.qos_specs")
    volume_types: list[str] = prop(
        "Names or ids of the volume types that have them.",
        required=True,
        update=IN_PLACE,
        element_find="cinder.vtype",
    )


@resource_type("OS::Cinder::QoSAssociation", since="8.0.0")
class QoSAssociation(ResourceType[QoSAssociationProps]):
    """Has volumes of some types obey QoS specs. The cloud has no object for it; its id is that of the specs.

    A volume type has one set of specs, so the old ones go before others take their place.
    """

    service = "volume"
    extension = "qos-specs"

    def broken(self, live: JSON) -> bool:
        """One that failed is changed in place."""
        return False

    async def create(self, ctx: Context, props: QoSAssociationProps) -> None:
        """There is nothing to make before the types are associated."""
        await ctx.created(props.qos_specs)

    async def configure(self, ctx: Context, props: QoSAssociationProps) -> None:
        """Associate the types."""
        await _exchange(ctx, (), props.volume_types)

    async def update(self, ctx: Context, old: QoSAssociationProps, new: QoSAssociationProps) -> None:
        """Take the specs off types, and give them to others."""
        await _exchange(ctx, old.volume_types, new.volume_types)

    async def delete(self, ctx: Context, props: QoSAssociationProps) -> None:
        """Take the specs off the types."""
        await _exchange(ctx, props.volume_types, ())

    async def prepare_for_replace(self, ctx: Context, props: QoSAssociationProps) -> None:
        """Free the types for other specs."""
        await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: QoSAssociationProps) -> None:
        """Give the specs back to the types, which may have others by now."""
        for volume_type in props.volume_types:
            await _free(ctx, volume_type)
        await self.configure(ctx, props)


async def _exchange(ctx: Context, old: Iterable[str], new: Iterable[str]) -> None:
    path, before, after = f"/qos-specs/{ctx.physical_id}", set(old), set(new)
    for volume_type in sorted(before - after):
        with suppress(CloudNotFound):
            await change(ctx, f"{path}/disassociate", vol_type_id=volume_type)
    for volume_type in sorted(after - before):
        await change(ctx, f"{path}/associate", vol_type_id=volume_type)


async def _free(ctx: Context, volume_type: str) -> None:
    """Take other specs than ours off a type. Idempotent: ignores 404."""
    with suppress(CloudNotFound):
        holder = (await ctx.cloud.volume.get(f"/types/{volume_type}"))["volume_type"].get("qos_specs_id")
        if holder and holder != ctx.physical_id:
            await change(ctx, f"/qos-specs/{holder}/disassociate", vol_type_id=volume_type)
