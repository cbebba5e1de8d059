"""AWS::CloudFormation::WaitCondition, which is complete when guests have signalled often enough."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from stackd.records import Resource
from stackd.resources.base import ResourceType
from stackd.resources.constraints import between
from stackd.resources.context import Context
from stackd.resources.heat.addresses import parse_arn
from stackd.resources.heat.wait_signals import InvalidHandle
from stackd.resources.heat.waiting import data_attribute, wait
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.urls import shown


class WaitConditionProps(Properties):
    """Properties of ``AWS::CloudFormation::WaitCondition``."""

    handle: str = prop(
        "A reference to the handle that gathers the signals: its signed URL.", name="Handle", required=True
    )
    timeout: int = prop("Seconds to wait.", name="Timeout", required=True, constraints=[between(1, 43200)])
    count: int = prop(
        "How many signals are needed.", name="Count", default=1, update=IN_PLACE, constraints=[between(1)]
    )


@resource_type("AWS::CloudFormation::WaitCondition", since="2014.1")
class WaitCondition(ResourceType[WaitConditionProps]):
    """Waits for a number of signals to a handle; a signal of failure, or none in time, makes it fail."""

    shown_by: ClassVar = dict.fromkeys(("Handle", "Count", "Timeout"), ("Data",))
    attributes: ClassVar = {"Data": data_attribute("Handle")}

    async def create(self, ctx: Context, props: WaitConditionProps) -> None:
        """Make nothing: there is no object behind a wait condition."""

    async def configure(self, ctx: Context, props: WaitConditionProps) -> None:
        """Wait for the signals."""
        _require_own(ctx, props.handle)
        await wait(ctx, props.handle, props.count, props.timeout)

    async def update(self, ctx: Context, old: WaitConditionProps, new: WaitConditionProps) -> None:
        """Wait again; signals that came before count."""
        await wait(ctx, new.handle, new.count, new.timeout, again=True)

    def reference(self, resource: Resource) -> Any:
        """The name, as there is no physical id."""
        return resource.name


def _require_own(ctx: Context, url: str) -> None:
    """Refuse what is not the URL of a resource of the same stack."""
    parts = urlsplit(url)
    found = parse_arn(unquote(parts.path.rpartition("/waitcondition/")[2]))
    if found is None:
        raise InvalidHandle(f'"{shown(url)}" is not a valid ARN URL')
    if found.project_id != ctx.stack.project_id:
        raise InvalidHandle(f"WaitCondition invalid Handle tenant {found.project_id}")
    if (found.stack_name, found.stack_id) != (ctx.stack.name, ctx.stack.id):
        raise InvalidHandle(f"WaitCondition invalid Handle stack {found.stack_name}")
