"""Stacks: list, create, show, update, delete, and what a request would do."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import access, adopting, stack_queries
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.stack_queries import StackFilter
from stackd.records import Stack
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
    found = await stack_queries.show(call.reader, call.caller, call.stack, with_outputs=query.resolve_outputs)
    outputs = None
    if found.outputs is not None:
        outputs = [views.output_view(key, output) for key, output in found.outputs.items()]
    return views.answer({"stack": views.stack_view(call, found.stack, found.facts, outputs)})


@router.get("/v1/{project}/stacks", response_model=models.StackList)
async def index(call: Call, query: Annotated[StacksQuery, Query()]) -> Response:
    """List stacks."""
    found = await stack_queries.listed(
        call.reader,
        call.caller,
        _filter(call, query),
        query.page(_SORT_KEYS),
        every_project=query.global_tenant,
        with_count=query.with_count,
    )
    shown = [views.stack_item(call, each, project=found.every_project) for each in found.stacks]
    body: dict[str, Any] = {"stacks": shown}
    if found.is_full:
        body["links"] = [views.link(_next_page(call, found.stacks[-1]), "next")]
    if found.count is not None:
        body["count"] = found.count
    return views.answer(body)


@router.get("/v1/{project}/stacks/detail", response_model=models.StackList)
async def detail(call: Call) -> Response:
    """List stacks without filters and pages."""
    found = await stack_queries.listed_plainly(call.reader, call.caller)
    shown = [views.stack_item(call, each, project=found.every_project) for each in found.stacks]
    return views.answer({"stacks": shown})


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
    if body.adopt_stack_data is None:
        stack = await use_cases.create(call.engine, call.caller, body)
    else:
        stack = await adopting.adopt(call.engine, call.caller, body, body.adopt_stack_data)
    href = call.stack_href(stack)
    return views.answer(
        {"stack": {"id": stack.id, "links": [views.link(href, "self")]}}, 201, {"Location": href}
    )


@router.post("/v1/{project}/stacks/preview", response_model=models.StackAnswer)
async def preview(call: Call, body: NewStackBody) -> Response:
    """Show what a new stack would be."""
    access.enforce(call.engine, call.caller, "stacks:preview")
    stack, checked = await use_cases.preview(call.engine, call.caller, body.unadopted)
    return await previews.new_stack(call, stack, checked)


@router.put(STACK, response_model=models.Notice, status_code=202)
async def update(call: Call, body: ChangedStackBody) -> Response:
    """Update a stack."""
    await use_cases.update(call.engine, call.caller, call.stack, body)
    return accepted()


@router.patch(STACK, response_model=models.Notice, status_code=202)
async def update_patch(call: Call, body: PatchedStackBody) -> Response:
    """Update a stack, keeping what the request leaves out."""
    rule = "stacks:update_no_change" if body.says_nothing else "stacks:update_patch"
    await use_cases.update(call.engine, call.caller, call.stack, body, rule=rule)
    return accepted()


@router.put(f"{STACK}/preview", response_model=models.ChangesAnswer)
async def preview_update(
    call: Call, body: ChangedStackBody, query: Annotated[PreviewQuery, Query()]
) -> Response:
    """Show what an update would do."""
    return await _preview_update(call, body, "stacks:preview_update", nested=query.show_nested)


@router.patch(f"{STACK}/preview", response_model=models.ChangesAnswer)
async def preview_update_patch(
    call: Call, body: PatchedStackBody, query: Annotated[PreviewQuery, Query()]
) -> Response:
    """Show what an update would do that keeps what the request leaves out."""
    return await _preview_update(call, body, "stacks:preview_update_patch", nested=query.show_nested)


async def _preview_update(call: Call, request: StackRequest, rule: str, *, nested: bool) -> Response:
    stack = await access.permitted(call.engine, call.caller, rule, call.stack, live=True)
    found = await use_cases.preview_update(call.engine, call.caller, stack, request, nested=nested)
    return await previews.changes(found, nested=nested)


@router.delete(STACK, status_code=204)
async def delete(call: Call) -> Response:
    """Delete a stack."""
    await use_cases.delete(call.engine, call.caller, call.stack)
    return Response(status_code=204)
