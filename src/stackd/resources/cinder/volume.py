"""OS::Cinder::Volume, a disk that outlives the servers it is used in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError, ResourceFailure
from stackd.records import Resource
from stackd.resources import copies
from stackd.resources.attributes import LIVE, attr
from stackd.resources.cinder import backup, changes
from stackd.resources.cinder.volume_props import VolumeProps
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.nova.hints import with_stack
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.rest import Field, RestResource, same
from stackd.resources.schema import Support

_CREATED = ("size", "availability_zone", "volume_type", "source_volid", "snapshot_id")
_WRITTEN = ("name", "description")
_OLD_ATTACHMENTS = Support("DEPRECATED", "9.0.0", previous=Support(version="2015.1"))


@resource_type("OS::Cinder::Volume")
class Volume(RestResource[VolumeProps]):
    """A disk: empty, or a copy of an image, snapshot, volume or backup.

    A backup is restored into a new volume by a request of its own, and each change but those of name and
    description is one, too.
    """

    entity = Entity("volume", "/volumes", "volume", "volumes", "PUT", list_path="/volumes/detail")
    lookups: ClassVar = {"cinder.volume": Collection("Volume", "volume", "/volumes", "volumes", paged=True)}
    fields: ClassVar = same(*_CREATED, *_WRITTEN) | {
        "image": "imageRef",
        "metadata": Field("metadata", convert=as_text),
    }
    waits_for = "the volume is available"
    awaits_deletion = True
    checkable = True
    good_statuses = ("available", "in-use")
    snapshots = True
    kept = (backup.ID,)
    rewritten = ("backup_id",)
    shown_by: ClassVar = {
        "volume_type": ("availability_zone", "encrypted", "multiattach"),
        "backup_id": ("bootable",),
    }
    attributes: ClassVar = {
        "availability_zone": attr("The availability zone of the volume."),
        "size": attr("Size in GB."),
        "snapshot_id": attr("The snapshot that the volume was made from."),
        "display_name": attr("Name of the volume.", source="name"),
        "display_description": attr("What the volume is for.", source="description"),
        "volume_type": attr("Type of the volume."),
        "metadata": attr("JSON of the pairs on the volume."),
        "metadata_values": attr("The pairs on the volume.", "map", source="metadata"),
        "source_volid": attr("The volume that this one was copied from."),
        "status": attr("State of the volume.", how=LIVE),
        "created_at": attr("When the volume was made."),
        "bootable": attr("Whether a server can start from the volume."),
        "encrypted": attr("Whether the volume is encrypted."),
        "attachments": attr("JSON of the servers that use the volume.", how=LIVE, support=_OLD_ATTACHMENTS),
        "attachments_list": attr(
            "The servers that use the volume.", "list", LIVE, source="attachments", since="9.0.0"
        ),
        "multiattach": attr("Whether several servers may use the volume.", "boolean", since="6.0.0"),
    }

    def validate(self, props: VolumeProps) -> None:
        """A volume has a size or one source, and never two sources."""
        if props.data.get("backup_id") is not None:
            return
        sources = [
            name for name in ("image", "snapshot_id", "source_volid") if props.data.get(name) is not None
        ]
        given = ", ".join(sources) or "none"
        if props.data.get("size") is None and (len(sources) != 1 or "image" in sources):
            raise PropertyError(
                "Without backup_id and size exactly one of snapshot_id and source_volid must be given, "
                f"but there are: {given}.",
                remedy="Give the volume a size.",
            )
        if len(sources) > 1:
            raise PropertyError(
                f"Only one of image, snapshot_id and source_volid can be given, but there are: {given}.",
                remedy="Choose one source.",
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

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """All attributes but a few are text."""
        values = super().attribute_values(resource, live)
        return {name: _text(value, self.attributes[name].type) for name, value in values.items()}

    async def create(self, ctx: Context, props: VolumeProps) -> None:
        """Make the volume, or restore a backup into a new one."""
        if props.backup_id:
            name = props.name or ctx.physical_name
            await ctx.created(await backup.restore_new(ctx, props.backup_id, name))
        else:
            await super().create(ctx, props)

    async def make(self, ctx: Context, props: VolumeProps) -> JSON:
        """Hints for the scheduler stand beside the volume."""
        request = self.entity.wrap(self.body(ctx, props))
        if hints := with_stack(ctx, props.scheduler_hints):
            request["OS-SCH-HNT:scheduler_hints"] = hints
        return self.entity.unwrap(await ctx.cloud.volume.post("/volumes", request))

    async def configure(self, ctx: Context, props: VolumeProps) -> None:
        """Describe a restored volume, and set the flag once the volume is there."""
        if props.backup_id:
            body = {"name": props.name or ctx.physical_name, "metadata": as_text(props.metadata)}
            await self.write(ctx, body | props.body("description"))
        if props.read_only is not None:
            await ctx.poll(self.ready, self.waits_for)
            await changes.set_read_only(ctx, props.read_only)

    async def change(self, ctx: Context, old: VolumeProps, new: VolumeProps) -> JSON:
        """Only name and description are written with the volume."""
        body = await super().change(ctx, old, new)
        return {name: body[name] for name in _WRITTEN if name in body}

    async def update(self, ctx: Context, old: VolumeProps, new: VolumeProps) -> None:
        """Change what differs, one thing after another."""
        size = new.size if new.size != old.size else None
        # The size of ``old`` may never have been reached.
        if size is not None and size < (await ctx.live(fresh=True))["size"]:
            raise ResourceFailure("Shrinking volume is not supported.")
        await super().update(ctx, old, new)
        if new.metadata != old.metadata:
            path = f"/volumes/{ctx.physical_id}/metadata"
            await ctx.cloud.volume.put(path, {"metadata": as_text(new.metadata)})
        if new.volume_type and new.volume_type != old.volume_type:
            await changes.retype(ctx, new.volume_type)
        restores = new.backup_id is not None and new.backup_id != old.backup_id
        flags = new.read_only is not None and new.read_only != old.read_only
        if restores or flags or ctx.data.get("reattach"):
            await changes.while_detached(
                ctx, lambda: changes.rewrite(ctx, new, restores=restores, flags=flags)
            )
        if size is not None:
            await changes.extend(ctx, size)

    async def delete(self, ctx: Context, props: VolumeProps) -> None:
        """Delete a volume that no server uses; with deletion policy Snapshot back it up first."""
        await changes.remove(ctx)

    async def snapshot(self, ctx: Context, props: VolumeProps) -> None:
        """Back the volume up."""
        await backup.make(ctx, ctx.physical_id, copies.snapshot_name(ctx))

    async def delete_snapshot(self, ctx: Context, kept: Mapping[str, Any]) -> None:
        """Remove a backup that ``snapshot`` made."""
        if (identity := await copies.known_id(kept, backup.ID, partial(backup.find, ctx))) is not None:
            await backup.remove(ctx, identity)

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties that bring a snapshot back: its backup is the only source."""
        sources = ("image", "imageRef", "snapshot_id", "source_volid")
        others = {name: value for name, value in properties.items() if name not in sources}
        return others | {"backup_id": kept["backup_id"]}


def _text(value: Any, kind: str) -> Any:
    if value is None or kind != "string" or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
