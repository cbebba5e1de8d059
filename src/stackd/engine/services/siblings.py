"""Finding the resource of the same stack that a reference means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.db import resources
from stackd.db.database import Database
from stackd.records import Resource
from stackd.resources.base import ResourceType


def is_meant(row: Resource, reference: str, types: Mapping[str, ResourceType[Any]]) -> bool:
    """Whether a reference is the physical id, the name or the reference id of a resource."""
    kind = types.get(row.kind)
    return reference in (row.physical_id, row.name) or bool(kind and kind.reference(row) == reference)


async def sibling_of(
    db: Database, types: Mapping[str, ResourceType[Any]], row: Resource, reference: str
) -> Resource | None:
    """The resource that a reference of another one means, of those that this one requires.

    A name or an id that is written down is not looked for: each reader would read the whole stack for it.
    """
    for name in row.requires:
        for each in await resources.named(db, row.stack_id, name):
            if is_meant(each, reference, types):
                return each
    return None
