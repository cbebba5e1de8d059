"""Attaching volumes to servers and detaching them, each until it is done."""

from __future__ import annotations

from typing import Any

from stackd.errors import CloudConflict, CloudError, CloudNotFound, ResourceFailure
from stackd.resources.context import JSON, Context

ATTACHING = ("available", "attaching", "reserved")
_DETACHING = ("in-use", "detaching", "reserved")


async def attach(ctx: Context, server: str, volume: str, device: str | None = None) -> JSON:
    """Ask for an attachment; the answer describes it."""
    body = {"volumeId": volume} | ({"device": device} if device else {})
    path = f"/servers/{server}/os-volume_attachments"
    reply = await ctx.cloud.compute.post(path, {"volumeAttachment": body})
    attachment: JSON = reply["volumeAttachment"]
    return attachment


def is_attached(volume: JSON, server: str) -> bool:
    """Whether a volume that is being attached has arrived; raise when it never will."""
    status = volume["status"]
    if status == "in-use":
        return server in servers_of(volume)
    if status in ATTACHING:
        return False
    raise ResourceFailure(f'Volume attachment failed - Unknown status {status} due to "Unknown"')


def servers_of(volume: JSON) -> list[str]:
    """The servers that a volume is attached to."""
    return [each["server_id"] for each in volume.get("attachments") or () if each.get("server_id")]


async def detach(ctx: Context, server: str, volume: str) -> None:
    """Detach a volume and wait until it is detached from this server. Idempotent."""

    async def is_accepted() -> bool:
        try:
            await ctx.cloud.compute.delete(f"/servers/{server}/os-volume_attachments/{volume}")
        except CloudConflict:
            return False
        except CloudNotFound:
            return True
        except CloudError as error:
            if error.status != 400:
                raise
        return True

    async def is_free() -> bool:
        try:
            live = (await ctx.cloud.volume.get(f"/volumes/{volume}"))["volume"]
        except CloudNotFound:
            return True
        if live["status"] in _DETACHING and (live["status"] != "in-use" or server in servers_of(live)):
            return False
        return await _forgotten(ctx, server, volume)

    await ctx.until(is_accepted)
    await ctx.until(is_free)


async def _forgotten(ctx: Context, server: str, volume: str) -> bool:
    """Whether the compute service, too, has let go."""
    try:
        await ctx.cloud.compute.get(f"/servers/{server}/os-volume_attachments/{volume}")
    except CloudNotFound:
        return True
    return False


def devices_of(volume: JSON) -> list[dict[str, Any]]:
    """The attachments of a volume as they have to be made again."""
    return [
        {"server": each["server_id"], "device": each.get("device")}
        for each in volume.get("attachments") or ()
        if each.get("server_id")
    ]
