"""An event loop whose clock does not tick: it jumps to the next timer once nothing else is left to do.

A sleep of a minute takes no time, and however slow the machine is, a deadline passes only when everybody
waits for it. Time stands still while a thread works for the loop, and while a test says with
``standing_still`` that it waits for something outside; with a server there, which may wait for the loop in
its turn, it stands still for so many real seconds only (``VirtualTimeLoop.longest``).
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import ClassVar, ParamSpec, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
P = ParamSpec("P")

GRACE = 0.001
"""Real seconds in which what was sent to a socket of the same process must have come there."""


class _PatientSelector(selectors.DefaultSelector):
    """Moves the clock of its loop instead of waiting for a timer."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Events of sockets; none when the clock was moved by ``timeout``."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        standing = self.loop.outside > 0
        limit = self.loop.longest if self.loop.outside == self.loop.servers else None
        found: list[tuple[selectors.SelectorKey, int]] = super().select(limit if standing else 0)
        if not found and not standing:
            time.sleep(GRACE)  # select itself waits for whole milliseconds
            found = super().select(0)
        if not found:
            self.loop.now += timeout
        return found


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that is never late: its time passes only by jumps."""

    longest: ClassVar[float | None] = None
    """Real seconds without any event after which it jumps although servers outside are awaited."""

    def __init__(self) -> None:
        selector = _PatientSelector()
        selector.loop = self
        self.now = time.monotonic()
        self.outside = self.servers = 0  # servers are among what is outside, threads are not among them
        super().__init__(selector)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread; time stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self.outside += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _: object) -> None:
        self.outside -= 1


@contextlib.contextmanager
def standing_still() -> Iterator[None]:
    """Time stands still while a server outside of the loop is awaited; a usual loop does not mind."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        yield
        return
    loop.outside += 1
    loop.servers += 1
    try:
        yield
    finally:
        loop.outside -= 1
        loop.servers -= 1


class StillPool(ThreadPoolExecutor):
    """Threads that the running loop waits for without its time passing."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in a thread."""
        loop = asyncio.get_running_loop()
        work = super().submit(fn, *args, **kwargs)
        if isinstance(loop, VirtualTimeLoop):
            loop.outside += 1
            work.add_done_callback(lambda _: _back(loop))
        return work


def _back(loop: VirtualTimeLoop) -> None:
    def count() -> None:
        loop.outside -= 1

    with contextlib.suppress(RuntimeError):  # the test has ended before the thread
        loop.call_soon_threadsafe(count)


class LoopClock:
    """Moments that pass with the time of the running loop, from the real moment at which it is made."""

    def __init__(self) -> None:
        self._start = time.time()
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def seconds(self) -> float:
        """Seconds since the epoch."""
        return self._start + self._loop.time() - self._began

    def moment(self) -> datetime:
        """The moment as a record has it."""
        return datetime.fromtimestamp(self.seconds(), UTC)
