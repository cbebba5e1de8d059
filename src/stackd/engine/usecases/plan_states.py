"""Whether a saved plan can be executed: what its row stores, and what has become of its stack since.

Nothing is stored when a stack changes, so a plan cannot be called ready that is not: its state is made from
the stored tree when it is shown. Only the cloud is not asked then, but when it is executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from stackd.db import stacks
from stackd.engine.planning.fingerprint import combined, moved
from stackd.engine.planning.inputs import StoredStack
from stackd.engine.services.stored_trees import load_tree
from stackd.engine.usecases import plan_inputs
from stackd.engine.usecases.access import find
from stackd.engine.usecases.engine import Engine
from stackd.errors import EntityNotFound, PlanOutdated
from stackd.records import Action, Caller, SavedPlan, Stack, now

READY: Final = "ready"
EXECUTED: Final = "executed"
OUTDATED: Final = "outdated"
EXPIRED: Final = "expired"
REFUSED: Final = "refused"
"""A plan with steps that are refused; in a summary the number of these, in place of their verbs."""

MISSING: Final = "missing"
COMBINED: Final = "combined"
"""Options of a plan: the resources that the cloud lacked when it was made; a digest of its inputs."""

IMPORTS: Final = "imports"
"""Option of a plan: a digest of each value of another stack that it imports."""

_EXECUTE: Final = "plans:execute"


@dataclass(frozen=True, slots=True)
class PlanView:
    """A saved plan, its state at the moment, and why it cannot be executed unless it is ready."""

    saved: SavedPlan
    state: str = READY
    reason: str = ""


def require_ready(saved: SavedPlan) -> None:
    """Raise ``PlanOutdated`` unless the row of a plan lets it be executed."""
    state, reason = _stored_state(saved)
    if state != READY:
        raise PlanOutdated(saved.id, reason)


def _stored_state(saved: SavedPlan) -> tuple[str, str]:
    """The state of a plan by its row alone, and why it is not ready."""
    if saved.state == EXECUTED:
        return EXECUTED, "it was executed already"
    if saved.state != READY:
        return OUTDATED, "what it was made from has changed"
    if saved.expires_at <= now():
        return EXPIRED, f"it expired at {saved.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    if COMBINED not in saved.options:
        return OUTDATED, "it was made by an older version of the server"
    return READY, ""


async def stack_of(engine: Engine, caller: Caller, saved: SavedPlan) -> Stack | None:
    """The stack of a plan; None when it was deleted. Administrators may plan for those of other projects."""
    try:
        return await find(engine, caller, saved.stack_id, _EXECUTE, live=True)
    except EntityNotFound:
        return None


async def viewed(engine: Engine, caller: Caller, found: Sequence[SavedPlan]) -> list[PlanView]:
    """The plans with their states at the moment; the tree of a stack is read once for all its plans.

    It may be large, so only one is in memory.
    """
    worlds: dict[str, _World | None] = {}
    views: dict[str, PlanView] = {}
    for saved in sorted(found, key=lambda each: each.stack_id):
        view = judged(saved)
        if saved.stack_id not in worlds:
            worlds.clear()
        if view.state in (READY, REFUSED) and (why := await _moved(engine, caller, saved, worlds)):
            view = PlanView(saved, OUTDATED, why)
        views[saved.id] = view
    return [views[each.id] for each in found]


def judged(saved: SavedPlan) -> PlanView:
    """A plan with its state by its row alone."""
    state, reason = _stored_state(saved)
    if state == READY and saved.options["summary"].get(REFUSED):
        state, reason = REFUSED, "changes in it are refused"
    return PlanView(saved, state, reason)


class _World(NamedTuple):
    """A stack as it is stored now."""

    stack: Stack
    stored: StoredStack
    digests: dict[tuple[str, ...], plan_inputs.Digests]
    """The digests of the inputs, by the ids of the resources that are missing in the cloud."""


async def _moved(engine: Engine, caller: Caller, saved: SavedPlan, worlds: dict[str, _World | None]) -> str:
    """What is no longer so, of the stack or of what it imports from others; empty if all is."""
    if why := await _stack_moved(engine, caller, saved, worlds):
        return why
    before = saved.options[IMPORTS]
    world = worlds.get(saved.stack_id)
    project_id = world.stack.project_id if world is not None else saved.project_id
    return "; ".join(moved(before, await plan_inputs.imports_now(engine, project_id, saved.stack_id, before)))


async def _stack_moved(
    engine: Engine, caller: Caller, saved: SavedPlan, worlds: dict[str, _World | None]
) -> str:
    """What of the stack is no longer as it was when the plan was made; empty if all is."""
    if not saved.stack_id:
        is_taken = await stacks.named(engine.services.db, saved.stack_name, saved.project_id) is not None
        return f"a stack {saved.stack_name} exists meanwhile" if is_taken else ""
    if saved.stack_id not in worlds:
        worlds[saved.stack_id] = await _world(engine, caller, saved)
    if (world := worlds[saved.stack_id]) is None:
        return f"the stack {saved.stack_name} is gone"
    if saved.action is Action.CREATE:
        is_made = world.stack.action is not Action.INIT
        return f"the stack {saved.stack_name} was made meanwhile" if is_made else ""
    missing = tuple(saved.options[MISSING])
    if missing not in world.digests:
        found = await plan_inputs.of_stack(engine, world.stack, world.stored, frozenset(missing))
        world.digests[missing] = found
    parts = world.digests[missing]
    if combined(parts) == saved.options[COMBINED]:
        return ""
    if not saved.fingerprint:  # a list leaves it out
        return f"the stack {saved.stack_name} has changed"
    before = {name: each for name, each in saved.fingerprint.items() if name not in saved.options[IMPORTS]}
    return "; ".join(moved(before, parts))


async def _world(engine: Engine, caller: Caller, saved: SavedPlan) -> _World | None:
    stack = await stack_of(engine, caller, saved)
    if stack is None:
        return None
    return _World(stack, await load_tree(engine.services.db, stack, definitions=False), {})
