"""What a saved plan was made from: read again, as digests, to see what has moved since."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from stackd.db import documents
from stackd.engine.definition.desired import Source
from stackd.engine.definition.documents import load_definition
from stackd.engine.execution.observation import missing_objects
from stackd.engine.planning.fingerprint import fingerprint, moved
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.services.stored_trees import load_tree
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.requests import Checked
from stackd.errors import PlanOutdated
from stackd.offload import in_thread
from stackd.records import Caller, SavedPlan, Stack


async def world(
    engine: Engine, caller: Caller, stack: Stack, *, observe: bool
) -> tuple[StoredStack, frozenset[str]]:
    """The stored tree, and the ids of rows whose objects no longer exist in the caller's cloud."""
    stored = await load_tree(engine.services.db, stack, definitions=False)
    if not observe:
        return stored, frozenset()
    cloud = engine.trusts.of_caller(caller)
    return stored, await missing_objects(cloud, engine.services.registry, stored)


Digests = Mapping[str, str]
"""A digest of each part of what a plan is made from, by the part's name."""


async def of_new(engine: Engine, project_id: str, checked: Checked) -> Digests:
    """The inputs of a new stack's plan other than its definition: the values that it imports."""
    source = checked.source if checked.source.exports else None
    return await _digests(engine, project_id, source, None, frozenset())


async def of_stack(engine: Engine, stack: Stack, stored: StoredStack, missing: frozenset[str]) -> Digests:
    """The inputs of the plan of a change: the stored definition and tree."""
    source = await load_definition(engine.services.db, stack.project_id, stack.definition)
    return await _digests(engine, stack.project_id, source, stored, missing)


async def _digests(
    engine: Engine,
    project_id: str,
    source: Source | None,
    stored: StoredStack | None,
    missing: frozenset[str],
) -> Digests:
    """Computed in a thread: a tree may be large."""
    digest = partial(documents.document_id, engine.services.db.document_key, project_id)
    found: Digests = await in_thread(fingerprint, source, stored, missing, digest)
    return found


def require_unmoved(saved: SavedPlan, parts: Digests) -> None:
    """Raise ``PlanOutdated`` naming the parts that are not as they were when the plan was made."""
    if changes := moved(saved.fingerprint, parts):
        raise PlanOutdated(saved.id, "; ".join(changes))
