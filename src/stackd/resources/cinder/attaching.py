"""Attaching volumes to servers and detaching them, each until it is done."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from stackd.errors import CloudError, CloudNotFound, ResourceFailure
from stackd.resources.beside import once
from stackd.resources.context import JSON, Context
from stackd.resources.nova.changes import once_free

ATTACHING = ("attaching", "reserved")
_DETACHING = ("detaching", "reserved")
_PATIENCE = 15
"""How often a volume may look as if nothing had been asked for: what was asked shows after a moment."""


async def attach(ctx: Context, server: str, volume: str, device: str | None = None) -> JSON:
    """Ask for an attachment; the answer describes it."""
    body = {"volumeId": volume} | ({"device": device} if device else {})
    path = f"/servers/{server}/os-volume_attachments"
    reply = await ctx.cloud.compute.post(path, {"volumeAttachment": body})
    attachment: JSON = reply["volumeAttachment"]
    return attachment


async def attach_once(ctx: Context, server: str, volume: str, device: str | None = None) -> None:
    """Attach a volume and wait until it has arrived. Idempotent, also where an answer was lost."""

    async def is_known() -> bool:
        return bool(await attachments_of(ctx, server, volume))

    await once(ctx, is_known, lambda: attach(ctx, server, volume, device))
    await ctx.until(lambda: is_attached(ctx, server, volume), f"volume {volume} is attached to the server")


async def is_attached(ctx: Context, server: str, volume: str) -> bool:
    """Whether a volume that is being attached has arrived; raise when it never will."""
    live = (await ctx.cloud.volume.get(f"/volumes/{volume}"))["volume"]
    status = live["status"]
    if status == "in-use" and server in servers_of(live):
        return True
    if status in ATTACHING:
        return False
    if status in ("available", "in-use"):
        if await _forgotten(ctx, server, volume):
            raise ResourceFailure(f"Volume attachment failed: server {server} has given volume {volume} up.")
        return False
    raise ResourceFailure(f'Volume attachment failed - Unknown status {status} due to "Unknown"')


def servers_of(volume: JSON) -> list[str]:
    """The servers that a volume is attached to."""
    return [each["server_id"] for each in volume.get("attachments") or () if each.get("server_id")]


async def attachments_of(ctx: Context, server: str, volume: str) -> list[JSON]:
    """The attachments of a volume in the list of a server; none if there is no such server."""
    try:
        listed = (await ctx.cloud.compute.get(f"/servers/{server}/os-volume_attachments"))[
            "volumeAttachments"
        ]
    except CloudNotFound:
        return []
    return [each for each in listed if each["volumeId"] == volume]


async def detach(ctx: Context, server: str, volume: str) -> None:
    """Detach a volume and wait until it is detached from this server. Idempotent."""
    held = 0

    async def ask() -> None:
        try:
            await ctx.cloud.compute.delete(f"/servers/{server}/os-volume_attachments/{volume}")
        except CloudError as error:
            if error.status not in (400, 404):
                raise

    async def is_free() -> bool:
        nonlocal held
        try:
            live = (await ctx.cloud.volume.get(f"/volumes/{volume}"))["volume"]
        except CloudNotFound:
            return True
        if live["status"] == "in-use" and server in servers_of(live):
            held += 1
            if held > _PATIENCE:
                raise ResourceFailure(f"Server {server} does not let volume {volume} go.")
            return False
        if live["status"] in _DETACHING:
            return False
        return await _forgotten(ctx, server, volume)

    with suppress(CloudNotFound):
        await once_free(ctx, server, ask, f"server {server} can let volume {volume} go")
    await ctx.until(is_free, f"volume {volume} is detached from server {server}")


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
