from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from stackd.db import events
from stackd.db.backend import Statement, Step, Write
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.db.postgresql import grouped
from tests.support.database import POSTGRES_URL
from tests.support.records import a_stack, an_event

INSERT = Statement("insert", (), {})
UPDATE = Statement("update", (), {})


async def end_writer(database: Database) -> None:
    """Let the server end the journal's connection, as at a restart."""
    backend: Any = database.backend
    admin = await asyncpg.connect(POSTGRES_URL)
    await admin.execute("SELECT pg_terminate_backend($1)", backend._writer.get_server_pid())
    await admin.close()


async def groups(*steps: tuple[Statement, str]) -> list[tuple[str, list[str]]]:
    waiter = asyncio.get_running_loop().create_future()
    writes = [Write([Step(statement, (), ("resources", key))], None, waiter) for statement, key in steps]
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


@pytest.mark.postgres
async def test_a_commit_whose_answer_was_lost_is_not_done_twice(
    database: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = asyncpg.transaction.Transaction.commit
    lost: list[Any] = []

    async def commit_and_lose(transaction: Any) -> None:
        await commit(transaction)
        if not lost:
            lost.append(transaction)
            raise ConnectionResetError

    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", commit_and_lose)
    stack = a_stack()
    await journal.write(Insert(stack), Insert(an_event(stack)))
    assert len(lost) == 1
    assert await events.count(database, stack.id) == 1


@pytest.mark.postgres
async def test_connections_that_the_server_ends_are_made_again(database: Database, journal: Journal) -> None:
    stack = a_stack()
    await journal.write(Insert(stack))
    await end_writer(database)
    await asyncio.gather(*(journal.write(Insert(an_event(stack))) for _ in range(5)))
    assert await events.count(database, stack.id) == 5
