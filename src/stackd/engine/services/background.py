"""Work in the background whose records are its queue: what one process leaves, the next one takes up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import structlog

from stackd.errors import ServiceUnavailable
from stackd.records import now

log = structlog.get_logger(__name__)


class Record(Protocol):
    """What is stored of a piece of work: its id, and when it last changed."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def updated_at(self) -> datetime:
        """When it last changed."""


R = TypeVar("R", bound=Record)


class Background(Generic[R]):
    """Does ``work`` for each of its records once in a process.

    It may be done by two processes, and again after a crash. ``waiting`` reads the records that are not
    done; those that another process may be at work on are left to it for the time ``left_alone``.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[R], Awaitable[None]],
        waiting: Callable[[], Awaitable[Sequence[R]]],
        left_alone: timedelta,
    ) -> None:
        self._name = name
        self._work = work
        self._waiting = waiting
        self._left_alone = left_alone
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, record: R) -> None:
        """Begin with a record that is stored."""
        if record.id not in self._tasks:
            task = asyncio.create_task(self._do(record), name=f"{self._name} {record.id}")
            self._tasks[record.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(record.id, None))

    async def resume(self, *, every: bool = False) -> None:
        """Take up what another process may have left; at a start everything (``every``)."""
        for each in await self._waiting():
            if every or now() - each.updated_at > self._left_alone:
                self.begin(each)

    async def close(self) -> None:
        """Stop; the next process goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, record: R) -> None:
        try:
            await self._work(record)
        except ServiceUnavailable:
            return  # the database is away: the next sweep takes it up
        except Exception:
            log.exception("background_task_failed", task=self._name, id=record.id)
