"""OS::Heat::WaitCondition, which is complete when guests have signalled often enough."""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar

from stackd.errors import ResourceFailure
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between
from stackd.resources.context import Context
from stackd.resources.heat.wait_condition_handle import received
from stackd.resources.heat.wait_signals import AWS, NATIVE, Keys, enough, merge_all, timeout
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class WaitConditionProps(Properties):
    """Properties of ``OS::Heat::WaitCondition``."""

    handle: str = prop("A reference to the handle that gathers the signals.", required=True)
    timeout: float = prop("Seconds to wait.", required=True, constraints=[between(1, 43200)])
    count: int = prop("How many signals are needed.", default=1, update=IN_PLACE, constraints=[between(1)])


@resource_type("OS::Heat::WaitCondition", since="2014.2")
class WaitCondition(ResourceType[WaitConditionProps]):
    """Waits for a number of signals to a handle; a signal of failure, or none in time, makes it fail."""

    attributes: ClassVar = {
        "data": attr(
            "JSON of the data that came with the signals, by their ids.",
            compute=lambda resource: resource.data.get("signals"),
        )
    }

    async def create(self, ctx: Context, props: WaitConditionProps) -> None:
        """Make nothing: there is no object behind a wait condition."""

    async def configure(self, ctx: Context, props: WaitConditionProps) -> None:
        """Wait for the signals."""
        await wait(ctx, props.handle, props.count, props.timeout)

    async def update(self, ctx: Context, old: WaitConditionProps, new: WaitConditionProps) -> None:
        """Wait again; signals that came before count."""
        await wait(ctx, new.handle, new.count, new.timeout)

    def reference(self, resource: Resource) -> Any:
        """The name, as there is no physical id."""
        return resource.name


async def wait(ctx: Context, reference: str, count: int, seconds: float) -> None:
    """Return when a handle has enough signals, and keep what came with them."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while True:
        handle = await ctx.sibling(reference)
        if handle is None or not handle.kind.endswith("WaitConditionHandle"):
            raise ResourceFailure(f"{reference} is not a valid wait condition handle.")
        keys = _keys(handle)
        signals = merge_all(keys, handle.metadata, await received(ctx, handle))
        if _expects_none(handle) or enough(keys, signals, count):
            break
        if clock() >= end:
            raise timeout(keys, signals, count)
        await ctx.signalled()
    await ctx.put_data(signals=json.dumps({each: entry[keys.data] for each, entry in signals.items()}))


def _keys(handle: Resource) -> Keys:
    return NATIVE if handle.kind == "OS::Heat::WaitConditionHandle" else AWS


def _expects_none(handle: Resource) -> bool:
    return handle.properties.get("signal_transport") == "NO_SIGNAL"
