"""OS::Heat::None, which does nothing."""

from __future__ import annotations

import uuid

from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties


@resource_type("OS::Heat::None", since="5.0.0")
class NoneResource(ResourceType[Properties]):
    """Takes any properties and does nothing; map another type to it to leave that type out."""

    any_properties = True
    local = True

    async def create(self, ctx: Context, props: Properties) -> None:
        """Only an id is made."""
        await ctx.created(str(uuid.uuid4()))
