"""Computations leave the event loop when they are long, and owners share the threads in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stackd import offload
from stackd.offload import (
    LARGE,
    OWNER,
    YAML_WEIGHT,
    Budget,
    Exhausted,
    Turns,
    budgeted,
    current_budget,
    in_thread,
    in_turns,
    offloaded,
    parsed,
)
from tests.support.waiting import until


def test_owner_gets_no_more_than_its_share_of_the_places() -> None:
    turns, started = Turns(places=3, share=2), []
    for number in range(4):
        turns.enter("greedy", lambda number=number: started.append(number))
    assert started == [0, 1]
    turns.enter("modest", lambda: started.append("modest"))
    assert started == [0, 1, "modest"]


def test_owner_who_waits_comes_before_those_who_had_a_turn() -> None:
    turns, started = Turns(places=1, share=1), []
    for owner in ("a", "a", "a", "b", "c"):
        turns.enter(owner, lambda owner=owner: started.append(owner))
    for _ in range(5):
        turns.leave(started[-1])
    assert started == ["a", "a", "b", "c", "a"]


def test_place_of_one_who_left_is_free_again() -> None:
    turns, started = Turns(places=1, share=1), []
    for number in range(1000):
        turns.enter("a", lambda number=number: started.append(number))
        turns.leave("a")
    assert started == list(range(1000))
    assert not turns._waiting
    assert not turns._taken


async def test_short_computation_stays_on_the_loop() -> None:
    assert await offloaded(threading.get_ident) == threading.get_ident()


async def test_long_computation_is_repeated_in_a_thread() -> None:
    seen: list[int] = []

    def compute() -> int:
        seen.append(threading.get_ident())
        current_budget().spend(nodes=100_000)
        return 7

    assert await offloaded(compute) == 7
    assert seen[0] == threading.get_ident() != seen[1]


async def test_cancelled_owner_does_not_keep_its_place() -> None:
    gate = threading.Event()
    OWNER.set("impatient")
    running = [asyncio.create_task(in_thread(gate.wait, 10)) for _ in range(2)]
    waiting = [asyncio.create_task(in_thread(int, "7")) for _ in range(20)]
    await asyncio.sleep(0)
    for task in (*waiting, *running):
        task.cancel()
    await asyncio.gather(*waiting, *running, return_exceptions=True)
    gate.set()
    assert await in_thread(int, "8") == 8


async def test_threads_left_to_other_owners_compute_at_once() -> None:
    gate = threading.Event()
    OWNER.set("greedy")
    many = [asyncio.create_task(in_thread(gate.wait, 10)) for _ in range(20)]
    await asyncio.sleep(0)
    OWNER.set("modest")
    try:
        assert await in_thread(int, "7") == 7
        assert not any(task.done() for task in many)
    finally:
        gate.set()
        await asyncio.gather(*many)


def test_budget_on_the_loop_ends_the_computation_and_any_other_answers() -> None:
    with budgeted(Budget(nodes=10)) as budget:
        assert current_budget() is budget
        assert budget.spend(nodes=10)
        assert not budget.spend(nodes=1)
    with pytest.raises(Exhausted):
        Budget(work=1, is_trial=True).spend(work=2)


async def turns_during(work: Awaitable[object]) -> int:
    """How many turns of the event loop others have while something is awaited."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await work
    other.cancel()
    return turns


async def test_many_short_computations_leave_turns_to_others() -> None:
    assert await in_turns(str, list(range(25)), at_once=10) == [str(number) for number in range(25)]
    assert await turns_during(in_turns(str, list(range(1000)), at_once=10)) >= 99
    assert await in_turns(str, [], at_once=10) == []


async def test_text_in_yaml_is_parsed_in_a_thread_earlier_than_json() -> None:
    loop = threading.get_ident()
    assert await parsed(LARGE - 1, threading.get_ident) == loop
    assert await parsed(LARGE, threading.get_ident) != loop
    assert await parsed(LARGE // 4 * YAML_WEIGHT, threading.get_ident) != loop


async def test_a_computation_that_is_cancelled_before_it_begins_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, going = Turns(places=2, share=1), threading.Event()
    monkeypatch.setattr(offload, "THREADS", turns)
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(offload, "_POOL", pool)
        first = asyncio.create_task(_owned("a", going.wait))
        second = asyncio.create_task(_owned("b", int))
        await until(lambda: len(turns._taken) == 2)
        second.cancel()
        going.set()
        await asyncio.gather(first, second, return_exceptions=True)
    assert second.cancelled()
    assert (turns._free, dict(turns._taken)) == (2, {})


async def _owned(owner: str, function: Callable[[], Any]) -> Any:
    OWNER.set(owner)
    return await in_thread(function)
