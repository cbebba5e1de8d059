"""OS::Heat::Delay, a pause between two resources."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from stackd.errors import ResourceFailure
from stackd.records import Action, Resource, now
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between, one_of
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class DelayProps(Properties):
    """Properties of ``OS::Heat::Delay``."""

    min_wait: float = prop("Seconds to wait at least.", default=0, update=IN_PLACE, constraints=[between(0)])
    max_jitter: float = prop(
        "Seconds, before they are multiplied, that may be waited in addition; how many is left to chance.",
        default=0,
        update=IN_PLACE,
        constraints=[between(0)],
    )
    jitter_multiplier: float = prop(
        "What the additional seconds are multiplied by, such as the number of members of a group.",
        default=1.0,
        update=IN_PLACE,
        constraints=[between(0)],
    )
    actions: list[Any] = prop(
        "The actions that wait.",
        default=["CREATE"],
        update=IN_PLACE,
        constraints=[one_of("CREATE", "DELETE", "SUSPEND", "RESUME")],
    )


@resource_type("OS::Heat::Delay", since="11.0.0")
class Delay(ResourceType[DelayProps]):
    """Waits for some seconds, partly left to chance, when a stack is created, or by other actions."""

    waits_for = "the time has passed"

    async def create(self, ctx: Context, props: DelayProps) -> None:
        """Make nothing, but note that there is something to delete."""
        longest = props.min_wait + props.max_jitter * props.jitter_multiplier
        if longest > ctx.stack.timeout:
            raise ResourceFailure(
                f"The delay may be {longest:g} s, but the stack has {ctx.stack.timeout:g} s for all of it."
            )
        await ctx.put_data(made=True)

    async def configure(self, ctx: Context, props: DelayProps) -> None:
        """Wait, if a creation is to."""
        await _wait(ctx, props, Action.CREATE)

    async def delete(self, ctx: Context, props: DelayProps) -> None:
        """Wait, if a deletion is to."""
        await _wait(ctx, props, Action.DELETE)

    async def suspend(self, ctx: Context, props: DelayProps) -> None:
        """Wait, if suspending is to."""
        await _wait(ctx, props, Action.SUSPEND)

    async def resume(self, ctx: Context, props: DelayProps) -> None:
        """Wait, if resuming is to."""
        await _wait(ctx, props, Action.RESUME)

    def reference(self, resource: Resource) -> Any:
        """The name, as there is no physical id."""
        return resource.name


async def _wait(ctx: Context, props: DelayProps, action: Action) -> None:
    """Let the time pass; after a crash only what was left of it."""
    if action not in props.actions:
        return
    key = f"{action.lower()}_until"
    if key in ctx.data:
        left = (datetime.fromisoformat(ctx.data[key]) - now()).total_seconds()
    else:
        left = props.min_wait + random.uniform(0, props.max_jitter * props.jitter_multiplier)  # noqa: S311
        await ctx.put_data(**{key: (now() + timedelta(seconds=left)).isoformat()})
    await ctx.sleep(max(0.0, left))
    await ctx.put_data(**{key: None})
