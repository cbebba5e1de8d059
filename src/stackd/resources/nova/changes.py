"""Changes of a server that exists; each can be repeated after an interruption."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from stackd.clients.failures import names_quota
from stackd.errors import CloudConflict, CloudNotFound, OverQuota, ResourceFailure, ResourceInError
from stackd.resources.context import JSON, Context
from stackd.resources.nova.metadata import as_text
from stackd.resources.nova.server_props import ServerProps

AT_REST = frozenset(
    ("ACTIVE", "SHUTOFF", "SUSPENDED", "PAUSED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED", "VERIFY_RESIZE")
)
"""Statuses that stay until somebody asks for another: the server is built, whatever it does now."""

WORKING = frozenset(
    ("BUILD", "REBUILD", "REBOOT", "HARD_REBOOT", "PASSWORD", "RESIZE", "REVERT_RESIZE", "MIGRATING")
)
"""Statuses that the compute service itself brings to an end."""

_FLAVOR_BY_ID = "2.46"  # later versions show the flavor's properties instead
_TASK = "OS-EXT-STS:task_state"


def is_settled(live: JSON) -> bool:
    """Whether a server is built and at rest, running or not; raise when it is broken or about to go."""
    status = _status(live)
    if status in AT_REST:
        return True
    if status in WORKING:
        return False
    if status == "ERROR":
        raise _broken(live)
    raise ResourceFailure(f'Server is not active - Unknown status {status} due to "Unknown"')


def _status(live: JSON) -> str:
    return str(live["status"]).split("(")[0].upper()


def _broken(live: JSON) -> Exception:
    fault = live.get("fault") or {}
    message, code = fault.get("message", "Unknown"), fault.get("code", "Unknown")
    text = f'Went to status ERROR due to "Message: {message}, Code: {code}"'
    return OverQuota(text, service="compute") if names_quota(str(message)) else ResourceInError(text)


def is_busy(live: JSON) -> bool:
    """Whether the compute service is doing something to a server, and refuses other changes meanwhile."""
    return _status(live) in WORKING or live.get(_TASK) is not None


async def once_free(ctx: Context, server: str, request: Callable[[], Awaitable[Any]], what: str) -> None:
    """Send a request again as long as it is refused because a server is busy.

    Raises ``CloudConflict`` when a server that is not busy refuses it: waiting would not change that.
    """
    idle = False

    async def is_accepted() -> bool:
        nonlocal idle
        try:
            await request()
        except CloudConflict:
            if idle:
                raise
            idle = not is_busy((await ctx.cloud.compute.get(f"/servers/{server}"))["server"])
            return False
        return True

    await ctx.until(is_accepted, what)


async def act(ctx: Context, action: str, body: Any = None, *, microversion: str | None = None) -> None:
    """An action of the compute service on the server."""
    path = f"/servers/{ctx.physical_id}/action"
    await ctx.cloud.compute.post(path, {action: body}, microversion=microversion)


async def shift(ctx: Context, action: str, status: str, what: str) -> None:
    """Bring the server to another status of rest by an action, unless it is there or on its way."""
    try:
        await act(ctx, action)
    except CloudConflict:
        live = await ctx.live(fresh=True)
        if _status(live) != status and not is_busy(live):
            raise

    def reached(live: JSON) -> bool:
        return is_settled(live) and _status(live) == status

    await ctx.poll(reached, what)


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
    """Move the server to another flavor and confirm it; a stopped server stays stopped.

    A resize that is under way, begun before an interruption, is completed first.
    """
    live = await with_flavor_id(ctx)
    if live["status"] in ("RESIZE", "REVERT_RESIZE", "VERIFY_RESIZE"):
        await _confirm(ctx)
        live = await with_flavor_id(ctx)
    if live["flavor"]["id"] == flavor:
        return
    await once_free(
        ctx,
        ctx.physical_id,
        lambda: act(ctx, "resize", {"flavorRef": flavor}),
        "the server can be resized",
    )
    await _confirm(ctx)
    live = await with_flavor_id(ctx)
    if live["flavor"]["id"] != flavor:
        raise ResourceFailure(f"Resizing to '{flavor}' failed, status '{live['status']}'")


async def _confirm(ctx: Context) -> None:
    """Wait until the server is moved, and keep it where it is then."""
    live = await ctx.poll(_is_resized, "the server is resized")
    if live["status"] == "VERIFY_RESIZE":
        await act(ctx, "confirmResize")
        await ctx.poll(_is_confirmed, "the resize of the server is confirmed")


def _is_resized(live: JSON) -> bool:
    resizing = str(live.get(_TASK) or "").startswith("resize")
    return is_settled(live) and (live["status"] == "VERIFY_RESIZE" or not resizing)


def _is_confirmed(live: JSON) -> bool:
    return is_settled(live) and live["status"] != "VERIFY_RESIZE"


async def with_flavor_id(ctx: Context, server: str = "") -> JSON:
    """A server (by default this one) with the id of its flavor."""
    reply = await ctx.cloud.compute.get(f"/servers/{server or ctx.physical_id}", microversion=_FLAVOR_BY_ID)
    live: JSON = reply["server"]
    return live


async def rebuild(ctx: Context, props: ServerProps, user_data: str | None = None) -> None:
    """Write the image to the server's disk again, and wait until that is done."""
    live = await with_flavor_id(ctx)
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
        await once_free(ctx, ctx.physical_id, lambda: act(ctx, "rebuild", body), "the server can be rebuilt")
    await ctx.poll(_is_rebuilt, "the server is rebuilt")


def _is_rebuilt(live: JSON) -> bool:
    rebuilding = str(live.get(_TASK) or "").startswith("rebuild")
    return is_settled(live) and not rebuilding
