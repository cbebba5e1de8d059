"""Turns at something that only one step of an operation may change at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stackd.engine.execution.cancellation import Cancellation


class Turns:
    """The steps of one operation that wait for their turns, in order, by what they want to change."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, subject: str, cancellation: Cancellation) -> AsyncIterator[bool]:
        """Wait for the turn, which lasts as long as the block; whether another one had its turn meanwhile."""
        queue = self._queues.setdefault(subject, deque())
        mine = asyncio.get_running_loop().create_future()
        queue.append(mine)
        waits = queue[0] is not mine
        try:
            if waits:
                await cancellation.hold(mine)
            yield waits
        finally:
            queue.remove(mine)
            self._call_next(subject, queue)

    def _call_next(self, subject: str, queue: deque[asyncio.Future[None]]) -> None:
        if not queue:
            self._queues.pop(subject, None)
        elif not queue[0].done():
            queue[0].set_result(None)
