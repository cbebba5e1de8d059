"""What a server leaves behind: its ports for the server that takes its place, and its image."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final

from stackd.clients.failures import AnswerLost
from stackd.errors import CloudConflict, CloudNotFound
from stackd.resources import copies
from stackd.resources.context import Context
from stackd.resources.entity import settled
from stackd.resources.nova import ports
from stackd.resources.nova.changes import once_free
from stackd.resources.nova.server_props import ServerProps

IMAGE: Final = "snapshot_image_id"
_TAKEN = "detached_ports"


async def free(ctx: Context, props: ServerProps) -> None:
    """Detach all ports that the replacement may want, and let their addresses go.

    The ports made for a server that is in error or gone are removed: they are not worth keeping.
    """
    own = {each["id"] for each in ports.recorded(ctx)}
    try:
        broken = (await ctx.live(fresh=True))["status"] == "ERROR"
        attached = await ports.interfaces(ctx)
    except CloudNotFound:
        broken, attached = True, []
    if broken:
        await ports.remove_all(ctx)
    wanted = {entry.port for entry in props.networks or () if entry.port} | (set() if broken else own)
    taken: list[dict[str, Any]] = list(ctx.data.get(_TAKEN) or ())
    for each in attached:
        port = each["port_id"]
        if port in wanted:
            addresses = [dict(fixed) for fixed in each.get("fixed_ips") or ()]
            taken.append({"id": port, "fixed_ips": addresses, "own": port in own})
    if taken:
        await ctx.put_data(**{_TAKEN: taken})
    for each in taken:
        with suppress(CloudNotFound):
            await ports.release(ctx, each["id"])
            if each["own"]:
                await ctx.cloud.network.put(f"/ports/{each['id']}", {"port": {"fixed_ips": []}})


async def give_back(ctx: Context) -> None:
    """Attach the ports again, with the addresses that they had; what is gone stays gone."""
    for each in ctx.data.get(_TAKEN) or ():
        with suppress(CloudNotFound):
            await _give_back(ctx, each)
    await ctx.put_data(**{_TAKEN: None})


async def _give_back(ctx: Context, port: dict[str, Any]) -> None:
    if port["own"]:
        await _free_addresses(ctx, port)
        await ctx.cloud.network.put(f"/ports/{port['id']}", {"port": {"fixed_ips": port["fixed_ips"]}})
    await _take_from_other(ctx, port["id"])
    try:
        await ports.attach(ctx, {"port_id": port["id"]})
    except CloudConflict:
        await ports.bind(ctx, port["id"], ctx.physical_id)


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
    """Detach a port from the server that was to take this one's place, once it is built or has failed."""
    holder = (await ctx.cloud.network.get(f"/ports/{port}"))["port"].get("device_id")
    if holder and holder != ctx.physical_id:
        await ports.release(ctx, port, holder)


async def make_image(ctx: Context, name: str, since: datetime | None = None) -> str:
    """Make an image of the server and wait for it; one that was begun before is waited for.

    ``since`` is when the image can have been begun at the earliest, where its name is not its own.
    """
    find = partial(find_image, ctx, since=since, instance_uuid=ctx.physical_id)
    image = await copies.copied(ctx, IMAGE, name, find, partial(_begin, ctx, name))

    async def is_there() -> bool:
        status = (await ctx.cloud.image.get(f"/images/{image}"))["status"]
        return settled(status, ready="active", working=("queued", "saving", "importing", "uploading"))

    await ctx.until(is_there, f"image {image} of the server is there")
    await ctx.poll(lambda live: not live.get("OS-EXT-STS:task_state"), "the server has been copied")
    return image


async def _begin(ctx: Context, name: str) -> str:
    path = f"/servers/{ctx.physical_id}/action"
    answers: list[str | AnswerLost] = []

    async def ask() -> None:
        try:
            reply = await ctx.cloud.compute.post(path, {"createImage": {"name": name}})
        except AnswerLost as lost:  # asked once more, there might be two
            answers.append(lost)
        else:
            answers.append(str(reply["image_id"]))

    await once_free(ctx, ctx.physical_id, ask, "an image of the server can be made")
    [answer] = answers
    if isinstance(answer, AnswerLost):
        raise answer
    return answer


async def find_image(ctx: Context, name: str, since: datetime | None = None, **wanted: str) -> str | None:
    """The id of the image with a name."""
    found = await ctx.cloud.image.list_all("/images", "images", {"name": name})
    return copies.first_of(found, since, name=name, **wanted)
