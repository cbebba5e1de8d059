"""Changes of a server that runs; each can be repeated after an interruption."""

from __future__ import annotations

from typing import Any

from stackd.errors import CloudNotFound, ResourceFailure, ResourceInError
from stackd.resources.context import JSON, Context
from stackd.resources.nova.metadata import as_text
from stackd.resources.nova.server_props import ServerProps

PENDING = frozenset(
    (
        *("BUILD", "HARD_REBOOT", "PASSWORD", "REBOOT", "RESCUE", "RESIZE", "REVERT_RESIZE", "SHUTOFF"),
        *("SUSPENDED", "VERIFY_RESIZE", "REBUILD"),
    )
)
_FLAVOR_BY_ID = "2.46"  # later versions show the flavor's properties instead


def is_active(live: JSON) -> bool:
    """Whether a server runs; raise when it is broken or in a state that does not lead there."""
    status = live["status"].split("(")[0].upper()
    if status == "ACTIVE":
        return True
    if status in PENDING:
        return False
    if status == "ERROR":
        fault = live.get("fault") or {}
        message, code = fault.get("message", "Unknown"), fault.get("code", "Unknown")
        raise ResourceInError(f'Went to status ERROR due to "Message: {message}, Code: {code}"')
    raise ResourceFailure(f'Server is not active - Unknown status {status} due to "Unknown"')


async def act(ctx: Context, action: str, body: Any = None, *, microversion: str | None = None) -> None:
    """An action of the compute service on the server."""
    path = f"/servers/{ctx.physical_id}/action"
    await ctx.cloud.compute.post(path, {action: body}, microversion=microversion)


async def change_metadata(ctx: Context, old: ServerProps, new: ServerProps) -> None:
    """Remove keys that are no longer wanted, then set the others."""
    path = f"/servers/{ctx.physical_id}/metadata"
    for key in sorted((old.metadata or {}).keys() - (new.metadata or {}).keys()):
        try:
            await ctx.cloud.compute.delete(f"{path}/{key}")
        except CloudNotFound:
            continue
    if new.metadata:
        await ctx.cloud.compute.post(path, {"metadata": as_text(new.metadata)})


async def set_tags(ctx: Context, tags: list[str] | None) -> None:
    """Replace the server's tags."""
    await ctx.cloud.compute.put(f"/servers/{ctx.physical_id}/tags", {"tags": tags or []})


async def resize(ctx: Context, flavor: str) -> None:
    """Move the server to another flavor and confirm it."""
    live = await _with_ids(ctx)
    if live["status"] == "ACTIVE" and live["flavor"]["id"] != flavor:
        await act(ctx, "resize", {"flavorRef": flavor})
    elif live["status"] == "ACTIVE":
        return
    await ctx.poll(_is_resized)
    if (await _with_ids(ctx))["status"] == "VERIFY_RESIZE":
        await act(ctx, "confirmResize")
    await ctx.poll(is_active)
    now = (await _with_ids(ctx))["flavor"]["id"]
    if now != flavor:
        raise ResourceFailure(f"Resizing to '{flavor}' failed, status 'ACTIVE'")


def _is_resized(live: JSON) -> bool:
    if live["status"] == "ACTIVE":
        return not str(live.get("OS-EXT-STS:task_state") or "").startswith("resize")
    return bool(live["status"] == "VERIFY_RESIZE") or is_active(live)


async def _with_ids(ctx: Context) -> JSON:
    reply = await ctx.cloud.compute.get(f"/servers/{ctx.physical_id}", microversion=_FLAVOR_BY_ID)
    server: JSON = reply["server"]
    return server


async def rebuild(ctx: Context, props: ServerProps, user_data: str | None = None) -> None:
    """Write the image to the server's disk again, and wait until the server runs."""
    live = await _with_ids(ctx)
    if live["status"] != "REBUILD":
        body: JSON = {"imageRef": props.image, "metadata": as_text(props.metadata)}
        if props.image_update_policy == "REBUILD_PRESERVE_EPHEMERAL":
            body["preserve_ephemeral"] = True
        if props.admin_pass:
            body["adminPass"] = props.admin_pass
        if user_data is not None:
            body["user_data"] = user_data
        if props.name:
            body["name"] = props.name
        await act(ctx, "rebuild", body)
    await ctx.poll(_is_rebuilt)


def _is_rebuilt(live: JSON) -> bool:
    rebuilding = str(live.get("OS-EXT-STS:task_state") or "").startswith("rebuild")
    return is_active(live) and not rebuilding
