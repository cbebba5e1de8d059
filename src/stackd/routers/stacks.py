"""Stacks: list, create, show, update, delete, and what a request would do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from stackd.db import stacks as rows
from stackd.db.stacks import StackFilter
from stackd.engine.usecases import stacks as use_cases
from stackd.records import Action, Stack, Status
from stackd.routers import models, previews, views
from stackd.routers.bodies import changed_stack_request, changes_nothing, new_stack_request
from stackd.routers.errors import accepted
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Query
from stackd.routers.routing import FLAG, NAMES, NUMBER, TEXT, Routes

routes = Routes("stacks")

_FILTERS = {
    "id": "id",
    "name": "name",
    "stack_name": "name",
    "status": "status",
    "action": "action",
    "stack_action": "action",
    "stack_status": "status",
    "tenant": "project_id",
    "username": "owner",
    "stack_owner": "owner",
    "owner_id": "parent_id",
    "parent": "parent_id",
    "stack_user_project_id": "stack_user_project_id",
    "stack_status_reason": "reason",
    "disable_rollback": "disable_rollback",
    "timeout_mins": "timeout_mins",
}
_SORT_KEYS = {
    "stack_name": "name",
    "stack_status": "status",
    "creation_time": "created_at",
    "updated_time": "updated_at",
}

_SHOW_QUERY = {"resolve_outputs": (FLAG, "Whether values of outputs are shown.")}
_PREVIEW_QUERY = {"show_nested": (FLAG, "Whether resources of stacks inside are shown.")}
_PAGE = {
    "limit": (NUMBER, "How many to show at most."),
    "marker": (TEXT, "Id of the last one already seen."),
    "sort_dir": (TEXT, "`asc` or `desc`."),
}
_LIST_QUERY = {
    **_PAGE,
    "sort_keys": (NAMES, f"Among {', '.join(_SORT_KEYS)}."),
    "show_deleted": (FLAG, "Whether deleted stacks are shown."),
    "show_nested": (FLAG, "Whether stacks inside others are shown."),
    "show_hidden": (FLAG, "Whether stacks with hidden tags are shown."),
    "global_tenant": (FLAG, "Whether stacks of all projects are shown."),
    "with_count": (FLAG, "Whether the number of all is told."),
    "tags": (TEXT, "Only with all of these tags, parted by commas."),
    "tags_any": (TEXT, "Only with any of these tags."),
    "not_tags": (TEXT, "Not with all of these tags."),
    "not_tags_any": (TEXT, "Not with any of these tags."),
    **dict.fromkeys(_FILTERS, (NAMES, "Only with one of these values.")),
}


@routes.get(STACK, models.StackAnswer, query=_SHOW_QUERY)
async def show(call: Call) -> Response:
    """Show a stack."""
    call.enforce("stacks:show")
    stack = await call.stack()
    resolve = Query(call).flag("resolve_outputs", True)
    facts = await call.front.reader.facts(stack)
    outputs = None
    if resolve and (stack.action, stack.status) != (Action.DELETE, Status.COMPLETE):
        found = await call.front.reader.outputs(stack)
        outputs = [views.output_view(key, output) for key, output in found.items()]
    return views.answer({"stack": views.stack_view(call, stack, facts, outputs)})


@routes.get("/v1/{project}/stacks", models.StackList, query=_LIST_QUERY)
async def index(call: Call) -> Response:
    """List stacks."""
    call.enforce("stacks:index")
    query = Query(call)
    every = query.flag("global_tenant")
    if every:
        call.enforce("stacks:global_index")
    admin = call.engine.policy.is_admin(call.caller)
    scope = None if every or admin else call.caller.project_id
    wanted = _filter(call, query)
    page = query.page(_SORT_KEYS)
    with_count = query.flag("with_count")
    found = [] if page.limit == 0 else await rows.listed(call.db, scope, wanted, page)
    body: dict[str, Any] = {"stacks": [views.stack_item(call, each, project=scope is None) for each in found]}
    if page.limit and len(found) == page.limit:
        body["links"] = [views.link(_next_page(call, query, found[-1]), "next")]
    if with_count:
        body["count"] = await rows.count(call.db, scope, wanted)
    return views.answer(body)


@routes.get("/v1/{project}/stacks/detail", models.StackList)
async def detail(call: Call) -> Response:
    """List stacks without filters and pages."""
    call.enforce("stacks:detail")
    found = await rows.listed(call.db, call.caller.project_id)
    return views.answer({"stacks": [views.stack_item(call, each) for each in found]})


def _filter(call: Call, query: Query) -> StackFilter:
    hidden = () if query.flag("show_hidden") else call.front.settings.limits.hidden_stack_tags
    return StackFilter(
        show_deleted=query.flag("show_deleted"),
        show_nested=query.flag("show_nested"),
        hidden_tags=tuple(hidden),
        tags=query.words("tags"),
        tags_any=query.words("tags_any"),
        not_tags=query.words("not_tags"),
        not_tags_any=query.words("not_tags_any"),
        allowed=_typed(query.allowed(_FILTERS)),
    )


def _typed(allowed: dict[str, tuple[str, ...]]) -> dict[str, tuple[Any, ...]]:
    """Filter values as the fields have them; what cannot be one matches nothing."""
    typed: dict[str, tuple[Any, ...]] = dict(allowed)
    if "disable_rollback" in typed:
        typed["disable_rollback"] = tuple(
            value.lower() in ("true", "1") for value in typed["disable_rollback"]
        )
    if "timeout_mins" in typed:
        typed["timeout_mins"] = tuple(
            int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
            for value in typed["timeout_mins"]
        )
    return typed


def _next_page(call: Call, query: Query, last: Stack) -> str:
    others = [(key, value) for key, value in query.pairs if key != "marker"]
    return f"{call.href(call.part('project'), 'stacks')}?{urlencode([*others, ('marker', last.id)])}"


@routes.post("/v1/{project}/stacks", models.NewStackAnswer, body=models.NewStackBody, status=201)
async def create(call: Call) -> Response:
    """Create a stack."""
    call.enforce("stacks:create")
    request = new_stack_request(await call.body_object())
    stack = await use_cases.create(call.engine, call.caller, request)
    href = views.stack_href(call, stack)
    return views.answer(
        {"stack": {"id": stack.id, "links": [views.link(href, "self")]}}, 201, {"Location": href}
    )


@routes.post("/v1/{project}/stacks/preview", models.StackAnswer, body=models.NewStackBody)
async def preview(call: Call) -> Response:
    """Show what a new stack would be."""
    call.enforce("stacks:preview")
    request = new_stack_request(await call.body_object())
    stack, checked = await use_cases.preview(call.engine, call.caller, request)
    return await previews.new_stack(call, stack, checked)


@routes.put(STACK, models.Notice, body=models.ChangedStackBody, status=202)
async def update(call: Call) -> Response:
    """Update a stack."""
    call.enforce("stacks:update")
    return await _update(call, await call.body_object(), patch=False)


@routes.patch(STACK, models.Notice, body=models.ChangedStackBody, status=202)
async def update_patch(call: Call) -> Response:
    """Update a stack, keeping what the request leaves out."""
    body = await call.body_object()
    call.enforce("stacks:update_no_change" if changes_nothing(body) else "stacks:update_patch")
    return await _update(call, body, patch=True)


async def _update(call: Call, body: dict[str, Any], *, patch: bool) -> Response:
    request = changed_stack_request(body, patch=patch)
    stack = await call.stack(live=True)
    await use_cases.update(call.engine, call.caller, stack, request)
    return accepted()


@routes.put(f"{STACK}/preview", models.ChangesAnswer, body=models.ChangedStackBody, query=_PREVIEW_QUERY)
async def preview_update(call: Call) -> Response:
    """Show what an update would do."""
    call.enforce("stacks:preview_update")
    return await _preview_update(call, patch=False)


@routes.patch(f"{STACK}/preview", models.ChangesAnswer, body=models.ChangedStackBody, query=_PREVIEW_QUERY)
async def preview_update_patch(call: Call) -> Response:
    """Show what an update would do that keeps what the request leaves out."""
    call.enforce("stacks:preview_update_patch")
    return await _preview_update(call, patch=True)


async def _preview_update(call: Call, *, patch: bool) -> Response:
    request = changed_stack_request(await call.body_object(), patch=patch)
    nested = Query(call).flag("show_nested")
    stack = await call.stack(live=True)
    plan, secrets = await use_cases.preview_update(call.engine, call.caller, stack, request)
    return await previews.changes(call, stack, plan, secrets, nested=nested)


@routes.delete(STACK, None, status=204)
async def delete(call: Call) -> Response:
    """Delete a stack."""
    call.enforce("stacks:delete")
    await use_cases.delete(call.engine, call.caller, await call.stack(live=True))
    return Response(status_code=204)
