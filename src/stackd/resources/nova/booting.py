"""Making servers and removing them, with what was made for them: the same for all types that are servers."""

from __future__ import annotations

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudError, CloudNotFound, ResourceInError
from stackd.resources.context import JSON, Context
from stackd.resources.heat import transports
from stackd.resources.nova import changes, ports
from stackd.resources.nova.request import new_server
from stackd.resources.nova.server_props import ServerProps


async def boot(ctx: Context, props: ServerProps, fields: JSON) -> None:
    """Make the ports that are missing, then the server; after a refusal the ports go again."""
    try:
        body, version = await new_server(ctx, props, fields)
        reply = await ctx.cloud.compute.post("/servers", body, microversion=version)
    except AnswerLost:
        raise
    except CloudError:
        await ports.remove_all(ctx)
        raise
    await ctx.created(reply["server"]["id"])


def is_broken(live: JSON) -> bool:
    """Whether a server has to be replaced: it is in error or deleted."""
    return live["status"] in ("ERROR", "DELETED", "SOFT_DELETED")


async def remove(ctx: Context) -> None:
    """Delete the server, or what was made for one that does not exist."""
    if not ctx.resource.physical_id:
        await _clean_up(ctx)
        return
    try:
        await ctx.cloud.compute.delete(f"/servers/{ctx.physical_id}")
    except CloudNotFound:
        await _clean_up(ctx)


async def is_removed(ctx: Context) -> bool:
    """Whether the server no longer exists; if so, deletes what was created for it."""
    try:
        gone = await _is_deleted(ctx, await ctx.live(fresh=True))
    except CloudNotFound:
        gone = True
    if gone:
        await _clean_up(ctx)
    return gone


async def _is_deleted(ctx: Context, live: JSON) -> bool:
    status = live["status"]
    if status == "SOFT_DELETED":
        await changes.act(ctx, "forceDelete")
    elif status == "ERROR" and live.get("OS-EXT-STS:task_state") != "deleting":
        message = (live.get("fault") or {}).get("message", "Unknown")
        raise ResourceInError(f'Went to status ERROR due to "Server delete failed: {message}"')
    return bool(status == "DELETED")


async def _clean_up(ctx: Context) -> None:
    """Remove what was made for the server."""
    await ports.remove_all(ctx)
    await transports.close(ctx)
