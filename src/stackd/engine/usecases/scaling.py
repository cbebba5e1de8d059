"""Signals that change the size of a scaling group are accepted as operations."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.db import operations, stacks
from stackd.db.journal import Change, Insert
from stackd.engine.execution import scaling
from stackd.engine.services.locks import Locks
from stackd.engine.transitions import REASON_LIMIT
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.stacks import new_operation
from stackd.errors import NotFound
from stackd.records import Action, Caller, Resource, Stack
from stackd.resources.scaling import Adjustment
from stackd.template.masking import concealed_text

_locks = Locks()
"""Of the signals that come to one group at the same time, one is accepted."""


async def accept(
    engine: Engine,
    caller: Caller,
    stack: Stack,
    policy: Resource,
    adjustment: Adjustment,
    reason: str,
    also: Sequence[Change] = (),
) -> bool:
    """Store that a policy was signalled, unless its group takes no signal now; ``reason`` is for the event.

    What it does is decided after the operations that the tree has, and shows in the group's stack.
    ``also`` is stored in the same write. Returns whether anything was stored.
    """
    services = engine.services
    group = await scaling.group_of(services.db, services.registry, stack, adjustment.group)
    if group is None:
        raise NotFound(
            f"The scaling group {adjustment.group} of the policy {policy.name} "
            f"is not in the stack {stack.name}."
        )
    async with _locks.of(group.id):
        child = await stacks.get(services.db, group.nested_stack_id or "", None)
        if not scaling.may_scale(group, child, services):
            return False
        waiting = await operations.of_root(services.db, stack.root_id)
        if any(scaling.is_for(each, group.id) for each in waiting):
            return False
        reason = concealed_text(reason, await engine.redaction.of(stack))[:REASON_LIMIT]
        signalled = scaling.options_of(policy, group, reason)
        operation = new_operation(engine, caller, stack, signalled, action=Action.SIGNAL)
        await services.journal.write(Insert(operation), *also)
    engine.operator.schedule(stack.root_id, None)
    return True
