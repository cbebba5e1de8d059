"""Resources that a cancelled operation left in progress, and that no other operation will take up."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.db import resources
from stackd.db.database import Database
from stackd.db.journal import Change
from stackd.engine.execution.lifecycle import failure_cause
from stackd.engine.transitions import move_resource
from stackd.errors import ResourceFailure
from stackd.records import Action, Resource, Stack, Status


async def aborted_resources(db: Database, tree: Sequence[Stack]) -> list[Change]:
    """The changes that mark them FAILED: every resource in progress of a stack that is not."""
    ended = {stack.id: stack for stack in tree if stack.status is not Status.IN_PROGRESS}
    found = await resources.of_tree(db, tree[0].root_id, brief=True) if ended else ()
    changes: list[Change] = []
    for row in found:
        is_lost = row.action is Action.CREATE and row.physical_id is None  # its object is to be looked for
        if row.status is Status.IN_PROGRESS and row.stack_id in ended and not is_lost:
            changes += _aborted(ended[row.stack_id], row)
    return changes


def _aborted(stack: Stack, row: Resource) -> list[Change]:
    error = ResourceFailure(f"{row.action} aborted ({stack.reason})")
    reason = str(failure_cause(row.name, error))
    move = move_resource(stack, row, row.action, Status.FAILED, reason, row.physical_id)
    return [move.change, *move.events]
