"""What is really in the cloud, read with one list call for each collection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stackd.clients.cloud import Cloud
from stackd.engine.execution.watchers import read
from stackd.engine.planning.inputs import StoredStack
from stackd.errors import CloudNotFound
from stackd.records import Action, Resource
from stackd.resources.entity import Entity
from stackd.resources.registry import Registry


async def missing_objects(cloud: Cloud, registry: Registry, stored: StoredStack) -> frozenset[str]:
    """The ids of the rows of a tree whose objects no longer exist.

    An object that a list does not show is asked for by its id: not every list shows all.
    """
    by_entity: dict[Entity, list[Resource]] = {}
    for stack in stored.walk():
        for row in stack.rows:
            entity = _entity(registry, row)
            if entity is not None:
                by_entity.setdefault(entity, []).append(row)
    found = await asyncio.gather(*(_missing(cloud, entity, rows) for entity, rows in by_entity.items()))
    return frozenset(row.id for rows in found for row in rows)


def _entity(registry: Registry, row: Resource) -> Entity | None:
    """The collection in which the object of a row must be, if it must be in one."""
    if row.physical_id is None or row.action in (Action.DELETE, Action.INIT) or row.nested_stack_id:
        return None
    kind = registry.types.get(row.kind)
    return kind.entity if kind is not None else None


async def _missing(cloud: Cloud, entity: Entity, rows: Sequence[Resource]) -> list[Resource]:
    service = cloud.service(entity.service)
    listed = await service.list_all(entity.listing, entity.plural)
    ids = {str(each.get(entity.id_field)) for each in listed}
    unseen = [row for row in rows if row.physical_id not in ids]
    gone = await asyncio.gather(*(_is_gone(cloud, entity, str(row.physical_id)) for row in unseen))
    return [row for row, is_gone in zip(unseen, gone, strict=True) if is_gone]


async def _is_gone(cloud: Cloud, entity: Entity, object_id: str) -> bool:
    try:
        await read(cloud, entity, object_id)
    except CloudNotFound:
        return True
    return False
