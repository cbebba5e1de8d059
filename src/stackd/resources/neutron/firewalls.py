"""What firewalls, their policies and the rules of these have in common: each change keeps a firewall busy."""

from __future__ import annotations

from typing import Final

from stackd.errors import CloudConflict
from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.rest import RestResource

_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)


class FirewallPart(RestResource[P]):
    """An object on which a firewall depends. The service refuses changes while that takes another one."""

    extension = "fwaas"
    survives = True

    async def write(self, ctx: Context, body: JSON) -> None:
        """Change the object; a conflict passes when the firewall is done, or else fails after a while."""
        for pause in _PAUSES:
            try:
                return await super().write(ctx, body)
            except CloudConflict:
                await ctx.sleep(pause)
        return await super().write(ctx, body)
