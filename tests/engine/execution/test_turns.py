"""Turns at what only one step of an operation may change at a time."""

from __future__ import annotations

import asyncio

import pytest

from stackd.engine.execution.cancellation import Cancellation, Halt, Stopped
from stackd.engine.execution.turns import Turns


async def cancellation(slots: int) -> Cancellation:
    """One whose steps all hold their slots."""
    made = Cancellation(slots)
    for _ in range(slots):
        await made.slots.acquire()
    return made


async def test_turns_at_one_thing_come_in_order_and_never_together() -> None:
    turns, seen, holders = Turns(), [], 0
    shared = await cancellation(3)

    async def step(name: str, subject: str) -> None:
        nonlocal holders
        async with turns.of(subject, shared) as waited:
            holders += 1
            seen.append((name, holders, waited))
            await asyncio.sleep(1)
            holders -= 1

    await asyncio.gather(*(step(name, "a") for name in "xyz"))
    assert seen == [("x", 1, False), ("y", 1, True), ("z", 1, True)]
    assert asyncio.get_running_loop().time() >= 3
    await asyncio.gather(step("x", "a"), step("y", "b"))
    assert seen[-1] == ("y", 2, False)  # at another thing there are other turns
    assert turns._queues == {}


async def test_a_stop_ends_the_wait_for_a_turn_and_gives_it_to_nobody() -> None:
    turns, shared, began = Turns(), await cancellation(2), []

    async def step() -> None:
        async with turns.of("a", shared):
            began.append(1)
            await asyncio.sleep(5)

    steps = [asyncio.create_task(step()) for _ in range(2)]
    await asyncio.sleep(1)
    shared.stop(Halt.CANCELLED)
    with pytest.raises(Stopped):
        await steps[1]
    await steps[0]  # what works is not disturbed
    assert (began, turns._queues) == ([1], {})


async def test_a_failure_gives_the_turn_to_the_next() -> None:
    turns, shared = Turns(), await cancellation(2)

    async def fail() -> None:
        async with turns.of("a", shared):
            await asyncio.sleep(1)
            raise ValueError("broken")

    async def step() -> str:
        async with turns.of("a", shared):
            return "done"

    failing, following = asyncio.create_task(fail()), asyncio.create_task(step())
    with pytest.raises(ValueError, match="broken"):
        await failing
    assert await following == "done"
