"""What all objects of the reservation service have in common: it works for them by a trust of the user."""

from __future__ import annotations

from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.rest import RestResource


class Delegated(RestResource[P]):
    """An object for which the service makes a trust of its own, which a token from a trust does not allow."""

    async def make(self, ctx: Context, props: P) -> JSON:
        """Ask with a token of the user's own."""
        cloud = await ctx.delegating()
        reply = await cloud.service(self.entity.service).post(
            self.entity.path, await self.creation(ctx, props)
        )
        return self.entity.unwrap(reply)
