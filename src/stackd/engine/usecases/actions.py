"""Actions on a stack as a whole, each a row in a table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from stackd.engine.usecases import stacks
from stackd.engine.usecases.access import Named, permitted
from stackd.engine.usecases.engine import Engine
from stackd.errors import NotSupported
from stackd.records import Caller, Stack

_ACCEPTED: Mapping[str, Callable[[Engine, Caller, Stack], Awaitable[Stack]]] = {
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
