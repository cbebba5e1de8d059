"""Walking a graph: a step starts the moment its last requirement is done.

Each step is a task of one task group. A step that fails keeps what waits for it from starting; the
rest goes on as long as ``may_start`` says so. Bookkeeping is a count per step: no work grows with
the graph.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import networkx as nx

S = TypeVar("S", bound=Hashable)

BREATH = 32
"""After starting so many steps in a row the walk lets other tasks have the loop."""


async def walk(
    graph: nx.DiGraph[S], act: Callable[[S], Awaitable[bool]], may_start: Callable[[], bool]
) -> int:
    """Run every step whose requirements succeed; returns the number of steps that never started.

    ``act`` answers whether the step succeeded. What it raises ends the walk: all running steps are
    cancelled, and the exception group that comes out holds it.
    """
    missing: dict[S, int] = {step: count for step, count in graph.in_degree() if count}
    left = len(graph)

    async def perform(group: asyncio.TaskGroup, step: S) -> None:
        succeeded = await act(step)
        if not succeeded:
            return
        ready: list[S] = []
        for waiting in graph.successors(step):
            missing[waiting] -= 1
            if not missing[waiting]:
                ready.append(waiting)
        await start(group, ready)

    async def start(group: asyncio.TaskGroup, ready: list[S]) -> None:
        nonlocal left
        for count, step in enumerate(ready, 1):
            if not may_start():
                return
            left -= 1
            group.create_task(perform(group, step))
            if count % BREATH == 0:
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        await start(group, [step for step, count in graph.in_degree() if not count])
    return left
