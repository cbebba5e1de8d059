"""Types whose services do not say when an object was made, and keep no mark of ours.

An object of an interrupted creation could not be distinguished from an older one of the same name, or,
where there are no names, of the same values, which belongs to somebody else. So the older ones are stored
before the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.rest import RestResource

_OLDER: Final = "older"


class UndatedResource(RestResource[P]):
    """A type whose objects are found again by their names or values, without those that were there before."""

    async def alike(self, ctx: Context, props: P) -> Sequence[JSON]:
        """All objects with the name or the values, whoever made them."""
        return await super().find(ctx, props)

    async def make(self, ctx: Context, props: P) -> JSON:
        """Store what looks the same already, unless nobody else would make such, and make the object."""
        if self._has_doubles(props) and _OLDER not in ctx.data:
            await ctx.put_data(**{_OLDER: [each["id"] for each in await self.alike(ctx, props)]})
        return await super().make(ctx, props)

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """See ``ResourceType``. Where nothing is stored of what has doubles, nothing was asked for."""
        if self._has_doubles(props) and _OLDER not in ctx.data:
            return ()
        older = ctx.data.get(_OLDER) or ()
        return [each for each in await self.alike(ctx, props) if each["id"] not in older]

    def _has_doubles(self, props: P) -> bool:
        """Whether others may make an object that looks the same."""
        return not self.entity.name_field or bool(props.data.get("name"))
