"""Types whose services do not say when an object was made, and keep no mark of ours.

An object of an interrupted creation could not be distinguished from an older one of the same name, which
belongs to somebody else. So the older ones are stored before the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.rest import RestResource

_OLDER: Final = "older"


class UndatedResource(RestResource[P]):
    """A type whose objects are found again by their names, without those that were there before."""

    async def make(self, ctx: Context, props: P) -> JSON:
        """Store what has the name already, unless nobody else would choose it, and make the object."""
        if props.data.get("name") and _OLDER not in ctx.data:
            await ctx.put_data(**{_OLDER: [each["id"] for each in await super().find(ctx, props)]})
        return await super().make(ctx, props)

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """See ``ResourceType``. Where nothing is stored of a name that was chosen, nothing was asked for."""
        if props.data.get("name") and _OLDER not in ctx.data:
            return ()
        older = ctx.data.get(_OLDER) or ()
        return [each for each in await super().find(ctx, props) if each["id"] not in older]
