"""The security groups of a port."""

from __future__ import annotations

from collections.abc import Iterable

from stackd.resources.context import Context


async def group_ids(ctx: Context, names: Iterable[str]) -> list[str]:
    """Ids of security groups; each once."""
    found = [await ctx.find.id_of("neutron.security_group", name) for name in names]
    return list(dict.fromkeys(found))


async def group_ids_or_default(ctx: Context, names: Iterable[str] | None) -> list[str]:
    """Ids of groups; where none are named the one that the port's project has from the beginning."""
    if names is not None:
        return await group_ids(ctx, names)
    query = {"name": "default", "project_id": (await ctx.live())["project_id"]}
    found = await ctx.cloud.network.list_all("/security-groups", "security_groups", query)
    return [group["id"] for group in found]
