"""Locks by name that come and go."""

from __future__ import annotations

import asyncio

from stackd.engine.services.locks import Locks


async def test_one_name_is_held_by_one_at_a_time() -> None:
    locks, inside, most = Locks(), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with locks.of("a"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(5)))
    assert most == 1


async def test_other_names_do_not_wait() -> None:
    locks = Locks()
    async with locks.of("a"), asyncio.timeout(60), locks.of("b"):
        assert len(locks) == 2


async def test_names_that_nobody_uses_are_forgotten() -> None:
    locks = Locks()
    for name in map(str, range(100)):
        async with locks.of(name):
            assert len(locks) == 1
    assert len(locks) == 0
