"""Resources of a stack: list, show, metadata, signal, mark as broken."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from stackd.engine.usecases import signals
from stackd.engine.usecases.queries import ResourceView
from stackd.routers import models, views
from stackd.routers.bodies import UnhealthyBody
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Filter, Flag, Names, Number, QueryModel
from stackd.routers.routing import noun

router = noun("resources")

RESOURCE = f"{STACK}/resources/{{resource}}"
NULL = b"null"


class ResourceQuery(QueryModel):
    """How a resource is shown."""

    with_attr: Names = Field((), description="Further attributes to show.")


class ResourcesQuery(QueryModel):
    """Which resources."""

    model_config = ConfigDict(extra="forbid")

    nested_depth: Number = Field(None, description="How many levels of stacks inside are shown.")
    with_detail: Flag = Field(False, description="Whether attributes are shown.")
    name: Filter = ()
    status: Filter = ()
    action: Filter = ()
    id: Filter = ()
    physical_resource_id: Filter = ()
    type: Filter = ()


@router.get(f"{STACK}/resources", response_model=models.ResourceList)
async def index(call: Call, query: Annotated[ResourcesQuery, Query()]) -> Response:
    """List the resources of a stack, and of those inside it."""
    call.enforce("resource:index")
    most = call.front.settings.limits.max_nested_stack_depth
    depth = min(query.nested_depth or 0, most)
    stack = await call.stack()
    found = await call.front.reader.resources(stack, depth=depth, brief=not query.with_detail)
    wanted = [view for view in found if _matches(view, query)]
    shown = [_shown(call, view) if query.with_detail else views.resource_view(call, view) for view in wanted]
    return views.answer({"resources": shown})


def _matches(view: ResourceView, query: ResourcesQuery) -> bool:
    row = view.resource
    facts: dict[str, tuple[str, ...]] = {
        "name": (row.name,),
        "status": (row.status, views.state(row.action, row.status)),
        "action": (row.action,),
        "id": (row.id,),
        "physical_resource_id": (row.physical_id or "",),
    }
    for name, values in facts.items():
        allowed: tuple[str, ...] = getattr(query, name)
        if allowed and not any(value in allowed for value in values):
            return False
    return not query.type or any(text in row.type for text in query.type)


def _shown(call: Call, view: ResourceView, extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """A resource with its description and attributes."""
    shown = views.resource_view(call, view)
    shown["description"] = ""
    declared = call.front.reader.attributes_declared(view.resource)
    shown["attributes"] = views.attributes_of(view.resource, declared, extra)
    return shown


@router.get(RESOURCE, response_model=models.ResourceAnswer)
async def show(call: Call, query: Annotated[ResourceQuery, Query()]) -> Response:
    """Show a resource with its attributes."""
    call.enforce("resource:show")
    stack = await call.stack(live=True)
    view = await call.front.reader.resource(stack, call.part("resource"))
    shown = _shown(call, view, query.with_attr)
    shown["description"] = await call.front.reader.description_of(stack, view.resource)
    return views.answer({"resource": shown})


@router.get(f"{RESOURCE}/metadata", response_model=models.MetadataAnswer)
async def metadata(call: Call) -> Response:
    """Read the metadata of a resource."""
    call.enforce("resource:metadata")
    stack = await call.stack(live=True)
    view = await call.front.reader.resource(stack, call.part("resource"))
    signals.refuse_foreign_guest(call.caller, view.resource)
    return views.answer({"metadata": view.resource.metadata})


@router.post(f"{RESOURCE}/signal")
async def signal(call: Call, details: Annotated[dict[str, Any] | None, Body()] = None) -> Response:
    """Signal a resource."""
    call.enforce("resource:signal")
    stack = await call.stack(live=True)
    await signals.signal(call.engine, call.caller, stack, call.part("resource"), details or None)
    return done()


@router.patch(RESOURCE)
async def mark_unhealthy(call: Call, body: UnhealthyBody) -> Response:
    """Mark a resource as broken, or as sound again."""
    call.enforce("resource:mark_unhealthy")
    stack = await call.stack(live=True)
    row = await call.front.reader.by_reference(stack, call.part("resource"))
    await signals.mark(
        call.engine, stack, row, broken=body.mark_unhealthy, reason=body.resource_status_reason
    )
    return done()


def done() -> Response:
    """The answer of what has no result."""
    return Response(NULL, media_type="application/json")
