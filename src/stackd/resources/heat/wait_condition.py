"""OS::Heat::WaitCondition, which is complete when guests have signalled often enough."""

from __future__ import annotations

from typing import Any, ClassVar

from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between
from stackd.resources.context import Context
from stackd.resources.heat.waiting import data_attribute, wait
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

    shown_by: ClassVar = dict.fromkeys(("handle", "count", "timeout"), ("data",))
    attributes: ClassVar = {"data": data_attribute("handle")}

    async def create(self, ctx: Context, props: WaitConditionProps) -> None:
        """Make nothing: there is no object behind a wait condition."""

    async def configure(self, ctx: Context, props: WaitConditionProps) -> None:
        """Wait for the signals."""
        await wait(ctx, props.handle, props.count, props.timeout)

    async def update(self, ctx: Context, old: WaitConditionProps, new: WaitConditionProps) -> None:
        """Wait again; signals that came before count."""
        await wait(ctx, new.handle, new.count, new.timeout, again=True)

    def reference(self, resource: Resource) -> Any:
        """The name, as there is no physical id."""
        return resource.name
