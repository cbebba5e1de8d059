"""The use cases on stacks: both front ends call these, with a caller whose token was checked.

Each change is accepted in one write: documents, the stack in its new state, the operation and the
event. When that is durable the request is answered; the walk goes on by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from stackd.db import operations, stacks
from stackd.db.journal import Change, Insert, Update
from stackd.engine.definition.documents import pack_definition
from stackd.engine.execution import hooks
from stackd.engine.execution.cancellation import Halt
from stackd.engine.services import event_sinks, exports
from stackd.engine.transitions import (
    NO_EFFECT,
    Transition,
    move_stack,
    new_stack,
    require_cancellable,
    require_start,
)
from stackd.engine.usecases.access import Named, enforce, permitted
from stackd.engine.usecases.checking import checked_change, checked_new
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import Fetched, resolved_request
from stackd.engine.usecases.judging import defined, judged, require_allowed
from stackd.engine.usecases.planning import observed, planned
from stackd.engine.usecases.previews import Changes
from stackd.engine.usecases.repeats import note
from stackd.engine.usecases.requests import (
    Checked,
    StackRequest,
)
from stackd.engine.usecases.terms import NO_TERMS, Terms
from stackd.errors import (
    ActionInProgress,
    EntityNotFound,
    Fenced,
    NotSupported,
    StackProtected,
)
from stackd.records import Action, Caller, Credential, Definition, Operation, Stack, Status, new_id, now

_ATTEMPTS = 5
"""How often a change is tried on what a stack has become meanwhile, before it is refused."""


async def create(
    engine: Engine,
    caller: Caller,
    request: StackRequest,
    *others: Change,
    rule: str = "stacks:create",
    terms: Terms = NO_TERMS,
    **options: Any,
) -> Stack:
    """Accept a new stack; it is CREATE_IN_PROGRESS when this returns.

    ``others`` are in the same write, ``options`` are kept with the operation.
    """
    enforce(engine, caller, rule)
    for _ in range(_ATTEMPTS):
        checked, stack_id = await checked_new(engine, caller, request)
        terms.require_types(checked.desired)
        async with engine.trusts.borrowed(caller) as credential:
            try:
                return await accept_new(
                    engine, caller, request, checked, stack_id, credential, *others, terms=terms, **options
                )
            except Fenced:
                continue  # what it exports or imports has changed meanwhile
    raise ActionInProgress(request.name, Action.CREATE)


async def accept_new(
    engine: Engine,
    caller: Caller,
    request: StackRequest,
    checked: Checked,
    stack_id: str,
    credential: Credential,
    *others: Change,
    terms: Terms = NO_TERMS,
    **options: Any,
) -> Stack:
    """Store a new stack and its operation, with ``others`` in the same write, and start it."""
    source = checked.source
    others = (*others, *note(caller.project_id, stack_id, terms.token))
    definition, puts = pack_definition(
        engine.services.db,
        caller.project_id,
        source.template.data,
        source.environment.to_data(),
        source.files,
    )
    ids = {"credential_id": credential.id, "operation_id": new_id(), **terms.values()}
    action = Action.ADOPT if options.get("adopt") else Action.CREATE
    move = new_stack(_unmade(caller, request, stack_id, definition, **ids), action)
    stack = move.record
    operation = new_operation(engine, caller, stack, options | terms.options())
    puts += await event_sinks.changes(engine.services.db, None, stack_id, source.environment)
    shared = await exports.begin(engine.services.db, stack, checked.desired)
    await engine.services.journal.write(*puts, *others, move.change, Insert(operation), *move.events, *shared)
    if source.environment.event_sinks:
        engine.sinks.watch(stack_id)
    engine.operator.schedule(stack.root_id)
    return stack


async def preview(engine: Engine, caller: Caller, request: StackRequest) -> tuple[Stack, Checked]:
    """What ``create`` would make, checked just the same."""
    checked, _ = await checked_new(engine, caller, request)
    stack = _unmade(caller, request, "None", Definition())
    await exports.begin(engine.services.db, stack, checked.desired)
    return stack, checked


def reserved(caller: Caller, name: str) -> Stack:
    """A stack of which only the name is reserved: there is nothing behind it until a plan is executed."""
    request = StackRequest(name=name, disable_rollback=False)
    return _unmade(caller, request, new_id(), Definition())


def _unmade(
    caller: Caller, request: StackRequest, stack_id: str, definition: Definition, **ids: Any
) -> Stack:
    """The stack that a request describes, in its initial state."""
    return Stack(
        id=stack_id,
        project_id=caller.project_id,
        name=request.name,
        owner=caller.user_name,
        user_id=caller.user_id,
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        definition=definition,
        tags=request.tags,
        timeout_mins=request.timeout_mins or None,
        disable_rollback=True if request.disable_rollback is None else request.disable_rollback,
        root_id=stack_id,
        created_at=now(),
        **ids,
    )


async def update(
    engine: Engine,
    caller: Caller,
    named: Named,
    request: StackRequest,
    *,
    rule: str = "stacks:update",
    terms: Terms = NO_TERMS,
) -> Stack:
    """Accept a new definition for a stack; it supersedes an operation that runs."""
    stack = await permitted(engine, caller, rule, named, live=True)
    whole, fetched = await resolved_request(engine, caller, request)

    async def change(newest: Stack) -> Stack:
        return await _update(engine, caller, newest, whole, fetched, terms)

    return await on_newest(engine, stack, change)


async def _update(
    engine: Engine, caller: Caller, stack: Stack, request: StackRequest, fetched: Fetched, terms: Terms
) -> Stack:
    require_start(stack, Action.UPDATE)
    checked = await checked_change(engine, caller, stack, request, fetched)
    await require_allowed(engine, caller, stack, request, checked, terms)
    return await accept_change(engine, caller, stack, request, checked, terms=terms)


async def accept_change(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    request: StackRequest,
    checked: Checked,
    *others: Change,
    action: Action = Action.UPDATE,
    terms: Terms = NO_TERMS,
    **options: Any,
) -> Stack:
    """Store a checked definition as what a stack becomes; ``others`` in the same write.

    ``options`` are kept with the operation. Raises ``Fenced`` when the stack is no longer as it was read.
    """
    source = checked.source
    options |= terms.options() | ({"converge": True} if request.converge else {})
    definition, puts = pack_definition(
        engine.services.db, stack.project_id, source.template.data, source.environment.to_data(), source.files
    )
    values: dict[str, Any] = {"definition": definition, **terms.values(stack)}
    if action is not Action.CREATE:
        values |= {"previous": _rolled_back_to(stack), "updated_at": now()}
    if request.tags is not None or not request.existing:
        values["tags"] = request.tags
    if request.timeout_mins is not None:
        values["timeout_mins"] = request.timeout_mins or None
    if request.disable_rollback is not None:
        values["disable_rollback"] = request.disable_rollback
    puts += [*others, *note(stack.project_id, stack.id, terms.token)]
    puts += await exports.begin(engine.services.db, stack, checked.desired)
    if stack.parent_id is not None:
        return await accept(engine, caller, stack, action, values, puts, options)
    async with engine.trusts.borrowed(caller) as credential:
        values["credential_id"] = credential.id
        puts += await event_sinks.changes(engine.services.db, stack, stack.root_id, source.environment)
        accepted = await accept(engine, caller, stack, action, values, puts, options)
    if source.environment.event_sinks:
        engine.sinks.watch(stack.root_id)
    return accepted


def _rolled_back_to(stack: Stack) -> Definition:
    """What a failed update returns to: the last definition that was reached, or the first one."""
    return stack.definition if stack.previous is None else stack.previous


async def preview_update(
    engine: Engine, caller: Caller, stack: Stack, request: StackRequest, *, nested: bool = False
) -> Changes:
    """What ``update`` would do to each resource; ``nested`` includes those of all stacks inside."""
    request, fetched = await resolved_request(engine, caller, request)
    checked = await checked_change(engine, caller, stack, request, fetched)
    await exports.begin(engine.services.db, stack, checked.desired)
    secrets = checked.expanded.secrets() | await engine.redaction.of(stack)
    missing = await observed(engine, caller, stack) if request.converge else frozenset()
    desired = defined(engine, stack, checked)
    plan = await planned(engine, stack, desired, Action.UPDATE, secrets, missing, throughout=nested)
    return Changes(stack, await judged(plan, stack.policy), secrets)


async def delete(engine: Engine, caller: Caller, named: Named, *, rule: str = "stacks:delete") -> Stack:
    """Accept the deletion; a running operation is cancelled first."""
    stack = await permitted(engine, caller, rule, named, live=True)
    return await on_newest(engine, stack, lambda newest: accept_deletion(engine, caller, newest))


async def accept_deletion(
    engine: Engine, caller: Caller, stack: Stack, *others: Change, **options: Any
) -> Stack:
    """Store that a stack is to be deleted, with ``others`` in the same write.

    One of which only the name is reserved is deleted by that.
    """
    if stack.deleted_at is not None:
        raise EntityNotFound("Stack", stack.name)
    if stack.action is Action.INIT:
        return await _forget(engine, stack, *others)
    require_start(stack, Action.DELETE)
    await require_unprotected(engine, stack)
    before = await exports.withdraw(engine.services.db, stack)
    if (stack.action, stack.status) == (Action.DELETE, Status.IN_PROGRESS):
        options |= await _given_up(engine, stack)
    if stack.status is Status.IN_PROGRESS and stack.action is not Action.DELETE:
        cancelled = _cancelled(stack)
        stack, before = cancelled.record, [*before, *cancelled.events]
    return await accept(
        engine, caller, stack, Action.DELETE, {"updated_at": now()}, [*before, *others], options
    )


async def _forget(engine: Engine, stack: Stack, *others: Change) -> Stack:
    """Delete a stack of which only the name is reserved: nothing stands for it in the cloud."""
    await require_unprotected(engine, stack)
    gone = {"operation_id": stack.operation_id, "protected": stack.protected}
    move = move_stack(stack, Action.DELETE, Status.COMPLETE, where=gone, deleted_at=now())
    await engine.services.journal.write(*others, *_changes(move))
    return move.record


async def require_unprotected(engine: Engine, stack: Stack) -> None:
    """Refuse to delete a stack that is protected, or is in one that is."""
    root: Stack | None = stack
    if stack.parent_id is not None:
        root = await stacks.get(engine.services.db, stack.root_id, None)
    if root is not None and root.protected:
        raise StackProtected(root.name)


async def _given_up(engine: Engine, stack: Stack) -> dict[str, Any]:
    """That a stack which is going leaves its objects, whoever asks for its deletion meanwhile."""
    running = await operations.get(engine.services.db, stack.operation_id or "")
    return {"abandon": True} if running is not None and running.options.get("abandon") else {}


async def accept_snapshot(
    engine: Engine, caller: Caller, stack: Stack, *others: Change, **options: Any
) -> Stack:
    """Store that a snapshot of a stack is taken, with ``others`` in the same write."""
    require_start(stack, Action.SNAPSHOT)
    values = {"updated_at": now()}
    return await accept(engine, caller, stack, Action.SNAPSHOT, values, list(others), options)


async def accept_action(engine: Engine, caller: Caller, stack: Stack, action: Action) -> Stack:
    """Accept what is done to every resource as it is; nothing is done where it has been done already."""

    async def begin(newest: Stack) -> Stack:
        if (newest.action, newest.status) == NO_EFFECT.get(action):
            return newest
        require_start(newest, action)
        return await accept(engine, caller, newest, action, {"updated_at": now()}, [])

    return await on_newest(engine, stack, begin)


async def cancel_update(engine: Engine, caller: Caller, stack: Stack) -> Stack:
    """Accept the way back from a running update to what the stack was before it."""
    return await on_newest(engine, stack, lambda newest: _cancel_update(engine, caller, newest))


async def _cancel_update(engine: Engine, caller: Caller, stack: Stack) -> Stack:
    require_cancellable(stack, "cancel_update")
    back = {"definition": stack.previous or Definition(), "previous": None}
    return await accept(engine, caller, stack, Action.ROLLBACK, back, [])


async def cancel(engine: Engine, caller: Caller, stack: Stack) -> Stack:
    """Stop a running creation or update where it is; the stack has failed when this returns.

    Requests that are under way are completed, nothing new starts, and what was waited for is FAILED.
    """
    return await on_newest(engine, stack, lambda newest: _cancel(engine, caller, newest))


async def _cancel(engine: Engine, caller: Caller, stack: Stack) -> Stack:
    require_cancellable(stack, "cancel_without_rollback")
    if stack.parent_id is not None:
        raise NotSupported("Cancelling a stack inside another is not supported; cancel the outermost one.")
    tree = await stacks.tree(engine.services.db, stack.root_id)
    changes = await hooks.cancelled(engine.services.db, tree)
    for each in tree:
        if each.status is Status.IN_PROGRESS and each.id != stack.id:
            changes += _changes(_cancelled(each))
    move = _cancelled(stack, where={"operation_id": stack.operation_id}, operation_id=new_id())
    changes += _changes(move)
    # No stack refers to this operation: it only makes the owner of the tree stop its walk.
    notice = new_operation(engine, caller, replace(stack, operation_id=new_id()))
    await engine.services.journal.write(*changes, Insert(notice))
    engine.operator.schedule(stack.root_id, Halt.CANCELLED)
    return move.record


def _cancelled(stack: Stack, **options: Any) -> Transition[Stack]:
    reason = f"Stack {stack.action} cancelled"
    return move_stack(stack, stack.action, Status.FAILED, reason, **options)


def _changes(move: Transition[Stack]) -> list[Change]:
    return [move.change, *move.events]


async def on_newest(engine: Engine, stack: Stack, change: Callable[[Stack], Awaitable[Stack]]) -> Stack:
    """Make a change; when another request was faster, check and make it on what the stack is then."""
    for _ in range(_ATTEMPTS):
        try:
            return await change(stack)
        except Fenced:
            newest = await stacks.get(engine.services.db, stack.id, None, live=True)
            if newest is None:
                raise EntityNotFound("Stack", stack.name) from None
            stack = newest
    raise ActionInProgress(stack.name, stack.action)


async def accept(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    action: Action,
    values: Mapping[str, Any],
    others: list[Change],
    options: Mapping[str, Any] | None = None,
) -> Stack:
    """Store the operation and the stack's new state in one write, then start.

    Credentials that were lost are replaced with the caller's, in the whole tree. Raises ``Fenced`` when the
    stack is no longer as it was read.
    """
    unchanged = {"operation_id": stack.operation_id, **_judged_by(stack, action)}
    async with engine.trusts.replaced(caller, stack) as credential_id:
        values = {"credential_id": credential_id, **values, "operation_id": new_id()}
        if credential_id != stack.credential_id:
            others = [*others, *await _below_with(engine, stack, credential_id)]
        move = move_stack(stack, action, Status.IN_PROGRESS, where=unchanged, again=True, **values)
        operation = Insert(new_operation(engine, caller, move.record, options))
        await engine.services.journal.write(*others, move.change, operation, *move.events)
    engine.operator.schedule(stack.root_id)
    return move.record


def _judged_by(stack: Stack, action: Action) -> dict[str, Any]:
    """What of a stack has decided that an action may begin, and so must still be as it was read."""
    if action is Action.DELETE:
        return {"protected": stack.protected}
    return {"policy": stack.policy} if action is Action.UPDATE else {}


async def _below_with(engine: Engine, stack: Stack, credential_id: str | None) -> list[Change]:
    """The changes that give the stacks of a tree another credential."""
    tree = await stacks.tree(engine.services.db, stack.root_id)
    return [Update(Stack, each.id, {"credential_id": credential_id}) for each in tree if each.id != stack.id]


def new_operation(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    options: Mapping[str, Any] | None = None,
    *,
    action: Action | None = None,
) -> Operation:
    """An operation on a stack, with the time that the stack allows; a signal waits under an id of its own."""
    minutes = stack.timeout_mins
    timeout = minutes * 60 if minutes else engine.limits.stack_action_timeout
    moment, time = now(), timedelta(seconds=timeout)
    return Operation(
        id=new_id() if action is not None else stack.operation_id or new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        project_id=stack.project_id,
        action=action or stack.action,
        state="queued",
        created_at=moment,
        deadline=moment + time,
        timeout=timeout,
        latest_deadline=moment + 2 * time,
        request_id=caller.request_id,
        global_request_id=caller.global_request_id,
        options=options or {},
    )
