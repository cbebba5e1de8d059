"""Events of a stack, of the stacks inside it, and of one resource."""

from __future__ import annotations

from starlette.responses import Response

from stackd.db import events as rows
from stackd.db import stacks
from stackd.db.events import EventFilter
from stackd.errors import StackdError
from stackd.records import Event, Stack
from stackd.routers import models, views
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Query
from stackd.routers.resources import RESOURCE
from stackd.routers.routing import NAMES, NUMBER, TEXT, Routes

routes = Routes("events")

_FILTERS = {
    "resource_status": "status",
    "resource_action": "action",
    "resource_name": "resource_name",
    "resource_type": "resource_type",
}
_SORT_KEYS = {"event_time": "time", "resource_type": "resource_type"}
_LIST_QUERY = {
    "limit": (NUMBER, "How many to show at most."),
    "marker": (TEXT, "Id of the last one already seen."),
    "sort_dir": (TEXT, "`asc` or `desc`."),
    "sort_keys": (NAMES, f"Among {', '.join(_SORT_KEYS)}."),
    "nested_depth": (NUMBER, "How many levels of stacks inside are shown."),
    **dict.fromkeys(_FILTERS, (NAMES, "Only with one of these values.")),
}


class NoEvents(StackdError):
    """No events found."""

    code = 404
    wire_type = "HTTPNotFound"


@routes.get(f"{STACK}/events", models.EventList, query=_LIST_QUERY)
async def index(call: Call) -> Response:
    """List the events of a stack."""
    call.enforce("events:index")
    return await _listed(call, None)


@routes.get(f"{RESOURCE}/events", models.EventList, query=_LIST_QUERY)
async def of_resource(call: Call) -> Response:
    """List the events of a resource."""
    call.enforce("events:index")
    return await _listed(call, call.part("resource"))


async def _listed(call: Call, resource: str | None) -> Response:
    query = Query(call)
    allowed = query.allowed(_FILTERS)
    if resource is not None:
        allowed["resource_name"] = (resource,)
    depth = query.number("nested_depth") or 0
    page = query.page(_SORT_KEYS)
    stack = await call.stack()
    wanted = EventFilter(nested_depth=depth, allowed=allowed)
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


@routes.get(f"{RESOURCE}/events/{{event}}", models.EventAnswer)
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
