"""Changes of a volume that exists; each can be repeated after an interruption."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from stackd.errors import ResourceFailure, ResourceInError
from stackd.records import Action
from stackd.resources.cinder import backup
from stackd.resources.cinder.attaching import attach, detach, devices_of, is_attached, servers_of
from stackd.resources.cinder.volume_props import VolumeProps
from stackd.resources.context import JSON, Context

READY = ("available", "in-use")
_USABLE = (*READY, "reserved")
"""A volume stays reserved as long as the server that it belongs to is shelved."""

_WORKING = (
    *("creating", "restoring-backup", "downloading", "extending", "retyping", "uploading"),
    *("attaching", "detaching", "backing-up"),
)


def is_usable(live: JSON) -> bool:
    """Whether a volume can be used, or is used already; raise when it never will."""
    status = live["status"]
    if status in _USABLE:
        return True
    if status in _WORKING:
        return False
    if status.startswith("error"):
        raise ResourceInError(f'Went to status {status} due to "Unknown"')
    raise ResourceFailure(f'Volume is not available - Unknown status {status} due to "Unknown"')


def is_settled(live: JSON) -> bool:
    """Whether nothing is being done to a volume: before that the service refuses to delete it."""
    return live["status"] not in _WORKING


def is_leaving(live: JSON) -> bool:
    """Whether a volume counts as deleted: it never does while it is shown; raise when the deletion failed."""
    if live["status"] != "deleting":
        raise ResourceInError(f'Went to status {live["status"]} due to "Unknown"')
    return False


def is_broken(live: JSON) -> bool:
    """Whether a volume has to be replaced: it is in error or on its way out."""
    return live["status"] in ("error", "deleting")


async def remove(ctx: Context) -> None:
    """Delete a volume that no server uses; with deletion policy Snapshot back it up first."""
    live = await ctx.live(fresh=True)
    if not is_settled(live):
        live = await ctx.poll(is_settled, "nothing is being done to the volume")
    if ctx.resource.deletion_policy == "Snapshot" and live["status"] in READY:
        await backup.make(ctx, ctx.physical_id, ctx.physical_name, ctx.resource.updated_at)
        live = await ctx.live(fresh=True)
    if live["status"] == "in-use":
        raise ResourceFailure("Volume in use")
    if live["status"] != "deleting":
        await ctx.cloud.volume.delete(f"/volumes/{ctx.physical_id}")


async def retype(ctx: Context, wanted: str) -> None:
    """Give the volume another type."""
    name = (await ctx.cloud.volume.get(f"/types/{wanted}"))["volume_type"]["name"]
    if (await ctx.live(fresh=True)).get("volume_type") != name:
        await act(ctx, "os-retype", {"new_type": wanted, "migration_policy": "never"})
    await ctx.poll(is_usable, "the volume has its new type")


async def extend(ctx: Context, size: int) -> None:
    """Let the volume grow to a size in GB."""
    if (await ctx.live(fresh=True))["size"] < size:
        await ctx.poll(is_usable, "the volume can be extended")
        await act(ctx, "os-extend", {"new_size": size})
    await ctx.poll(is_usable, "the volume is extended")


async def rewrite(ctx: Context, new: VolumeProps, *, restores: bool, flags: bool) -> None:
    """What can only be done to a volume that no server uses."""
    if restores and new.backup_id:
        await backup.restore_into(ctx, new.backup_id, ctx.physical_id)
        await ctx.poll(is_usable, "the backup is restored")
    if flags and new.read_only is not None:
        await set_read_only(ctx, new.read_only)


async def act(ctx: Context, action: str, body: Any) -> None:
    """An action of the block storage service on the volume."""
    await ctx.cloud.volume.post(f"/volumes/{ctx.physical_id}/action", {action: body})


async def set_read_only(ctx: Context, flag: bool) -> None:
    """Set or clear the volume's read-only flag."""
    await act(ctx, "os-update_readonly_flag", {"readonly": flag})


async def while_detached(ctx: Context, work: Callable[[], Awaitable[None]]) -> None:
    """Do something to a volume while its servers do without it, then give it back to them.

    What attached it may be removed by the same operation: to that server it is not given back.
    """
    async with ctx.turn(ctx.physical_id):
        await _while_detached(ctx, work)


async def _while_detached(ctx: Context, work: Callable[[], Awaitable[None]]) -> None:
    volume = ctx.physical_id
    live = await ctx.live(fresh=True)
    attachments = ctx.data.get("reattach") or await _attachments(ctx, live)
    if attachments:
        await ctx.put_data(reattach=attachments)  # a restart must know whom to give it back
    for each in attachments:
        await detach(ctx, each["server"], volume)
    await work()
    for each in attachments:
        if not await _still_attaches(ctx, each):
            continue
        server = each["server"]
        if server not in servers_of(await ctx.live(fresh=True)):
            await attach(ctx, server, volume, each["device"])
        await ctx.until(
            partial(is_attached, ctx, server, volume), f"the volume is attached to server {server} again"
        )
    await ctx.put_data(reattach=None)


async def _attachments(ctx: Context, live: JSON) -> list[JSON]:
    """The attachments as they have to be made again, each with the resource of the stack that made it."""
    makers = await ctx.claimants()
    return [
        each | {"by": next((row.id for row in makers if each["server"] in row.properties.values()), None)}
        for each in devices_of(live)
    ]


async def _still_attaches(ctx: Context, attachment: JSON) -> bool:
    """Whether an attachment is nobody's of the stack, or of a resource that is not being removed."""
    maker = attachment.get("by")
    if maker is None:
        return True
    return any(row.id == maker and row.action is not Action.DELETE for row in await ctx.claimants())
