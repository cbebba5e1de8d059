"""Backups of volumes: made before a deletion or for a snapshot of the stack, and restored."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from stackd.errors import CloudNotFound, ResourceInError
from stackd.resources import copies
from stackd.resources.context import Context
from stackd.resources.entity import settled

ID = "backup_id"


async def make(ctx: Context, volume: str, name: str, since: datetime | None = None) -> str:
    """Back up a volume and wait for it; after an interruption the backup begun before is waited for.

    ``since`` is when the backup can have been begun at the earliest, where its name is not its own.
    """

    async def begin() -> str:
        body = {"volume_id": volume, "name": name, "force": True}
        return str((await ctx.cloud.volume.post("/backups", {"backup": body}))["backup"]["id"])

    identity = await copies.copied(ctx, ID, name, partial(find, ctx, since=since, volume_id=volume), begin)

    async def is_there() -> bool:
        status = (await ctx.cloud.volume.get(f"/backups/{identity}"))["backup"]["status"]
        return settled(status, ready="available", working=("creating",))

    await ctx.until(is_there, f"backup {identity} is there")
    return identity


async def find(ctx: Context, name: str, since: datetime | None = None, **wanted: str) -> str | None:
    """The id of the backup with a name."""
    found = await ctx.cloud.volume.list_all("/backups/detail", "backups", {"name": name})
    return copies.first_of(found, since, name=name, **wanted)


async def restore_new(ctx: Context, identity: str, name: str) -> str:
    """Restore a backup into a new volume; the id of the volume."""
    reply = await ctx.cloud.volume.post(f"/backups/{identity}/restore", {"restore": {"name": name}})
    return str(reply["restore"]["volume_id"])


async def restore_into(ctx: Context, identity: str, volume: str) -> None:
    """Restore a backup into a volume that is there already."""
    await ctx.cloud.volume.post(f"/backups/{identity}/restore", {"restore": {"volume_id": volume}})


async def remove(ctx: Context, identity: str) -> None:
    """Delete a backup and wait until it no longer exists."""
    try:
        await ctx.cloud.volume.delete(f"/backups/{identity}")
    except CloudNotFound:
        return

    async def is_gone() -> bool:
        try:
            status = (await ctx.cloud.volume.get(f"/backups/{identity}"))["backup"]["status"]
        except CloudNotFound:
            return True
        if status != "deleting":
            raise ResourceInError(f'Went to status {status} due to "Unknown"')
        return False

    await ctx.until(is_gone, f"backup {identity} is deleted")
