"""Events of a stack, of the stacks inside it, and of one resource."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import event_queries
from stackd.engine.usecases.event_queries import EventView
from stackd.offload import in_turns
from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Filter, Number, PageQuery, allowed
from stackd.routers.resources import RESOURCE
from stackd.routers.routing import noun

router = noun("events")

_FILTERS = {
    "resource_status": "status",
    "resource_action": "action",
    "resource_name": "resource_name",
    "resource_type": "resource_type",
}
_SORT_KEYS = {"event_time": "time", "resource_type": "resource_type"}


class EventsQuery(PageQuery):
    """Which events."""

    nested_depth: Number = Field(None, description="How many levels of stacks inside are shown.")
    resource_status: Filter = ()
    resource_action: Filter = ()
    resource_name: Filter = ()
    resource_type: Filter = ()


@router.get(f"{STACK}/events", response_model=models.EventList)
async def index(call: Call, query: Annotated[EventsQuery, Query()]) -> Response:
    """List the events of a stack."""
    return await _listed(call, query, None)


@router.get(f"{RESOURCE}/events", response_model=models.EventList)
async def of_resource(call: Call, query: Annotated[EventsQuery, Query()]) -> Response:
    """List the events of a resource."""
    return await _listed(call, query, call.part("resource"))


async def _listed(call: Call, query: EventsQuery, resource: str | None) -> Response:
    found = await event_queries.listed(
        call.reader,
        call.caller,
        call.stack,
        allowed(query, _FILTERS),
        query.page(_SORT_KEYS),
        resource=resource,
        depth=query.nested_depth or 0,
    )

    def view(each: EventView) -> dict[str, Any]:
        return views.event_view(call, each.event, each.stack, found.root)

    return views.answer({"events": await in_turns(view, found.events, views.AT_ONCE)})


@router.get(f"{RESOURCE}/events/{{event}}", response_model=models.EventAnswer)
async def show(call: Call) -> Response:
    """Show an event."""
    found, properties = await event_queries.show(
        call.reader, call.caller, call.stack, call.part("resource"), call.part("event")
    )
    view = views.event_view(call, found.event, found.stack)
    view["resource_type"] = found.event.resource_type
    view["resource_properties"] = properties
    return views.answer({"event": view})
