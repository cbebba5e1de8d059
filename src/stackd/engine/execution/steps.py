"""The walk of one stack, root or nested: each step decided on what is stored at that moment."""

from __future__ import annotations

from functools import partial

from stackd.db.journal import Change, Insert
from stackd.engine.execution import hooks, lifecycle, nested
from stackd.engine.execution.cancellation import Halt, Stopped
from stackd.engine.execution.reconcile import reconcile
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.traversal import walk
from stackd.engine.planning.ordering import SETTLED, Node
from stackd.engine.services import exports
from stackd.errors import ExportInUse, Fenced, ResourceFailure
from stackd.records import Action, Status
from stackd.resources.base import NestedType, ResourceType

INSERTS = 500
"""New rows per write."""


async def walk_stack(at: StackRun) -> bool:
    """Take all steps to what the stack is to be; whether every one succeeded."""
    await _insert_new_rows(at)
    not_started = await walk(at.plan.order.graph, partial(_act, at), partial(_may_start, at))
    return not not_started and _may_start(at)


def _may_start(at: StackRun) -> bool:
    return not at.failures and at.run.cancellation.halt is None


async def _insert_new_rows(at: StackRun) -> None:
    """Every wanted name gets a row at once, so that clients see all resources from the start."""
    missing = [name for name, row in at.rows.items() if row is None]
    for start in range(0, len(missing), INSERTS):
        changes: list[Change] = []
        for name in missing[start : start + INSERTS]:
            row = at.new_row(name)
            at.publish(row)
            changes.append(Insert(row))
        await at.run.write(*changes)


async def _act(at: StackRun, node: Node) -> bool:
    if node == SETTLED:
        return await _settle(at)
    async with at.run.cancellation.slots:
        if not _may_start(at):
            return False
        try:
            return await (_clean(at, node) if node.is_clean else reconcile(at, node.name, walk_stack))
        except Fenced:
            at.run.cancellation.stop(Halt.FENCED)
        except Stopped:
            pass
        return False


async def _settle(at: StackRun) -> bool:
    """Publish new export values before the old objects are deleted; exports in use must not change."""
    try:
        if at.shares and at.desired_or_none is not None:
            changes = await exports.switch(at.run.services.db, at.stack, at.desired, at.scope)
            await at.run.write(*changes)
    except ExportInUse as error:
        at.fail(str(error))
        return False
    except Fenced:
        at.run.cancellation.stop(Halt.FENCED)
        return False
    return True


async def _clean(at: StackRun, node: Node) -> bool:
    """Remove a row that is not the current one of its name."""
    row = at.by_id[node.row]
    current = at.rows.get(node.name)
    if current is not None and current.id == row.id:
        return True
    try:
        handler = at.handler_of(row)
    except ResourceFailure as error:
        return await at.guarded(at.work(row, ResourceType()), _cannot_delete(error))
    work = at.work(row, handler)
    return await at.guarded(work, _delete(at, work))


async def _delete(at: StackRun, work: ResourceContext) -> None:
    """Delete what a row stands for, with the pauses before and after it."""
    row = work.resource
    stays = hooks.stays(at, row)
    if not (stays and (row.action, row.status) == (Action.DELETE, Status.COMPLETE)):
        await hooks.before_delete(at, work)
        if isinstance(work.kind, NestedType):
            await nested.delete(at, work, walk_stack, keep=stays)
        else:
            await lifecycle.delete(work, await at.stored_properties(work), keep=stays)
    if stays:
        await hooks.after_delete(at, work)


async def _cannot_delete(error: ResourceFailure) -> None:
    raise error
