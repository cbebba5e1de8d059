"""How containers go, whatever they are doing."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from stackd.errors import CloudNotFound, ResourceInError
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Place
from stackd.resources.lag import noticed

ERROR: Final = "Error"
PAUSED: Final = "Paused"
DELETING: Final = "Deleting"
_PASSING: Final = ("Creating", "Rebuilding")
"""The statuses that end by themselves, in which a container cannot be deleted."""


async def delete(ctx: Context, place: Place) -> None:
    """Stop and delete a container. The service does neither to one that is paused, or not yet made."""
    entity, identity = place
    before = await ctx.poll(
        lambda live: live["status"] not in _PASSING, "the container can be deleted", of=place
    )
    if before["status"] == DELETING:
        return
    service, path = ctx.cloud.service(entity.service), entity.at(identity)
    if before["status"] == PAUSED:
        await service.post(f"{path}/unpause")
        await ctx.poll(lambda live: live["status"] != PAUSED, "the container is no longer paused", of=place)
    # The service sends a body after an answer that must have none, where the next answer would begin.
    await service.request("DELETE", path, params={"stop": True}, headers={"Connection": "close"})
    if before["status"] == ERROR and identity == ctx.physical_id:
        await noticed(ctx, before)


async def remove(ctx: Context, place: Place) -> None:
    """Delete a container and wait until there is none. Idempotent: ignores 404."""
    with suppress(CloudNotFound):
        await delete(ctx, place)
        await ctx.poll(is_gone, "the container is deleted", of=place)


def is_gone(live: JSON) -> bool:
    """Whether a container that is still shown counts as deleted, which it never does; raise in error."""
    if live["status"] == ERROR and not live.get("task_state"):
        raise in_error(live)
    return False


def in_error(live: JSON) -> ResourceInError:
    """The failure of a container, with the service's reason."""
    return ResourceInError(f'Went to status {ERROR} due to "{live.get("status_reason") or "Unknown"}"')
