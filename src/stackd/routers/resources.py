"""Resources of a stack: list, show, metadata, signal, mark as broken."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from stackd.engine.usecases import signals
from stackd.engine.usecases.queries import ResourceView
from stackd.errors import BadRequest
from stackd.routers import models, views
from stackd.routers.bodies import truth
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Query, refuse_others
from stackd.routers.routing import FLAG, NAMES, NUMBER, Routes

routes = Routes("resources")

RESOURCE = f"{STACK}/resources/{{resource}}"
_FILTERS = ("name", "status", "action", "id", "physical_resource_id", "type")
_KNOWN = frozenset({*_FILTERS, "nested_depth", "with_detail"})
_UNHEALTHY = frozenset({"mark_unhealthy", "resource_status_reason"})
NULL = b"null"
_SHOW_QUERY = {"with_attr": (NAMES, "Further attributes to show.")}
_LIST_QUERY = {
    "nested_depth": (NUMBER, "How many levels of stacks inside are shown."),
    "with_detail": (FLAG, "Whether attributes are shown."),
    **dict.fromkeys(_FILTERS, (NAMES, "Only with one of these values.")),
}


@routes.get(f"{STACK}/resources", models.ResourceList, query=_LIST_QUERY)
async def index(call: Call) -> Response:
    """List the resources of a stack, and of those inside it."""
    call.enforce("resource:index")
    query = Query(call)
    refuse_others(query, _KNOWN)
    most = call.front.settings.limits.max_nested_stack_depth
    depth = min(query.number("nested_depth") or 0, most)
    detail = query.flag("with_detail")
    stack = await call.stack()
    found = await call.front.reader.resources(stack, depth=depth, brief=not detail)
    wanted = [view for view in found if _matches(view, query)]
    shown = [_shown(call, view) if detail else views.resource_view(call, view) for view in wanted]
    return views.answer({"resources": shown})


def _matches(view: ResourceView, query: Query) -> bool:
    row = view.resource
    facts: dict[str, tuple[str, ...]] = {
        "name": (row.name,),
        "status": (row.status, views.state(row.action, row.status)),
        "action": (row.action,),
        "id": (row.id,),
        "physical_resource_id": (row.physical_id or "",),
    }
    for name, values in facts.items():
        allowed = query.several(name)
        if allowed and not any(value in allowed for value in values):
            return False
    types = query.several("type")
    return not types or any(text in row.type for text in types)


def _shown(call: Call, view: ResourceView, extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """A resource with its description and attributes."""
    shown = views.resource_view(call, view)
    shown["description"] = ""
    declared = call.front.reader.attributes_declared(view.resource)
    shown["attributes"] = views.attributes_of(view.resource, declared, extra)
    return shown


@routes.get(RESOURCE, models.ResourceAnswer, query=_SHOW_QUERY)
async def show(call: Call) -> Response:
    """Show a resource with its attributes."""
    call.enforce("resource:show")
    stack = await call.stack(live=True)
    view = await call.front.reader.resource(stack, call.part("resource"))
    shown = _shown(call, view, Query(call).several("with_attr"))
    shown["description"] = await call.front.reader.description_of(stack, view.resource)
    return views.answer({"resource": shown})


@routes.get(f"{RESOURCE}/metadata", models.MetadataAnswer)
async def metadata(call: Call) -> Response:
    """Read the metadata of a resource."""
    call.enforce("resource:metadata")
    stack = await call.stack(live=True)
    view = await call.front.reader.resource(stack, call.part("resource"))
    signals.refuse_foreign_guest(call.caller, view.resource)
    return views.answer({"metadata": view.resource.metadata})


@routes.post(f"{RESOURCE}/signal", None, body=models.Anything)
async def signal(call: Call) -> Response:
    """Signal a resource."""
    call.enforce("resource:signal")
    details = await call.body_object(required=False)
    stack = await call.stack(live=True)
    await signals.signal(call.engine, call.caller, stack, call.part("resource"), details or None)
    return done()


@routes.patch(RESOURCE, None, body=models.UnhealthyBody)
async def mark_unhealthy(call: Call) -> Response:
    """Mark a resource as broken, or as sound again."""
    call.enforce("resource:mark_unhealthy")
    body = await call.body_object()
    unknown = sorted(body.keys() - _UNHEALTHY)
    if unknown:
        raise BadRequest(f"Invalid keys in resource mark unhealthy {', '.join(unknown)}")
    if body.get("mark_unhealthy") is None:
        raise BadRequest("Missing mandatory (mark_unhealthy) key from mark unhealthy request")
    broken = truth(body["mark_unhealthy"], "mark_unhealthy")
    reason = body.get("resource_status_reason")
    stack = await call.stack(live=True)
    row = await call.front.reader.by_reference(stack, call.part("resource"))
    await signals.mark(call.engine, stack, row, broken=broken, reason="" if reason is None else str(reason))
    return done()


def done() -> Response:
    """The answer of what has no result."""
    return Response(NULL, media_type="application/json")
