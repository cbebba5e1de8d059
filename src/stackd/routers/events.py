"""Events of a stack, of the stacks inside it, and of one resource."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.db import events as rows
from stackd.db import stacks
from stackd.db.events import EventFilter
from stackd.errors import StackdError
from stackd.records import Event, Stack
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


class NoEvents(StackdError):
    """No events found."""

    code = 404
    wire_type = "HTTPNotFound"


@router.get(f"{STACK}/events", response_model=models.EventList)
async def index(call: Call, query: Annotated[EventsQuery, Query()]) -> Response:
    """List the events of a stack."""
    call.enforce("events:index")
    return await _listed(call, query, None)


@router.get(f"{RESOURCE}/events", response_model=models.EventList)
async def of_resource(call: Call, query: Annotated[EventsQuery, Query()]) -> Response:
    """List the events of a resource."""
    call.enforce("events:index")
    return await _listed(call, query, call.part("resource"))


async def _listed(call: Call, query: EventsQuery, resource: str | None) -> Response:
    chosen = allowed(query, _FILTERS)
    if resource is not None:
        chosen["resource_name"] = (resource,)
    depth = query.nested_depth or 0
    page = query.page(_SORT_KEYS)
    stack = await call.stack()
    wanted = EventFilter(nested_depth=depth, allowed=chosen)
    found = [] if page.limit == 0 else await rows.listed(call.db, stack.id, wanted, page)
    if resource is not None and not found:
        raise NoEvents("No events found.")
    shown = await _nested(call, stack, found) if depth else [views.event_view(call, e, stack) for e in found]
    return views.answer({"events": shown})


async def _nested(call: Call, stack: Stack, found: list[Event]) -> list[views.Json]:
    """Events of several stacks, each with a link to the one that was asked for."""
    known = {stack.id: stack}
    if any(event.stack_id != stack.id for event in found):
        known |= {each.id: each for each in await stacks.tree(call.db, stack.root_id, live=False)}
    return [
        views.event_view(call, event, known[event.stack_id], stack)
        for event in found
        if event.stack_id in known
    ]


@router.get(f"{RESOURCE}/events/{{event}}", response_model=models.EventAnswer)
async def show(call: Call) -> Response:
    """Show an event."""
    call.enforce("events:show")
    stack = await call.stack()
    wanted, resource = call.part("event"), call.part("resource")
    event = await rows.get(call.db, stack.id, wanted)
    if event is None or event.resource_name != resource:
        raise NoEvents(f"No event {wanted} found")
    view = views.event_view(call, event, stack)
    view["resource_type"] = event.resource_type
    view["resource_properties"] = await call.front.reader.properties_of(stack, resource)
    return views.answer({"event": view})
