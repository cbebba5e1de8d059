"""What an earlier walk left unfinished with a resource: completed, given up or taken back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from stackd.db.journal import Update
from stackd.engine.definition.types import ResolvedType
from stackd.engine.execution import lifecycle, targets, uniform
from stackd.engine.execution.comparison import is_broken
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.targets import Target
from stackd.engine.planning.diff import rolls_back
from stackd.engine.planning.verbs import is_unsettled
from stackd.errors import CloudNotFound, ResourceFailure
from stackd.offload import offloaded
from stackd.records import Action, Resource, Status
from stackd.resources.base import NestedType, ResourceType


async def finish(at: StackRun, work: ResourceContext) -> bool:
    """Bring what was begun with a resource to an end; False if that failed for good."""
    row = work.resource
    unsettled = is_unsettled(row) and not isinstance(work.kind, NestedType)
    if unsettled and not await at.guarded(work, _settle(at, work)):
        return False
    if _is_interrupted(row, at.desired.types[row.name]):
        if _may_give_up(at, work) and not await at.guarded(work, _give_up_changed(at, work)):
            return False
        return work.resource.status is not Status.IN_PROGRESS or await _resume(at, work)
    return row.replaced_by is None or await at.guarded(work, _take_back(at, work))


def _is_interrupted(row: Resource, kind: ResolvedType) -> bool:
    """Whether an interrupted action must be completed first; nested stacks do that themselves."""
    open_actions = (Action.CREATE, Action.UPDATE)
    if row.status is not Status.IN_PROGRESS or row.action not in open_actions:
        return False
    return not isinstance(kind.handler, NestedType) and row.kind == kind.name


async def _settle(at: StackRun, work: ResourceContext) -> None:
    """Complete its check, and resume what rests; what is broken by now will be replaced."""
    while is_unsettled(work.resource):
        if (error := await uniform.settle(at, work)) is not None:
            if await is_broken(work):
                return
            raise error


def _may_give_up(at: StackRun, work: ResourceContext) -> bool:
    """Whether what was begun before, or before a rollback, need not be completed before it is changed."""
    is_earlier = at.run.accepted_at is not None and _began(work) < at.run.accepted_at
    return work.kind.gives_up and (is_earlier or rolls_back(at.stack))


async def _give_up_changed(at: StackRun, work: ResourceContext) -> None:
    """Let an interrupted action fail if the resource is to be another one by now."""
    target: Target = await offloaded(targets.resolve, at, at.desired, work.resource.name)
    if target.props.changed(type(target.props).wrap(dict(work.resource.properties))):
        await work.kind.cancelled(work)
        reason = ResourceFailure(f"{work.resource.action} aborted (another operation changes the resource)")
        await lifecycle.mark_failed(work, reason)


def _began(work: ResourceContext) -> datetime:
    return work.resource.updated_at or work.resource.created_at


async def _resume(at: StackRun, work: ResourceContext) -> bool:
    """Bring an interrupted action to its end first; False when that failed for good."""

    async def complete() -> None:
        old, ready = await at.properties_before(work), await at.stored_properties(work)
        if not await lifecycle.resume(work, old, ready, at.wanted(work.resource.name)):
            await work.reset()

    began = _began(work)
    error = await lifecycle.run_guarded(work, complete())
    is_earlier = at.run.accepted_at is not None and began < at.run.accepted_at
    if is_earlier and at.run.renew_time is not None:
        await at.run.renew_time()
    return error is None or work.resource.status is Status.FAILED


async def _take_back(at: StackRun, work: ResourceContext) -> None:
    """Keep a row that was about to be replaced: a rollback came first.

    What was to take its place is given up for good where it may lose its ports or addresses to this one.
    """
    if type(work.kind).undo_replace is not ResourceType.undo_replace:
        for row in at.rows.others(work.resource):
            if row.applied_from:
                await at.run.write(Update(Resource, row.id, {"applied_from": ""}))
                at.rows.publish(replace(row, applied_from=""))
    if work.resource.physical_id is not None:
        with suppress(CloudNotFound):
            await work.kind.undo_replace(work, await at.stored_properties(work))
    await work.store(replaced_by=None)
    await work.flush()
