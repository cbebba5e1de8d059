"""How much is computed on the event loop in one turn: in executed lines, which no load changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


_TURN = asyncio.BaseEventLoop._run_once.__code__  # type: ignore[attr-defined]
"""The function that the loop calls once in each turn: it need not be kept busy to notice one."""


class _Counter:
    """Counts executed lines, and keeps the most of one turn of the loop."""

    def __init__(self) -> None:
        self.lines = 0
        self.most = 0

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """What ``sys.settrace`` calls."""
        if event == "line":
            self.lines += 1
            self.most = max(self.most, self.lines)
        elif event == "call" and frame.f_code is _TURN:
            self.lines = 0
        return self.trace


async def longest_stretch(work: Awaitable[T]) -> tuple[T, int]:
    """What is awaited, and the most lines that were executed meanwhile in one turn of the event loop."""
    counter, before = _Counter(), sys.gettrace()
    await asyncio.sleep(0)
    sys.settrace(counter.trace)
    try:
        result = await work
    finally:
        sys.settrace(before)
    return result, counter.most
