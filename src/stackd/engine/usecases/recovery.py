"""Ways out for stacks that have failed: back to what was, and deletions that leave behind what they must."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from stackd.db import resources, stacks
from stackd.db.journal import Change, Update
from stackd.engine.planning.ordering import best_row, target_of
from stackd.engine.transitions import move_resource, require_cancellable
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.repeats import note
from stackd.engine.usecases.terms import Token
from stackd.errors import BadRequest, NotSupported, ResourceNotFound
from stackd.records import Action, Caller, Definition, Resource, Stack, Status, now

ROLL_BACK: Final = "cloudformation:RollbackStack"
CANCEL: Final = "cloudformation:CancelUpdateStack"
CONTINUE: Final = "cloudformation:ContinueUpdateRollback"
DELETE: Final = "cloudformation:DeleteStack"

_SKIPPED: Final = "Skipped at the request of the rollback"
_UNDOABLE: Final = frozenset({Action.CREATE, Action.UPDATE})


async def roll_back(
    engine: Engine,
    caller: Caller,
    named: Named,
    *,
    unretained: bool = False,
    token: Token | None = None,
    rule: str = ROLL_BACK,
) -> Stack:
    """Accept the way back of a stack whose creation or update has failed and was left as it is."""
    stack = await permitted(engine, caller, rule, named, live=True)

    async def begin(newest: Stack) -> Stack:
        if newest.action not in _UNDOABLE or newest.status is not Status.FAILED:
            raise _unfit(newest, "rolled back", "CREATE_FAILED or UPDATE_FAILED")
        back = {"definition": newest.previous or Definition(), "previous": None, "updated_at": now()}
        others = note(newest.project_id, newest.id, token)
        if unretained:
            others += await _unretained(engine, newest)
        return await use_cases.accept(engine, caller, newest, Action.ROLLBACK, back, others, _options(token))

    return await use_cases.on_newest(engine, stack, begin)


async def cancel_update(
    engine: Engine, caller: Caller, named: Named, *, token: Token | None = None, rule: str = CANCEL
) -> Stack:
    """Accept the way back from a running update to what the stack was before it."""
    stack = await permitted(engine, caller, rule, named, live=True)

    async def begin(newest: Stack) -> Stack:
        require_cancellable(newest, "cancel_update")
        back = {"definition": newest.previous or Definition(), "previous": None}
        others = note(newest.project_id, newest.id, token)
        return await use_cases.accept(engine, caller, newest, Action.ROLLBACK, back, others, _options(token))

    return await use_cases.on_newest(engine, stack, begin)


async def continue_rollback(
    engine: Engine,
    caller: Caller,
    named: Named,
    skip: Sequence[str] = (),
    *,
    token: Token | None = None,
    rule: str = CONTINUE,
) -> Stack:
    """Accept that the rollback of an update goes on which has failed.

    ``skip`` are failed resources that stay as they are and count as rolled back, those of a nested stack as
    ``NESTED.NAME``.
    """
    stack = await permitted(engine, caller, rule, named, live=True)

    async def begin(newest: Stack) -> Stack:
        if (newest.action, newest.status) != (
            Action.ROLLBACK,
            Status.FAILED,
        ) or not newest.definition.template:
            raise _unfit(newest, "continued in its rollback", "UPDATE_ROLLBACK_FAILED")
        others = note(newest.project_id, newest.id, token)
        for path in skip:
            others += await _skipped(engine, newest, path)
        options = _options(token, skipped=list(skip))
        return await use_cases.accept(
            engine, caller, newest, Action.ROLLBACK, {"updated_at": now()}, others, options
        )

    return await use_cases.on_newest(engine, stack, begin)


async def delete(
    engine: Engine,
    caller: Caller,
    named: Named,
    *,
    retain: Sequence[str] = (),
    force: bool = False,
    token: Token | None = None,
    rule: str = DELETE,
) -> Stack:
    """Accept a deletion that leaves some objects in the cloud: those named, or all that could not be deleted.

    That is only for a stack whose deletion has failed.
    """
    stack = await permitted(engine, caller, rule, named, live=True)

    async def begin(newest: Stack) -> Stack:
        others = note(newest.project_id, newest.id, token)
        if retain or force:
            if (newest.action, newest.status) != (Action.DELETE, Status.FAILED):
                raise _unfit(newest, "deleted with resources that are retained", "DELETE_FAILED")
            others += await _retained(engine, newest, retain, force=force)
        return await use_cases.accept_deletion(engine, caller, newest, *others, **_options(token))

    return await use_cases.on_newest(engine, stack, begin)


def _options(token: Token | None, **given: Any) -> dict[str, Any]:
    """What is kept with the operation: what was given."""
    options = {name: value for name, value in given.items() if value}
    return options | ({"token": token.value} if token is not None else {})


def _unfit(stack: Stack, what: str, states: str) -> NotSupported:
    return NotSupported(
        f"Stack {stack.name} is in the state {stack.action}_{stack.status} and cannot be {what}; "
        f"only in {states} it can."
    )


async def _unretained(engine: Engine, stack: Stack) -> list[Change]:
    """What lets the way back delete what the newest operation made, whatever its deletion policy."""
    began = stack.updated_at or stack.created_at
    rows = await resources.of_tree(engine.services.db, stack.root_id, brief=True)
    return [
        Update(Resource, row.id, {"deletion_policy": "Delete"})
        for row in rows
        if row.deletion_policy == "Retain" and row.external_id is None and row.created_at >= began
    ]


async def _retained(engine: Engine, stack: Stack, retain: Sequence[str], *, force: bool) -> list[Change]:
    """What lets resources stay in the cloud: those named of the stack, or all in its tree that failed."""
    rows = await resources.of_tree(engine.services.db, stack.root_id, brief=True)
    own = {row.name for row in rows if row.stack_id == stack.id}
    for name in retain:
        if name not in own:
            raise ResourceNotFound(name, stack.name)
    kept = [row for row in rows if row.stack_id == stack.id and row.name in retain]
    if force:
        # Of a resource that contains a stack it is the inside that failed.
        kept += [row for row in rows if _has_failed(row) and not row.nested_stack_id]
    return [Update(Resource, id_, {"deletion_policy": "Retain"}) for id_ in sorted({row.id for row in kept})]


def _has_failed(row: Resource) -> bool:
    return (row.action, row.status) == (Action.DELETE, Status.FAILED)


async def _skipped(engine: Engine, stack: Stack, path: str) -> list[Change]:
    """What makes one failed resource count as rolled back."""
    at, *names = stack, *path.split(".")
    for name in names[:-1]:
        at = await _inside(engine, at, name)
    row = await _row(engine, at, names[-1])
    if row.status is not Status.FAILED:
        raise BadRequest(f"Resource {path} of stack {stack.name} has not failed and cannot be skipped.")
    if row.action is Action.DELETE:  # it is of the definition that is rolled back, and stays in the cloud
        return [Update(Resource, row.id, {"deletion_policy": "Retain"})]
    reached: dict[str, Any] = {"applied_from": target_of(at.definition), "updated_at": now()}
    move = move_resource(at, row, row.action, Status.COMPLETE, _SKIPPED, row.physical_id, **reached)
    return [move.change, *move.events]


async def _inside(engine: Engine, stack: Stack, name: str) -> Stack:
    row = await _row(engine, stack, name)
    found = await stacks.get(engine.services.db, row.nested_stack_id or "", stack.project_id)
    if found is None:
        raise BadRequest(f"Resource {name} of stack {stack.name} contains no stack.")
    return found


async def _row(engine: Engine, stack: Stack, name: str) -> Resource:
    rows: Iterable[Resource] = await resources.named(engine.services.db, stack.id, name)
    row = best_row(rows, target_of(stack.definition))
    if row is None:
        raise ResourceNotFound(name, stack.name)
    return row
