"""Waiting for the signals to a handle; what wait conditions of both dialects do."""

from __future__ import annotations

import asyncio
import json

from stackd.errors import ResourceFailure
from stackd.records import Resource
from stackd.resources.context import Context
from stackd.resources.heat.wait_condition_handle import received
from stackd.resources.heat.wait_signals import AWS, NATIVE, Keys, enough, merge_all, timeout


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
            raise timeout(keys, signals, count, seconds=seconds, handle=handle.name)
        await ctx.signalled(f"{count} signals have come to {handle.name}, of which there are {len(signals)}")
    await ctx.put_data(signals=json.dumps({each: entry[keys.data] for each, entry in signals.items()}))


def _keys(handle: Resource) -> Keys:
    return NATIVE if handle.kind == "OS::Heat::WaitConditionHandle" else AWS


def _expects_none(handle: Resource) -> bool:
    return handle.properties.get("signal_transport") == "NO_SIGNAL"
