"""Queries of resources: those of a stack and its nested stacks, one resource, and its metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackd.db import resources, software, stacks
from stackd.engine.usecases.access import Named, enforce, is_guest, permitted_with
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.queries import Reader, ResourceView, current_row
from stackd.engine.usecases.signals import is_made_for, refuse_foreign_guest
from stackd.errors import BadRequest, NotFound
from stackd.records import Caller, Resource, Stack
from stackd.resources.heat.access import may_read
from stackd.resources.heat.software import guest_view
from stackd.resources.heat.transports import SECTION
from stackd.template.masking import concealed, shown_id
from stackd.urls import shown_name

Filters = Mapping[str, Sequence[str]]
"""Allowed values by filter name; a filter without values allows all."""


async def listed(
    reader: Reader,
    caller: Caller,
    named: Named,
    filters: Filters,
    *,
    depth: int = 0,
    detailed: bool = False,
    rule: str = "resource:index",
) -> list[ResourceView]:
    """The resources of a stack and its nested stacks down to ``depth``; with attributes if ``detailed``."""
    parts = reader.list_parts(brief=not detailed)
    stack, read = await permitted_with(reader.engine, caller, rule, named, *parts)
    most = reader.engine.limits.max_nested_stack_depth
    found = await reader.resources(stack, read, depth=min(depth, most), brief=not detailed)
    return [view for view in found if matches(view.resource, filters)] if any(filters.values()) else found


_OWN: Mapping[str, Callable[[Resource], tuple[str, ...]]] = {
    "name": lambda row: (row.name,),
    "status": lambda row: (row.status, f"{row.action}_{row.status}"),
    "action": lambda row: (row.action,),
    "id": lambda row: (row.id,),
    "physical_resource_id": lambda row: (shown_id(row.physical_id) or "",),
}
"""The values of a resource of which a filter may allow one, by the filter's name."""


def matches(row: Resource, filters: Filters) -> bool:
    """Whether a resource passes all filters (pure); the type filter matches any part of the name."""
    for name, own in _OWN.items():
        allowed = filters.get(name)
        if allowed and not any(value in allowed for value in own(row)):
            return False
    types = filters.get("type")
    return not types or any(text in shown_name(row.type) for text in types)


async def stack_with(engine: Engine, caller: Caller, physical_id: str, *, rule: str) -> Stack:
    """The live stack of the caller's project that has the object with this id."""
    enforce(engine, caller, rule)
    found = await stacks.with_object(engine.services.db, physical_id, caller.project_id)
    if not found:
        raise NotFound(f"Stack for {physical_id} does not exist")
    if len(found) > 1:
        names = ", ".join(stack.name for stack in found)
        raise BadRequest(f"Several stacks have a resource with the physical id {physical_id}: {names}.")
    return found[0]


async def show(
    reader: Reader,
    caller: Caller,
    named: Named,
    name: str,
    attributes: Sequence[str] = (),
    *,
    rule: str = "resource:show",
) -> tuple[ResourceView, str]:
    """One resource, and its definition in the template.

    Its live attributes, and the named ``attributes``, have their current values.
    """
    parts = reader.resource_parts(name)
    stack, read = await permitted_with(reader.engine, caller, rule, named, *parts, live=True)
    view = await reader.shown_resource(stack, name, attributes, read)
    return view, await reader.description_of(stack, view.resource)


async def metadata(
    reader: Reader, caller: Caller, named: Named, name: str, *, rule: str = "resource:metadata"
) -> Mapping[str, Any]:
    """The metadata of a resource; a stack user reads what it may, and nobody else the secrets in it."""
    part = resources.named_as(reader.engine.services.db, name)
    stack, [rows] = await permitted_with(reader.engine, caller, rule, named, part, live=True)
    return await _metadata_for(reader, caller, stack, current_row(rows, stack, name))


async def _metadata_for(reader: Reader, caller: Caller, stack: Stack, row: Resource) -> Mapping[str, Any]:
    """The metadata of a resource as the caller may read them."""
    full = {**await _with_deployments(reader, stack, row), **await _gathered(reader, stack, row)}
    if await _speaks_for(reader, caller, stack, row):
        return full
    refuse_foreign_guest(caller, stack, row)
    shown: Mapping[str, Any] = concealed(full, await reader.engine.redaction.of(stack))
    return shown


async def with_metadata(
    reader: Reader, caller: Caller, named: Named, name: str, *, rule: str
) -> tuple[ResourceView, str, Mapping[str, Any]]:
    """One resource as it is stored, its definition in the template, and its metadata.

    What requires it is left out. See ``metadata`` for who may read what of the metadata.
    """
    part = resources.named_as(reader.engine.services.db, name)
    stack, [rows] = await permitted_with(reader.engine, caller, rule, named, part, live=True)
    found = await _metadata_for(reader, caller, stack, current_row(rows, stack, name))
    view = await reader.resource(stack, name, (rows, ()))
    return view, await reader.description_of(stack, view.resource), found


async def _speaks_for(reader: Reader, caller: Caller, stack: Stack, row: Resource) -> bool:
    """Whether the caller is a user of the stack that may read the metadata of this resource."""
    if is_made_for(caller, row) or not is_guest(caller, stack):
        return is_made_for(caller, row)
    rows = await resources.of_stack(reader.engine.services.db, stack.id)
    return may_read(rows, caller.user_id, row.name)


async def _gathered(reader: Reader, stack: Stack, row: Resource) -> Mapping[str, Any]:
    """What a resource shows of those in the stacks beside its own, which is read anew each time."""
    services = reader.engine.services
    await services.registry.ready([row.kind])
    kind = services.registry.types.get(row.kind)
    if kind is None or not kind.gathers or stack.parent_id is None:
        return {}
    found = await resources.inside(services.db, stack.parent_id, kind.gathers)
    return kind.gathered(row, stack.parent_resource or "", found)


async def _with_deployments(reader: Reader, stack: Stack, row: Resource) -> Mapping[str, Any]:
    """The metadata of a server with what is deployed to it, which is read anew each time and stored once."""
    if SECTION not in row.metadata or not row.physical_id:
        return row.metadata
    found = await software.of_server(reader.engine.services.db, row.physical_id, stack.project_id)
    return {**row.metadata, "deployments": [guest_view(each) for each in found]}
