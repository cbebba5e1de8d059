"""OS::Cinder::Volume, a disk that outlives the servers it is used in."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from stackd.errors import PropertyError, ResourceFailure, ResourceInError
from stackd.records import Resource
from stackd.resources.base import Entity, ResourceType, attr
from stackd.resources.cinder import backup
from stackd.resources.cinder.attaching import attach, detach, devices_of, is_attached, servers_of
from stackd.resources.constraints import between
from stackd.resources.context import JSON, Context
from stackd.resources.nova.hints import with_stack
from stackd.resources.nova.metadata import as_text
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop

_READY = ("available", "in-use")
_WORKING = (
    *("creating", "restoring-backup", "downloading", "extending", "retyping", "uploading"),
    *("attaching", "detaching", "reserved", "backing-up"),
)
_OLD_ATTACHMENTS = Support("DEPRECATED", "9.0.0", previous=Support(version="2015.1"))
_OLD_IMAGE = Support("HIDDEN", "5.0.0", previous=Support("DEPRECATED", "2014.1"))
_OLD_MULTIATTACH = Support("HIDDEN", "13.0.0", previous=Support(version="6.0.0"))


class VolumeProps(Properties):
    """Properties of ``OS::Cinder::Volume``."""

    availability_zone: str | None = prop("The availability zone to put the volume into.")
    size: int | None = prop(
        "Size in GB. It may grow later but not shrink.", update=IN_PLACE, constraints=[between(1)]
    )
    snapshot_id: str | None = prop("A snapshot to make the volume from.", find="cinder.snapshot")
    backup_id: str | None = prop(
        "A backup to restore into the volume.", update=IN_PLACE, find="cinder.backup"
    )
    name: str | None = prop("Name of the volume.", update=IN_PLACE)
    description: str | None = prop("What the volume is for.", update=IN_PLACE)
    volume_type: str | None = prop("Type of the volume.", update=IN_PLACE, find="cinder.vtype")
    metadata: dict[str, Any] = prop("Pairs of keys and texts on the volume.", default={}, update=IN_PLACE)
    image_ref: str | None = prop(
        "An image to copy to the volume.", name="imageRef", support=_OLD_IMAGE, moved_to="image"
    )
    image: str | None = prop("An image to copy to the volume.", find="glance.image")
    source_volid: str | None = prop("A volume to copy.", find="cinder.volume")
    scheduler_hints: dict[str, Any] | None = prop("Hints for the scheduler.", since="2015.1")
    read_only: bool | None = prop("Whether the volume can only be read.", update=IN_PLACE, since="5.0.0")
    multiattach: bool = prop(
        "Has no effect: the volume type decides whether several servers may use a volume.",
        default=False,
        support=_OLD_MULTIATTACH,
    )


@resource_type("OS::Cinder::Volume")
class Volume(ResourceType[VolumeProps]):
    """A disk: empty, or a copy of an image, snapshot, volume or backup."""

    properties = VolumeProps
    entity = Entity("volume", "/volumes", "volume", "volumes", list_path="/volumes/detail")
    awaits_deletion = True
    checkable = True
    snapshots = True
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
        "status": attr("State of the volume."),
        "created_at": attr("When the volume was made."),
        "bootable": attr("Whether a server can start from the volume."),
        "encrypted": attr("Whether the volume is encrypted."),
        "attachments": attr("JSON of the servers that use the volume.", support=_OLD_ATTACHMENTS),
        "attachments_list": attr(
            "The servers that use the volume.", "list", source="attachments", since="9.0.0"
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
        status = live["status"]
        if status in _READY:
            return True
        if status in _WORKING:
            return False
        if status.startswith("error"):
            raise ResourceInError(f'Went to status {status} due to "Unknown"')
        raise ResourceFailure(f'Volume is not available - Unknown status {status} due to "Unknown"')

    def broken(self, live: JSON) -> bool:
        """Only a volume in error or on its way out has to be replaced."""
        return live["status"] in ("error", "deleting")

    def gone(self, live: JSON) -> bool:
        """Raise when the deletion failed."""
        if live["status"] == "error_deleting":
            raise ResourceInError('Went to status error_deleting due to "Unknown"')
        return False

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """All attributes but a few are text."""
        values = super().attribute_values(resource, live)
        return {name: _text(value, self.attributes[name].type) for name, value in values.items()}

    async def create(self, ctx: Context, props: VolumeProps) -> None:
        """Make the volume, or restore a backup into a new one."""
        name = props.name or ctx.physical_name
        if props.backup_id:
            await ctx.created(await backup.restore_new(ctx, props.backup_id, name))
            return
        body = props.body("size", "availability_zone", "description", "volume_type", "source_volid")
        body |= props.body("snapshot_id") | {"name": name, "metadata": as_text(props.metadata)}
        if props.image:
            body["imageRef"] = props.image
        request: JSON = {"volume": body}
        if hints := with_stack(ctx, props.scheduler_hints):
            request["OS-SCH-HNT:scheduler_hints"] = hints
        volume = (await ctx.cloud.volume.post("/volumes", request))["volume"]
        await ctx.created(volume["id"], volume)

    async def configure(self, ctx: Context, props: VolumeProps) -> None:
        """Describe a restored volume, and set the flag once the volume is there."""
        if props.backup_id:
            body = {"name": props.name or ctx.physical_name, "metadata": as_text(props.metadata)}
            await _change(ctx, body | props.body("description"))
        if props.read_only is not None:
            await ctx.poll(self.ready)
            await _set_read_only(ctx, props.read_only)

    async def update(self, ctx: Context, old: VolumeProps, new: VolumeProps) -> None:
        """Change what differs, one thing after another."""
        if new.size is not None and new.size < (old.size or 0):
            raise ResourceFailure("Shrinking volume is not supported.")
        if body := new.changed_from(old, "name", "description"):
            body = {**body, "name": new.name or ctx.physical_name} if "name" in body else body
            await _change(ctx, body)
        if new.metadata != old.metadata:
            path = f"/volumes/{ctx.physical_id}/metadata"
            await ctx.cloud.volume.put(path, {"metadata": as_text(new.metadata)})
        if new.volume_type and new.volume_type != old.volume_type:
            await self._retype(ctx, new.volume_type)
        restores = new.backup_id is not None and new.backup_id != old.backup_id
        flags = new.read_only is not None and new.read_only != old.read_only
        if restores or flags or ctx.data.get("reattach"):
            await _detached(ctx, lambda: self._rewrite(ctx, new, restores=restores, flags=flags))
        if new.size is not None and new.size != old.size:
            await self._extend(ctx, new.size)

    async def delete(self, ctx: Context, props: VolumeProps) -> None:
        """Remove a volume that no server uses; first back it up if the policy says so."""
        live = await ctx.live(fresh=True)
        if ctx.resource.deletion_policy == "Snapshot" and live["status"] in _READY:
            await backup.make(ctx, ctx.physical_id)
            live = await ctx.live(fresh=True)
        if live["status"] == "in-use":
            raise ResourceFailure("Volume in use")
        if live["status"] != "deleting":
            await ctx.cloud.volume.delete(f"/volumes/{ctx.physical_id}")

    async def snapshot(self, ctx: Context, props: VolumeProps) -> Mapping[str, Any]:
        """Back the volume up; what is returned is kept with the snapshot."""
        kept = {"backup_id": await backup.make(ctx, ctx.physical_id)}
        await ctx.put_data(backup_id=None)
        return kept

    async def delete_snapshot(self, ctx: Context, kept: Mapping[str, Any]) -> None:
        """Remove a backup that ``snapshot`` made."""
        await backup.remove(ctx, kept["backup_id"])

    def restored(self, properties: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The properties that bring a snapshot back: its backup is the only source."""
        sources = ("image", "imageRef", "snapshot_id", "source_volid")
        others = {name: value for name, value in properties.items() if name not in sources}
        return others | {"backup_id": kept["backup_id"]}

    async def _retype(self, ctx: Context, wanted: str) -> None:
        name = (await ctx.cloud.volume.get(f"/types/{wanted}"))["volume_type"]["name"]
        if (await ctx.live(fresh=True)).get("volume_type") != name:
            await _act(ctx, "os-retype", {"new_type": wanted, "migration_policy": "never"})
        await ctx.poll(self.ready)

    async def _extend(self, ctx: Context, size: int) -> None:
        if (await ctx.live(fresh=True))["size"] < size:
            await ctx.poll(self.ready)
            await _act(ctx, "os-extend", {"new_size": size})
        await ctx.poll(self.ready)

    async def _rewrite(self, ctx: Context, new: VolumeProps, *, restores: bool, flags: bool) -> None:
        """What can only be done to a volume that no server uses."""
        if restores and new.backup_id:
            await backup.restore_into(ctx, new.backup_id, ctx.physical_id)
            await ctx.poll(self.ready)
        if flags and new.read_only is not None:
            await _set_read_only(ctx, new.read_only)


async def _act(ctx: Context, action: str, body: Any) -> None:
    await ctx.cloud.volume.post(f"/volumes/{ctx.physical_id}/action", {action: body})


async def _change(ctx: Context, body: JSON) -> None:
    await ctx.cloud.volume.put(f"/volumes/{ctx.physical_id}", {"volume": body})


async def _set_read_only(ctx: Context, flag: bool) -> None:
    await _act(ctx, "os-update_readonly_flag", {"readonly": flag})


async def _detached(ctx: Context, work: Callable[[], Awaitable[None]]) -> None:
    """Do something to a volume while its servers do without it, then give it back to them."""
    volume = ctx.physical_id
    live = await ctx.live(fresh=True)
    attachments = ctx.data.get("reattach") or devices_of(live)
    if attachments:
        await ctx.put_data(reattach=attachments)  # a restart must know whom to give it back
    for each in attachments:
        await detach(ctx, each["server"], volume)
    await work()
    for each in attachments:
        server = each["server"]
        if server not in servers_of(await ctx.live(fresh=True)):
            await attach(ctx, server, volume, each["device"])
        await ctx.poll(partial(is_attached, server=server))
    await ctx.put_data(reattach=None)


def _text(value: Any, kind: str) -> Any:
    if value is None or kind != "string" or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
