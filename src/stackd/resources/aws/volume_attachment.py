"""AWS::EC2::VolumeAttachment, a volume in an instance."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import ResourceType
from stackd.resources.cinder.attaching import attach, attachments_of, detach, is_attached
from stackd.resources.constraints import matches
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IMMUTABLE, Properties, prop


class VolumeAttachmentProps(Properties):
    """Properties of ``AWS::EC2::VolumeAttachment``."""

    device: str = prop(
        "The device in the instance, from /dev/vdb on; it may choose another.",
        name="Device",
        required=True,
        update=IMMUTABLE,
        constraints=[matches("/dev/vd[b-z]")],
    )
    instance: str = prop(
        "The instance.", name="InstanceId", required=True, update=IMMUTABLE, find="nova.server"
    )
    volume: str = prop(
        "The volume to attach.", name="VolumeId", required=True, update=IMMUTABLE, find="cinder.volume"
    )


@resource_type("AWS::EC2::VolumeAttachment")
class VolumeAttachment(ResourceType[VolumeAttachmentProps]):
    """Attaches a volume to an instance, and detaches it again; nothing of it can be changed."""

    service = "volume"
    waits_for = "the volume is attached to the instance"

    async def create(self, ctx: Context, props: VolumeAttachmentProps) -> None:
        """Ask the server to take the volume."""
        made = await attach(ctx, props.instance, props.volume, props.device)
        await ctx.created(made["id"])

    async def is_ready(self, ctx: Context, props: VolumeAttachmentProps) -> bool:
        """Whether the volume has arrived."""
        return await is_attached(ctx, props.instance, props.volume)

    async def delete(self, ctx: Context, props: VolumeAttachmentProps) -> None:
        """Take the volume out and wait until it is free."""
        async with ctx.turn(props.volume):  # the volume may be changing without its servers
            await detach(ctx, props.instance, props.volume)

    async def find(self, ctx: Context, props: VolumeAttachmentProps) -> Sequence[JSON]:
        """The attachment of this volume in the server's list."""
        return await attachments_of(ctx, props.instance, props.volume)
