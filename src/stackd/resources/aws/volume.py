"""AWS::EC2::Volume, a disk for instances."""

from __future__ import annotations

from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.aws.instance_parts import Pair, by_key
from stackd.resources.cinder import backup, changes
from stackd.resources.constraints import between
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource
from stackd.resources.rules import is_set
from stackd.resources.schema import IMMUTABLE, Properties, prop


class VolumeProps(Properties):
    """Properties of ``AWS::EC2::Volume``."""

    zone: str = prop(
        "The availability zone to put the volume into.",
        name="AvailabilityZone",
        required=True,
        update=IMMUTABLE,
    )
    size: int | None = prop("Size in GB.", name="Size", update=IMMUTABLE, constraints=[between(1)])
    snapshot: str | None = prop(
        "A backup to restore into the volume.", name="SnapshotId", update=IMMUTABLE, find="cinder.backup"
    )
    tags: list[Pair] | None = prop("Pairs of keys and texts on the volume.", name="Tags", update=IMMUTABLE)


@resource_type("AWS::EC2::Volume")
class Volume(RestResource[VolumeProps]):
    """An empty disk, or what a backup is restored to; nothing of it can be changed."""

    entity = Entity("volume", "/volumes", "volume", "volumes", "PUT", list_path="/volumes/detail")
    fields: ClassVar = {
        "AvailabilityZone": "availability_zone",
        "Size": "size",
        "Tags": Field("metadata", convert=by_key),
    }
    waits_for = "the volume is available"
    awaits_deletion = True
    checkable = True
    good_statuses = ("available", "in-use")

    def validate(self, props: VolumeProps) -> None:
        """A volume has a size or a backup."""
        if not is_set(props.data.get("Size")) and not is_set(props.data.get("SnapshotId")):
            raise PropertyError(
                "Either Size or SnapshotId must be given.",
                path="properties",
                remedy="Give the volume a size.",
            )

    def ready(self, live: JSON) -> bool:
        """Whether the volume can be used, or is used already."""
        return changes.is_usable(live)

    def broken(self, live: JSON) -> bool:
        """Only a volume in error or on its way out has to be replaced."""
        return changes.is_broken(live)

    def gone(self, live: JSON) -> bool:
        """Raise when the deletion failed."""
        return changes.is_leaving(live)

    async def create(self, ctx: Context, props: VolumeProps) -> None:
        """Make the volume, or restore a backup into a new one."""
        if props.snapshot:
            await ctx.created(await backup.restore_new(ctx, props.snapshot, ctx.physical_name))
        else:
            await super().create(ctx, props)

    async def configure(self, ctx: Context, props: VolumeProps) -> None:
        """Describe a restored volume."""
        if props.snapshot:
            await self.write(ctx, {"name": ctx.physical_name, "metadata": by_key(props.data["Tags"])})

    async def delete(self, ctx: Context, props: VolumeProps) -> None:
        """Delete a volume that no server uses; with deletion policy Snapshot back it up first."""
        await changes.remove(ctx)
