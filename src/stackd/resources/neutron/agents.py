"""Which agents serve a network or a router, where an administrator decides it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackd.errors import CloudConflict, CloudNotFound
from stackd.resources.context import Context


@dataclass(frozen=True, slots=True)
class Serving:
    """The API of one kind of agent.

    ``served`` is the collection of what it serves, ``listing`` where an object's agents are read,
    ``hosting`` the collection of an agent's objects, ``key`` the field that names the object.
    """

    served: str
    listing: str
    hosting: str
    key: str


DHCP = Serving("/networks", "dhcp-agents", "dhcp-networks", "network_id")
L3 = Serving("/routers", "l3-agents", "l3-routers", "router_id")


async def assign(ctx: Context, serving: Serving, wanted: Iterable[str]) -> None:
    """Have exactly the ``wanted`` agents serve the object.

    Others go first, as most routers can be served by one agent only.
    """
    network, target = ctx.cloud.network, ctx.physical_id
    reply = await network.get(f"{serving.served}/{target}/{serving.listing}")
    asked = list(dict.fromkeys(wanted))
    serve = [agent["id"] for agent in reply["agents"]]
    for agent in serve:
        if agent not in asked:
            await _release(ctx, f"/agents/{agent}/{serving.hosting}/{target}")
    for agent in asked:
        if agent not in serve:
            await _take(ctx, f"/agents/{agent}/{serving.hosting}", {serving.key: target})


async def _release(ctx: Context, path: str) -> None:
    try:
        await ctx.cloud.network.delete(path)
    except (CloudNotFound, CloudConflict):
        return  # it does not serve the object any more, which is what was wanted


async def _take(ctx: Context, path: str, body: dict[str, str]) -> None:
    try:
        await ctx.cloud.network.post(path, body)
    except CloudConflict:
        return  # it serves the object already
