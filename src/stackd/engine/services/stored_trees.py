"""Loads what is stored of stacks: definitions, trees, and the other inputs of a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from stackd.db import exports, resources, stacks
from stackd.db.database import Database
from stackd.engine.definition.desired import Desired, Source, build, identity_of
from stackd.engine.definition.documents import load_definition, pack_definition
from stackd.engine.planning.inputs import Identify, StoredStack
from stackd.engine.services.exports import with_exports
from stackd.offload import offloaded
from stackd.records import Definition, Resource, Stack
from stackd.resources.registry import Registry

_AT_ONCE = 8
"""Number of definitions read at the same time."""

_PER_RESOURCE = 200
"""Cost of evaluating one resource, in the time that parsing one byte of template takes."""


async def load_desired(db: Database, registry: Registry, stack: Stack) -> Desired:
    """The evaluated stored definition of a stack. Missing parameter values are not an error."""
    identity = identity_of(stack)
    source = await load_definition(db, stack.project_id, stack.definition)
    source = await with_exports(db, registry, source, identity)
    size = _PER_RESOURCE * len(source.template.resources)
    desired: Desired = await offloaded(
        size, build, source, identity, registry, stack.definition, strict=False
    )
    return desired


async def load_tree(db: Database, stack: Stack, *, definitions: bool = True) -> StoredStack:
    """The stack with its rows, its nested stacks, and their ``definitions`` unless it is to be deleted."""
    rows = await resources.of_stack(db, stack.id)
    if not any(row.nested_stack_id for row in rows):
        return StoredStack(stack, rows)
    below = [each for each in await stacks.tree(db, stack.root_id) if each.id != stack.id]
    by_stack: dict[str, list[Resource]] = {}
    for row in await resources.of_tree(db, stack.root_id):
        by_stack.setdefault(row.stack_id, []).append(row)
    sources = await _sources(db, below) if definitions else {}
    return _tree(stack, by_stack, {each.id: each for each in below}, sources)


async def _sources(db: Database, found: Sequence[Stack]) -> dict[Definition, Source]:
    """The definitions of nested stacks; one that several stacks share is loaded once."""
    wanted = {each.definition: each for each in found if each.definition.template}
    slots = asyncio.Semaphore(_AT_ONCE)

    async def load(stack: Stack) -> Source:
        async with slots:
            return await load_definition(db, stack.project_id, stack.definition)

    loaded = await asyncio.gather(*map(load, wanted.values()))
    return dict(zip(wanted, loaded, strict=True))


def _tree(
    stack: Stack,
    rows: Mapping[str, Sequence[Resource]],
    by_id: Mapping[str, Stack],
    sources: Mapping[Definition, Source],
) -> StoredStack:
    own = rows.get(stack.id, ())
    inside = {
        each: _tree(by_id[each], rows, by_id, sources)
        for row in own
        if (each := row.nested_stack_id) is not None and each in by_id
    }
    return StoredStack(stack, own, sources.get(stack.definition), inside)


async def exported_values(db: Database, project_id: str) -> dict[str, tuple[str, Any]]:
    """The exports of a project's stacks: each value with the id of its stack."""
    found: dict[str, tuple[str, Any]] = {}
    after = ""
    while page := await exports.of_project(db, project_id, after=after):
        found |= {export.name: (export.stack_id, export.value) for export in page if export.offered}
        after = page[-1].name
    return found


def identify(db: Database, project_id: str) -> Identify:
    """A function that computes the document ids of definitions in a project; it stores nothing."""
    return partial(_identified, db, project_id)


def _identified(db: Database, project_id: str, template: Any, environment: Any, files: str) -> Definition:
    return pack_definition(db, project_id, template, environment, files)[0]
