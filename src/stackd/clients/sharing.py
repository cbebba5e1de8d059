"""Shares one read among all who request it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Read = Callable[[str], Awaitable[Any]]


class SharedReads:
    """Reads by path; each runs in a task of its own, so that no caller's cancellation disturbs the others."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._running: dict[str, asyncio.Future[Any]] = {}

    async def get(self, path: str) -> Any:
        """The answer of the read of this path that is under way, or of a new one."""
        running = self._running.get(path)
        if running is None:
            running = self._running[path] = asyncio.ensure_future(self._read(path))
            running.add_done_callback(lambda done: self._forget(path, done))
        return await asyncio.shield(running)

    def _forget(self, path: str, done: asyncio.Future[Any]) -> None:
        del self._running[path]
        if not done.cancelled():
            done.exception()  # all who asked may have been cancelled
