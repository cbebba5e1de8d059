"""OS::Heat::TestResource, which waits and fails on demand: for trying out an engine, not a cloud."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from stackd.errors import ResourceFailure
from stackd.resources.attributes import LIVE, attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import custom
from stackd.resources.context import Context, Reading
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class TestFailure(ResourceFailure):
    """The failure that a template asked for, under the name that it has in Heat."""

    __test__ = False
    wire_type = "ValueError"


class ActionWaitSecs(Properties):
    """Waiting times by action."""

    create: float | None = prop("Seconds to wait after a create.", update=IN_PLACE)
    update: float | None = prop("Seconds to wait after an update.", update=IN_PLACE)
    delete: float | None = prop("Seconds to wait after a delete.", update=IN_PLACE)


class TestResourceProps(Properties):
    """Properties of ``OS::Heat::TestResource``."""

    __test__ = False

    value: str = prop("What the attribute output gives.", default="test_string", update=IN_PLACE)
    fail: bool = prop("Whether create and update fail.", default=False, update=IN_PLACE)
    update_replace: bool = prop("Whether a new value needs a new resource.", default=False, update=IN_PLACE)
    update_replace_value: str | None = prop("Any change of this needs a new resource.", since="7.0.0")
    wait_secs: float = prop(
        "Seconds that each action takes; for ever when negative.", default=0, update=IN_PLACE
    )
    action_wait_secs: ActionWaitSecs | None = prop(
        "Seconds that single actions take; goes before wait_secs.", update=IN_PLACE
    )
    attr_wait_secs: float = prop(
        "Seconds that reading an attribute takes.", default=0, update=IN_PLACE, since="6.0.0"
    )
    constraint_prop_secs: float = prop(
        "Seconds that checking this property takes.",
        default=0,
        update=IN_PLACE,
        since="6.0.0",
        constraints=[custom("test_constr")],
    )
    client_name: str = prop("A service to call while waiting.", default="", update=IN_PLACE)
    entity_name: str = prop("The collection of that service to list.", default="", update=IN_PLACE)


async def _output(ctx: Reading) -> Any:
    """The value, after the time that is asked for."""
    props = TestResourceProps.load(ctx.resource.properties)
    await ctx.sleep(props.attr_wait_secs)
    return props.value


@resource_type("OS::Heat::TestResource", since="5.0.0")
class TestResource(ResourceType[TestResourceProps]):
    """Waits, fails and is replaced as its properties say."""

    __test__ = False
    attributes: ClassVar = {"output": attr("The property value.", "any", LIVE, read=_output)}
    shown_by: ClassVar = {"value": ("output",)}
    checkable = True

    def needs_replace(
        self, old: TestResourceProps, new: TestResourceProps, changed: frozenset[str]
    ) -> str | None:
        """A new value needs a new resource if ``update_replace`` is set."""
        return "update_replace is set" if new.update_replace and "value" in changed else None

    async def create(self, ctx: Context, props: TestResourceProps) -> None:
        """Store an id without creating anything; fail if ``fail`` is set."""
        if props.fail:
            await _wait(ctx, props, "create")
            raise TestFailure(f"Test Resource failed {ctx.resource.name}")
        await ctx.created(ctx.physical_name)

    async def configure(self, ctx: Context, props: TestResourceProps) -> None:
        """Wait for the configured time."""
        await _wait(ctx, props, "create")

    async def update(self, ctx: Context, old: TestResourceProps, new: TestResourceProps) -> None:
        """Wait when the value changes, then fail if ``fail`` is set."""
        if new.value != old.value:
            await _wait(ctx, new, "update")
        if new.fail:
            raise TestFailure(f"Test Resource failed {ctx.resource.name}")

    async def delete(self, ctx: Context, props: TestResourceProps) -> None:
        """Wait for the configured time."""
        await _wait(ctx, props, "delete")

    async def check(self, ctx: Context, props: TestResourceProps) -> None:
        """Content as soon as there is an id."""
        if not ctx.resource.physical_id:
            raise ResourceFailure("The resource has no physical id")


async def _wait(ctx: Context, props: TestResourceProps, action: str) -> None:
    """Let the time of an action pass, calling a service meanwhile if one is named."""
    chosen = props.action_wait_secs.data.get(action) if props.action_wait_secs else None
    seconds = props.wait_secs if chosen is None else chosen
    if seconds == 0:
        return
    clock = asyncio.get_running_loop().time
    end = clock() + seconds

    async def is_over() -> bool:
        if props.client_name and props.entity_name:
            await ctx.cloud.service(props.client_name).get(f"/{props.entity_name}")
        return seconds > 0 and end <= clock()

    if seconds > 0 and not props.client_name:
        await ctx.sleep(seconds)
    else:
        await ctx.until(is_over)
