"""What a resource needs besides its own object: further objects, and connections that have no id.

Each is made once, whatever is lost or interrupted: what may be there already is looked for first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from stackd.clients.failures import AnswerLost
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, find_made

_PAUSE: Final = 0.5
"""Seconds after a lost answer, in which the service goes on with what was asked."""


async def once(
    ctx: Context, is_done: Callable[[], Awaitable[bool]], ask: Callable[[], Awaitable[Any]]
) -> None:
    """Ask for something unless it is done. Idempotent, also where an answer was lost."""
    for is_last in (False, True):
        try:
            if not await is_done():
                await ask()
            return
        except AnswerLost:
            if is_last:
                raise
            await ctx.sleep(_PAUSE)


async def made_once(ctx: Context, entity: Entity, body: Mapping[str, Any]) -> JSON:
    """The object with the deterministic name in the body, which is made unless there is one."""
    found: list[JSON] = []

    async def is_there() -> bool:
        found[:] = await find_made(ctx, entity, body)
        return bool(found)

    async def make() -> None:
        reply = await ctx.cloud.service(entity.service).post(entity.path, entity.wrap(dict(body)))
        found.append(entity.unwrap(reply))

    await once(ctx, is_there, make)
    return found[0]
