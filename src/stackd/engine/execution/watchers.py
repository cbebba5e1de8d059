"""Watching objects that change by themselves: one list call for all that wait in a collection.

Resources that become ready are not polled one by one. Each waits for the next poll of its object;
a watcher per (cloud, collection) polls on behalf of all of them, less often the longer the
youngest of them has been waiting, or waited just before for something else of the same object. A call
carries the id of the request of one who waits for its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from stackd.clients.cloud import Cloud
from stackd.errors import CloudNotFound, CredentialsLost, ResourceFailure, StackdError, Transient
from stackd.resources.entity import Entity

JSON = dict[str, Any]
_Waiter = tuple[asyncio.Future[JSON], Context]
"""A future, and the context of the operation that waits for it."""

FEW = 3
"""Up to so many objects are read one by one: cheaper for the service than a list."""


class Watchers:
    """All watchers of a process. ``shortest`` and ``longest`` bound the interval in seconds."""

    def __init__(self, shortest: float = 0.1, longest: float = 2.0) -> None:
        self.shortest = shortest
        self.longest = longest
        self._watchers: dict[tuple[int, str, str], _Watcher] = {}

    def poll(self, cloud: Cloud, entity: Entity, object_id: str) -> asyncio.Future[JSON]:
        """The object at the next poll; ``CloudNotFound`` when it no longer exists."""
        key = _key_of(cloud, entity)
        watcher = self._watchers.get(key)
        if watcher is None:
            watcher = self._watchers[key] = _Watcher(self, key, cloud.with_permit(None), entity)
        return watcher.wait_for(object_id)

    def end_wait(self, cloud: Cloud, entity: Entity, object_id: str) -> None:
        """What an object was waited for has come: who asks for it now waits for something else."""
        if (watcher := self._watchers.get(_key_of(cloud, entity))) is not None:
            watcher.end_wait(object_id)

    def forget(self, key: tuple[int, str, str]) -> None:
        """Drop a watcher without waiters."""
        self._watchers.pop(key, None)


def _key_of(cloud: Cloud, entity: Entity) -> tuple[int, str, str]:
    return id(cloud.session), entity.service, entity.listing


class _Watcher:
    """One collection of one cloud, while anybody waits for it."""

    def __init__(self, owner: Watchers, key: tuple[int, str, str], cloud: Cloud, entity: Entity) -> None:
        self._owner = owner
        self._key = key
        self._cloud = cloud
        self._entity = entity
        self._waiting: dict[str, list[_Waiter]] = {}
        self._since: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._answered: dict[str, float] = {}
        self._end: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def wait_for(self, object_id: str) -> asyncio.Future[JSON]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[JSON] = loop.create_future()
        self._waiting.setdefault(object_id, []).append((future, copy_context()))
        self._since.setdefault(object_id, loop.time())
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._task is None:
            self._task = loop.create_task(self._look_around(), name=f"watch {self._entity.listing}")
        return future

    def end_wait(self, object_id: str) -> None:
        """The next wait is probably as long as this one was: so it is polled for."""
        if object_id in self._since and object_id not in self._waiting:
            self._took[object_id] = asyncio.get_running_loop().time() - self._since.pop(object_id)

    async def _look_around(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            now = loop.time()
            age = min(now - self._since[each] + self._took.get(each, 0.0) for each in self._waiting)
            await asyncio.sleep(min(max(age * 0.25, self._owner.shortest), self._owner.longest))
            batch, self._waiting = self._waiting, {}
            await self._answer(batch)
            self._answered |= dict.fromkeys(batch, loop.time())
            await asyncio.sleep(0)  # those who are not content yet ask again now
            _forget_done(self._waiting)
            self._forget_content()
        self._task = None
        self._end = loop.call_later(self._owner.longest, self._owner.forget, self._key)

    def _forget_content(self) -> None:
        """Forget since when those have waited who did not ask again for long.

        A waiter that works between two polls is not a new one, and must not shorten the interval for all.
        """
        early = asyncio.get_running_loop().time() - self._owner.longest
        self._answered = {key: when for key, when in self._answered.items() if when >= early}
        known = self._waiting.keys() | self._answered.keys()
        self._since = {key: since for key, since in self._since.items() if key in known}
        self._took = {key: took for key, took in self._took.items() if key in known}

    async def _answer(self, batch: dict[str, list[_Waiter]]) -> None:
        """Give each what was seen of its object; a service that is out of order is asked again."""
        wanted = {
            key: next(context for future, context in waiters if not future.done())
            for key, waiters in batch.items()
            if not _is_done(waiters)
        }
        seen: dict[str, JSON] | StackdError = {}
        if len(wanted) > FEW:
            seen = await _asked(self._list, next(iter(wanted.values())))
        if isinstance(seen, StackdError):
            answers: dict[str, JSON | StackdError] = dict.fromkeys(wanted, seen)
        else:
            missing = [key for key in wanted if key not in seen]
            reading = partial(read, self._cloud, self._entity)
            found = await asyncio.gather(*(_asked(partial(reading, key), wanted[key]) for key in missing))
            answers = {**seen, **dict(zip(missing, found, strict=True))}
        for key in wanted:
            if isinstance(answers[key], Transient | CredentialsLost):
                self._waiting.setdefault(key, []).extend(batch[key])
            else:
                _settle(batch[key], answers[key])

    async def _list(self) -> dict[str, JSON]:
        entity = self._entity
        service = self._cloud.service(entity.service)
        objects = await service.list_all(entity.listing, entity.plural, entity.list_query)
        return {str(each[entity.id_field]): each for each in objects}


def _asked(ask: Callable[[], Awaitable[JSON]], context: Context) -> asyncio.Task[JSON | StackdError]:
    """The answer, asked for in the context of one who waits for it."""
    return asyncio.create_task(_safely(ask), context=context)


async def _safely(ask: Callable[[], Awaitable[JSON]]) -> JSON | StackdError:
    """An answer or the error in its place: one object that cannot be read must not stop the watch.

    It gets a function: a coroutine made beforehand would never be awaited if the watch ended before its turn.
    """
    try:
        return await ask()
    except StackdError as error:
        return error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return ResourceFailure(f"The service's answer cannot be understood: {error!r}")


async def read(cloud: Cloud, entity: Entity, object_id: str) -> JSON:
    """One object, out of its envelope."""
    path = entity.at(object_id)
    reply = await cloud.service(entity.service).get(path)
    if reply is None:
        raise CloudNotFound(f"{path} is empty", service=entity.service)
    return dict(reply[entity.key]) if entity.key else dict(reply)


def _settle(waiters: list[_Waiter], answer: JSON | StackdError) -> None:
    for future, _ in waiters:
        if future.done():
            continue
        if isinstance(answer, StackdError):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _is_done(waiters: list[_Waiter]) -> bool:
    return all(future.done() for future, _ in waiters)


def _forget_done(waiting: dict[str, list[_Waiter]]) -> None:
    """Drop objects without waiters."""
    for key in [key for key, waiters in waiting.items() if _is_done(waiters)]:
        del waiting[key]
