"""Who waits in this process for a person to clear a hook, and what an operation knows of its hooks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stackd.db import hooks, operations
from stackd.db.database import Database
from stackd.db.journal import Change, Remove
from stackd.records import Action, Hook, HookState, Resource, Stack
from stackd.template.environment import Environment
from stackd.template.registry import has_hooks

PRE_CREATE, PRE_UPDATE, PRE_DELETE = "pre-create", "pre-update", "pre-delete"
POST_CREATE, POST_UPDATE, POST_DELETE = "post-create", "post-update", "post-delete"

POINTS: Final[Mapping[Action, frozenset[str]]] = {
    Action.CREATE: frozenset({PRE_CREATE, POST_CREATE}),
    Action.UPDATE: frozenset({PRE_UPDATE, POST_UPDATE}),
    Action.RESTORE: frozenset({PRE_UPDATE, POST_UPDATE}),
    Action.DELETE: frozenset({PRE_DELETE, POST_DELETE}),
}
"""Where a stack may pause, by what is done to the stack."""


class HookWaits:
    """The waits for hooks by the hook's id, each of one tree of stacks."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, asyncio.Future[None]]] = {}

    @contextlib.contextmanager
    def wait(self, root_id: str, hook_id: str) -> Iterator[asyncio.Future[None]]:
        """A future that ends when the hook is cleared; begin before anybody can know of the hook."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[hook_id] = (root_id, future)
        try:
            yield future
        finally:
            del self._waiting[hook_id]

    def clear(self, hook_id: str) -> None:
        """The hook is cleared: whoever waits for it here goes on."""
        _, future = self._waiting.get(hook_id, ("", None))
        if future is not None and not future.done():
            future.set_result(None)

    def of_root(self, root_id: str) -> frozenset[str]:
        """The hooks of a tree that are waited for."""
        return frozenset(hook_id for hook_id, (root, _) in self._waiting.items() if root == root_id)


class HookStates:
    """What is known of the pauses of one operation. One that is not ``open``, a rollback, never pauses.

    ``unfinished`` are the ids of all operations on the tree that have not ended.
    """

    def __init__(
        self,
        operation_id: str = "",
        stored: Sequence[Hook] = (),
        unfinished: Collection[str] = (),
        *,
        is_open: bool = True,
    ) -> None:
        self.operation_id = operation_id
        self._others = frozenset(unfinished) - {operation_id}
        self.is_open = is_open
        self._known = {(each.resource_id, each.hook): each for each in stored}
        self._left = [
            each for each in stored if each.state is HookState.PENDING and each.operation_id != operation_id
        ]

    def __len__(self) -> int:
        return len(self._known)

    def get(self, row: Resource, hook: str) -> Hook | None:
        """What is stored of a hook of a resource."""
        return self._known.get((row.id, hook))

    def put(self, hook: Hook) -> None:
        """Remember what is stored now."""
        self._known[(hook.resource_id, hook.hook)] = hook

    def drop(self, hook: Hook) -> None:
        """Forget what is not stored any more."""
        self._known.pop((hook.resource_id, hook.hook), None)

    def left_pending(self, row: Resource) -> list[Hook]:
        """The pauses at a resource that an earlier operation left when this one took its place."""
        return [
            hook
            for hook in self._left
            if hook.resource_id == row.id and self._known.get((row.id, hook.hook)) is hook
        ]

    def closing(self) -> list[Change]:
        """What takes its pauses, and those of operations before it, out of the store at its end."""
        over = [each for each in self._known.values() if each.operation_id not in self._others]
        return [Remove(Hook, each.id) for each in over]


@dataclass(frozen=True, slots=True)
class StackHooks:
    """The pauses of one stack in an operation."""

    environment: Environment
    action: Action
    states: HookStates

    def comes(self, hook: str, name: str) -> bool:
        """Whether the stack pauses at this point of a resource."""
        return hook in POINTS.get(self.action, ()) and self.is_set(hook, name)

    def is_set(self, hook: str, name: str) -> bool:
        """Whether the environment sets the hook, and the operation pauses at all."""
        return self.states.is_open and hook in self.environment.hooks(name)


async def load_hooks(db: Database, root_id: str, operation_id: str, action: Action) -> HookStates:
    """What is known of the pauses of an operation that begins or is resumed."""
    stored = await hooks.of_root(db, root_id)
    unfinished = [each.id for each in await operations.of_root(db, root_id)] if stored else ()
    return HookStates(operation_id, stored, unfinished, is_open=action is not Action.ROLLBACK)


def hooks_of(states: HookStates, stack: Stack, environment: Environment) -> StackHooks | None:
    """The pauses of a stack; None where there cannot be any."""
    if not len(states) and not has_hooks(environment.resource_registry):
        return None
    return StackHooks(environment, stack.action, states)
