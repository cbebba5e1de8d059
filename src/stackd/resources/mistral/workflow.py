"""OS::Mistral::Workflow, tasks that are executed when the resource is signalled."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.errors import CloudNotFound, ResourceFailure
from stackd.records import Resource
from stackd.resources.attributes import LIVE, attr
from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context, Reading
from stackd.resources.entity import Entity
from stackd.resources.heat.addresses import signed_url
from stackd.resources.heat.scaling_policy import URL, kept
from stackd.resources.mistral.definition import definition
from stackd.resources.mistral.workflow_props import WorkflowProps, check_workflow
from stackd.resources.registry import resource_type

SERVICE: Final = "workflow"
_EXECUTIONS: Final = "executions"
_SHOWN: Final = ("id", "workflow_name", "created_at", "updated_at", "state", "input", "output")
_TEXT: Final = {"Content-Type": "text/plain", "Accept": "text/plain"}
"""A definition is a text, and the service calls its answer one, too: it refuses who takes only JSON."""


def decoded(value: Any) -> Any:
    """A value that the service shows as JSON in a text; itself where it is no such text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


async def _executions(reading: Reading) -> list[JSON]:
    """The executions that signals have begun, as far as the service still has them."""
    found: list[JSON] = []
    for each in reading.resource.data.get(_EXECUTIONS) or ():
        with contextlib.suppress(CloudNotFound):
            shown = await reading.cloud.service(SERVICE).get(f"/executions/{each}")
            found.append({name: decoded(shown.get(name)) for name in _SHOWN})
    return found


def _data(resource: Resource) -> JSON:
    return {"name": resource.physical_id, "input": resource.properties.get("input")}


@resource_type("OS::Mistral::Workflow", since="2015.1")
class Workflow(ResourceType[WorkflowProps]):
    """A workflow, known by its name. Each signal begins an execution of it."""

    entity = Entity(SERVICE, "/workflows", "", "workflows", update="PUT", id_field="name", found_by=("name",))
    lookups: ClassVar = {
        # Workflows name each other in their definitions: what stands for one is its name.
        "mistral.workflow": Collection(
            "Workflow", SERVICE, "/workflows", "workflows",
            whole=True, params={"fields": "id,name"}, id="name", name="id",
        )
    }  # fmt: skip
    signalable = True
    replaced_by_checks = False
    attributes: ClassVar = {
        "data": attr(
            "The name of the workflow, and the names of its input with defaults.", "map", compute=_data
        ),
        "alarm_url": attr("A signed URL that begins an execution, without a token.", compute=kept(URL)),
        "executions": attr("The executions that signals have begun.", "list", LIVE, read=_executions),
    }
    shown_by: ClassVar = dict.fromkeys(WorkflowProps.schema, ("show",)) | {"input": ("show", "data")}

    def validate(self, props: WorkflowProps) -> None:
        """Tasks are complete, and fit the type of the workflow."""
        check_workflow(props)

    def broken(self, live: JSON) -> bool:
        """A workflow that is there gets its definition again: it has no state that could be broken."""
        return False

    async def create(self, ctx: Context, props: WorkflowProps) -> None:
        """Make the user whose key signs the URL, and then the workflow."""
        await ctx.users.make(keypair=True)
        name = props.name or ctx.physical_name
        await ctx.cloud.service(SERVICE).request(
            "POST", "/workflows", content=definition(name, props), headers=_TEXT
        )
        await ctx.created(name)

    async def configure(self, ctx: Context, props: WorkflowProps) -> None:
        """Keep the URL: what refers to it must see the same one always."""
        if URL not in ctx.data:
            user = await ctx.users.make(keypair=True)
            await ctx.put_data(**{URL: signed_url(ctx.endpoints, ctx.stack, ctx.resource.name, user)})

    async def update(self, ctx: Context, old: WorkflowProps, new: WorkflowProps) -> None:
        """Give the workflow its new definition. One that was adopted gets its URL."""
        await ctx.cloud.service(SERVICE).request(
            "PUT", "/workflows", content=definition(ctx.physical_id, new), headers=_TEXT
        )
        await self.configure(ctx, new)

    async def delete(self, ctx: Context, props: WorkflowProps) -> None:
        """Remove the executions that signals began, the workflow, and the user."""
        service = ctx.cloud.service(SERVICE)
        for each in ctx.data.get(_EXECUTIONS) or ():
            with contextlib.suppress(CloudNotFound):
                await service.delete(f"/executions/{each}", {"force": True})
        if ctx.resource.physical_id is not None:
            with contextlib.suppress(CloudNotFound):
                await service.delete(self.entity.at(ctx.physical_id))
        await ctx.users.remove()

    async def signal(self, ctx: Context, details: Mapping[str, Any] | None) -> str | None:
        """Begin an execution. Its id is stored before: what a crash leaves of it is removed with the rest."""
        asked = _asked(WorkflowProps.wrap(dict(ctx.resource.properties)), details or {})
        identity = str(uuid.uuid4())
        await ctx.put_data(**{_EXECUTIONS: [*(ctx.data.get(_EXECUTIONS) or ()), identity]})
        body = {"id": identity, "workflow_name": ctx.physical_id, **asked}
        await ctx.cloud.service(SERVICE).request("POST", "/executions", json=body, idempotent=True)
        return ""


def _asked(props: WorkflowProps, details: Mapping[str, Any]) -> JSON:
    """The input and the parameters of an execution that a signal begins."""
    given: JSON = {"input": details} if props.use_request_body_as_input else dict(details)
    for name in ("input", "params"):
        if not isinstance(given.get(name) or {}, Mapping):
            raise ResourceFailure(f"{name} in a signal must be a map.")
    known, wanted = props.input or {}, given.get("input") or {}
    if unknown := sorted(wanted.keys() - known.keys()):
        raise ResourceFailure(f"The workflow has no input {', '.join(unknown)}.")
    return {"input": {**wanted}, "params": {**(props.params or {}), **(given.get("params") or {})}}
