"""Slots, waits that end early, and the deadline."""

from __future__ import annotations

import asyncio

import pytest

from stackd.engine.pace import Halt, Pace, Stopped


async def test_no_more_steps_work_at_once_than_there_are_slots() -> None:
    pace, working, most = Pace(2), 0, 0

    async def step() -> None:
        nonlocal working, most
        async with pace.slots:
            working += 1
            most = max(most, working)
            await asyncio.sleep(0)
            working -= 1

    await asyncio.gather(*(step() for _ in range(10)))
    assert most == 2


async def test_waiting_step_leaves_its_slot_to_others() -> None:
    pace, order = Pace(1), []

    async def step(name: str, seconds: float) -> None:
        async with pace.slots:
            order.append(f"{name} begins")
            await pace.sleep(seconds)
            order.append(f"{name} ends")

    await asyncio.gather(step("slow", 0.02), step("quick", 0.0))
    assert order == ["slow begins", "quick begins", "quick ends", "slow ends"]


async def test_step_that_steps_aside_lets_others_work_and_gets_its_slot_back() -> None:
    pace = Pace(1)

    async def inner() -> str:
        async with pace.slots:
            return "inner"

    async with pace.slots:
        async with pace.aside():
            assert await inner() == "inner"
        assert pace.slots.locked()
        with pytest.raises(KeyError):
            async with pace.aside():
                raise KeyError("x")
        assert pace.slots.locked()
    assert not pace.slots.locked()


async def test_stop_ends_every_wait_and_lets_none_begin() -> None:
    pace = Pace(3)

    async def wait() -> None:
        async with pace.slots:
            await pace.sleep(60)

    waits = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    pace.stop(Halt.SUPERSEDED)
    ended = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(each) for each in ended] == [Stopped] * 3
    with pytest.raises(Stopped, match="superseded"):
        pace.check()
    with pytest.raises(Stopped):
        await wait()
    assert not pace.slots.locked()


async def test_first_reason_to_stop_counts() -> None:
    pace = Pace(1)
    pace.stop(Halt.FAILED)
    pace.stop(Halt.TIMED_OUT)
    assert pace.halt is Halt.FAILED


async def test_wait_that_is_over_is_not_disturbed_by_a_stop() -> None:
    pace = Pace(1)
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with pace.slots:
        task = asyncio.create_task(pace.hold(future))
        await asyncio.sleep(0)
        future.set_result("seen")
        pace.stop(Halt.FAILED)
        assert await task == "seen"


async def test_deadline_stops_and_a_reset_gives_new_time() -> None:
    pace = Pace(1)
    pace.set_deadline(60)
    pace.set_deadline(-5)
    await asyncio.sleep(0.01)
    assert pace.halt is Halt.TIMED_OUT
    pace.reset(60)
    assert pace.halt is None
    pace.check()
    pace.close()


async def test_closed_pace_forgets_its_deadline() -> None:
    pace = Pace(1)
    pace.set_deadline(0.0)
    pace.close()
    await asyncio.sleep(0.01)
    assert pace.halt is None
