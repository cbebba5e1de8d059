"""Adaptive limit of concurrent calls to a service: grows while latency is flat, halves on overload.

One limiter per endpoint, for all projects. A call takes a slot, first come, first served. The limit
grows by one per answer until the service first complains, by one per round after that, and only
while it is what delays calls and latency is flat. It halves when the service refuses work (429, 503)
or does not answer, once for all the calls that were under way at that moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_RECENT = 0.2  # weight of the newest latency in the recent average
_DRIFT = 0.01  # how fast the floor follows a service that has become slower for good
_FLAT = 2.0  # latency is flat while the recent average is below this many floors ...
_SLACK = 0.02  # ... plus this many seconds


@dataclass(frozen=True, slots=True)
class LimiterSettings:
    """Calls at once: at first, at least and at most."""

    start: int = 16
    minimum: int = 1
    maximum: int = 64


@dataclass(frozen=True, slots=True)
class LimiterStats:
    """The state of a limiter at one moment."""

    in_flight: int
    waiting: int
    limit: int
    calls: int
    errors: int
    seconds: float


class _Latency:
    """Recent latency of one HTTP method against the best it has been."""

    __slots__ = ("floor", "recent")

    def __init__(self, first: float) -> None:
        self.floor = first
        self.recent = first

    def add(self, seconds: float) -> None:
        self.recent += (seconds - self.recent) * _RECENT
        self.floor = min(seconds, self.floor + (seconds - self.floor) * _DRIFT)

    @property
    def is_flat(self) -> bool:
        return self.recent <= self.floor * _FLAT + _SLACK


class Limiter:
    """The slots of one endpoint. Every method takes constant time."""

    def __init__(self, settings: LimiterSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._limit = float(min(settings.start, settings.maximum))
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._latency: dict[str, _Latency] = {}
        self._complained_at = float("-inf")
        self._calls = 0
        self._errors = 0
        self._seconds = 0.0

    def stats(self) -> LimiterStats:
        """The present state and the totals since the start."""
        waiting = sum(not future.done() for future in self._waiting)
        return LimiterStats(
            self._in_flight, waiting, int(self._limit), self._calls, self._errors, self._seconds
        )

    async def acquire(self) -> float:
        """Waits for a slot; returns the start time of the call, to be passed to ``release``."""
        if self._in_flight < int(self._limit) and not self._waiting:
            self._in_flight += 1
            return self._clock()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        return self._clock()

    def release(self, started: float, method: str, *, refused: bool = False, failed: bool = False) -> None:
        """Gives the slot back and learns from how the call went.

        ``refused``: the service asked for patience or did not answer. ``failed``: it counts as an error.
        """
        now = self._clock()
        self._calls += 1
        self._errors += failed
        self._seconds += now - started
        if refused:
            self._shrink(started, now)
        else:
            self._learn(method, now - started)
        self._leave()

    def abandon(self) -> None:
        """Gives the slot back of a call that was cancelled, from which nothing can be learned."""
        self._leave()

    def _shrink(self, started: float, now: float) -> None:
        if started >= self._complained_at:
            self._complained_at = now
            self._limit = max(float(self._settings.minimum), self._limit / 2)

    def _learn(self, method: str, seconds: float) -> None:
        known = self._latency.get(method)
        if known is None:
            known = self._latency[method] = _Latency(seconds)
        else:
            known.add(seconds)
        if known.is_flat and self._in_flight >= int(self._limit):
            step = 1.0 if self._complained_at == float("-inf") else 1.0 / self._limit
            self._limit = min(float(self._settings.maximum), self._limit + step)

    def _leave(self) -> None:
        self._in_flight -= 1
        while self._waiting and self._in_flight < int(self._limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
