"""Waiting for what comes of itself: by asking again, with a limit that no loaded machine comes near."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 300.0
"""Seconds of the loop's time, which may be virtual."""


async def until(holds: Callable[[], Awaitable[object] | object], every: float = 0.01) -> None:
    """Return once ``holds`` answers with something true, at once or when it is awaited."""
    clock = asyncio.get_running_loop().time
    end = clock() + PATIENCE
    while True:
        answer = holds()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        assert clock() < end, "it never came true"
        await asyncio.sleep(every)
