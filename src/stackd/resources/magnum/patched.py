"""What all objects of the service have in common: they are changed by JSON patches."""

from __future__ import annotations

from typing import Final

from stackd.resources.base import P
from stackd.resources.context import JSON, Context
from stackd.resources.rest import RestResource

SERVICE: Final = "container-infra"


class Patched(RestResource[P]):
    """An object that survives changes which fail: the service refuses most of them without doing anything."""

    survives = True

    async def write(self, ctx: Context, body: JSON) -> None:
        """Send the changes. They say what is to be, so that they may be sent again when an answer is lost."""
        if body:
            path, patch = self.entity.at(ctx.physical_id), json_patch(body)
            await self.service_of(ctx).request("PATCH", path, json=patch, idempotent=True)


def json_patch(body: JSON) -> list[JSON]:
    """The patch by which the fields have these values; empty ones are removed."""
    return [
        {"op": "remove", "path": f"/{name}"}
        if value in (None, "")
        else {"op": "replace", "path": f"/{name}", "value": value}
        for name, value in body.items()
    ]
