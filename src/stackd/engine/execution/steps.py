"""The walk of one stack, root or nested: each step decided on what is stored at that moment.

A step starts the moment its last requirement is done, as a task of one task group. One that fails keeps
what waits for it from starting; the rest goes on as long as nothing else stops the walk. Bookkeeping is a
count per step: no work grows with the graph.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from stackd.db.journal import Change, Insert
from stackd.engine.execution import hooks, lifecycle, nested, uniform
from stackd.engine.execution.cancellation import Halt, Stopped
from stackd.engine.execution.reconcile import reconcile
from stackd.engine.execution.resource_context import ResourceContext
from stackd.engine.execution.stack_run import StackRun
from stackd.engine.execution.standing import keep_standing
from stackd.engine.planning.ordering import SETTLED, Node
from stackd.engine.planning.verbs import Verb
from stackd.engine.services import exports
from stackd.errors import ExportInUse, Fenced, ResourceFailure
from stackd.offload import in_turns
from stackd.records import Action, Status
from stackd.resources.base import NestedType, ResourceType

if TYPE_CHECKING:
    import networkx as nx

S = TypeVar("S", bound=Hashable)

INSERTS = 500
"""New rows per write."""

BREATH = 32
"""After starting so many steps in a row the walk lets other tasks have the loop."""


async def walk_stack(at: StackRun) -> bool:
    """Take all steps to what the stack is to be; whether every one succeeded."""
    await _insert_new_rows(at)
    standing = await keep_standing(at)
    not_started = await walk(at.plan.order.graph, partial(_act, at), partial(_may_start, at), standing)
    return not not_started and not at.failures and at.run.cancellation.halt is None


async def walk(
    graph: nx.DiGraph[S],
    act: Callable[[S], Awaitable[bool]],
    may_start: Callable[[], bool],
    done: Collection[S] = (),
) -> int:
    """Run every step whose requirements succeed; returns the number of steps that never started.

    ``act`` answers whether the step succeeded. What it raises ends the walk: all running steps are
    cancelled, and the exception group that comes out holds it. Steps that are ``done`` need not be taken.
    """
    walked = _Walk(graph, act, may_start, done)
    async with asyncio.TaskGroup() as group:
        await walked.start(group, [step for step in graph if walked.is_ready(step)])
    await asyncio.sleep(0)  # if all was done before, nobody else has had the loop
    return walked.left


class _Walk(Generic[S]):
    """The bookkeeping of one walk: what each step still waits for."""

    # Not closures that call each other: such a circle, with all rows of the stack in it, would be left to the
    # garbage collector, which stops everything for longer the more there is.

    def __init__(
        self,
        graph: nx.DiGraph[S],
        act: Callable[[S], Awaitable[bool]],
        may_start: Callable[[], bool],
        done: Collection[S],
    ) -> None:
        self._graph = graph
        self._act = act
        self._may_start = may_start
        self._done = done
        self._missing: dict[S, int] = {step: len(needed) for step, needed in graph.pred.items() if needed}
        self.left = len(graph) - len(done)
        for step in done:
            for waiting in graph.successors(step):
                self._missing[waiting] -= 1

    def is_ready(self, step: S) -> bool:
        """Whether a step that has to be taken waits for nothing."""
        return not self._missing.get(step) and step not in self._done

    async def start(self, group: asyncio.TaskGroup, ready: list[S]) -> None:
        """Start steps."""
        for count, step in enumerate(ready, 1):
            if not self._may_start():
                return
            self.left -= 1
            group.create_task(self._perform(group, step))
            if count % BREATH == 0:
                await asyncio.sleep(0)

    async def _perform(self, group: asyncio.TaskGroup, step: S) -> None:
        """Take a step, and start those that waited for it last."""
        if not await self._act(step):
            return
        ready: list[S] = []
        for waiting in self._graph.successors(step):
            self._missing[waiting] -= 1
            if self.is_ready(waiting):
                ready.append(waiting)
        await self.start(group, ready)


def _may_start(at: StackRun) -> bool:
    return (at.plan.rule.continues or not at.failures) and at.run.cancellation.halt is None


async def _insert_new_rows(at: StackRun) -> None:
    """Every wanted name gets a row at once, so that clients see all resources from the start."""
    missing = [name for name, row in at.rows.newest.items() if row is None]

    def insert(name: str) -> Change:
        row = at.new_row(name)
        at.rows.publish(row)
        return Insert(row)

    for start in range(0, len(missing), INSERTS):
        await at.run.write(*await in_turns(insert, missing[start : start + INSERTS], BREATH))


async def _act(at: StackRun, node: Node) -> bool:
    if node == SETTLED:
        return await _settle(at)
    async with at.run.cancellation.slots:
        if not _may_start(at):
            return False
        try:
            return await _step(at, node)
        except Fenced:
            at.run.cancellation.stop(Halt.FENCED)
        except Stopped:
            pass
        return False


async def _step(at: StackRun, node: Node) -> bool:
    if at.plan.rule.verb is not None:
        return await uniform.act(at, node.name, walk_stack)
    return await (_clean(at, node) if node.is_clean else reconcile(at, node.name, walk_stack))


async def _settle(at: StackRun) -> bool:
    """Publish new export values before the old objects are deleted; exports in use must not change."""
    try:
        if at.shares and at.desired_or_none is not None:
            changes = await exports.switch(at.run.services.db, at.stack, at.desired, at.scope)
            await at.run.write(*changes)
    except ExportInUse as error:
        at.fail(str(error))
        return False
    except Fenced:
        at.run.cancellation.stop(Halt.FENCED)
        return False
    return True


async def _clean(at: StackRun, node: Node) -> bool:
    """Remove a row that is not the current one of its name."""
    row = at.rows.by_id.get(node.row)
    current = at.rows.newest.get(node.name)
    if row is None or (current is not None and current.id == row.id):
        return True
    try:
        handler = at.handler_of(row)
    except ResourceFailure as error:
        return await at.guarded(at.work(row, ResourceType()), _cannot_delete(error))
    work = at.work(row, handler)
    return await at.guarded(work, _delete(at, work))


async def _delete(at: StackRun, work: ResourceContext) -> None:
    """Delete what a row stands for, with the pauses before and after it."""
    row = work.resource
    if row.name not in at.rows.newest:
        at.require_permitted(row.name, row.type, Verb.DELETE)
    stays = hooks.stays(at, row)
    if not (stays and (row.action, row.status) == (Action.DELETE, Status.COMPLETE)):
        if at.hooks is not None:
            await hooks.before_delete(at, at.hooks, work)
        if isinstance(work.kind, NestedType):
            await nested.delete(at, work, walk_stack, keep=stays)
        else:
            await lifecycle.delete(work, await at.stored_properties(work), keep=stays)
    if stays:
        await hooks.after_delete(at, work)


async def _cannot_delete(error: ResourceFailure) -> None:
    raise error
