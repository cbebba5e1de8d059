"""Messages from outside to one resource: signals, and the word that it is broken or sound."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackd.clients.lookup import Finder
from stackd.db import resources
from stackd.db.codec import to_json
from stackd.db.journal import Change
from stackd.db.weights import outweigh
from stackd.engine.definition.types import handler_of
from stackd.engine.execution import hooks
from stackd.engine.execution.cancellation import Cancellation
from stackd.engine.execution.resource_context import ResourceContext, StackRows
from stackd.engine.execution.run import OperationRun
from stackd.engine.execution.versions import ATTEMPTS, VersionedRow
from stackd.engine.planning.inputs import Inputs
from stackd.engine.planning.ordering import best_row, target_of
from stackd.engine.planning.resting import rest_noted
from stackd.engine.services.locks import Locks
from stackd.engine.services.stored_trees import identify
from stackd.engine.transitions import move_resource, resource_event
from stackd.engine.usecases import scaling
from stackd.engine.usecases.access import GUEST, Named, is_guest, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.queries import by_reference
from stackd.errors import (
    ActionInProgress,
    BadRequest,
    Fenced,
    Forbidden,
    NotSupported,
    RequestLimitExceeded,
    ResourceActionNotSupported,
    ResourceFailure,
    ResourceNotAvailable,
    ResourceNotFound,
)
from stackd.offload import in_thread
from stackd.records import Action, Caller, Resource, Stack, Status
from stackd.resources.base import ResourceType
from stackd.resources.context import StackInfo
from stackd.template.masking import concealed_text

_locks = Locks()
"""Signals to one resource are merged one after the other."""

_LONGEST_ESCAPE = 8
"""More bytes than one character, or the signs around it, has in JSON."""

UNHEALTHY_REASON = "state changed by resource_mark_unhealthy api"


async def signal(
    engine: Engine,
    caller: Caller,
    named: Named,
    name: str,
    details: Mapping[str, Any] | None,
    *,
    rule: str = "resource:signal",
) -> Mapping[str, Any]:
    """Hand a message to a resource; returns its metadata when what the resource made of it is stored."""
    stack = await permitted(engine, caller, rule, named, live=True)
    return (await deliver(engine, caller, stack, name, details)).metadata


@dataclass(frozen=True, slots=True)
class Delivered:
    """The metadata of a resource after a signal, and whether what was to be stored with it is stored."""

    metadata: Mapping[str, Any]
    is_stored: bool = False


async def deliver(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    name: str,
    details: Mapping[str, Any] | None,
    also: Sequence[Change] = (),
) -> Delivered:
    """Hand a message to a resource of a stack that the caller may signal.

    Where it changes the size of a group, ``also`` is stored in the write that accepts the change.
    """
    rows = await resources.named(engine.services.db, stack.id, name)
    await engine.services.registry.ready(row.kind for row in rows)
    if rows and details and "unset_hook" in details:
        refuse_foreign_guest(caller, stack, rows[-1], "clear hooks of")
        kind = handler_of(rows[-1], engine.services.registry, {})
        await hooks.clear(engine.services, stack, rows, kind, details["unset_hook"])
        return Delivered(rows[-1].metadata)
    row = _current(caller, rows, stack, name)
    kind = handler_of(row, engine.services.registry, {})
    if row.action in (Action.SUSPEND, Action.DELETE) and not kind.signalled_always:
        reason = f"Cannot signal resource during {row.action}"
        await _note(engine, stack, row, row.action, reason)
        raise NotSupported(f"Signal resource during {row.action} is not supported.")
    if not kind.signalable:
        raise ResourceActionNotSupported("signal is not supported for resource.")
    if (adjustment := kind.adjustment(row)) is not None:
        stored = await scaling.accept(engine, caller, stack, row, adjustment, described(details), also)
        return Delivered(row.metadata, stored)
    async with _locks.of(row.id):
        work, text = await _handled(engine, caller, stack, name, kind, details)
    if text is not None:
        await _note(engine, stack, row, Action.SIGNAL, f"Signal: {text}" if text else described(details))
    engine.services.signals.notify(stack.root_id, row.id)
    return Delivered(work.resource.metadata)


async def signal_end(
    engine: Engine,
    caller: Caller,
    named: Named,
    name: str,
    unique_id: str,
    status: str,
    *,
    rule: str = "cloudformation:SignalResource",
) -> None:
    """Report to a resource that what it waits for has succeeded or failed (``SUCCESS``, ``FAILURE``)."""
    stack = await permitted(engine, caller, rule, named, live=True)
    row = _current(caller, await resources.named(engine.services.db, stack.id, name), stack, name)
    await engine.services.registry.ready([row.kind])
    kind = handler_of(row, engine.services.registry, {})
    await signal(engine, caller, stack, name, kind.end_signal(unique_id, status), rule=rule)


async def _handled(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    name: str,
    kind: ResourceType[Any],
    details: Mapping[str, Any] | None,
) -> tuple[ResourceContext, str | None]:
    """Let the type handle the signal; once more when another process has changed the resource meanwhile."""
    for attempt in itertools.count(1):
        row = _current(caller, await resources.named(engine.services.db, stack.id, name), stack, name)
        await _refuse_too_large(engine, row, details)
        work = await work_outside(engine, stack, row, kind)
        try:
            text = await kind.signal(work, details)
            await work.flush()
        except ResourceFailure as error:
            raise BadRequest(f"The signal to {name} is not accepted: {error}") from error
        except Fenced:
            if attempt == ATTEMPTS:
                raise
            continue
        return work, text
    raise AssertionError


async def _refuse_too_large(engine: Engine, row: Resource, details: Mapping[str, Any] | None) -> None:
    """Refuse what would make the signals that a resource keeps larger than the largest body."""
    most = engine.limits.max_json_body_size
    if not details or not outweigh((row.metadata, details), most // _LONGEST_ESCAPE):
        return
    if await in_thread(lambda: len(to_json(row.metadata)) + len(to_json(details))) > most:
        raise RequestLimitExceeded(
            f"Request limit exceeded: The signals of {row.name} would be larger than the maximum of {most} "
            "bytes together."
        )


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
    reason = concealed_text(reason, await engine.redaction.of(stack)) or UNHEALTHY_REASON
    if broken and row.action is not Action.DELETE:
        status = Status.FAILED
    elif not broken and (row.action, row.status) == (Action.CHECK, Status.FAILED):
        status = Status.COMPLETE
    else:
        return
    noted = rest_noted(row)
    move = move_resource(stack, row, Action.CHECK, status, reason, row.physical_id, **noted)
    await engine.services.journal.write(move.change, *move.events)


def refuse_foreign_guest(
    caller: Caller, stack: Stack, row: Resource, what: str = "read the metadata of"
) -> None:
    """A guest's user may do with the resources that it was made for what it may do with no other."""
    only_guest = GUEST in caller.roles and not {"reader", "member", "admin"} & set(caller.roles)
    if (only_guest or is_guest(caller, stack)) and not is_made_for(caller, row):
        raise Forbidden(f"You are not authorized to {what} this resource.")


def is_made_for(caller: Caller, row: Resource) -> bool:
    """Whether the caller is the user that was made for a resource, in whose name its guest acts."""
    return caller.user_id in {row.data.get("user_id"), (row.data.get("stack_user") or {}).get("user_id")}


def _current(caller: Caller, rows: Sequence[Resource], stack: Stack, name: str) -> Resource:
    """Of the rows of one name the one that a message is for.

    While a resource is replaced, the guest of the old one and that of the new one each signal their own.
    """
    own = (row for row in rows if is_made_for(caller, row))
    row = next(own, None) or best_row(rows, target_of(stack.definition)) or (rows[-1] if rows else None)
    if row is None:
        raise ResourceNotFound(name, stack.name)
    if row.action is Action.INIT:
        raise ResourceNotAvailable(name)
    return row


async def _note(engine: Engine, stack: Stack, row: Resource, action: Action, reason: str) -> None:
    """Store an event of the resource, which stays in its state."""
    reason = concealed_text(reason, await engine.redaction.of(stack))
    event = resource_event(stack, row, action, row.status, reason, row.physical_id)
    await engine.services.journal.write(event)


async def work_outside(
    engine: Engine, stack: Stack, row: Resource, kind: ResourceType[Any]
) -> ResourceContext:
    """What a type sees of its resource outside of a walk, as for a signal: its writes need no lease."""
    cloud = await engine.trusts.of_stack(stack) if stack.credential_id else engine.trusts.of_service()
    run = OperationRun(
        engine.services,
        VersionedRow(engine.services.journal.write, row).write,
        Inputs(engine.services.registry, identify(engine.services.db, stack.project_id)),
        cloud,
        None,
        Finder(cloud),
        Cancellation(engine.services.tuning.slots),
    )
    info = StackInfo(stack.id, stack.name, stack.project_id, stack.root_id, stack.name)
    return ResourceContext(run, stack, info, kind, row, StackRows((row,), {}))
