"""How one operation runs and stops: slots for working steps, interruptible waits, a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator
from typing import Any, TypeVar

T = TypeVar("T")


class Halt(enum.Enum):
    """Why an operation has to stop before its end."""

    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    FAILED = "a resource failed"
    TIMED_OUT = "timed out"
    SHUTDOWN = "the process ends"
    FENCED = "another process took over"


class Stopped(Exception):
    """Raised in every wait of an operation that has to stop; not an error."""


class Cancellation:
    """The slots and waits of one operation.

    A step holds a slot while it works and gives it up while it waits, so that any number may wait
    without keeping others from starting. Calls to the cloud are never interrupted, waits always are.
    """

    def __init__(self, slots: int) -> None:
        self.slots = asyncio.Semaphore(slots)
        self.halt: Halt | None = None
        self._waits: set[asyncio.Future[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def set_deadline(self, seconds: float) -> None:
        """Stop everything after this time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.0), self.stop, Halt.TIMED_OUT)

    def close(self) -> None:
        """Forget the deadline."""
        if self._timer is not None:
            self._timer.cancel()

    def reset(self, seconds: float) -> None:
        """Begin anew, after all waits have ended, with another deadline."""
        self.halt = None
        self.set_deadline(seconds)

    def stop(self, why: Halt) -> None:
        """Let nothing new start and end every wait with ``Stopped``; the first reason counts."""
        if self.halt is None:
            self.halt = why
        for wait in self._waits:
            if not wait.done():
                wait.set_exception(Stopped(why.value))

    def check(self) -> None:
        """Raise ``Stopped`` when the operation has to stop."""
        if self.halt is not None:
            raise Stopped(self.halt.value)

    async def wait(self, future: asyncio.Future[T]) -> T:
        """Wait for a future; a slot that is held is kept."""
        self.check()
        self._waits.add(future)
        try:
            return await future
        finally:
            self._waits.discard(future)

    async def hold(self, future: asyncio.Future[T]) -> T:
        """Wait for a future without holding a slot."""
        self.check()
        self.slots.release()
        try:
            return await self.wait(future)
        finally:
            await self.slots.acquire()

    @contextlib.asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Give up the slot while others of the same operation work: the steps of a nested stack.

        Were it kept, as many nested stacks as there are slots would wait for each other for ever.
        """
        self.slots.release()
        try:
            yield
        finally:
            await self.slots.acquire()

    async def sleep(self, seconds: float) -> None:
        """Let time pass without holding a slot."""
        async with _timer(seconds) as future:
            await self.hold(future)

    async def pause(self, seconds: float) -> None:
        """Let time pass; a slot that is held is kept."""
        async with _timer(seconds) as future:
            await self.wait(future)


@contextlib.asynccontextmanager
async def _timer(seconds: float) -> AsyncIterator[asyncio.Future[None]]:
    """A future that is done after this time."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, _finish, future)
    try:
        yield future
    finally:
        timer.cancel()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
