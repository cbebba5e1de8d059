"""What tap services and tap flows have in common: they become active after each change, and go by and by."""

from __future__ import annotations

from typing import Any

from stackd.errors import CloudNotFound
from stackd.resources.base import P
from stackd.resources.context import Context
from stackd.resources.entity import Readiness
from stackd.resources.rest import RestResource
from stackd.resources.schema import IN_PLACE, prop


class Tap(RestResource[P]):
    """An object of the tap service. Without a name of its own it gets that of its resource.

    The service forgets a deletion that its agent did not carry out, and shows the object as before: it is
    deleted again until it is gone.
    """

    extension = "taas"
    readiness = Readiness(ready=("ACTIVE",), working=("DOWN", "BUILD", "PENDING_CREATE", "PENDING_UPDATE"))
    survives = True
    awaits_deletion = True

    async def is_gone(self, ctx: Context) -> bool:
        """Whether it is gone; if it came to rest instead, delete it once more."""
        try:
            if (await ctx.live(fresh=True)).get("status") in ("ACTIVE", "ERROR"):
                await ctx.cloud.network.delete(f"{self.entity.path}/{ctx.physical_id}")
        except CloudNotFound:
            return True
        return False


def named(what: str) -> Any:
    """Declare the property ``name``, which is empty where nobody gives one."""
    return prop(f"Name of the {what}.", default="", update=IN_PLACE)


def described(what: str) -> Any:
    """Declare the property ``description``."""
    return prop(f"What the {what} is for.", default="", update=IN_PLACE)
