"""Resources of a stack: list, show, metadata, signal, mark as broken."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from stackd.engine.usecases import resource_queries, signals
from stackd.engine.usecases.queries import ResourceView
from stackd.offload import in_turns
from stackd.routers import models, views
from stackd.routers.bodies import UnhealthyBody
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Filter, Flag, Names, Number, QueryModel
from stackd.routers.routing import noun

router = noun("resources")

RESOURCE = f"{STACK}/resources/{{resource}}"
_FILTERS = ("name", "status", "action", "id", "physical_resource_id", "type")


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
    filters = {name: getattr(query, name) for name in _FILTERS}
    found = await resource_queries.listed(
        call.reader,
        call.caller,
        call.stack,
        filters,
        depth=query.nested_depth or 0,
        detailed=query.with_detail,
    )

    def view(each: ResourceView) -> dict[str, Any]:
        return _detailed(call, each, "") if query.with_detail else views.resource_view(call, each)

    return views.answer({"resources": await in_turns(view, found, views.AT_ONCE)})


def _detailed(
    call: Call, view: ResourceView, description: str, extra: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A resource with its description and attributes."""
    shown = views.resource_view(call, view)
    shown["description"] = description
    declared = call.reader.attributes_declared(view.resource)
    shown["attributes"] = views.attributes_of(view.resource, declared, extra)
    return shown


@router.get(RESOURCE, response_model=models.ResourceAnswer)
async def show(call: Call, query: Annotated[ResourceQuery, Query()]) -> Response:
    """Show a resource with its attributes."""
    view, description = await resource_queries.show(
        call.reader, call.caller, call.stack, call.part("resource"), query.with_attr
    )
    return views.answer({"resource": _detailed(call, view, description, query.with_attr)})


@router.get(f"{RESOURCE}/metadata", response_model=models.MetadataAnswer)
async def metadata(call: Call) -> Response:
    """Read the metadata of a resource."""
    found = await resource_queries.metadata(call.reader, call.caller, call.stack, call.part("resource"))
    return views.answer({"metadata": found})


@router.post(f"{RESOURCE}/signal")
async def signal(call: Call, details: Annotated[dict[str, Any] | None, Body()] = None) -> Response:
    """Signal a resource."""
    await signals.signal(call.engine, call.caller, call.stack, call.part("resource"), details or None)
    return views.done()


@router.patch(RESOURCE)
async def mark_unhealthy(call: Call, body: UnhealthyBody) -> Response:
    """Mark a resource as broken, or as sound again."""
    await signals.mark(
        call.engine,
        call.caller,
        call.stack,
        call.part("resource"),
        broken=body.mark_unhealthy,
        reason=body.resource_status_reason,
    )
    return views.done()
