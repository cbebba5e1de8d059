"""Trusts are made once, shared, and revoked with the last stack that uses them, whatever is interrupted."""

import asyncio

from stackd.db import credentials
from stackd.records import Status
from tests.support.engine import Process, World

EMPTY = {"heat_template_version": "2018-08-31"}


async def _trusts(made: World, wanted: int) -> int:
    for _ in range(200):
        if len(made.objects("trusts")) == wanted:
            break
        await asyncio.sleep(0.01)
    return len(made.objects("trusts"))


async def _make_and_delete(process: Process) -> None:
    for name in ("one", "two"):
        stack = await process.done(await process.create(name, EMPTY))
        assert stack.status is Status.COMPLETE
        await process.done(await process.delete(stack))


async def test_the_last_stack_takes_the_trust_along(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await _make_and_delete(process)
        assert await _trusts(stackd_world, 0) == 0


async def test_a_trust_that_a_new_stack_is_about_to_use_is_not_revoked(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        async with process.engine.trusts.borrowed(process.caller) as credential:
            await process.engine.trusts.release_unused()
            assert await credentials.get(process.db, credential.id) == credential
        assert await _trusts(stackd_world, 1) == 1


async def test_a_start_revokes_what_a_dead_process_left(stackd_world: World) -> None:
    async with stackd_world.process() as first, first.engine.trusts.borrowed(first.caller):
        assert await _trusts(stackd_world, 1) == 1
    async with stackd_world.process() as second:
        assert await _trusts(stackd_world, 0) == 0
        assert await credentials.unused(second.db) == []
