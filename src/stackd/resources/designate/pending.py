"""What zones and recordsets have in common: they are PENDING after every request, the last one too."""

from __future__ import annotations

from functools import partial
from typing import Final

from stackd.errors import ResourceInError
from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.rest import RestResource

LARGEST_PAGE: Final = {"limit": "1000"}


class Pending(RestResource[P]):
    """An object whose changes take a while to arrive at the name servers, and that has no second of its name.

    So what failed is not replaced but updated, unless it is in error: then it goes before there is another.
    """

    waits_for = "the name servers have it"
    awaits_deletion = True
    survives = True

    def ready(self, live: JSON) -> bool:
        """Whether nothing is under way."""
        if live["status"] == "ERROR":
            raise ResourceInError('Went to status ERROR due to "Error in DNS service"')
        return bool(live["status"] != "PENDING")

    def gone(self, live: JSON) -> bool:
        """Raise when the deletion failed."""
        self.ready(live)
        return False

    async def prepare_for_replace(self, ctx: Context, props: P) -> None:
        """Remove an object in error."""
        if (await ctx.live(fresh=True))["status"] == "ERROR":
            await self.delete(ctx, props)
            await ctx.until(partial(self.is_gone, ctx), "it is deleted")

    async def change(self, ctx: Context, old: P, new: P) -> JSON:
        """A value that is taken away stays as it is: the service has none that would mean so."""
        return {name: value for name, value in (await super().change(ctx, old, new)).items() if value}
