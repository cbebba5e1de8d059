"""New metadata of a resource that may be signalled at any moment, without losing a signal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from stackd.db import resources
from stackd.db.journal import Update
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.versions import ATTEMPTS, VersionedRow
from stackd.engine.planning.diff import metadata_after
from stackd.errors import Fenced
from stackd.records import Resource


async def renew_metadata(work: ResourceContext, written: Mapping[str, Any]) -> None:
    """Store the metadata that a template has, beside what the row has of its own at this moment.

    ``Fenced`` is also the answer to a process that has lost its lease, to which it stays the answer.
    """
    for attempt in itertools.count(1):
        row = await resources.get(work.run.services.db, work.resource.id) or work.resource
        metadata = metadata_after(row, work.kind, written)
        try:
            await VersionedRow(work.run.write, row).write(Update(Resource, row.id, {"metadata": metadata}))
        except Fenced:
            if attempt == ATTEMPTS:
                raise
            continue
        work.renew(metadata)
        return
