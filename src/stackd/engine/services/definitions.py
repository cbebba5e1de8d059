"""The stored definition of a stack, evaluated with the exports of other stacks that it imports."""

from __future__ import annotations

from stackd.db.database import Database
from stackd.engine.definition.desired import Desired, build
from stackd.engine.definition.documents import load_definition
from stackd.engine.factories import identity_of
from stackd.engine.services.exports import with_exports
from stackd.offload import in_thread
from stackd.records import Stack
from stackd.resources.registry import Registry


async def load_desired(db: Database, registry: Registry, stack: Stack) -> Desired:
    """The evaluated stored definition of a stack. Missing parameter values are not an error."""
    identity = identity_of(stack)
    source = await load_definition(db, stack.project_id, stack.definition)
    source = await with_exports(db, registry, source, identity)
    desired: Desired = await in_thread(build, source, identity, registry, stack.definition, strict=False)
    return desired
