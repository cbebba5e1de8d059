"""What keeps a stack from harm: the protection from being deleted, and the stack policy."""

from __future__ import annotations

from typing import Any

from stackd.db import stacks
from stackd.db.journal import Update
from stackd.engine.planning.stack_policy import read_policy
from stackd.engine.transitions import require_start
from stackd.engine.usecases.access import Named, enforce, permitted
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import fetched_text
from stackd.engine.usecases.stacks import on_newest
from stackd.errors import BadRequest
from stackd.records import Action, Caller, Stack

PROTECT = "cloudformation:UpdateTerminationProtection"
SET_POLICY = "cloudformation:SetStackPolicy"
SHOW_POLICY = "cloudformation:GetStackPolicy"


async def protect(
    engine: Engine, caller: Caller, named: Named, *, protected: bool, rule: str = PROTECT
) -> Stack:
    """Protect a root stack, with all inside it, from being deleted, or do so no longer."""
    stack = await permitted(engine, caller, rule, named, live=True)
    if stack.parent_id is not None:
        raise BadRequest(
            f"Termination protection cannot be updated for nested stack {stack.name}; it has that of the "
            "outermost stack, which can be updated."
        )
    return await _keep(engine, stack, {"protected": protected})


async def set_policy(
    engine: Engine, caller: Caller, named: Named, text: str, *, rule: str = SET_POLICY
) -> Stack:
    """Give a stack a policy; there is no way back to none."""
    read_policy(text)
    stack = await permitted(engine, caller, rule, named, live=True)
    return await _keep(engine, stack, {"policy": text})


async def fetched(engine: Engine, caller: Caller, url: str, *, rule: str = SET_POLICY) -> str:
    """The text of a stack policy at a URL."""
    enforce(engine, caller, rule)
    return await fetched_text(engine, caller, url, "stack policy")


async def policy_of(engine: Engine, caller: Caller, named: Named, *, rule: str = SHOW_POLICY) -> str | None:
    """The text of a stack's policy, if it has one."""
    return (await permitted(engine, caller, rule, named)).policy


async def _keep(engine: Engine, stack: Stack, values: dict[str, Any]) -> Stack:
    """Store values with a stack, unless its deletion is accepted meanwhile."""

    async def change(newest: Stack) -> Stack:
        if newest.action is Action.DELETE:
            require_start(newest, Action.UPDATE)
        unchanged = {"operation_id": newest.operation_id}
        await engine.services.journal.write(Update(Stack, newest.id, values, where=unchanged))
        return await stacks.get(engine.services.db, newest.id, None) or newest

    return await on_newest(engine, stack, change)
