"""The extra routes of a router, which several resources, stacks and people change.

They are added and removed by calls that name only the routes meant, which the service works on one after the
other: nobody reads the whole list and writes it back, so no change of another is lost. The calls are
idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stackd.errors import ResourceFailure
from stackd.resources.context import JSON, Context
from stackd.resources.follows import Follows, one
from stackd.resources.neutron.siblings import GATEWAY, INTERFACE, router_key

BEHIND_INTERFACES = Follows(INTERFACE, key=router_key, keys=one(router_key))
BEHIND_GATEWAY = Follows(GATEWAY, key=router_key, keys=one(router_key))


def route(properties: Mapping[str, Any]) -> JSON:
    """A route as the API has it."""
    return {name: properties[name] for name in ("destination", "nexthop")}


async def refuse_present(ctx: Context, router: str, routes: Iterable[JSON]) -> None:
    """Raise if the router has one of the routes: it belongs to somebody else."""
    present = await present_routes(ctx, router)
    if taken := [each for each in routes if each in present]:
        shown = ", ".join(f"{each['destination']} via {each['nexthop']}" for each in taken)
        raise ResourceFailure(f"Router {router} has the route {shown} already.")


async def present_routes(ctx: Context, router: str) -> Sequence[JSON]:
    """The routes that the router has."""
    live = (await ctx.cloud.network.get(f"/routers/{router}"))["router"]
    return [route(each) for each in live.get("routes") or ()]


async def add_routes(ctx: Context, router: str, routes: Sequence[JSON]) -> None:
    """Give the router routes, if there are any to give."""
    await _change(ctx, f"/routers/{router}/add_extraroutes", routes)


async def remove_routes(ctx: Context, router: str, routes: Sequence[JSON]) -> None:
    """Take routes from the router, if there are any to take."""
    await _change(ctx, f"/routers/{router}/remove_extraroutes", routes)


async def _change(ctx: Context, path: str, routes: Sequence[JSON]) -> None:
    if routes:
        await ctx.cloud.network.put(path, {"router": {"routes": list(routes)}})
