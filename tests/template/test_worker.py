"""Expressions run in processes that owners share, each computation within its time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from stackd.offload import OWNER, Budget, Exhausted, budgeted
from stackd.template.worker import WorkerError, Workers

ENDLESS = ["$.data =~ '(a+)+$'", "a" * 40 + "!"]
SHORT = ["1 + 1", None]


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


def call(workers: Workers, owner: str, arguments: list[Any], seconds: float) -> Any:
    def run() -> Any:
        OWNER.set(owner)
        return workers.call("yaql", arguments, seconds)

    return copy_context().run(run)


def test_endless_expressions_of_one_owner_do_not_keep_another_waiting(workers: Workers) -> None:
    assert call(workers, "modest", SHORT, 20) == 2  # the process is there
    with ThreadPoolExecutor() as pool:
        endless = [pool.submit(call, workers, "greedy", ENDLESS, 0.5) for _ in range(3)]
        assert pool.submit(call, workers, "modest", SHORT, 20).result() == 2
        assert not all(each.done() for each in endless)
        for each in endless:
            with pytest.raises(TimeoutError):
                each.result()


def test_one_computation_has_one_time_for_all_its_expressions(workers: Workers) -> None:
    with budgeted(Budget(seconds=0.3)):
        with pytest.raises(TimeoutError):
            workers.call("yaql", ENDLESS, 20)
        for _ in range(1000):
            with pytest.raises(WorkerError, match="used up"):
                workers.call("yaql", SHORT, 20)


def test_nothing_is_awaited_on_the_event_loop(workers: Workers) -> None:
    with budgeted(Budget(is_trial=True)), pytest.raises(Exhausted):
        workers.call("yaql", SHORT, 20)


def test_mistake_in_an_expression_is_told(workers: Workers) -> None:
    with pytest.raises(WorkerError):
        workers.call("yaql", ["$ $", None], 20)
    assert workers.call("yaql", SHORT, 20) == 2
