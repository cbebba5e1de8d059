"""When the evaluation of alarms looks next: woken by whatever makes something due sooner."""

from __future__ import annotations

import asyncio
import contextlib


class AlarmClock:
    """Wakes those of this process that work for alarms."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """An alarm was made or changed, or has something to do."""
        self._rung.set()

    async def rest(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as the clock rings."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` may swallow a cancellation
                await self._rung.wait()
        self._rung.clear()
