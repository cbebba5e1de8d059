"""Runs long computations in threads, off the event loop."""

from __future__ import annotations

import asyncio
from typing import Any

LARGE = 64_000
"""Bytes of input above which a pure function is called in a thread."""


async def offloaded(size: int, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a pure function, in a thread when its input is large."""
    if size < LARGE:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
