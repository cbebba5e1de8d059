"""A whole engine on a dev cloud, that can be killed at any write and started again.

``World`` is what survives a process: the cloud and the database. ``World.process`` is one life of the
engine. A life ends by ``crash``: every task is dropped where it is, nothing more is written or sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from stackd import app, startup_checks
from stackd.app import Parts
from stackd.clients.credentials import PasswordCredentials, Scope
from stackd.db import credentials, events, resources, stacks
from stackd.db.database import Database
from stackd.db.journal import Change, Journal
from stackd.devcloud import DevCloud, DevCloudSettings
from stackd.devcloud import serve as serve_cloud
from stackd.engine.execution.run import Tuning
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Caller, Credential, Event, Fence, Resource, Stack, Status
from stackd.resources.registry import Registry, load_registry
from stackd.settings import Settings
from tests.support.database import ready_database_url
from tests.support.virtual_time import LoopClock, VirtualTimeLoop
from tests.support.waiting import until

T = TypeVar("T")

_NOT_COUNTED = frozenset({"trusts", "assignments"})


class MortalJournal(Journal):
    """A journal whose process dies at a chosen write: before it, or just after it became durable.

    ``dies_on`` chooses it by one of its changes.
    """

    dies_at: int | None = None
    dies_on: Callable[[Change], bool] | None = None
    after: bool = False
    is_dead: bool = False
    writes: int = 0

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.died = asyncio.Event()

    async def write(self, *changes: Change, fence: Fence | None = None) -> None:
        if self.is_dead:
            raise asyncio.CancelledError
        self.writes += 1
        if self.dies_at is None and self.dies_on is not None and any(map(self.dies_on, changes)):
            self.dies_at = self.writes
        doomed = self.dies_at is not None and self.writes >= self.dies_at
        if doomed and self.after and self.writes == self.dies_at:
            await super().write(*changes, fence=fence)
        if doomed:
            self.died.set()
            await asyncio.Event().wait()
        await super().write(*changes, fence=fence)


class Process:
    """One life of the engine."""

    def __init__(self, parts: Parts, journal: MortalJournal, caller: Caller) -> None:
        self.parts = parts
        self.engine = parts.engine
        self.journal = journal
        self.caller = caller
        self.db = parts.engine.services.db

    async def trusted(self) -> Credential:
        """The caller's credential, once its trust stands."""
        async with self.engine.trusts.borrowed(self.caller) as borrowed:
            pass
        found: list[Credential | None] = []

        async def stands() -> bool:
            found[:] = [await credentials.get(self.db, borrowed.id)]
            return found[0] is not None and found[0].state == credentials.STANDING

        await until(stands)
        assert found[0] is not None
        return found[0]

    async def create(self, name: str, template: Any, **options: Any) -> Stack:
        return await use_cases.create(
            self.engine, self.caller, StackRequest(name=name, template=template, **options)
        )

    async def update(self, stack: Stack, template: Any = None, **options: Any) -> Stack:
        current = await self.stack(stack)
        return await use_cases.update(
            self.engine, self.caller, current, StackRequest(template=template, **options)
        )

    async def delete(self, stack: Stack) -> Stack:
        return await use_cases.delete(self.engine, self.caller, await self.stack(stack))

    async def stack(self, stack: Stack) -> Stack:
        found = await stacks.get(self.db, stack.id, None)
        assert found is not None
        return found

    async def done(self, stack: Stack, patience: float = 300.0) -> Stack:
        """The stack once its operation has ended."""
        clock, pause = asyncio.get_running_loop().time, 0.005
        end = clock() + patience
        while True:
            current = await self.stack(stack)
            if current.status is not Status.IN_PROGRESS and stack.root_id not in self.engine.operator.busy:
                return current
            if clock() > end:
                raise AssertionError(f"{current.name} is still {current.action}_{current.status}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.1, 5.0)

    async def rows(self, stack: Stack) -> dict[str, Resource]:
        return {row.name: row for row in await resources.of_stack(self.db, stack.id)}

    async def stack_inside(self, stack: Stack, name: str) -> Stack:
        """The stack inside a resource."""
        found = await stacks.get(self.db, (await self.rows(stack))[name].nested_stack_id or "", None)
        assert found is not None
        return found

    async def events(self, stack: Stack) -> list[Event]:
        """Oldest first."""
        return list(reversed(await events.listed(self.db, stack.id)))

    async def told(self, stack: Stack) -> list[str]:
        return [f"{each.resource_name} {each.action}_{each.status}" for each in await self.events(stack)]

    async def outputs(self, stack: Stack) -> dict[str, Any]:
        current = await self.stack(stack)
        return {key: value.get("value") for key, value in (current.outputs or {}).items()}


class World:
    """The dev cloud and the database."""

    def __init__(self, cloud: DevCloud, settings: Settings, clock: LoopClock) -> None:
        self.cloud = cloud
        self.settings = settings
        self.clock = clock
        self._seeded = {kind: set(table.rows) for kind, table in cloud.store.tables.items()}

    def objects(self, kind: str) -> list[Mapping[str, Any]]:
        """The objects of a kind that were made since the start, by plural name (``networks``)."""
        self.cloud.store.settle()
        name = next(name for name in self.cloud.store.tables if name.endswith(f".{kind}"))
        rows = self.cloud.store.tables[name].rows
        return [row.data for key, row in rows.items() if key not in self._seeded[name]]

    def counts(self) -> dict[str, int]:
        """How many objects of each kind were made and still exist; trusts are not counted."""
        names = [name.rpartition(".")[2] for name in self.cloud.store.tables]
        found = {name: len(self.objects(name)) for name in names if name not in _NOT_COUNTED}
        return {name: number for name, number in found.items() if number}

    @contextlib.asynccontextmanager
    async def process(
        self,
        *,
        dies_at: int | None = None,
        dies_on: Callable[[Change], bool] | None = None,
        after: bool = False,
        user: str = "demo",
    ) -> AsyncIterator[Process]:
        """One life of the engine; with ``dies_at`` it crashes at that write, counted from its start.

        ``user`` is who calls, in the project of the same name.
        """
        made: list[MortalJournal] = []

        def make(db: Any) -> MortalJournal:
            journal = MortalJournal(db)
            journal.dies_at, journal.dies_on, journal.after = dies_at, dies_on, after
            made.append(journal)
            return journal

        with (
            mock.patch.multiple(app, Journal=make, Tuning=_tuning),
            mock.patch.object(startup_checks, "load_registry", _registry),
        ):
            async with app.wired(self.settings, clock=self.clock.moment) as parts:
                token = (await parts.engine.trusts._clouds.cloud(_person(user)).token()).id
                caller = await parts.tokens.validate(token)
                process = Process(parts, made[0], replace(caller, request_id="req-test"))
                try:
                    yield process
                finally:
                    if dies_at is not None or dies_on is not None:
                        await crash(process)


def _registry(directories: Sequence[Path], environment: Path | None) -> Registry:
    """The built-in types are collected once for all processes that have no others."""
    return load_registry(directories, environment) if directories or environment else _built_in()


@cache
def _built_in() -> Registry:
    return load_registry([])


def _tuning(**values: Any) -> Tuning:
    """No call of a dead process is at work in the dev cloud for longer than this."""
    return Tuning(**values, settling=0.1)


async def unless_dead(process: Process, task: asyncio.Task[T]) -> T | None:
    """What a task comes to; None when the process dies before it has ended."""
    died = asyncio.create_task(process.journal.died.wait())
    await asyncio.wait({task, died}, return_when=asyncio.FIRST_COMPLETED)
    died.cancel()
    if task.done():
        return task.result()
    task.cancel()
    return None


async def crash(process: Process) -> None:
    """Drop every task of the process where it is."""
    operator = process.engine.operator
    operator._closing = True
    tasks = [tree.task for tree in operator._trees.values() if tree.task is not None]
    tasks += process.engine.trusts._makings._tasks.values()
    process.journal.is_dead = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    operator._trees.clear()


def _person(name: str) -> PasswordCredentials:
    return PasswordCredentials(
        "secret",
        user_name=name,
        user_domain_name="Default",
        scope=Scope(project_name=name, project_domain_name="Default"),
    )


@contextlib.asynccontextmanager
async def neighbour(made: World, tmp_path: Path) -> AsyncIterator[World]:
    """Another server's database, on the same cloud and with the same service user."""
    async with ready_database_url() as url:
        shared = url if url != "sqlite://" else f"sqlite:///{tmp_path}/neighbour.db"
        yield World(made.cloud, _settings(shared, made.settings.keystone.auth_url), made.clock)


@contextlib.asynccontextmanager
async def world(tmp_path: Path, *, ready_after: float = 0.02, **cloud: Any) -> AsyncIterator[World]:
    """A fresh cloud and an empty database."""
    loop = asyncio.get_running_loop()
    started: asyncio.Future[DevCloud] = loop.create_future()
    clock = LoopClock()
    simulated = DevCloudSettings(ready_after=ready_after, seed=1, **cloud)
    task = asyncio.create_task(serve_cloud(simulated, ready=started.set_result, clock=clock.seconds))
    try:
        dev = await started
        async with ready_database_url() as url:
            shared = url if url != "sqlite://" else f"sqlite:///{tmp_path}/stackd.db"
            yield World(dev, _settings(shared, f"{dev.auth_url}"), clock)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _settings(url: str, auth_url: str) -> Settings:
    is_real = not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    common = _common_settings(lease=1.0 if is_real else 60.0)
    database = common.database.model_copy(update={"url": url})
    keystone = common.keystone.model_copy(update={"auth_url": auth_url})
    return common.model_copy(update={"database": database, "keystone": keystone})


@cache
def _common_settings(lease: float) -> Settings:
    """Made once: reading and checking settings takes as long as starting all the rest.

    Where time is virtual a lease of a minute ends as soon as another; it only is renewed more rarely.
    """
    return Settings.model_validate(
        {
            "keystone": {
                "username": "heat",
                "password": "secret",
                "stack_domain_name": "heat",
                "stack_domain_admin": "heat_domain_admin",
                "stack_domain_admin_password": "secret",
            },
            "security": {"encryption_keys": ["A" * 43 + "="]},
            "engine": {"lease_seconds": lease, "poll_min": 0.02, "poll_max": 2.0},
        }
    )
