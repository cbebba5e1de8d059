"""OS::Cinder::VolumeAttachment, a volume in a server."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import ResourceType
from stackd.resources.cinder.attaching import attach, attachments_of, detach, is_attached
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class VolumeAttachmentProps(Properties):
    """Properties of ``OS::Cinder::VolumeAttachment``."""

    instance_uuid: str = prop("Id of the server.", required=True, update=IN_PLACE)
    volume_id: str = prop("The volume to attach.", required=True, update=IN_PLACE, find="cinder.volume")
    mountpoint: str | None = prop("The device in the server, which may choose another.", update=IN_PLACE)


@resource_type("OS::Cinder::VolumeAttachment")
class VolumeAttachment(ResourceType[VolumeAttachmentProps]):
    """Attaches a volume to a server, and detaches it again."""

    service = "volume"
    waits_for = "the volume is attached to the server"

    async def create(self, ctx: Context, props: VolumeAttachmentProps) -> None:
        """Ask the server to take the volume."""
        made = await attach(ctx, props.instance_uuid, props.volume_id, props.mountpoint)
        await ctx.created(made["id"])

    async def is_ready(self, ctx: Context, props: VolumeAttachmentProps) -> bool:
        """Whether the volume has arrived."""
        return await is_attached(ctx, props.instance_uuid, props.volume_id)

    async def update(self, ctx: Context, old: VolumeAttachmentProps, new: VolumeAttachmentProps) -> None:
        """Take the volume out and put it, or another one, in again."""
        if ctx.data.get("detached") != new.data:
            async with ctx.turn(old.volume_id):
                await detach(ctx, old.instance_uuid, old.volume_id)
            await ctx.put_data(detached=new.data)
        found = await self.find(ctx, new)
        made = found[0] if found else await attach(ctx, new.instance_uuid, new.volume_id, new.mountpoint)
        await ctx.created(made["id"])
        await ctx.until(lambda: self.is_ready(ctx, new), self.waits_for)
        await ctx.put_data(detached=None)

    async def delete(self, ctx: Context, props: VolumeAttachmentProps) -> None:
        """Take the volume out and wait until it is free."""
        async with ctx.turn(props.volume_id):  # the volume may be changing without its servers
            await detach(ctx, props.instance_uuid, props.volume_id)

    async def find(self, ctx: Context, props: VolumeAttachmentProps) -> Sequence[JSON]:
        """The attachment of this volume in the server's list."""
        return await attachments_of(ctx, props.instance_uuid, props.volume_id)
