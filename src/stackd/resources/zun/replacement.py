"""What a container leaves to the one that takes its place: volumes and ports, which only one can have.

Ports can be taken from a container. The service takes a volume only from one that is deleted, so that a
container with volumes goes before the other comes, and is made again when that fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from stackd.errors import CloudNotFound
from stackd.resources.beside import once
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.zun import networks
from stackd.resources.zun.container_props import ContainerProps
from stackd.resources.zun.deletion import DELETING

AGAIN: Final = "made_again"
"""The private value of a container that is about to be made again."""


def has_volumes(props: ContainerProps) -> bool:
    """Whether there are volumes in the container that were there before it."""
    return any(mount.volume_id for mount in props.mounts or ())


def ports(props: ContainerProps) -> list[str]:
    """The ports of the container that were there before it."""
    return [str(entry.port) for entry in props.networks or () if entry.port]


async def let_ports_go(ctx: Context, props: ContainerProps) -> None:
    """Take from the container the ports that its replacement may want."""
    live = await ctx.live(fresh=True)
    held = {each["port_id"] for each in networks.interfaces(live)}
    for port in ports(props):
        if port in held:
            await networks.disconnect(ctx, port)


async def others(ctx: Context, entity: Entity) -> list[str]:
    """The ids of the containers of the resource besides its own: those that were to take its place."""
    listed = await ctx.cloud.service(entity.service).list_all(entity.path, entity.plural)
    found = [str(each[entity.id_field]) for each in listed]
    rows = {each: await ctx.sibling(each) for each in found if each != ctx.physical_id}
    return [each for each, row in rows.items() if row is not None and row.name == ctx.resource.name]


async def stands(ctx: Context) -> bool:
    """Whether the container is there, and stays."""
    try:
        return bool((await ctx.live(fresh=True))["status"] != DELETING)
    except CloudNotFound:
        return False


async def make_again(
    ctx: Context, find: Callable[[], Awaitable[Sequence[JSON]]], make: Callable[[], Awaitable[JSON]]
) -> JSON:
    """The container that is made in the place of one that is gone; one that may have been is looked for."""
    found: list[JSON] = []

    async def is_there() -> bool:
        if ctx.data.get(AGAIN):
            found[:] = await find()
        return bool(found)

    async def ask() -> None:
        await ctx.put_data(**{AGAIN: True})
        found.append(await make())

    await once(ctx, is_there, ask)
    return found[0]
