"""Services that accept a request before anything of it is to be seen.

They hand it on to a part of theirs that works later. Until then an object that was asked for is not there,
and one that is to be changed or deleted looks as it did before. Waits for that are bounded: what was handed
on may be lost.
"""

from __future__ import annotations

from typing import Final

from stackd.errors import CloudNotFound
from stackd.resources.context import JSON, Context

_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two reads: a minute in all."""

_MOVING: Final = ("status", "task_state", "updated_at")
"""The fields in which an object shows that something happens to it."""


async def appeared(ctx: Context) -> bool:
    """Whether the service shows the resource's object, as soon as it does."""
    for pause in _PAUSES:
        try:
            await ctx.live(fresh=True)
        except CloudNotFound:
            await ctx.sleep(pause)
        else:
            return True
    return False


async def noticed(ctx: Context, before: JSON) -> None:
    """Return once the object no longer looks as it did ``before`` the request, or after a minute."""
    for pause in _PAUSES:
        try:
            live = await ctx.live(fresh=True)
        except CloudNotFound:
            return
        if any(live.get(name) != before.get(name) for name in _MOVING):
            return
        await ctx.sleep(pause)
