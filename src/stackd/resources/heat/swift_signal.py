"""OS::Heat::SwiftSignal, which is complete when guests have written enough signals to an object in Swift."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between
from stackd.resources.context import Context
from stackd.resources.heat import guests
from stackd.resources.heat.wait_signals import (
    NATIVE,
    SwiftSignalFailure,
    SwiftSignalTimeout,
    WaitConditionFailure,
    data_of,
    enough,
    read_all,
    timeout,
)
from stackd.resources.heat.waiting import end_of_wait
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop


class SwiftSignalProps(Properties):
    """Properties of ``OS::Heat::SwiftSignal``."""

    handle: str = prop("A reference to the handle: the URL of its object.", required=True)
    timeout: float = prop("Seconds to wait.", required=True, constraints=[between(1, 43200)])
    count: int = prop("How many signals are needed.", default=1, constraints=[between(1, 1000)])


@resource_type("OS::Heat::SwiftSignal", since="2014.2")
class SwiftSignal(ResourceType[SwiftSignalProps]):
    """Waits for a number of signals in Swift; a signal of failure, or none in time, makes it fail."""

    service = "object-store"
    attributes: ClassVar = {
        "data": attr(
            "JSON of the data that came with the signals, by their ids.",
            compute=lambda resource: resource.data.get("signals", "{}"),
        )
    }

    def validate(self, props: SwiftSignalProps) -> None:
        """The handle must be a URL, once it is known; before that it is the name of a resource."""
        if isinstance(props.handle, str) and "://" in props.handle:
            _object_of(props.handle)

    async def create(self, ctx: Context, props: SwiftSignalProps) -> None:
        """Make nothing: there is no object behind a wait."""

    async def configure(self, ctx: Context, props: SwiftSignalProps) -> None:
        """Wait for the signals, which Swift has and does not announce."""
        container, name = _object_of(props.handle)
        end, versions = await end_of_wait(ctx, props.timeout), dict[str, Any]()
        while True:
            signals = read_all(await guests.written_objects(ctx, container, name, versions))
            if _enough(signals, props.count):
                break
            if asyncio.get_running_loop().time() >= end:
                await ctx.put_data(wait_until=None)
                late = timeout(NATIVE, signals, props.count, seconds=props.timeout, handle=name)
                raise SwiftSignalTimeout(late.message)
            await ctx.signalled(f"{props.count} signals are in {name}, where there are {len(signals)}")
        await ctx.put_data(signals=json.dumps(data_of(NATIVE, signals)), wait_until=None)

    def reference(self, resource: Resource) -> Any:
        """The name, as there is no physical id."""
        return resource.name


def _enough(signals: Mapping[str, Any], count: int) -> bool:
    try:
        return enough(NATIVE, signals, count)
    except WaitConditionFailure as failure:
        raise SwiftSignalFailure(failure.message) from None


def _object_of(url: str) -> tuple[str, str]:
    """The container and the name of the object at a URL of Swift."""
    found = guests.object_at(url)
    if found is None:
        path = unquote(urlsplit(url).path)
        raise PropertyError(
            f'"{path}" is not a valid SwiftSignalHandle.  The Swift TempURL path is invalid',
            path="properties.handle",
            remedy="Refer to an OS::Heat::SwiftSignalHandle with get_resource.",
        )
    return found
