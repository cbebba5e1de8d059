"""Changes of an image: its fields by JSON patch, its data, tags and members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from stackd.errors import CloudConflict, CloudNotFound, ResourceInError
from stackd.resources.context import JSON, Context
from stackd.resources.schema import Properties

_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


def given(props: Properties, *names: str) -> JSON:
    """Of the named properties, those that have a value."""
    return {name: props.data[name] for name in names if props.data.get(name) not in (None, "")}


def json_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[JSON]:
    """The JSON patch from one set of fields to another; to add is also to replace."""
    removed: list[JSON] = [{"op": "remove", "path": f"/{key}"} for key in old if key not in new]
    changed = [
        {"op": "add", "path": f"/{key}", "value": value}
        for key, value in new.items()
        if key not in old or old[key] != value
    ]
    return removed + changed


async def read_image(ctx: Context) -> JSON:
    """The image as the service has it now."""
    live: JSON = await ctx.cloud.image.get(f"/images/{ctx.physical_id}")
    return live


async def patch(ctx: Context, live: JSON, changes: list[JSON]) -> None:
    """Send the changes; the service refuses to remove what is not there."""
    wanted = [change for change in changes if change["op"] != "remove" or change["path"][1:] in live]
    if wanted:
        path = f"/images/{ctx.physical_id}"
        await ctx.cloud.image.request("PATCH", path, json=wanted, headers=_PATCH, idempotent=True)


async def start_import(ctx: Context, body: JSON) -> None:
    """Have the data fetched. Idempotent: ignores 409."""
    try:
        await ctx.cloud.image.post(f"/images/{ctx.physical_id}/import", body)
    except CloudConflict:
        return  # an import is under way already


def check_import(live: JSON) -> None:
    """A failed import leaves the image queued, with the stores that have nothing of it."""
    if live["status"] == "queued" and live.get("os_glance_failed_import"):
        raise ResourceInError(f"The image could not be fetched to {live['os_glance_failed_import']}")


async def write_tags(ctx: Context, old: Iterable[str], new: Iterable[str]) -> None:
    """Take and give the tags that differ."""
    tags, before, after = f"/images/{ctx.physical_id}/tags", set(old), set(new)
    for tag in sorted(before - after):
        await drop(ctx, f"{tags}/{quote(tag, safe='')}")
    for tag in sorted(after - before):
        await ctx.cloud.image.put(f"{tags}/{quote(tag, safe='')}")


async def share(ctx: Context, members: Iterable[str]) -> None:
    """Share the image with projects. Idempotent: ignores 409."""
    for member in members:
        try:
            await ctx.cloud.image.post(f"/images/{ctx.physical_id}/members", {"member": member})
        except CloudConflict:
            continue  # shared with it already


async def drop(ctx: Context, path: str) -> None:
    """Delete what has this path. Idempotent: ignores 404."""
    try:
        await ctx.cloud.image.delete(path)
    except CloudNotFound:
        return
