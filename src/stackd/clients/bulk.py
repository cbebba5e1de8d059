"""Combines concurrent creates into one bulk request, for collections that support it.

Callers do not notice: each posts its one object and gets its own answer or error. Only objects of one request
are combined, whose id the call carries. A refused bulk does not identify the wrong object, so the objects are
then sent one by one. While a bulk is on its way more objects are gathered for the next, for a moment at most.

How several are made by one call is up to the collection: most take a list where they take one object
(``list_of``), others a set that is added to what is there (``stackd.clients.additions``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from stackd.clients.failures import AnswerLost
from stackd.clients.wire import Permit, request_id
from stackd.errors import StackdError

MOST = 50
"""Objects in one call: a service works on a bulk in one transaction."""

LONGEST: Final = 0.1
"""Seconds for which objects wait for others while a bulk is on its way."""

KEYS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("network", "/networks"): ("network", "networks"),
    ("network", "/subnets"): ("subnet", "subnets"),
    ("network", "/ports"): ("port", "ports"),
    ("network", "/security-groups"): ("security_group", "security_groups"),
    ("network", "/security-group-rules"): ("security_group_rule", "security_group_rules"),
    ("network", "/metering/metering-labels"): ("metering_label", "metering_labels"),
    ("network", "/metering/metering-label-rules"): ("metering_label_rule", "metering_label_rules"),
}
"""By service and path: the JSON key of one object and of several.

These make all or none of them. Neutron refuses several routers, floating IPs, subnet pools, segments, trunks
and most objects of its extensions.
"""

JSON = dict[str, Any]
Post = Callable[[Any, Permit | None], Awaitable[Any]]
"""Sends a body; the decoded answer."""

Make = Callable[[Sequence[JSON], Permit], Awaitable[Sequence[JSON | None]]]
"""Makes several objects by one call: each as the service shows it, None for one to be made by itself.

An error counts for all of them.
"""


@dataclass(frozen=True, slots=True)
class _Pending:
    """An object that waits to be posted, and the request that it is posted for."""

    body: Any
    future: asyncio.Future[Any]
    permit: Permit | None
    context: Context = field(default_factory=copy_context)
    request_id: str = field(default_factory=request_id)


class Bulk:
    """Bulk creates in one collection of one project; ``post`` sends a body, if the permit allows it.

    What a bulk leaves to be made by itself is posted at once, unless there is a ``make`` of the collection's
    own: then it is answered with None, and its caller knows when it can be posted.
    """

    def __init__(self, key: str, plural: str, post: Post, make: Make | None = None) -> None:
        self._key = key
        self._post = post
        self._make = make or list_of(plural, post)
        self._posts_rest = make is None
        self._pending: list[_Pending] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_their_way = 0
        self._gathered = asyncio.Event()

    async def create(self, body: Any, permit: Permit | None = None) -> Any:
        """Post one object, possibly with others; returns the answer as if it had been posted alone."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending.append(_Pending(body, future, permit))
        if len(self._pending) == 1:
            self._start(self._gather())
        elif len(self._pending) >= MOST:
            self._gathered.set()
        return await future

    def _start(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> None:
        task = asyncio.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _gather(self) -> None:
        """Let other tasks that are ready to post join, then send everything.

        Where a bulk is on its way there are probably more to come: then until it is answered, or there are
        enough for a call. What does not fill another call waits for the next ones.
        """
        await moment()
        self._gathered.clear()
        if self._on_their_way and len(self._pending) < MOST:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gathered.wait(), LONGEST)
        pending, self._pending = self._pending, []
        by_request: dict[str, list[_Pending]] = {}
        for each in pending:
            by_request.setdefault(each.request_id, []).append(each)
        for group in by_request.values():
            left = len(group) % MOST if len(group) > MOST else 0
            for start in range(0, len(group) - left, MOST):
                self._start(self._send(group[start : start + MOST]), group[start].context)
            self._pending += group[len(group) - left :]
        if self._pending:
            self._start(self._gather())

    async def _send(self, group: Sequence[_Pending]) -> None:
        waiting = [each for each in group if not each.future.done()]
        if len(waiting) == 1:
            await self._send_alone(waiting[0])
            return
        permit = partial(_ask_all, [each.permit for each in waiting])
        self._on_their_way += 1
        try:
            made = await self._make([each.body[self._key] for each in waiting], permit)
        except Exception as error:  # nobody else hears of an answer that makes no sense
            for each in waiting:
                _fail(each.future, error)
        else:
            await self._answer(waiting, made)
        finally:
            self._on_their_way -= 1
            self._gathered.set()

    async def _answer(self, waiting: Sequence[_Pending], made: Sequence[JSON | None]) -> None:
        rest: list[_Pending] = []
        for each, answer in zip(waiting, made, strict=True):
            if answer is None and self._posts_rest:
                rest.append(each)
            elif not each.future.done():
                each.future.set_result(None if answer is None else {self._key: answer})
        await asyncio.gather(*(self._send_alone(each) for each in rest))

    async def _send_alone(self, one: _Pending) -> None:
        try:
            answer = await self._post(one.body, one.permit)
        except StackdError as error:
            _fail(one.future, error)
        else:
            if not one.future.done():
                one.future.set_result(answer)


def list_of(plural: str, post: Post) -> Make:
    """How a collection makes several objects that takes a list of them: all or none."""

    async def make(bodies: Sequence[JSON], permit: Permit) -> Sequence[JSON | None]:
        try:
            reply = await post({plural: bodies}, permit)
        except AnswerLost:
            raise
        except StackdError:
            return [None] * len(bodies)
        return _paired(bodies, reply[plural])

    return make


async def moment() -> None:
    """Let other tasks that are ready get on."""
    for _ in range(3):
        await asyncio.sleep(0)


def _ask_all(permits: Sequence[Permit | None]) -> None:
    """Check all permits: bodies of several operations are sent together only if each may still act."""
    for permit in permits:
        if permit is not None:
            permit()


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _paired(asked: Sequence[Mapping[str, Any]], made: Sequence[Any]) -> list[Any]:
    """The answers in the order of the requests: matched by name if all names differ, else by position."""
    names = [each.get("name") for each in asked]
    by_name = {each.get("name"): each for each in made}
    if len(by_name) == len(asked) and all(name in by_name for name in names):
        return [by_name[name] for name in names]
    return list(made)
