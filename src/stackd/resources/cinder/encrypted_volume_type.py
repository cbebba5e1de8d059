"""OS::Cinder::EncryptedVolumeType, how volumes of a type are encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from stackd.errors import CloudNotFound
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_WRITTEN = ("provider", "control_location", "cipher", "key_size")


class EncryptionProps(Properties):
    """Properties of ``OS::Cinder::EncryptedVolumeType``."""

    provider: str = prop("What encrypts: a format such as luks.", required=True, update=IN_PLACE)
    control_location: str = prop(
        "Where encryption is done: by the compute service, or by the storage itself.",
        default="front-end",
        update=IN_PLACE,
        constraints=[one_of("front-end", "back-end")],
    )
    cipher: str | None = prop(
        "Algorithm of the encryption.",
        update=IN_PLACE,
        constraints=[one_of("aes-xts-plain64", "aes-cbc-essiv")],
    )
    key_size: int | None = prop("Size of the key in bits.", update=IN_PLACE)
    volume_type: str = prop("Name or id of the volume type.", required=True, find="cinder.vtype")


@resource_type("OS::Cinder::EncryptedVolumeType", since="5.0.0")
class EncryptedVolumeType(ResourceType[EncryptionProps]):
    """Has volumes of a type encrypted. It is a part of the type, and so has the type's id.

    A type has one encryption, so the old one goes before another takes its place.
    """

    service = "volume"
    extension = "encryption"

    def broken(self, live: JSON) -> bool:
        """One that failed is changed in place."""
        return False

    async def create(self, ctx: Context, props: EncryptionProps) -> None:
        """Have the volumes of the type encrypted."""
        await ctx.cloud.volume.post(_path(props.volume_type), {"encryption": props.body(*_WRITTEN)})
        await ctx.created(props.volume_type)

    async def find(self, ctx: Context, props: EncryptionProps) -> Sequence[JSON]:
        """The encryption of the type, if it is as it should be."""
        try:
            live = await ctx.cloud.volume.get(_path(props.volume_type))
        except CloudNotFound:  # the type is gone, and its encryption with it
            return []
        is_ours = live.items() >= props.body(*_WRITTEN).items()
        return [live | {"id": props.volume_type}] if is_ours else []

    async def update(self, ctx: Context, old: EncryptionProps, new: EncryptionProps) -> None:
        """Change what differs; the service refuses while there are volumes of the type."""
        if changed := new.changed_from(old, *_WRITTEN):
            await ctx.cloud.volume.put(f"{_path(ctx.physical_id)}/provider", {"encryption": changed})

    async def delete(self, ctx: Context, props: EncryptionProps) -> None:
        """Have new volumes of the type not encrypted any more."""
        await ctx.cloud.volume.delete(f"{_path(ctx.physical_id)}/provider")

    async def prepare_for_replace(self, ctx: Context, props: EncryptionProps) -> None:
        """Make room for the new encryption, which may be one of the same type."""
        with suppress(CloudNotFound):
            await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: EncryptionProps) -> None:
        """Encrypt as before, in place of the new encryption if that has come already."""
        if not await self.find(ctx, props):
            await self.prepare_for_replace(ctx, props)
            await self.create(ctx, props)


def _path(volume_type: str) -> str:
    return f"/types/{volume_type}/encryption"
