"""Waiting for the signals to a handle; what wait conditions of both dialects do."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

from stackd.records import Resource, now
from stackd.resources.attributes import LIVE, Attribute, attr
from stackd.resources.context import Context, Reading
from stackd.resources.heat.wait_condition_handle import received, vanish
from stackd.resources.heat.wait_signals import (
    AWS,
    NATIVE,
    InvalidHandle,
    Keys,
    data_of,
    enough,
    merge_all,
    signals_in,
    timeout,
)
from stackd.urls import shown


async def wait(ctx: Context, reference: str, count: int, seconds: float, *, again: bool = False) -> None:
    """Return when a handle has enough signals, and keep what came with them.

    A wait that a crash interrupted goes on and ends when it would have ended; one that is to begin ``again``
    has all its time.
    """
    end = await end_of_wait(ctx, seconds, again=again)
    seen = dict(ctx.data.get("received") or {})
    while True:
        handle = await ctx.sibling(reference)
        if handle is None or not handle.kind.endswith("WaitConditionHandle"):
            raise InvalidHandle(f"{shown(reference)} is not a valid wait condition handle.")
        keys = _keys(handle)
        signals = merge_all(keys, signals_in(keys, handle.metadata), await received(ctx, handle, seen))
        if vanish(handle) and seen != ctx.data.get("received", {}):
            await ctx.put_data(received=dict(seen))
        if _expects_none(handle) or enough(keys, signals, count):
            break
        if asyncio.get_running_loop().time() >= end:
            await ctx.put_data(wait_until=None)
            raise timeout(keys, signals, count, seconds=seconds, handle=handle.name)
        await ctx.signalled(f"{count} signals have come to {handle.name}, of which there are {len(signals)}")
    await ctx.put_data(signals=json.dumps(data_of(keys, signals)), wait_until=None)


async def end_of_wait(ctx: Context, seconds: float, *, again: bool = False) -> float:
    """When the wait ends, by the clock of the loop; kept as a time of the day."""
    until = None if again else ctx.data.get("wait_until")
    if until is None:
        await ctx.put_data(wait_until=(now() + timedelta(seconds=seconds)).isoformat())
        left = seconds
    else:
        left = min(seconds, (datetime.fromisoformat(until) - now()).total_seconds())
    return asyncio.get_running_loop().time() + left


def data_attribute(handle: str) -> Attribute:
    """The attribute with the data of the signals to the handle that the property ``handle`` refers to.

    It also has what came when nobody waited any more.
    """

    async def data_now(reading: Reading) -> str:
        found = await reading.sibling(reading.resource.properties[handle])
        kept = _data_kept(reading.resource)
        if found is None:
            return kept
        keys = _keys(found)
        return json.dumps(json.loads(kept) | data_of(keys, signals_in(keys, found.metadata)))

    text = "JSON of the data that came with the signals, by their ids."
    return attr(text, how=LIVE, read=data_now, compute=_data_kept, is_stored_here=True)


def _data_kept(condition: Resource) -> str:
    """What had come when the wait ended."""
    return str(condition.data.get("signals", "{}"))


def _keys(handle: Resource) -> Keys:
    return NATIVE if handle.kind == "OS::Heat::WaitConditionHandle" else AWS


def _expects_none(handle: Resource) -> bool:
    return handle.properties.get("signal_transport") == "NO_SIGNAL"
