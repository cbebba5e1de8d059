"""Who may do what to which stack: the first step of every use case.

A use case takes the ``rule`` of the policy that the caller must satisfy. The default is the native API's; a
front end with rules of its own passes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from stackd.auth.policy import EVERY_PROJECT
from stackd.db import stacks
from stackd.db.parts import Part
from stackd.engine.usecases.engine import Engine
from stackd.errors import EntityNotFound
from stackd.records import Caller, Stack

GLOBAL_RULE: Final = "stacks:global_index"
"""The rule of policy for lists of the stacks of all projects."""

_SEEN_IN_LISTS: Final = frozenset({"stacks:show", "stacks:lookup"})
"""What whoever may list a stack of another project may do with it: a list and what it leads to agree."""

GUEST: Final = "heat_stack_user"
"""The role of the users that are made for guests."""


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


def sees_every_project(engine: Engine, caller: Caller) -> bool:
    """Whether the caller may see stacks of other projects: as cloud administrator, or by ``GLOBAL_RULE``."""
    return engine.policy.is_admin(caller) or engine.policy.allows(caller, GLOBAL_RULE, EVERY_PROJECT)


async def permitted(engine: Engine, caller: Caller, rule: str, named: Named, *, live: bool = False) -> Stack:
    """The stack, after the policy check of ``rule``."""
    engine.policy.enforce(caller, rule)
    return await find(engine, caller, named.id, rule, name=named.name, live=live)


async def permitted_with(
    engine: Engine, caller: Caller, rule: str, named: Named, *parts: Part[Any], live: bool = False
) -> tuple[Stack, list[list[Any]]]:
    """The stack and the records of some of its parts, read together, after the policy check of ``rule``."""
    engine.policy.enforce(caller, rule)
    stack, rows = await _found(engine, caller, named.id, rule, parts, name=named.name, live=live)
    return stack, [await part.records(each) for part, each in zip(parts, rows, strict=True)]


async def find(
    engine: Engine, caller: Caller, identity: str, rule: str, *, name: str | None = None, live: bool = False
) -> Stack:
    """The stack with this id (and name); ``EntityNotFound`` if the caller may not do ``rule`` with it."""
    return (await _found(engine, caller, identity, rule, name=name, live=live))[0]


async def _found(
    engine: Engine,
    caller: Caller,
    identity: str,
    rule: str,
    parts: Sequence[Part[Any]] = (),
    *,
    name: str | None,
    live: bool,
) -> tuple[Stack, list[list[Any]]]:
    """The stack with the rows of its parts.

    A stack of another project is not even read, so the time of the answer is that for no stack at all.
    """
    everywhere = engine.policy.is_admin(caller) or (
        rule in _SEEN_IN_LISTS and engine.policy.allows(caller, GLOBAL_RULE, EVERY_PROJECT)
    )
    project = None if everywhere else caller.project_id
    stack, rows = await stacks.reachable(engine.services.db, identity, project, *parts, live=live)
    if stack is None or (name is not None and stack.name != name):
        raise EntityNotFound("Stack", name or identity)
    if not everywhere and is_guest(caller, stack) and not engine.policy.allows(_as_guest(caller), rule):
        raise EntityNotFound("Stack", name or identity)
    return stack, rows


def is_guest(caller: Caller, stack: Stack) -> bool:
    """Whether the caller reaches the stack from the project of its users.

    Whoever administers the domain of these projects can take any role there, and is no more than a guest.
    """
    return stack.project_id != caller.project_id == stack.stack_user_project_id


def _as_guest(caller: Caller) -> Caller:
    """The caller with no other role than a guest's."""
    return replace(caller, roles=tuple(role for role in caller.roles if role == GUEST))


async def lookup(engine: Engine, caller: Caller, name_or_id: str, *, rule: str = "stacks:lookup") -> Stack:
    """The stack with this id, or the live one with this name of the caller's project.

    For a guest it is one whose users are in the project.
    """
    engine.policy.enforce(caller, rule)
    try:
        return await find(engine, caller, name_or_id, rule)
    except EntityNotFound:
        db = engine.services.db
        stack = await stacks.named(db, name_or_id, caller.project_id)
        if stack is None and GUEST in caller.roles:
            stack = await stacks.named_for_users(db, name_or_id, caller.project_id)
        if stack is None or (is_guest(caller, stack) and not engine.policy.allows(_as_guest(caller), rule)):
            raise EntityNotFound("Stack", name_or_id) from None
        return stack
