"""Backups of volumes: made before a deletion or for a snapshot of the stack, and restored."""

from __future__ import annotations

from stackd.errors import CloudNotFound, ResourceInError
from stackd.resources.context import Context
from stackd.resources.entity import settled


async def make(ctx: Context, volume: str) -> str:
    """Back up a volume and wait for it; after an interruption the backup begun before is waited for."""
    identity = ctx.data.get("backup_id")
    if not identity:
        body = {"volume_id": volume, "name": ctx.physical_name, "force": True}
        identity = (await ctx.cloud.volume.post("/backups", {"backup": body}))["backup"]["id"]
        await ctx.put_data(backup_id=identity)

    async def is_there() -> bool:
        status = (await ctx.cloud.volume.get(f"/backups/{identity}"))["backup"]["status"]
        return settled(status, ready="available", working=("creating",))

    await ctx.until(is_there, f"backup {identity} is there")
    return str(identity)


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
