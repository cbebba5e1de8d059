"""What a saved plan was made from: read again, as digests, to see what has moved since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from stackd.db import documents, exports
from stackd.engine.definition.desired import Source
from stackd.engine.definition.documents import load_definition
from stackd.engine.execution.observation import missing_objects
from stackd.engine.planning.fingerprint import Digest, fingerprint, imported_names, moved
from stackd.engine.planning.fingerprint import of_imports as imports_of
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.services.stored_trees import load_tree
from stackd.engine.usecases.engine import Engine
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

NOTHING: Final[Digests] = {}


async def of_stack(engine: Engine, stack: Stack, stored: StoredStack, missing: frozenset[str]) -> Digests:
    """The inputs of the plan of a change: the stored definition and tree, which may be large."""
    source = await load_definition(engine.services.db, stack.project_id, stack.definition)
    found: Digests = await in_thread(fingerprint, source, stored, missing, _digest(engine, stack.project_id))
    return found


def of_imports(engine: Engine, project_id: str, source: Source) -> Digests:
    """The values of other stacks that the definition which a plan leads to imports."""
    return imports_of(source.exports or {}, _digest(engine, project_id))


async def imports_now(engine: Engine, project_id: str, stack_id: str, parts: Iterable[str]) -> Digests:
    """The values now of what is imported among the parts; without those that no other stack exports."""
    if not (names := imported_names(parts)):
        return {}
    found = await exports.named(engine.services.db, project_id, names)
    values = {name: each.value for name, each in found.items() if each.offered and each.stack_id != stack_id}
    return imports_of(values, _digest(engine, project_id))


def _digest(engine: Engine, project_id: str) -> Digest:
    return partial(documents.document_id, engine.services.db.document_key, project_id)


def require_unmoved(saved: SavedPlan, parts: Digests) -> None:
    """Raise ``PlanOutdated`` naming the parts that are not as they were when the plan was made."""
    if changes := moved(saved.fingerprint, parts):
        raise PlanOutdated(saved.id, "; ".join(changes))
