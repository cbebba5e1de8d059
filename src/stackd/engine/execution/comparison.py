"""How a resource differs from what it is to be, by its row and, where that has failed, by its object."""

from __future__ import annotations

from stackd.engine.execution import children, snapshots
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.targets import Target
from stackd.engine.planning.diff import (
    NO_NAMES,
    Difference,
    Names,
    diff_resource,
    is_surely_broken,
    metadata_after,
    rolls_back,
)
from stackd.errors import CloudNotFound
from stackd.records import Action, Resource, Status
from stackd.resources.base import NestedType


async def compare(at: StackRun, work: ResourceContext, target: Target) -> Difference:
    """What has to be done with an object to make it what it is to be."""
    row = work.resource
    broken = row.status is not Status.FAILED or await is_broken(work)
    return diff_resource(
        row,
        work.kind,
        target.props,
        type_name=at.desired.types[row.name].name,
        broken=broken,
        missing=row.id in at.run.inputs.missing or await _has_lost_stack(work),
        metadata_changed=metadata_after(row, work.kind, target.metadata) != dict(row.metadata),
        stays=rolls_back(at.stack) or _is_reached_by(at, row),
        rewritten=rewritten(at, row),
    )


def rewritten(at: StackRun, row: Resource) -> Names:
    """The properties that count as changed, because a snapshot is restored, until that is done."""
    names = at.run.inputs.rewritten.get(row.id, NO_NAMES)
    if names and at.run.accepted_at and snapshots.is_restored(row, at.target, at.run.accepted_at):
        return NO_NAMES
    return names


def _is_reached_by(at: StackRun, row: Resource) -> bool:
    """Whether a row was made or changed by this very operation, before a crash perhaps."""
    if at.run.accepted_at is None:
        return False
    is_changed = (row.action, row.status, row.applied_from) == (Action.UPDATE, Status.COMPLETE, at.target)
    moment = row.updated_at if is_changed and row.updated_at is not None else row.created_at
    return moment >= at.run.accepted_at


async def _has_lost_stack(work: ResourceContext) -> bool:
    """Whether the stack inside a resource was deleted by itself."""
    is_nested = isinstance(work.kind, NestedType) and bool(work.resource.nested_stack_id)
    return is_nested and await children.is_deleted(work.run.services.db, work.resource)


async def is_broken(work: ResourceContext) -> bool:
    """Whether a failed resource must be replaced: decided by its object, where the type inspects it."""
    if isinstance(work.kind, NestedType):
        return await children.is_broken(work.run.services.db, work.resource)
    if is_surely_broken(work.resource, work.kind):
        return True
    try:
        return work.kind.broken(await work.live(fresh=True))
    except CloudNotFound:
        return True
