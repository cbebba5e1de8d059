"""Turns at what only one step of an operation may change at a time."""

from __future__ import annotations

import asyncio

import pytest

from stackd.clients.bulk import MOST
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
    assert turns._lines == {}


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
    assert (began, turns._lines) == ([1], {})


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


async def test_steps_of_one_group_have_a_turn_together_as_many_as_a_bulk_takes() -> None:
    turns, shared, seen = Turns(), await cancellation(MOST + 6), []
    clock = asyncio.get_running_loop().time

    async def step(name: str, group: str) -> None:
        async with turns.of("a", shared, group) as waited:
            seen.append((name, clock(), waited))
            await asyncio.sleep(1)

    groups = {
        "alone": "",
        **{f"m{number}": "members" for number in range(MOST + 2)},
        "last": "",
        "n": "others",
    }
    await asyncio.gather(*(step(name, group) for name, group in groups.items()))
    times = {name: time - seen[0][1] for name, time, _ in seen}
    assert times == {
        "alone": 0,
        **{f"m{number}": 1 for number in range(MOST)},
        **{f"m{number}": 2 for number in range(MOST, MOST + 2)},
        "last": 3,
        "n": 4,
    }
    assert [name for name, _, waited in seen if not waited] == ["alone"]
    assert turns._lines == {}


async def test_those_who_come_at_the_same_moment_are_together_and_a_later_one_is_not() -> None:
    turns, shared, seen = Turns(), await cancellation(4), []

    async def step(name: str, group: str, pause: float = 0.0) -> None:
        await asyncio.sleep(pause)
        async with turns.of("a", shared, group) as waited:
            seen.append((name, asyncio.get_running_loop().time(), waited))
            await asyncio.sleep(1)

    await asyncio.gather(step("x", "g"), step("y", "g"), step("other", ""), step("late", "g", 0.5))
    (_, began, _), *_ = seen
    assert [(name, time - began, waited) for name, time, waited in seen] == [
        ("x", 0, False), ("y", 0, False), ("other", 1, True), ("late", 2, True),
    ]  # fmt: skip


async def test_one_that_is_cancelled_while_others_of_its_group_come_leaves_them_the_turn() -> None:
    turns, shared, seen = Turns(), await cancellation(2), []

    async def step(name: str) -> None:
        async with turns.of("a", shared, "g"):
            seen.append(name)

    first, second = asyncio.create_task(step("first")), asyncio.create_task(step("second"))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert (seen, turns._lines, first.cancelled()) == (["second"], {}, True)
