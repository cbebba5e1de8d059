"""Publications of what servers are to do, of which those that are asked for meanwhile share the next one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count

from stackd.engine.services.locks import Locks

GATHERING = 0.1
"""Seconds for which a publication waits for more to publish; guests poll every few seconds at most."""


class Publications:
    """One at a time for each server, and each begins after all that is to be in it was stored.

    So many changes at once take few publications, and an older one never comes after a newer one.
    """

    def __init__(self) -> None:
        self._locks = Locks()
        self._numbers = count(1)
        self._begun: dict[str, int] = {}
        self._waiting: Counter[str] = Counter()

    async def join(self, server: str, publish: Callable[[], Awaitable[None]]) -> None:
        """Return when a publication that began after this call is done; ``publish`` does it if need be."""
        number = next(self._numbers)
        self._waiting[server] += 1
        try:
            async with self._locks.of(server):
                if self._begun.get(server, 0) < number:
                    await asyncio.sleep(GATHERING)
                    begun = next(self._numbers)
                    await publish()
                    self._begun[server] = begun
        finally:
            self._waiting[server] -= 1
            if not self._waiting[server]:
                del self._waiting[server]
                self._begun.pop(server, None)
