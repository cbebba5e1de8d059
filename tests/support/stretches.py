"""How much is computed on the event loop in one turn: in executed lines, which no load changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class _Counter:
    """Counts executed lines, and keeps the most between two ticks."""

    def __init__(self) -> None:
        self.lines = 0
        self.most = 0

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """What ``sys.settrace`` calls."""
        self.lines += event == "line"
        return self.trace

    async def tick(self) -> None:
        """Notice every turn of the loop."""
        while True:
            self.most = max(self.most, self.lines)
            self.lines = 0
            await asyncio.sleep(0)


async def longest_stretch(work: Awaitable[T]) -> tuple[T, int]:
    """What is awaited, and the most lines that were executed meanwhile in one turn of the event loop."""
    counter, before = _Counter(), sys.gettrace()
    ticking = asyncio.create_task(counter.tick())
    await asyncio.sleep(0)
    sys.settrace(counter.trace)
    try:
        result = await work
        await asyncio.sleep(0)
    finally:
        sys.settrace(before)
        ticking.cancel()
    return result, counter.most
