"""Slots, waits that end early, and the deadline."""

from __future__ import annotations

import asyncio

import pytest

from stackd.engine.execution.cancellation import Cancellation, Halt, Stopped


async def test_no_more_steps_work_at_once_than_there_are_slots() -> None:
    cancellation, working, most = Cancellation(2), 0, 0

    async def step() -> None:
        nonlocal working, most
        async with cancellation.slots:
            working += 1
            most = max(most, working)
            await asyncio.sleep(0)
            working -= 1

    await asyncio.gather(*(step() for _ in range(10)))
    assert most == 2


async def test_waiting_step_leaves_its_slot_to_others() -> None:
    cancellation, order = Cancellation(1), []

    async def step(name: str, seconds: float) -> None:
        async with cancellation.slots:
            order.append(f"{name} begins")
            await cancellation.sleep(seconds)
            order.append(f"{name} ends")

    await asyncio.gather(step("slow", 0.02), step("quick", 0.0))
    assert order == ["slow begins", "quick begins", "quick ends", "slow ends"]


async def test_step_that_steps_aside_lets_others_work_and_gets_its_slot_back() -> None:
    cancellation = Cancellation(1)

    async def inner() -> str:
        async with cancellation.slots:
            return "inner"

    async with cancellation.slots:
        async with cancellation.aside():
            assert await inner() == "inner"
        assert cancellation.slots.locked()
        with pytest.raises(KeyError):
            async with cancellation.aside():
                raise KeyError("x")
        assert cancellation.slots.locked()
    assert not cancellation.slots.locked()


async def test_stop_ends_every_wait_and_lets_none_begin() -> None:
    cancellation = Cancellation(3)

    async def wait() -> None:
        async with cancellation.slots:
            await cancellation.sleep(60)

    waits = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    cancellation.stop(Halt.SUPERSEDED)
    ended = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(each) for each in ended] == [Stopped] * 3
    with pytest.raises(Stopped, match="superseded"):
        cancellation.check()
    with pytest.raises(Stopped):
        await wait()
    assert not cancellation.slots.locked()


async def test_first_reason_to_stop_counts() -> None:
    cancellation = Cancellation(1)
    cancellation.stop(Halt.FAILED)
    cancellation.stop(Halt.TIMED_OUT)
    assert cancellation.halt is Halt.FAILED


async def test_wait_that_is_over_is_not_disturbed_by_a_stop() -> None:
    cancellation = Cancellation(1)
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with cancellation.slots:
        task = asyncio.create_task(cancellation.hold(future))
        await asyncio.sleep(0)
        future.set_result("seen")
        cancellation.stop(Halt.FAILED)
        assert await task == "seen"


async def test_deadline_stops_and_a_reset_gives_new_time() -> None:
    cancellation = Cancellation(1)
    cancellation.set_deadline(60)
    cancellation.set_deadline(-5)
    await asyncio.sleep(0.01)
    assert cancellation.halt is Halt.TIMED_OUT
    cancellation.reset(60)
    assert cancellation.halt is None
    cancellation.check()
    cancellation.close()


async def test_closed_pace_forgets_its_deadline() -> None:
    cancellation = Cancellation(1)
    cancellation.set_deadline(0.0)
    cancellation.close()
    await asyncio.sleep(0.01)
    assert cancellation.halt is None
