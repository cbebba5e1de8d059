"""Messages from outside to one resource: signals, and the word that it is broken or sound."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from stackd.clients.lookup import Finder
from stackd.db import resources
from stackd.db.journal import Change
from stackd.engine.definition.types import handler_of
from stackd.engine.execution import hooks
from stackd.engine.execution.cancellation import Cancellation
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.run import OperationRun
from stackd.engine.factories import new_id, now, resource_event
from stackd.engine.planning.inputs import Inputs
from stackd.engine.planning.ordering import best_row, target_of
from stackd.engine.services.stored_trees import identify
from stackd.engine.transitions import move_resource
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.queries import by_reference
from stackd.errors import (
    ActionInProgress,
    BadRequest,
    Forbidden,
    NotSupported,
    ResourceActionNotSupported,
    ResourceFailure,
    ResourceNotAvailable,
    ResourceNotFound,
)
from stackd.records import Action, Caller, Fence, Operation, Resource, Stack, Status
from stackd.resources.base import ResourceType
from stackd.resources.context import StackInfo

_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
UNHEALTHY_REASON = "state changed by resource_mark_unhealthy api"
_GUEST = "heat_stack_user"


async def signal(
    engine: Engine,
    caller: Caller,
    named: Named,
    name: str,
    details: Mapping[str, Any] | None,
    *,
    rule: str = "resource:signal",
) -> None:
    """Hand a message to a resource; returns when what the resource made of it is stored."""
    stack = await permitted(engine, caller, rule, named, live=True)
    rows = await resources.named(engine.services.db, stack.id, name)
    if rows and details and "unset_hook" in details:
        refuse_foreign_guest(caller, rows[-1], "clear hooks of")
        kind = handler_of(rows[-1], engine.services.registry, {})
        await hooks.clear(engine.services, stack, rows, kind, details["unset_hook"])
        return
    row = _current(rows, stack, name)
    kind = handler_of(row, engine.services.registry, {})
    if row.action in (Action.SUSPEND, Action.DELETE):
        reason = f"Cannot signal resource during {row.action}"
        await _note(engine, stack, row, reason)
        raise NotSupported(f"Signal resource during {row.action} is not supported.")
    if not kind.signalable:
        raise ResourceActionNotSupported("signal is not supported for resource.")
    async with _one_at_a_time(row.id):
        row = _current(await resources.named(engine.services.db, stack.id, name), stack, name)
        work = await _work(engine, stack, row, kind)
        try:
            text = await kind.signal(work, details)
        except ResourceFailure as error:
            raise BadRequest(f"The signal to {name} is not accepted: {error}") from error
        await work.flush()
    if text is not None:
        await _note(engine, stack, row, f"Signal: {text}" if text else described(details))
    engine.services.signals.notify(stack.root_id)


def described(details: Mapping[str, Any] | None) -> str:
    """The reason in the event of a signal for which the type returns none."""
    if not details:
        return "No signal details provided"
    if "current" in details and "previous" in details:
        reason = details.get("reason", "")
        return f"alarm state changed from {details['previous']} to {details['current']} ({reason})"
    return "Unknown"


async def mark(
    engine: Engine,
    caller: Caller,
    named: Named,
    reference: str,
    *,
    broken: bool,
    reason: str = "",
    rule: str = "resource:mark_unhealthy",
) -> None:
    """Mark a resource as broken, or as sound again; the next update acts on it.

    ``reference`` is its name, or the id of its object.
    """
    stack = await permitted(engine, caller, rule, named, live=True)
    row = await by_reference(engine, stack, reference)
    if row.status is Status.IN_PROGRESS:
        raise ActionInProgress(stack.name, row.action)
    reason = reason or UNHEALTHY_REASON
    if broken and row.action is not Action.DELETE:
        status = Status.FAILED
    elif not broken and (row.action, row.status) == (Action.CHECK, Status.FAILED):
        status = Status.COMPLETE
    else:
        return
    move = move_resource(stack, row, Action.CHECK, status, reason, row.physical_id)
    await engine.services.journal.write(move.change, *move.events)


def refuse_foreign_guest(caller: Caller, row: Resource, what: str = "read the metadata of") -> None:
    """A guest's user may do with the resources that it was made for what it may do with no other."""
    own = {row.data.get("user_id"), (row.data.get("stack_user") or {}).get("user_id")}
    only_guest = _GUEST in caller.roles and not {"reader", "member", "admin"} & set(caller.roles)
    if only_guest and caller.user_id not in own:
        raise Forbidden(f"You are not authorized to {what} this resource.")


def _one_at_a_time(row_id: str) -> asyncio.Lock:
    """Signals to one resource are merged one after the other."""
    return _locks.setdefault(row_id, asyncio.Lock())


def _current(rows: Sequence[Resource], stack: Stack, name: str) -> Resource:
    """Of the rows of one name the one that a message is for."""
    row = best_row(rows, target_of(stack.definition)) or (rows[-1] if rows else None)
    if row is None:
        raise ResourceNotFound(name, stack.name)
    if row.action is Action.INIT:
        raise ResourceNotAvailable(name)
    return row


async def _note(engine: Engine, stack: Stack, row: Resource, reason: str) -> None:
    event = resource_event(stack, row, Action.SIGNAL, row.status, reason, row.physical_id)
    await engine.services.journal.write(event)


class _Beside(OperationRun):
    """A run outside the walk of the tree: its writes need no lease."""

    async def write(self, *changes: Change) -> None:
        """Make changes durable."""
        await self.services.journal.write(*changes)


async def _work(engine: Engine, stack: Stack, row: Resource, kind: ResourceType[Any]) -> ResourceContext:
    """What a type sees of its resource while it handles a signal."""
    cloud = await engine.operator.cloud_for(stack) if stack.credential_id else engine.trusts.of_service()
    moment = now()
    operation = Operation(
        id=new_id(),
        stack_id=stack.id,
        root_id=stack.root_id,
        project_id=stack.project_id,
        action=Action.SIGNAL,
        state="running",
        created_at=moment,
        deadline=moment + timedelta(seconds=engine.limits.stack_action_timeout),
    )
    run = _Beside(
        engine.services,
        operation,
        Fence(stack.root_id, 0),
        Inputs(engine.services.registry, identify(engine.services.db, stack.project_id)),
        cloud,
        None,
        Finder(cloud),
        Cancellation(engine.services.tuning.slots),
    )
    info = StackInfo(stack.id, stack.name, stack.project_id, stack.root_id, stack.name)
    return ResourceContext(run, stack, info, kind, row, lambda _: None)
