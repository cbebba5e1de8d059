"""One stack through create, update, rollback and delete, with deaths in between, told by a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from stackd.db import operations, resources, stacks
from stackd.errors import StackExists
from stackd.records import Stack, Status
from stackd.resources.registry import load_registry
from tests.scenarios.ledger import Objects, discrepancies, made_since, shape
from tests.scenarios.lives import Death, Stage
from tests.scenarios.thirty import FILES, Template, template
from tests.support.engine import Process, World
from tests.support.guests import guests
from tests.support.waiting import until

NAME = "s"
KNOWN = frozenset(load_registry([]).types)


def snapshot(world: World) -> dict[str, list[dict[str, Any]]]:
    """All objects of the cloud as they are now."""
    world.cloud.store.settle()
    return {
        kind: [row.data for row in table.rows.values()] for kind, table in world.cloud.store.tables.items()
    }


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks of the stack: a version of it, or its end (0)."""

    version: int
    broken: bool = False
    rolls_back: bool = False
    instead: Template | None = None
    beside: Mapping[str, Any] = field(default_factory=lambda: {"files": FILES})
    """What a request says besides the template."""

    @property
    def template(self) -> Template:
        return self.instead or template(self.version, KNOWN, broken=self.broken)

    async def ask(self, process: Process) -> Stack | None:
        """Send the request; None when there is nothing left to delete."""
        known = await stacks.named(process.db, NAME, process.caller.project_id)
        if self.version == 0:
            return await process.delete(known) if known is not None else None
        options: dict[str, Any] = {**self.beside, "disable_rollback": not self.rolls_back}
        if known is None:
            return await process.create(NAME, self.template, **options)
        return await process.update(known, self.template, **options)


class Story:
    """A cloud, a database, and what happens to the one stack in them; guests there may report."""

    def __init__(self, world: World, seed: int, user: str = "demo", *, reports: bool = False) -> None:
        self.world = world
        self.reports = reports
        self.random = Random(seed)
        self.stage = Stage.set(world, seed, user)
        self.before = snapshot(world)
        self.told: list[str] = []

    def made(self) -> dict[str, list[Any]]:
        """The objects that exist because of the stack."""
        return made_since(self.before, snapshot(self.world))

    async def fulfil(self, wishes: Sequence[Wish], deaths: Sequence[Death] = ()) -> Stack | None:
        """Ask for one thing after another, each before the last one is done, with these deaths meanwhile.

        A request whose answer was lost is repeated, as a client would. Returns the stack as it ended.
        """
        left = list(wishes)

        async def life(process: Process) -> Stack | None:
            return await self._live(process, left)

        async def last_life(process: Process) -> Stack | None:
            stack = await self._live(process, left)
            await _rest(process)
            return stack

        for death in deaths:
            self.told.append(str(death))
            await self.stage.live(life, death)
        return await self.stage.live(last_life)

    async def _live(self, process: Process, left: list[Wish]) -> Stack | None:
        """Make what requests are left, and wait until the stack rests."""
        stack = await stacks.named(process.db, NAME, process.caller.project_id)
        while left:
            self.told.append(str(left[0]))
            stack = await _asked(left[0], process)
            left.pop(0)
            if left:
                await asyncio.sleep(self.random.uniform(0, 0.4))
        if stack is None or not self.reports:
            return stack and await process.done(stack)
        async with guests(process, stack):
            return await process.done(stack)

    async def verify(self, stack: Stack | None, version: int, expected: Sequence[str] | None = None) -> None:
        """The books agree, and what stands is what the version says; ``expected`` is its shape."""
        made = self.made()
        if stack is None or stack.deleted_at is not None:
            assert version == 0
            assert made == {}
            return

        async def read(process: Process) -> None:
            await _verify_books(process, stack, version, made)

        await self.stage.live(read)
        if expected is not None:
            assert shape(made) == expected


async def _rest(process: Process) -> None:
    """No operation is open and nobody works when a chapter is over; trusts that nobody needs are gone."""
    await until(lambda: not process.engine.operator.busy)
    assert await operations.unfinished(process.db) == []
    await until(lambda: not process.engine.trusts._makings._tasks)
    await process.engine.trusts.revoke_idle(timedelta(0))


async def _verify_books(process: Process, stack: Stack, version: int, made: Objects) -> None:
    tree = dict.fromkeys([stack.id, *(each.id for each in await stacks.tree(process.db, stack.root_id))])
    rows = [row for each in tree for row in await resources.of_stack(process.db, each)]
    assert [
        f"{row.name} {row.action}_{row.status}" for row in rows if row.status is not Status.COMPLETE
    ] == []
    assert discrepancies(made, [(row.kind, row.physical_id) for row in rows if row.physical_id]) == []
    ids = {row.name: row.physical_id for row in rows if row.stack_id == stack.id}
    assert ids.keys() == Wish(version).template["resources"].keys()
    assert len(rows) == len({(row.stack_id, row.name) for row in rows})
    outputs = await process.outputs(stack)
    assert outputs["version"] == version
    assert len(outputs["word"]) == 16 * version
    assert outputs["port"] == ids["port_1"]
    assert len(outputs["disks"]) == 2 + version


async def _asked(wish: Wish, process: Process) -> Stack | None:
    try:
        return await wish.ask(process)
    except StackExists:
        return await stacks.named(process.db, NAME, process.caller.project_id)
