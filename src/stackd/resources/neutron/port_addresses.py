"""The addresses of a port that is replaced: the new one may want the same."""

from __future__ import annotations

from typing import Any

import orjson

from stackd.errors import CloudNotFound
from stackd.resources.context import JSON, Context

_FREED = "freed_fixed_ips"


async def free(ctx: Context) -> None:
    """Take the port's addresses away from it; they are kept to be given back."""
    try:
        addresses = (await ctx.live(fresh=True)).get("fixed_ips") or []
    except CloudNotFound:
        return
    if addresses:
        await ctx.put_data(**{_FREED: orjson.dumps(addresses).decode()})
        await _write(ctx, ctx.physical_id, [])


async def take_back(ctx: Context, name: str | None = None) -> None:
    """Give the port its addresses again, from the new port if it still has them.

    ``name`` is that of both ports, where it is not made up.
    """
    freed = ctx.data.get(_FREED)
    if not freed:
        return
    addresses: list[JSON] = orjson.loads(freed)
    await _clear_replacement(ctx, name, addresses)
    await _write(ctx, ctx.physical_id, addresses)
    await ctx.put_data(**{_FREED: None})


async def _clear_replacement(ctx: Context, name: str | None, addresses: list[JSON]) -> None:
    """Clear the addresses of the replacement: another port with this name that has one of them."""
    wanted = [f"ip_address={address['ip_address']}" for address in addresses]
    query = {"network_id": (await ctx.live())["network_id"], "fixed_ips": wanted}
    prefix = ctx.physical_name.rpartition("-")[0]
    for port in await ctx.cloud.network.list_all("/ports", "ports", query):
        ours = port["name"] == name if name else port["name"].startswith(f"{prefix}-")
        if ours and port["id"] != ctx.physical_id:
            await _write(ctx, port["id"], [])


async def _write(ctx: Context, port: str, addresses: list[Any]) -> None:
    await ctx.cloud.network.put(f"/ports/{port}", {"port": {"fixed_ips": addresses}})
