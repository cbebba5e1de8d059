from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from stackd.db import events
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from tests.support.database import POSTGRES_URL
from tests.support.records import a_stack, an_event
from tests.support.virtual_time import standing_still


async def end_writer(database: Database) -> None:
    """Let the server end the journal's connection, as at a restart."""
    backend: Any = database.backend
    with standing_still():
        admin = await asyncpg.connect(POSTGRES_URL)
        await admin.execute("SELECT pg_terminate_backend($1)", backend._inner._writer.get_server_pid())
        await admin.close()


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
