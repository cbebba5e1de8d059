"""Shares one read among all who request it at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

Read = Callable[[str], Awaitable[Any]]

KEPT: Final = 5.0
"""Seconds for which an answer is given to those who ask later."""


class SharedReads:
    """Reads by path; each runs in a task of its own, so that no caller's cancellation disturbs the others.

    Errors are not kept: who asks after one asks anew.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._reads: dict[str, asyncio.Future[Any]] = {}

    async def get(self, path: str) -> Any:
        """The answer of the read of this path that is under way or has just ended, or of a new one."""
        shared = self._reads.get(path)
        if shared is None:
            shared = self._reads[path] = asyncio.ensure_future(self._read(path))
            shared.add_done_callback(lambda done: self._ended(path, done))
        return await asyncio.shield(shared)

    def _ended(self, path: str, done: asyncio.Future[Any]) -> None:
        failed = done.cancelled() or done.exception() is not None  # all who asked may have been cancelled
        if failed:
            del self._reads[path]
        else:
            asyncio.get_running_loop().call_later(KEPT, self._reads.pop, path, None)
