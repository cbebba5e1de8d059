"""The external network of a cloud, where nothing names it."""

from __future__ import annotations

from stackd.errors import ResourceFailure
from stackd.resources.context import Context


async def external_network(ctx: Context) -> str:
    """The id of the external network: the only one, or the one that the cloud has as its default."""
    found = await ctx.cloud.network.list_all("/networks", "networks", {"router:external": True})
    meant = found if len(found) == 1 else [each for each in found if each.get("is_default")]
    if len(meant) != 1:
        raise ResourceFailure(
            f"There must be one external network, or one that is the default, but the project sees "
            f"{len(found)} of which {len(meant)} are the default. Let an administrator mark one with "
            "`openstack network set --default`."
        )
    return str(meant[0]["id"])
