"""Who may do what to which stack: the first step of every use case.

A use case takes the ``rule`` of the policy that the caller must satisfy. The default is the native API's; a
front end with rules of its own passes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stackd.db import stacks
from stackd.engine.usecases.engine import Engine
from stackd.errors import EntityNotFound
from stackd.records import Caller, Stack

ADMIN_RULE = "context_is_admin"


class Named(Protocol):
    """What names a stack: its record, or the id and name in a request."""

    @property
    def id(self) -> str:
        """The stack's id."""
        ...

    @property
    def name(self) -> str | None:
        """The stack's name, which must match the record; None if only the id is known."""
        ...


@dataclass(frozen=True, slots=True)
class StackRef:
    """A stack as a request names it."""

    id: str
    name: str | None = None


def enforce(engine: Engine, caller: Caller, rule: str) -> None:
    """Refuse unless policy lets the caller do this."""
    engine.policy.enforce(caller, rule)


async def permitted(engine: Engine, caller: Caller, rule: str, named: Named, *, live: bool = False) -> Stack:
    """The stack, after the policy check of ``rule``."""
    engine.policy.enforce(caller, rule)
    return await find(engine, caller, named.id, name=named.name, live=live)


async def find(
    engine: Engine, caller: Caller, identity: str, *, name: str | None = None, live: bool = False
) -> Stack:
    """The stack with this id (and name); ``EntityNotFound`` if the caller may not see it."""
    scope = None if engine.policy.allows(caller, ADMIN_RULE) else caller.project_id
    stack = await stacks.get(engine.services.db, identity, None, live=live)
    visible = stack is not None and (
        scope is None or scope in (stack.project_id, stack.stack_user_project_id)
    )
    if stack is None or not visible or (name is not None and stack.name != name):
        raise EntityNotFound("Stack", name or identity)
    return stack


async def lookup(engine: Engine, caller: Caller, name_or_id: str, *, rule: str = "stacks:lookup") -> Stack:
    """The stack with this id, or the live one of the caller's project with this name."""
    engine.policy.enforce(caller, rule)
    try:
        return await find(engine, caller, name_or_id)
    except EntityNotFound:
        stack = await stacks.named(engine.services.db, name_or_id, caller.project_id)
        if stack is None:
            raise EntityNotFound("Stack", name_or_id) from None
        return stack
