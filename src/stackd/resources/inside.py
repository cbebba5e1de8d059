"""Types whose objects are in a collection inside another object, such as the rules of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.exclusive import ExclusiveResource


class InsideResource(ExclusiveResource[P]):
    """A type whose object belongs to another one, which the property ``inside`` names.

    The other's id is a private value, stored before the object is made: without it nobody could find that.
    Such objects exclude each other, by their values.
    """

    inside: ClassVar[str]

    async def owner_of(self, ctx: Context, props: P) -> str:
        """The id of the other object."""
        return str(props.data[self.inside])

    async def make(self, ctx: Context, props: P) -> JSON:
        """Store where the object is going to be, and have it made."""
        await ctx.put_data(**{self.inside: await self.owner_of(ctx, props)})
        return await super().make(ctx, props)

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """See ``ResourceType``. Where nothing is stored, nothing was asked for."""
        return await super().find(ctx, props) if self.inside in ctx.data else ()
