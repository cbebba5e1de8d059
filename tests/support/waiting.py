"""Waiting for what comes of itself: by asking again, with a limit that no loaded machine comes near."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from unittest import mock

from stackd.template import patterns
from stackd.template.functions import yaql

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
        every = min(every * 1.1, 5.0)


@contextlib.contextmanager
def worker_time(seconds: float) -> Iterator[None]:
    """Real seconds that an expression or a pattern may take in a process of its own.

    Tests give it more than any loaded machine needs, and little to what never ends.
    """
    with mock.patch.object(patterns, "TIMEOUT", seconds), mock.patch.object(yaql, "TIMEOUT", seconds):
        yield
