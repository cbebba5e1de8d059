"""OS::Mistral::CronTrigger, which executes a workflow at given times."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from stackd.errors import CloudConflict, PropertyError
from stackd.resources.attributes import LIVE, attr
from stackd.resources.constraints import custom
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity
from stackd.resources.mistral.workflow import SERVICE
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource
from stackd.resources.schema import Properties, prop


class TriggeredProps(Properties):
    """The workflow of a trigger."""

    name: str = prop("Name or id of the workflow.", required=True, find="mistral.workflow")
    input: dict[str, Any] | None = prop("Input of the executions.")


class CronTriggerProps(Properties):
    """Properties of a trigger."""

    name: str | None = prop("Name of the trigger.")
    pattern: str | None = prop("When the workflow is executed.", constraints=[custom("cron_expression")])
    workflow: TriggeredProps = prop("What is executed.", required=True)
    first_time: str | None = prop(
        "When it is executed first, as YYYY-MM-DD HH:MM in UTC; at least a minute from now."
    )
    count: int | None = prop("How often it is executed; without end if nothing is given.")


@resource_type("OS::Mistral::CronTrigger", since="5.0.0")
class CronTrigger(RestResource[CronTriggerProps]):
    """Executes a workflow at given times, as the stack's user, by a trust that the service makes."""

    entity = Entity(SERVICE, "/cron_triggers", "", "cron_triggers", id_field="name", found_by=("name",))
    fields: ClassVar = {
        "name": "name",
        "pattern": "pattern",
        "first_time": "first_execution_time",
        "count": "remaining_executions",
    }
    attributes: ClassVar = {
        "next_execution_time": attr("When the workflow is executed next.", how=LIVE),
        "remaining_executions": attr("How often it will be executed.", "integer", LIVE),
    }

    def validate(self, props: CronTriggerProps) -> None:
        """It is said when."""
        if not (props.data.get("pattern") or props.data.get("first_time")):
            raise PropertyError(
                "Neither pattern nor first_time says when the workflow is executed.",
                path="properties",
                remedy="Give at least one of them.",
            )

    def body(self, ctx: Context, props: CronTriggerProps) -> JSON:
        """The workflow by its name."""
        workflow = {"workflow_name": props.workflow.name, "workflow_input": props.workflow.input or {}}
        return {**super().body(ctx, props), **workflow}

    async def make(self, ctx: Context, props: CronTriggerProps) -> JSON:
        """The service makes a trust with the token that the request has."""
        cloud = await ctx.delegating()
        made: JSON = await cloud.service(SERVICE).post(self.entity.path, await self.creation(ctx, props))
        return made

    def observed(self, props: CronTriggerProps, live: JSON) -> None:
        """Nothing: the service counts down, and moves the times on."""
        return

    async def prepare_for_replace(self, ctx: Context, props: CronTriggerProps) -> None:
        """Free a name that was chosen for the new trigger."""
        if props.name:
            await self.delete(ctx, props)

    async def undo_replace(self, ctx: Context, props: CronTriggerProps) -> None:
        """Make the trigger again, unless that is done."""
        if props.name:
            with contextlib.suppress(CloudConflict):
                await self.make(ctx, props)
