"""Hooks: pauses before and after what is done to a resource, which a person ends with a signal.

A pause is stored together with the event that announces it, before anybody waits, and so is its end. So it
survives the process: the next one neither announces it again nor stops where a person has said to go
on. A waiting step holds no slot and makes no requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from stackd.db import hooks as stored_hooks
from stackd.db import resources
from stackd.db.database import Database
from stackd.db.journal import Change, Insert, Remove, Update
from stackd.engine.execution.cancellation import Halt, Stopped
from stackd.engine.execution.hook_waits import (
    POINTS,
    POST_CREATE,
    POST_DELETE,
    POST_UPDATE,
    PRE_CREATE,
    PRE_DELETE,
    PRE_UPDATE,
    StackHooks,
)
from stackd.engine.execution.physical_names import physical_name
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.run import Services
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.transitions import resource_event
from stackd.errors import Fenced, InvalidBreakPointHook
from stackd.records import Action, Hook, HookState, Resource, Stack
from stackd.resources.base import ResourceType
from stackd.template.masking import shown_id
from stackd.template.registry import HOOKS, unknown_hook

GIVEN_UP: Final = "Failure occurred while waiting."
_LOST: Final = frozenset({Halt.TIMED_OUT, Halt.FAILED})


# --- the points ------------------------------------------------------------------------------------


async def before(at: StackRun, hooks: StackHooks, work: ResourceContext) -> None:
    """Pause before a resource is created or updated, where that is asked for."""
    row = work.resource
    await _take_over(at, hooks, work)
    hook = PRE_CREATE if row.action is Action.INIT else PRE_UPDATE
    if hooks.comes(hook, row.name):
        await _pause(at, work, hook)


def arm(at: StackRun, work: ResourceContext) -> None:
    """A change in place is about to begin: with its intent store that a pause comes after it."""
    if at.hooks is None or not at.hooks.comes(POST_UPDATE, work.resource.name):
        return
    row, states = work.resource, at.hooks.states
    known = states.get(row, POST_UPDATE)
    work.arm(_moved(at, row, POST_UPDATE, known, HookState.ARMED)[1])


async def after(at: StackRun, hooks: StackHooks, work: ResourceContext) -> None:
    """Pause after a resource was created or updated, where that is asked for."""
    row, states = work.resource, hooks.states
    if work.was_armed:
        known = states.get(row, POST_UPDATE)
        states.put(_moved(at, row, POST_UPDATE, known, HookState.ARMED)[0])
    if hooks.comes(POST_CREATE, row.name):
        await _pause(at, work, POST_CREATE)
    armed = states.get(row, POST_UPDATE)
    if armed is not None and armed.state is not HookState.CLEARED and hooks.is_set(POST_UPDATE, row.name):
        await _pause(at, work, POST_UPDATE)


async def before_delete(at: StackRun, hooks: StackHooks, work: ResourceContext) -> None:
    """Pause before a resource is deleted, where that is asked for; one half deleted goes on at once."""
    await _take_over(at, hooks, work)
    row = work.resource
    if row.action is not Action.DELETE and _was_made(row) and hooks.comes(PRE_DELETE, row.name):
        await _pause(at, work, PRE_DELETE)


def stays(at: StackRun, row: Resource) -> bool:
    """Whether the row of a deleted resource is kept for a pause after its deletion."""
    return at.hooks is not None and _was_made(row) and at.hooks.comes(POST_DELETE, row.name)


async def after_delete(at: StackRun, work: ResourceContext) -> None:
    """Pause after a resource was deleted; then its row goes."""
    await _pause(at, work, POST_DELETE)
    await work.run.write(Remove(Resource, work.resource.id))


def _was_made(row: Resource) -> bool:
    return row.action is not Action.INIT or row.physical_id is not None


# --- one pause -------------------------------------------------------------------------------------


async def _take_over(at: StackRun, hooks: StackHooks, work: ResourceContext) -> None:
    """Pauses at which an earlier operation stood go on as long as the environment still has them."""
    row = work.resource
    for left in hooks.states.left_pending(row):
        is_deletion = left.hook in POINTS[Action.DELETE]
        if hooks.is_set(left.hook, row.name) and is_deletion is (hooks.action is Action.DELETE):
            await _pause(at, work, left.hook)
        else:
            await _give_up(at, row, left)


async def _pause(at: StackRun, work: ResourceContext, hook: str) -> None:
    """Announce a pause, unless that was done before, and wait until a person ends it."""
    run, row = at.run, work.resource
    known = run.hooks.get(row, hook)
    mine = known is not None and known.operation_id == run.hooks.operation_id
    if mine and known is not None and known.state is HookState.CLEARED:
        return
    pending, change = _moved(at, row, hook, known, HookState.PENDING)
    with run.services.pauses.wait(at.stack.root_id, pending.id) as cleared:
        if not (mine and known == pending):
            verb = hook.rpartition("-")[2].upper()
            await run.write(change, _event(at.stack, row, f"{verb} paused until Hook {hook} is cleared"))
            run.hooks.put(pending)
        else:
            await notice(run.services, at.stack.root_id)
        try:
            await run.wait_for_person(cleared)
        except Stopped:
            if run.cancellation.halt in _LOST or run.has_failed:
                await _give_up(at, row, pending)
            raise
    run.hooks.put(replace(pending, state=HookState.CLEARED))
    if run.has_failed:
        raise Stopped(GIVEN_UP)


def _moved(
    at: StackRun, row: Resource, hook: str, known: Hook | None, state: HookState
) -> tuple[Hook, Change]:
    """A hook in its new state, and the change that stores it."""
    moved = Hook(
        id=f"{row.id}/{hook}",
        stack_id=at.stack.id,
        root_id=at.stack.root_id,
        resource_id=row.id,
        hook=hook,
        operation_id=at.run.hooks.operation_id,
        state=state,
    )
    if known is None:
        return moved, Insert(moved)
    return moved, Update(Hook, moved.id, {"state": state, "operation_id": moved.operation_id})


async def _give_up(at: StackRun, row: Resource, hook: Hook) -> None:
    """End a pause that will not be cleared any more, with an event."""
    await at.run.write(Remove(Hook, hook.id), _event(at.stack, row, GIVEN_UP))
    at.run.hooks.drop(hook)


def _event(stack: Stack, row: Resource, reason: str) -> Insert:
    """The record that something happened to a pause: the resource's own state does not change."""
    shown = row.physical_id
    if shown is None and row.action is not Action.INIT:
        shown = physical_name(stack.name, row.name, row.id)
    return resource_event(stack, row, row.action, row.status, reason, shown)


# --- from outside ----------------------------------------------------------------------------------


async def clear(
    services: Services, stack: Stack, rows: Sequence[Resource], kind: ResourceType[Any], hook: object
) -> None:
    """End the pause of this type at a resource, of which ``rows`` are all that there are of its name.

    Raises ``InvalidBreakPointHook`` for what is no hook, and when the resource does not pause there.
    """
    if not isinstance(hook, str) or hook not in HOOKS:
        raise InvalidBreakPointHook(unknown_hook(str(hook)))
    by_id = {row.id: row for row in rows}
    pending = await stored_hooks.pending(services.db, stack.root_id)
    found = next((each for each in pending if each.hook == hook and each.resource_id in by_id), None)
    if found is None:
        raise _not_defined(stack, rows[-1], kind, hook)
    row = by_id[found.resource_id]
    where = {"state": HookState.PENDING, "operation_id": found.operation_id}
    change = Update(Hook, found.id, {"state": HookState.CLEARED}, where=where)
    try:
        await services.journal.write(change, _event(stack, row, f"Hook {hook} is cleared"))
    except Fenced:
        raise _not_defined(stack, row, kind, hook) from None
    services.pauses.clear(found.id)


def _not_defined(stack: Stack, row: Resource, kind: ResourceType[Any], hook: object) -> InvalidBreakPointHook:
    made = f" [{shown_id(row.physical_id)}]" if row.physical_id else ""
    return InvalidBreakPointHook(
        f'The "{hook}" hook is not defined on {type(kind).__name__} "{row.name}"{made} '
        f'Stack "{stack.name}" [{stack.id}]'
    )


async def notice(services: Services, root_id: str) -> None:
    """Let those go on whose hooks were cleared, perhaps by a signal to another process."""
    waiting = services.pauses.of_root(root_id)
    if not waiting:
        return
    for hook in await stored_hooks.of_root(services.db, root_id):
        if hook.id in waiting and hook.state is HookState.CLEARED:
            services.pauses.clear(hook.id)


async def cancelled(db: Database, tree: Sequence[Stack]) -> list[Change]:
    """What ends all pauses of a tree whose operation is cancelled."""
    by_id = {stack.id: stack for stack in tree}
    changes: list[Change] = []
    for hook in await stored_hooks.pending(db, tree[0].root_id) if tree else ():
        row, stack = await resources.get(db, hook.resource_id), by_id.get(hook.stack_id)
        changes.append(Remove(Hook, hook.id))
        if row is not None and stack is not None:
            changes.append(_event(stack, row, GIVEN_UP))
    return changes
