"""OS::Mistral::ExternalResource, something that workflows make, change and remove."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from stackd.errors import CloudNotFound, ResourceFailure
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.mistral.workflow import SERVICE, decoded
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop

_OUTPUTS: Final = "outputs"
_ENDED: Final = {"SUCCESS": True, "ERROR": False, "CANCELLED": False}
_RUNS: Final = uuid.UUID("0a1f5a57-6f53-4f7e-9e0b-3a6f8f0f8c7d")
"""The name space of the ids of executions."""


class ActionProps(Properties):
    """What is executed for an action."""

    workflow: str = prop("Name or id of the workflow.", required=True, find="mistral.workflow")
    params: dict[str, Any] = prop("Parameters of the execution.", default={})


class ActionsProps(Properties):
    """What is executed for each action; an action without a workflow does nothing."""

    CREATE: ActionProps | None = prop("What makes it; its output may name it, as resource_id.")
    UPDATE: ActionProps | None = prop("What changes it.")
    SUSPEND: ActionProps | None = prop("What lets it rest.")
    RESUME: ActionProps | None = prop("What lets it work again.")
    DELETE: ActionProps | None = prop("What removes it.")


class ExternalResourceProps(Properties):
    """Properties of an external resource."""

    actions: ActionsProps = prop("The workflow of each action.", required=True)
    input: dict[str, Any] = prop("Input of all workflows.", default={}, update=IN_PLACE)
    description: str = prop("Description of the executions.", default="Heat managed")
    always_update: bool = prop("Whether every update of the stack executes UPDATE.", default=False)
    replace_on_change_inputs: list[Any] = prop(
        "Names of the input of which another value makes a new object.", default=[]
    )


def _output(resource: Resource) -> JSON:
    return dict(resource.data.get(_OUTPUTS) or {})


@resource_type("OS::Mistral::ExternalResource", since="9.0.0")
class ExternalResource(ResourceType[ExternalResourceProps]):
    """Something that the cloud's services do not know, with a workflow for each action.

    The output of all workflows together is private to the resource, and what a workflow finds in
    ``env().heat_extresource_data``. The ids of executions follow from the action and the moment of its
    intent, so that the same request again begins no other execution.
    """

    service = SERVICE
    waits_for = "the workflow has ended"
    attributes: ClassVar = {"output": attr("The output of the workflows.", "map", compute=_output)}
    shown_by: ClassVar = {"input": ("output",)}

    def needs_replace(
        self, old: ExternalResourceProps, new: ExternalResourceProps, changed: frozenset[str]
    ) -> str | None:
        """Some of the input makes a new object."""
        before, after = old.data.get("input"), new.data.get("input")
        if "input" not in changed or not isinstance(before, Mapping) or not isinstance(after, Mapping):
            return None
        names = [str(each) for each in new.data.get("replace_on_change_inputs") or ()]
        differ = [name for name in names if before.get(name) != after.get(name)]
        return f"another value of the input {', '.join(differ)} needs a new object" if differ else None

    def must_update(self, new: ExternalResourceProps) -> str | None:
        """Where it is so declared, by every update."""
        return "every update executes its workflow" if new.data.get("always_update") is True else None

    async def create(self, ctx: Context, props: ExternalResourceProps) -> None:
        """Begin CREATE; without a workflow nothing is made."""
        has_begun = await _begin(ctx, props)
        await ctx.created(_execution(ctx) if has_begun else ctx.physical_name)

    async def find(self, ctx: Context, props: ExternalResourceProps) -> Sequence[JSON]:
        """The execution that was begun, if it was."""
        if _action(ctx, props) is None:
            return ()
        try:
            return [await ctx.cloud.service(SERVICE).get(f"/executions/{_execution(ctx)}")]
        except CloudNotFound:
            return ()

    async def is_ready(self, ctx: Context, props: ExternalResourceProps) -> bool:
        """Whether the execution has ended; its output is stored then."""
        return await self._has_ended(ctx, props)

    async def update(self, ctx: Context, old: ExternalResourceProps, new: ExternalResourceProps) -> None:
        """Begin UPDATE."""
        await _begin(ctx, new)

    async def suspend(self, ctx: Context, props: ExternalResourceProps) -> None:
        """Execute SUSPEND."""
        await self._execute(ctx, props)

    async def resume(self, ctx: Context, props: ExternalResourceProps) -> None:
        """Execute RESUME."""
        await self._execute(ctx, props)

    async def delete(self, ctx: Context, props: ExternalResourceProps) -> None:
        """Execute DELETE."""
        await self._execute(ctx, props)

    async def _execute(self, ctx: Context, props: ExternalResourceProps) -> None:
        async def has_ended() -> bool:
            return await self._has_ended(ctx, props)

        if await _begin(ctx, props):
            await ctx.until(has_ended, self.waits_for)

    async def _has_ended(self, ctx: Context, props: ExternalResourceProps) -> bool:
        if _action(ctx, props) is None:
            return True
        identity = _execution(ctx)
        try:
            execution = await ctx.cloud.service(SERVICE).get(f"/executions/{identity}")
        except CloudNotFound as gone:  # to the engine it would mean that the resource is gone
            raise ResourceFailure(f"The execution {identity} is gone before it has ended.") from gone
        state = execution["state"]
        if state not in _ENDED:
            return False
        if not _ENDED[state]:
            reason = execution.get("state_info") or "Unknown"
            raise ResourceFailure(f"The execution {identity} ended in {state}: {reason}")
        await _keep(ctx, decoded(execution.get("output")))
        return True


def _action(ctx: Context, props: ExternalResourceProps) -> ActionProps | None:
    """What is to be executed for the action under way."""
    found: ActionProps | None = getattr(props.actions, ctx.resource.action, None)
    return found


def _execution(ctx: Context) -> str:
    """The id of the execution for the action under way: the same until the next intent."""
    row = ctx.resource
    moment = row.updated_at or row.created_at
    return str(uuid.uuid5(_RUNS, f"{row.id} {row.action} {moment.isoformat()}"))


async def _begin(ctx: Context, props: ExternalResourceProps) -> bool:
    """Begin the execution of the action under way, unless that is done; false if there is none."""
    action = _action(ctx, props)
    if action is None:
        return False
    env = {**(action.params.get("env") or {}), "heat_extresource_data": ctx.data.get(_OUTPUTS) or {}}
    body = {
        "id": _execution(ctx),
        "workflow_name": action.workflow,
        "description": props.description,
        "input": props.input,
        "params": {**action.params, "env": env},
    }
    try:
        await ctx.cloud.service(SERVICE).request("POST", "/executions", json=body, idempotent=True)
    except CloudNotFound as missing:  # to the engine it would mean that the resource is gone
        raise ResourceFailure(f"The workflow {action.workflow} cannot be executed: {missing}") from missing
    return True


async def _keep(ctx: Context, output: Any) -> None:
    """Add the output of an execution to what is known; a resource_id in it is the physical id from now on."""
    if not isinstance(output, Mapping):
        return
    outputs = {**(ctx.data.get(_OUTPUTS) or {}), **output}
    if outputs != ctx.data.get(_OUTPUTS):
        await ctx.put_data(**{_OUTPUTS: outputs})
    identity = output.get("resource_id")
    if identity and str(identity) != ctx.resource.physical_id:
        await ctx.created(str(identity))
