"""Lives of the engine that end by death, as by kill -9: at a time, at a write, at a call to the cloud.

A dead life writes nothing more, hears nothing more and sends nothing more; what was on its way to the
database or to the cloud arrives there or does not, as its death says.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar
from unittest import mock

from stackd import app
from stackd.db import database
from stackd.db.backend import Backend, Query, Unreachable
from stackd.db.batch import Write
from stackd.db.statements import Statement
from stackd.devcloud.faults import FaultRules, Rule
from stackd.records import Caller
from tests.support.database import StillBackend
from tests.support.engine import Process, World, _person

T = TypeVar("T")
LONGEST = 600.0
"""Seconds in which the work of a life must end."""

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_life: ContextVar[Life | None] = ContextVar("life", default=None)


@dataclass(frozen=True, slots=True)
class Death:
    """When a life ends: at the ``number``-th event of a kind, or after so many seconds.

    Kinds: ``write`` never becomes durable, ``written`` does but nobody hears of it; ``call`` never
    reaches the cloud, ``called`` is done there but the answer is lost; ``time``.
    """

    kind: str
    number: float

    @staticmethod
    def any(random: Random, *, writes: int, calls: int, seconds: float) -> Death:
        """One at random, about evenly spread over a piece of work of this size."""
        kind = random.choice(("write", "written", "call", "called", "time"))
        most = {"write": writes, "written": writes, "call": calls, "called": calls}
        number = random.uniform(0.0, seconds) if kind == "time" else random.randint(1, most[kind])
        return Death(kind, number)


class Life:
    """One life: the tasks that belong to it, and the two edges at which it can be cut off."""

    def __init__(self, death: Death | None) -> None:
        self.death = death
        self.dead = False
        self.writes = 0
        self.calls = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.parts: app.Parts | None = None
        self._buried = False

    def die(self) -> None:
        """Now: every task ends where it is."""
        if self.dead:
            return
        self.dead = True
        for task in self.tasks:
            task.cancel()

    async def bury(self) -> None:
        """Return when nothing of a dead life moves any more."""
        while self.tasks:
            for task in self.tasks:
                task.cancel()
            await asyncio.wait(self.tasks, timeout=5)
        self._buried = True
        if self.parts is not None:
            self.parts.engine.operator._closing = True
            self.parts.engine.services.journal._drain = None  # cancelled, maybe before its first step

    def strikes(self, kind: str, number: int) -> bool:
        """Whether this is the moment of death."""
        return self.death == Death(kind, number) and not self.dead

    def refuse(self) -> None:
        """What a dead life gets from the database; the rites of its end get an error instead."""
        if self.dead:
            raise Unreachable("dead") if self._buried else asyncio.CancelledError


class MortalBackend(StillBackend):
    """A database whose user may be dead."""

    def __init__(self, inner: Backend, life: Life) -> None:
        super().__init__(inner)
        self._life = life

    async def fetch(self, *queries: Query) -> list[list[Any]]:
        self._life.refuse()
        return await super().fetch(*queries)

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        self._life.refuse()
        return await super().modify(statement, args)

    async def commit(self, writes: Sequence[Write]) -> None:
        self._life.refuse()
        self._life.writes += 1
        if self._life.strikes("write", self._life.writes):
            self._life.die()
        self._life.refuse()
        if self._life.strikes("written", self._life.writes):
            unheard = [Write(each.steps, each.fence, asyncio.Future()) for each in writes]
            await super().commit(unheard)
            self._life.die()
        self._life.refuse()
        await super().commit(writes)


class Scythe(FaultRules):
    """Faults of the cloud, and the deaths of its client at a call."""

    def __init__(self, seed: int) -> None:
        super().__init__((), seed)
        self.rules = [Rule("delay", nth=frozenset({-1}))]  # the cloud asks only where there are rules
        self.life: Life | None = None

    def replace(self, rules: Any, seed: int | None = None) -> None:
        super().replace([*rules, {"effect": "delay", "nth": -1}], seed)

    def firing(self, service: str, method: str, path: str) -> list[Rule]:
        life = self.life
        if life is not None and method in _CHANGING and not path.endswith("/auth/tokens"):
            life.calls += 1
            for kind, effect in (("call", "drop"), ("called", "drop_after")):
                if life.strikes(kind, life.calls):
                    life.die()
                    return [Rule(effect)]
        return super().firing(service, method, path)


@dataclass(slots=True)
class Stage:
    """What outlives every life: the cloud, the database, and the user with a token."""

    world: World
    scythe: Scythe
    user: str = "demo"
    caller: Caller | None = None

    @staticmethod
    def set(world: World, seed: int, user: str = "demo") -> Stage:
        """A stage on which nothing has happened yet."""
        world.cloud.faults = scythe = Scythe(seed)
        return Stage(world, scythe, user)

    async def live(
        self,
        work: Callable[[Process], Coroutine[Any, Any, T]],
        death: Death | None = None,
    ) -> T | None:
        """The result of the work in one life of the engine; None when death came first."""
        asyncio.get_running_loop().set_task_factory(_owned)
        life = self.scythe.life = Life(death)
        wiring = contextlib.AsyncExitStack()
        token = _life.set(life)
        main = asyncio.create_task(self._main(life, wiring, work))
        _life.reset(token)
        try:
            await asyncio.wait({main}, timeout=LONGEST)
            if main.done() and not life.dead:
                return main.result()
            if not life.dead:
                raise AssertionError(f"nothing ended within {LONGEST} s")
            return None
        finally:
            self.scythe.life = None
            if life.dead or not main.done():
                life.die()
                await life.bury()
            await wiring.aclose()

    async def _main(
        self, life: Life, wiring: contextlib.AsyncExitStack, work: Callable[[Process], Coroutine[Any, Any, T]]
    ) -> T:
        opened = database.open_backend

        def mortal(url: str, readers: int) -> MortalBackend:
            return MortalBackend(opened(url, readers), life)

        with mock.patch.object(database, "open_backend", mortal):
            wired = app.wired(self.world.settings, clock=self.world.clock.moment)
            parts = await wiring.enter_async_context(wired)
        life.parts = parts
        if self.caller is None:
            token = (await parts.engine.trusts._clouds.cloud(_person(self.user)).token()).id
            self.caller = replace(await parts.tokens.validate(token), request_id="req-test")
        if life.death is not None and life.death.kind == "time":
            asyncio.get_running_loop().call_later(life.death.number, life.die)
        return await work(Process(parts, parts.engine.services.journal, self.caller))  # type: ignore[arg-type]


def _owned(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """Tasks belong to the life in which they are begun."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    life = _life.get()
    if life is not None:
        life.tasks.add(task)
        task.add_done_callback(life.tasks.discard)
    return task
