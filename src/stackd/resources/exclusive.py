"""Types whose objects exclude each other by their values: the service refuses the second of two."""

from __future__ import annotations

from stackd.resources.base import P
from stackd.resources.beside import made_once
from stackd.resources.context import Context
from stackd.resources.undated import UndatedResource


class ExclusiveResource(UndatedResource[P]):
    """A type of which an object that is replaced goes before its replacement is made."""

    async def prepare_for_replace(self, ctx: Context, props: P) -> None:
        """Make way for the new object."""
        await self.delete(ctx, props)

    async def displace(self, ctx: Context, props: P) -> None:
        """Remove what is in the way of an object that is to be made again. Idempotent."""

    async def undo_replace(self, ctx: Context, props: P) -> None:
        """Make the object again, unless that is done."""
        await self.displace(ctx, props)
        entity, body = self.entity.of(ctx.resource), await self.creation(ctx, props)
        made = await made_once(ctx, entity, body)
        await ctx.created(made[entity.id_field], made)
