"""What is really in the cloud, read with one list call for each collection."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from stackd.clients.cloud import Cloud
from stackd.engine.execution.watchers import read
from stackd.engine.planning.inputs import StoredStack
from stackd.errors import CloudNotFound
from stackd.records import Action, Resource
from stackd.resources.context import JSON
from stackd.resources.entity import Entity
from stackd.resources.registry import Registry


async def missing_objects(cloud: Cloud, registry: Registry, stored: StoredStack) -> frozenset[str]:
    """The ids of the rows of a tree whose objects no longer exist."""
    found = await live_objects(cloud, registry, [row for stack in stored.walk() for row in stack.rows])
    return frozenset(row_id for row_id, live in found.items() if live is None)


async def live_objects(
    cloud: Cloud, registry: Registry, rows: Collection[Resource]
) -> dict[str, JSON | None]:
    """The objects of those rows that have one in a collection, by the rows' ids; None for one that is gone.

    An object that a list does not show is asked for by its id: not every list shows all.
    """
    await registry.ready(row.kind for row in rows)
    by_entity: dict[_Collection, list[Resource]] = {}
    for row in rows:
        collection = _collection(registry, row)
        if collection is not None:
            by_entity.setdefault(collection, []).append(row)
    found = await asyncio.gather(*(_live(cloud, *each, some) for each, some in by_entity.items()))
    return {row_id: live for each in found for row_id, live in each.items()}


_Collection = tuple[Entity, bool]
"""A collection, and whether it is inside another object, which may be gone."""


def _collection(registry: Registry, row: Resource) -> _Collection | None:
    """The collection in which the object of a row must be, if it must be in one."""
    if row.physical_id is None or row.action in (Action.DELETE, Action.INIT) or row.nested_stack_id:
        return None
    kind = registry.types.get(row.kind)
    if kind is None or kind.entity is None:
        return None
    return kind.entity.of(row), kind.entity.is_inside


async def _live(
    cloud: Cloud, entity: Entity, is_inside: bool, rows: Sequence[Resource]
) -> dict[str, JSON | None]:
    service = cloud.service(entity.service)
    listed: Sequence[JSON] = []
    try:
        if entity.plural:
            listed = await service.list_all(entity.listing, entity.plural, entity.list_query)
    except CloudNotFound:
        if not is_inside:
            raise
    objects = {str(each.get(entity.id_field)): each for each in listed}
    unseen = [row for row in rows if row.physical_id not in objects]
    asked = await asyncio.gather(*(_read(cloud, entity, str(row.physical_id)) for row in unseen))
    return {row.id: objects.get(str(row.physical_id)) for row in rows} | {
        row.id: live for row, live in zip(unseen, asked, strict=True)
    }


async def _read(cloud: Cloud, entity: Entity, object_id: str) -> JSON | None:
    try:
        return await read(cloud, entity, object_id)
    except CloudNotFound:
        return None
