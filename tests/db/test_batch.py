from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from stackd.db.batch import Outcomes, Refused, Step, Write, commit_in_halves, grouped, judged, roots_of
from stackd.db.statements import Statement
from stackd.errors import Fenced
from stackd.records import Fence

INSERT = Statement("insert", (), {})
UPDATE = Statement("update", (), {})


def write(statement: Statement, key: str, fence: Fence | None = None) -> Write:
    return Write([Step(statement, (), ("resources", key))], fence, asyncio.get_running_loop().create_future())


async def groups(*steps: tuple[Statement, str]) -> list[tuple[str, list[str]]]:
    writes = [write(statement, key) for statement, key in steps]
    return [(group.statement.text, [step.key[1] for step in group.steps]) for group in grouped(writes)]


async def test_steps_of_one_statement_are_grouped() -> None:
    assert await groups((INSERT, "a"), (UPDATE, "a"), (INSERT, "b"), (UPDATE, "b")) == [
        ("insert", ["a", "b"]),
        ("update", ["a", "b"]),
    ]


async def test_steps_of_one_row_keep_their_order() -> None:
    assert await groups((UPDATE, "a"), (INSERT, "a"), (UPDATE, "a"), (UPDATE, "b"), (INSERT, "b")) == [
        ("update", ["a"]),
        ("insert", ["a"]),
        ("update", ["a", "b"]),
        ("insert", ["b"]),
    ]


async def test_writes_are_judged_by_the_epochs_of_their_roots() -> None:
    writes = [write(INSERT, "a", fence) for fence in (Fence("r2", 1), Fence("r1", 4), Fence("r3", 1), None)]
    assert roots_of(writes) == ["r1", "r2", "r3"]
    outcomes = judged(writes, [("r1", 4), ("r2", 2)])
    assert [type(error) for _, error in outcomes] == [Fenced, type(None), Fenced, type(None)]


@pytest.mark.parametrize("bad", [set(), {0}, {6}, {2, 3}, set(range(7))])
async def test_refused_writes_are_cut_out_of_their_batch(bad: set[int]) -> None:
    writes = [write(INSERT, str(number)) for number in range(7)]
    committed: list[str] = []

    async def transact(batch: Sequence[Write]) -> Outcomes:
        keys = [each.steps[0].key[1] for each in batch]
        if bad & {int(key) for key in keys}:
            raise Refused(ValueError(keys[0]))
        committed.extend(keys)
        return [(each, None) for each in batch]

    await commit_in_halves(writes, transact)
    assert all(each.settled for each in writes)
    assert committed == [str(number) for number in range(7) if number not in bad]
    refused = {int(str(error)) for each in writes if (error := each.waiter.exception())}
    assert refused == bad


async def test_an_empty_batch_is_no_transaction() -> None:
    async def transact(batch: Sequence[Write]) -> Outcomes:
        raise AssertionError(batch)

    await commit_in_halves([], transact)
