"""Walking a graph."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.engine.execution.steps import walk

edges = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)).filter(lambda e: e[0] < e[1]))


def a_graph(*pairs: tuple[object, object]) -> nx.DiGraph:
    return nx.DiGraph(list(pairs))


@settings(max_examples=40)
@given(edges=edges, broken=st.sets(st.integers(0, 15), max_size=3), seed=st.integers(0, 9))
def test_every_step_waits_for_what_it_needs_and_failures_stop_exactly_what_depends(
    edges: list[tuple[int, int]], broken: set[int], seed: int
) -> None:
    graph = a_graph(*edges)
    graph.add_nodes_from(range(4))
    dice, done, started = Random(seed), set[int](), []

    async def act(step: int) -> bool:
        assert set(graph.predecessors(step)) <= done
        started.append(step)
        for _ in range(dice.randrange(3)):
            await asyncio.sleep(0)
        if step in broken:
            return False
        done.add(step)
        return True

    left = asyncio.run(walk(graph, act, lambda: True))
    behind = {after for step in broken & set(graph) for after in nx.descendants(graph, step)}
    assert set(started) == set(graph) - behind
    assert len(started) == len(set(started))
    assert left == len(behind)


async def test_nothing_new_starts_when_it_may_not_and_what_runs_ends() -> None:
    ended = []
    going = True

    async def act(step: str) -> bool:
        nonlocal going
        await asyncio.sleep(0.01 if step == "slow" else 0)
        ended.append(step)
        going = False
        return True

    left = await walk(a_graph(("quick", "never"), ("slow", "neither")), act, lambda: going)
    assert ended == ["quick", "slow"]
    assert left == 2


async def test_step_starts_the_moment_its_last_requirement_is_done() -> None:
    order = []

    async def act(step: str) -> bool:
        await asyncio.sleep(0.05 if step == "slow" else 0)
        order.append(step)
        return True

    await walk(a_graph(("slow", "after slow"), ("a", "b"), ("b", "c"), ("c", "d")), act, lambda: True)
    assert order == ["a", "b", "c", "d", "slow", "after slow"]


async def test_other_tasks_get_their_turn_while_thousands_of_steps_start() -> None:
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(range(5000))
    done = 0
    seen = []

    async def act(step: int) -> bool:
        nonlocal done
        done += 1
        return True

    async def other() -> None:
        while done < 5000:
            seen.append(done)
            await asyncio.sleep(0)

    watching = asyncio.create_task(other())
    await walk(graph, act, lambda: True)
    await watching
    assert max(b - a for a, b in pairwise(seen)) <= 200


@pytest.mark.parametrize("shape", ["chain", "fan"])
async def test_ten_thousand_steps_take_time_in_proportion(shape: str) -> None:
    async def act(step: int) -> bool:
        return True

    async def seconds(count: int) -> float:
        pairs = [(i if shape == "chain" else 0, i + 1) for i in range(count)]
        graph = a_graph(*pairs)
        begin = time.process_time()
        assert await walk(graph, act, lambda: True) == 0
        return time.process_time() - begin

    small = min([await seconds(1_000) for _ in range(3)])
    assert await seconds(10_000) < 40 * small + 0.5


async def test_error_of_a_step_ends_the_walk() -> None:
    cancelled = []

    async def act(step: str) -> bool:
        if step == "bad":
            raise KeyError("bug")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(step)
            raise
        return True

    with pytest.raises(BaseExceptionGroup) as caught:
        await walk(a_graph(("waits", "x"), ("bad", "y")), act, lambda: True)
    assert caught.group_contains(KeyError)
    assert cancelled == ["waits"]


async def test_empty_graph_is_done_at_once() -> None:
    async def act(step: str) -> bool:
        raise AssertionError(step)

    assert await walk(nx.DiGraph(), act, lambda: True) == 0
