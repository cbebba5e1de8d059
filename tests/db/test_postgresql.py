from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from stackd.db import events, leases, postgresql
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.errors import Fenced
from stackd.records import Fence
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


@pytest.mark.postgres
async def test_a_process_that_stops_in_a_transaction_does_not_keep_others_from_its_trees(
    database: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = a_stack()
    await journal.write(Insert(stack))
    epoch = await leases.claim(database, stack.id, "stopped", timedelta(0))
    assert epoch is not None
    monkeypatch.setattr(postgresql, "_IDLE_SECONDS", 0.2)
    commit = asyncpg.transaction.Transaction.commit
    taken: list[int | None] = []

    async def commit_late(transaction: Any) -> None:
        if not taken:
            taken.append(await leases.claim(database, stack.id, "other", timedelta(60)))
        await commit(transaction)

    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", commit_late)
    with pytest.raises(Fenced):
        await journal.write(Insert(an_event(stack)), fence=Fence(stack.id, epoch))
    assert taken == [epoch + 1]
    assert await events.count(database, stack.id) == 0
