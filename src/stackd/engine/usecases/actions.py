"""Actions on a stack as a whole, each a row in a table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from stackd.db import resources
from stackd.engine.usecases import stacks
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.errors import Forbidden, NotSupported
from stackd.records import Action, Caller, Stack

Accept = Callable[[Engine, Caller, Stack], Awaitable[Stack]]


async def _use(engine: Engine, caller: Caller, stack: Stack, *, action: Action) -> Stack:
    """Accept an action for which the caller must be allowed to use the types of all resources."""
    rows = await resources.of_tree(engine.services.db, stack.root_id, brief=True)
    for kind in sorted({row.kind for row in rows}):
        if not engine.policy.allows_type(caller, kind):
            raise Forbidden(f"You are not authorized to use resource_types:{kind}.")
    return await stacks.accept_action(engine, caller, stack, action)


_ACCEPTED: Final[Mapping[str, Accept]] = {
    "suspend": partial(_use, action=Action.SUSPEND),
    "resume": partial(_use, action=Action.RESUME),
    "check": partial(stacks.accept_action, action=Action.CHECK),
    "cancel_update": stacks.cancel_update,
    "cancel_without_rollback": stacks.cancel,
}


async def act(engine: Engine, caller: Caller, named: Named, action: str, *, rule: str | None = None) -> Stack:
    """Accept an action; the policy rule is named after the action unless another is given."""
    stack = await permitted(engine, caller, rule or f"actions:{action}", named, live=True)
    accept = _ACCEPTED.get(action)
    if accept is None:
        raise NotSupported(f"The action {action} on stack {stack.name} is not supported.")
    return await accept(engine, caller, stack)
