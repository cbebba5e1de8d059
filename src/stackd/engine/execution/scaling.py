"""Signals that change the size of a group: decided in the order of the tree's operations, then carried out.

A signal is stored as an operation on the stack of its policy. When its turn comes it is decided on what is
then true. One that changes something becomes, in one write, an update of the group's own stack, and is an
operation like any other from then on. One that came too early or has nothing to change leaves no trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from stackd.db import operations, resources, stacks
from stackd.db.database import Database
from stackd.db.journal import Change, Update
from stackd.engine.definition.desired import Desired
from stackd.engine.definition.documents import pack_definition
from stackd.engine.definition.nested_definitions import (
    child_environment,
    child_template,
    members_of,
    nested_type,
    output_values,
    siblings_of,
)
from stackd.engine.definition.types import handler_of
from stackd.engine.execution.lifecycle import UNEXPECTED
from stackd.engine.execution.run import ResourceQuota, Services, Write
from stackd.engine.planning.nested import current_rows
from stackd.engine.planning.ordering import best_row, target_of
from stackd.engine.services.notifications import Notice, scaling_notice
from stackd.engine.services.stored_trees import load_desired, load_tree
from stackd.engine.transitions import move_stack, require_start, resource_event
from stackd.errors import ActionInProgress, Fenced, NotSupported, ServiceUnavailable, StackdError
from stackd.offload import offloaded
from stackd.records import Action, Operation, Resource, Stack, Status
from stackd.resources.base import NestedType
from stackd.resources.registry import Registry
from stackd.resources.scaling import Adjustment, begun, ended, is_cooling
from stackd.template.masking import concealed_text

log = structlog.get_logger(__name__)

SIGNALLED = "signalled"
"""The option of an operation with the name of the policy that was signalled."""

_POLICY, _GROUP, _REASON = "policy", "group", "reason"


def options_of(policy: Resource, group: Resource, reason: str) -> dict[str, Any]:
    """What an operation keeps of a signal; ``reason`` is for the event."""
    return {SIGNALLED: {_POLICY: policy.id, _GROUP: group.id, _REASON: reason}}


def is_for(operation: Operation, group_id: str) -> bool:
    """Whether an operation is a signal that waits for its turn with this group."""
    return operation.action is Action.SIGNAL and operation.options[SIGNALLED][_GROUP] == group_id


async def group_of(db: Database, registry: Registry, stack: Stack, reference: str) -> Resource | None:
    """The scaling group of a stack to which a policy refers; None if there is none."""
    found = [row for row in await resources.with_physical_id(db, reference) if row.stack_id == stack.id]
    await registry.ready(row.kind for row in found)
    groups = [row for row in found if row.replaced_by is None and _is_group(row, registry)]
    return groups[-1] if groups else None


def _is_group(row: Resource, registry: Registry) -> bool:
    kind = handler_of(row, registry, {})
    return isinstance(kind, NestedType) and kind.scales


def may_scale(group: Resource, child: Stack | None, services: Services) -> bool:
    """Whether a group takes signals now: it stands, nothing changes it, and its cooldown is over."""
    if child is None or child.deleted_at is not None or group.status is not Status.COMPLETE:
        return False
    try:
        require_start(child, Action.UPDATE)
    except (ActionInProgress, NotSupported):
        return False
    return child.status is not Status.IN_PROGRESS and not is_cooling(group.metadata, services.db.clock())


@dataclass(frozen=True, slots=True)
class _Change:
    """What a signal changes: the stack of the group in its new state, and all that is stored with it."""

    child: Stack
    changes: tuple[Change, ...]
    adjustment: Adjustment
    size: int


async def begin(services: Services, operation: Operation, write: Write) -> Operation | None:
    """Decide what a signal does, and store it: the update of the group's stack, or None for nothing.

    What goes wrong in deciding ends the signal, with an event that says why.
    """
    signalled: Mapping[str, str] = operation.options[SIGNALLED]
    stack = await stacks.get(services.db, operation.stack_id, None)
    policy = await resources.get(services.db, signalled[_POLICY])
    group = await resources.get(services.db, signalled[_GROUP])
    done = Update(Operation, operation.id, {"state": "done"})
    if stack is None or policy is None or group is None:
        await write(done)
        return None
    try:
        change = await _decide(services, operation, stack, policy, group)
    except (Fenced, ServiceUnavailable):
        raise
    except Exception as error:
        reason = await _refusal(services, stack, policy, error)
        await write(
            done, resource_event(stack, policy, Action.SIGNAL, Status.FAILED, reason, policy.physical_id)
        )
        return None
    if change is None:
        await write(done)
        return None
    moment, time = services.db.clock(), timedelta(seconds=operation.timeout)
    values: dict[str, Any] = {
        "stack_id": change.child.id,
        "action": Action.UPDATE,
        "deadline": moment + time,
        "latest_deadline": moment + 2 * time,
    }
    await write(*change.changes, Update(Operation, operation.id, values))
    services.notify(scaling_notice(stack, Status.IN_PROGRESS, group.name, change.adjustment, change.size))
    return replace(operation, **values)


async def _refusal(services: Services, stack: Stack, policy: Resource, error: Exception) -> str:
    """Why a signal comes to nothing, for the event and the log."""
    if isinstance(error, StackdError):
        reason = concealed_text(str(error), await services.redaction.of(stack))
        log.warning("scaling_refused", policy=policy.name, error=reason)
        return reason
    log.exception("scaling_failed", policy=policy.name)
    return UNEXPECTED


async def _decide(
    services: Services, operation: Operation, stack: Stack, policy: Resource, group: Resource
) -> _Change | None:
    db, registry = services.db, services.registry
    await registry.ready([policy.kind, group.kind])
    adjustment = adjustment_of(policy, registry)
    child = await stacks.get(db, group.nested_stack_id or "", None)
    if adjustment is None or child is None or not may_scale(group, child, services):
        return None
    kind = nested_type(handler_of(group, registry, {}))
    around = await load_desired(db, registry, stack)
    inside = await load_desired(db, registry, child)
    stored = await load_tree(db, child)
    rows = current_rows(stored)
    sibling = siblings_of(around, group.name, around.scope(await _required(services, stack, around, group)))
    members = members_of(inside, rows, output_values(child.outputs or {}), registry, sibling)
    props = kind.properties.wrap(dict(group.properties))
    scaled = await offloaded(kind.scaled, group, props, members, adjustment)
    if scaled is None:
        return None
    names = scaled.child.template["resources"]
    size = len(names) - kind.others(props)
    taken = await resources.sizes(db, child.root_id)
    ResourceQuota(services.tuning.resources, taken).take(child.id, len(names))
    definition, puts = pack_definition(
        db,
        stack.project_id,
        child_template(around, group, scaled.child),
        child_environment(around.source.environment, group, scaled.child),
        stack.definition.files,
    )
    move = move_stack(
        child,
        Action.UPDATE,
        Status.IN_PROGRESS,
        where={"operation_id": child.operation_id},
        definition=definition,
        operation_id=operation.id,
        updated_at=db.clock(),
    )
    values = {"data": {**group.data, **scaled.data}, "metadata": begun(group.metadata)}
    changes = (*puts, move.change, *move.events, Update(Resource, group.id, values))
    return _Change(move.record, changes, adjustment, size)


async def _required(
    services: Services, stack: Stack, around: Desired, group: Resource
) -> dict[str, Resource | None]:
    """The rows of the resources that a group needs, by name."""
    target = target_of(stack.definition)
    needed = sorted(around.requires.get(group.name, ()))
    return {name: best_row(await resources.named(services.db, stack.id, name), target) for name in needed}


def adjustment_of(policy: Resource, registry: Registry) -> Adjustment | None:
    """How a signal to a resource changes the size of a group; None if it does not."""
    return handler_of(policy, registry, {}).adjustment(policy)


@dataclass(frozen=True, slots=True)
class Closing:
    """What the end of a change of size stores besides, and what is reported once that is stored."""

    changes: tuple[Change, ...] = ()
    notice: Notice | None = None


async def closing(services: Services, operation: Operation, child: Stack) -> Closing:
    """The cooldown, the event, and the end of the signals that came while the group was changing."""
    signalled = operation.options.get(SIGNALLED)
    around = await stacks.get(services.db, child.parent_id or "", None)
    if signalled is None or around is None:
        return Closing()
    db, registry = services.db, services.registry
    policy, group = [await resources.get(db, signalled[each]) for each in (_POLICY, _GROUP)]
    if group is None:
        return Closing()
    late = [each for each in await operations.of_root(db, child.root_id) if is_for(each, group.id)]
    changes: list[Change] = [Update(Operation, each.id, {"state": "done"}) for each in late]
    adjustment = adjustment_of(policy, registry) if policy is not None else None
    if policy is None or adjustment is None:
        metadata = ended(group.metadata, db.clock(), None, None)
        return Closing((*changes, Update(Resource, group.id, {"metadata": metadata})))
    kind = nested_type(handler_of(group, registry, {}))
    props = kind.properties.wrap(dict(group.properties))
    cooldown = adjustment.cooldown
    if cooldown is None:
        cooldown = kind.cooldown(props)
    metadata = ended(group.metadata, db.clock(), cooldown, adjustment.label)
    changes.append(Update(Resource, group.id, {"metadata": metadata}))
    if child.status is Status.COMPLETE:
        reason = signalled[_REASON]
        changes.append(
            resource_event(around, policy, Action.SIGNAL, policy.status, reason, policy.physical_id)
        )
    size = (await resources.sizes(db, child.root_id)).get(child.id, 0) - kind.others(props)
    notice = scaling_notice(around, child.status, group.name, adjustment, size)
    return Closing(tuple(changes), notice)
