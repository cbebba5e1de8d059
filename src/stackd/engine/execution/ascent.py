"""What the end of an operation on a nested stack changes in the stacks around it."""

from __future__ import annotations

from dataclasses import replace

import structlog

from stackd.db import resources, stacks
from stackd.db.journal import Change, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.nested_definitions import (
    asked_inside,
    members_of,
    nested_attributes,
    nested_type,
    output_values,
)
from stackd.engine.definition.types import handler_of
from stackd.engine.execution.reshown import outputs_of, stored_rows
from stackd.engine.execution.run import Services
from stackd.engine.services.stored_trees import load_desired
from stackd.errors import ResourceFailure, TemplateError
from stackd.offload import offloaded
from stackd.records import Resource, Stack

log = structlog.get_logger(__name__)


async def changes_above(services: Services, stack: Stack) -> list[Change]:
    """The attributes of the resources that ``stack`` is inside of, and the outputs of the stacks around it.

    ``stack`` is as it is going to be stored, its resources are stored.
    """
    chain = await _chain(services, stack)
    try:
        return await _refreshed(services, chain)
    except (TemplateError, ResourceFailure) as error:  # a definition, or a type, from another time
        log.warning("definition_not_evaluated", stack_id=stack.id, error=str(error))
        return []


async def _chain(services: Services, stack: Stack) -> list[Stack]:
    """A stack and all around it, the innermost first."""
    found = [stack]
    while (parent_id := found[-1].parent_id) is not None:
        parent = await stacks.get(services.db, parent_id, None)
        if parent is None:
            break
        found.append(parent)
    return found


async def _refreshed(services: Services, chain: list[Stack]) -> list[Change]:
    db, registry = services.db, services.registry
    desired = [await load_desired(db, registry, each) for each in chain]
    outer = [await resources.of_nested_stack(db, each.id) for each in chain[:-1]]
    wanted = _wanted(desired, outer)
    changes: list[Change] = []
    inner, changed = chain[0], None
    for level, row in enumerate(outer):
        if row is None:
            break
        around = chain[level + 1]
        rows: dict[str, Resource | None] = {**await stored_rows(services, inner)}
        if changed is not None:
            rows[changed.name] = changed
        members = members_of(desired[level], rows, output_values(inner.outputs or {}), registry)
        kind = nested_type(handler_of(row, registry, desired[level + 1].types))
        values = await offloaded(nested_attributes, row, kind, wanted[level], members)
        if values == dict(row.attributes):
            break
        changed = replace(row, attributes=values)
        changes.append(Update(Resource, row.id, {"attributes": values}))
        if around.outputs is None:
            break
        outputs = await outputs_of(services, around, desired[level + 1], changed)
        changes.append(Update(Stack, around.id, {"outputs": outputs}))
        inner = replace(around, outputs=outputs)
    return changes


def _wanted(desired: list[Desired], outer: list[Resource | None]) -> list[frozenset[tuple[object, ...]]]:
    """For the resource around each stack but the root, the attributes that something refers to."""
    asked: frozenset[tuple[object, ...]] = frozenset()
    found: list[frozenset[tuple[object, ...]]] = []
    for around, row in reversed(list(zip(desired[1:], outer, strict=True))):
        name = row.name if row is not None else ""
        mine = around.wanted.get(name, frozenset()) | asked
        found.append(mine)
        asked = asked_inside(mine)
    return found[::-1]
