"""Stacks: list, create, show, update, delete, and what a request would do."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.db import stacks as rows
from stackd.db.stacks import StackFilter
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Action, Stack, Status
from stackd.routers import models, previews, views
from stackd.routers.bodies import ChangedStackBody, NewStackBody, PatchedStackBody
from stackd.routers.errors import accepted
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Filter, Flag, PageQuery, QueryModel, Words, allowed, pairs_of
from stackd.routers.routing import noun

router = noun("stacks")

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


class StackQuery(QueryModel):
    """How a stack is shown."""

    resolve_outputs: Flag = Field(True, description="Whether values of outputs are shown.")


class PreviewQuery(QueryModel):
    """How changes are shown."""

    show_nested: Flag = Field(False, description="Whether resources of stacks inside are shown.")


class StacksQuery(PageQuery):
    """Which stacks."""

    global_tenant: Flag = Field(False, description="Whether stacks of all projects are shown.")
    show_hidden: Flag = Field(False, description="Whether stacks with hidden tags are shown.")
    show_deleted: Flag = Field(False, description="Whether deleted stacks are shown.")
    show_nested: Flag = Field(False, description="Whether stacks inside others are shown.")
    with_count: Flag = Field(False, description="Whether the number of all is returned.")
    tags: Words = Field((), description="Only with all of these tags, parted by commas.")
    tags_any: Words = Field((), description="Only with any of these tags.")
    not_tags: Words = Field((), description="Not with all of these tags.")
    not_tags_any: Words = Field((), description="Not with any of these tags.")
    id: Filter = ()
    name: Filter = ()
    stack_name: Filter = ()
    status: Filter = ()
    action: Filter = ()
    stack_action: Filter = ()
    stack_status: Filter = ()
    tenant: Filter = ()
    username: Filter = ()
    stack_owner: Filter = ()
    owner_id: Filter = ()
    parent: Filter = ()
    stack_user_project_id: Filter = ()
    stack_status_reason: Filter = ()
    disable_rollback: Filter = ()
    timeout_mins: Filter = ()


@router.get(STACK, response_model=models.StackAnswer)
async def show(call: Call, query: Annotated[StackQuery, Query()]) -> Response:
    """Show a stack."""
    call.enforce("stacks:show")
    stack = await call.stack()
    facts = await call.front.reader.facts(stack)
    outputs = None
    if query.resolve_outputs and (stack.action, stack.status) != (Action.DELETE, Status.COMPLETE):
        found = await call.front.reader.outputs(stack)
        outputs = [views.output_view(key, output) for key, output in found.items()]
    return views.answer({"stack": views.stack_view(call, stack, facts, outputs)})


@router.get("/v1/{project}/stacks", response_model=models.StackList)
async def index(call: Call, query: Annotated[StacksQuery, Query()]) -> Response:
    """List stacks."""
    call.enforce("stacks:index")
    if query.global_tenant:
        call.enforce("stacks:global_index")
    admin = call.engine.policy.is_admin(call.caller)
    scope = None if query.global_tenant or admin else call.caller.project_id
    wanted = _filter(call, query)
    page = query.page(_SORT_KEYS)
    found = [] if page.limit == 0 else await rows.listed(call.db, scope, wanted, page)
    body: dict[str, Any] = {"stacks": [views.stack_item(call, each, project=scope is None) for each in found]}
    if page.limit and len(found) == page.limit:
        body["links"] = [views.link(_next_page(call, found[-1]), "next")]
    if query.with_count:
        body["count"] = await rows.count(call.db, scope, wanted)
    return views.answer(body)


@router.get("/v1/{project}/stacks/detail", response_model=models.StackList)
async def detail(call: Call) -> Response:
    """List stacks without filters and pages."""
    call.enforce("stacks:detail")
    found = await rows.listed(call.db, call.caller.project_id)
    return views.answer({"stacks": [views.stack_item(call, each) for each in found]})


def _filter(call: Call, query: StacksQuery) -> StackFilter:
    hidden = () if query.show_hidden else call.front.settings.limits.hidden_stack_tags
    return StackFilter(
        show_deleted=query.show_deleted,
        show_nested=query.show_nested,
        hidden_tags=tuple(hidden),
        tags=query.tags,
        tags_any=query.tags_any,
        not_tags=query.not_tags,
        not_tags_any=query.not_tags_any,
        allowed=_typed(allowed(query, _FILTERS)),
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


def _next_page(call: Call, last: Stack) -> str:
    others = [(key, value) for key, value in pairs_of(call.scope["query_string"]) if key != "marker"]
    return f"{call.href(call.part('project'), 'stacks')}?{urlencode([*others, ('marker', last.id)])}"


@router.post("/v1/{project}/stacks", response_model=models.NewStackAnswer, status_code=201)
async def create(call: Call, body: NewStackBody) -> Response:
    """Create a stack."""
    call.enforce("stacks:create")
    stack = await use_cases.create(call.engine, call.caller, body)
    href = views.stack_href(call, stack)
    return views.answer(
        {"stack": {"id": stack.id, "links": [views.link(href, "self")]}}, 201, {"Location": href}
    )


@router.post("/v1/{project}/stacks/preview", response_model=models.StackAnswer)
async def preview(call: Call, body: NewStackBody) -> Response:
    """Show what a new stack would be."""
    call.enforce("stacks:preview")
    stack, checked = await use_cases.preview(call.engine, call.caller, body)
    return await previews.new_stack(call, stack, checked)


@router.put(STACK, response_model=models.Notice, status_code=202)
async def update(call: Call, body: ChangedStackBody) -> Response:
    """Update a stack."""
    call.enforce("stacks:update")
    return await _update(call, body)


@router.patch(STACK, response_model=models.Notice, status_code=202)
async def update_patch(call: Call, body: PatchedStackBody) -> Response:
    """Update a stack, keeping what the request leaves out."""
    call.enforce("stacks:update_no_change" if body.says_nothing else "stacks:update_patch")
    return await _update(call, body)


async def _update(call: Call, request: StackRequest) -> Response:
    stack = await call.stack(live=True)
    await use_cases.update(call.engine, call.caller, stack, request)
    return accepted()


@router.put(f"{STACK}/preview", response_model=models.ChangesAnswer)
async def preview_update(
    call: Call, body: ChangedStackBody, query: Annotated[PreviewQuery, Query()]
) -> Response:
    """Show what an update would do."""
    call.enforce("stacks:preview_update")
    return await _preview_update(call, body, nested=query.show_nested)


@router.patch(f"{STACK}/preview", response_model=models.ChangesAnswer)
async def preview_update_patch(
    call: Call, body: PatchedStackBody, query: Annotated[PreviewQuery, Query()]
) -> Response:
    """Show what an update would do that keeps what the request leaves out."""
    call.enforce("stacks:preview_update_patch")
    return await _preview_update(call, body, nested=query.show_nested)


async def _preview_update(call: Call, request: StackRequest, *, nested: bool) -> Response:
    stack = await call.stack(live=True)
    checked, prediction = await use_cases.preview_update(call.engine, call.caller, stack, request)
    return await previews.changes(call, stack, checked, prediction, nested=nested)


@router.delete(STACK, status_code=204)
async def delete(call: Call) -> Response:
    """Delete a stack."""
    call.enforce("stacks:delete")
    await use_cases.delete(call.engine, call.caller, await call.stack(live=True))
    return Response(status_code=204)
