"""What a server leaves behind: its ports for the server that takes its place, and its image."""

from __future__ import annotations

from typing import Any

from stackd.errors import CloudConflict, ResourceInError
from stackd.resources.context import Context
from stackd.resources.nova import ports
from stackd.resources.nova.server_props import ServerProps

_TAKEN = "detached_ports"


async def free(ctx: Context, props: ServerProps) -> None:
    """Detach all ports that the replacement may want, and let their addresses go.

    The ports of a server in error are not worth keeping: those made for it are removed.
    """
    if (await ctx.live(fresh=True))["status"] == "ERROR":
        await ports.remove_all(ctx)
        return
    own = {each["id"] for each in ports.recorded(ctx)}
    named = {entry.port for entry in props.networks or () if entry.port}
    taken: list[dict[str, Any]] = list(ctx.data.get(_TAKEN) or ())
    for each in await ports.interfaces(ctx):
        port = each["port_id"]
        if port in own | named:
            addresses = [dict(fixed) for fixed in each.get("fixed_ips") or ()]
            taken.append({"id": port, "fixed_ips": addresses, "own": port in own})
    await ctx.put_data(**{_TAKEN: taken})
    for each in taken:
        await ports.detach(ctx, each["id"])
        if each["own"]:
            await ctx.cloud.network.put(f"/ports/{each['id']}", {"port": {"fixed_ips": []}})


async def give_back(ctx: Context) -> None:
    """Attach the ports again, with the addresses that they had."""
    for each in ctx.data.get(_TAKEN) or ():
        if each["own"]:
            await _free_addresses(ctx, each)
            await ctx.cloud.network.put(f"/ports/{each['id']}", {"port": {"fixed_ips": each["fixed_ips"]}})
        await _take_from_other(ctx, each["id"])
        await ports.attach(ctx, {"port_id": each["id"]})
    await ctx.put_data(**{_TAKEN: None})


async def _free_addresses(ctx: Context, port: dict[str, Any]) -> None:
    """Take a port's former addresses from the port that was made for this server's replacement."""
    if not port["fixed_ips"]:
        return
    network = (await ctx.cloud.network.get(f"/ports/{port['id']}"))["port"]["network_id"]
    addresses = [f"ip_address={fixed['ip_address']}" for fixed in port["fixed_ips"]]
    query = {"network_id": network, "fixed_ips": addresses}
    prefix = ctx.physical_name.rpartition("-")[0]
    for holder in await ctx.cloud.network.list_all("/ports", "ports", query):
        if holder["id"] != port["id"] and holder["name"].startswith(f"{prefix}-"):
            await ctx.cloud.network.put(f"/ports/{holder['id']}", {"port": {"fixed_ips": []}})


async def _take_from_other(ctx: Context, port: str) -> None:
    """Detach a port from the server that was to take this one's place."""
    holder = (await ctx.cloud.network.get(f"/ports/{port}"))["port"].get("device_id")
    if not holder or holder == ctx.physical_id:
        return
    await ctx.cloud.compute.delete(f"/servers/{holder}/os-interface/{port}")

    async def is_free() -> bool:
        return not (await ctx.cloud.network.get(f"/ports/{port}"))["port"].get("device_id")

    await ctx.until(is_free)


async def make_image(ctx: Context) -> str:
    """Make an image of the server and wait for it; one that was begun before is waited for."""
    image = ctx.data.get("snapshot_image_id")
    if not image:
        image = await _begin(ctx)
        await ctx.put_data(snapshot_image_id=image)

    async def is_there() -> bool:
        status = (await ctx.cloud.image.get(f"/images/{image}"))["status"]
        if status in ("deleted", "killed", "pending_delete"):
            raise ResourceInError(f'Went to status {status} due to "Unknown"')
        return bool(status == "active")

    await ctx.until(is_there)
    await ctx.poll(lambda live: not live.get("OS-EXT-STS:task_state"))
    return str(image)


async def _begin(ctx: Context) -> str:
    path = f"/servers/{ctx.physical_id}/action"
    found: list[str] = []

    async def is_accepted() -> bool:
        try:
            reply = await ctx.cloud.compute.post(path, {"createImage": {"name": ctx.physical_name}})
        except CloudConflict:
            return False
        found.append(reply["image_id"])
        return True

    await ctx.until(is_accepted)
    return found[0]
