from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from stackd.db import engines, events, leases, operations
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal, Update
from stackd.db.migrations import upgrade
from stackd.errors import Fenced
from stackd.records import Fence, Operation
from tests.support.database import ReversingSealer, database_url, migrated_database
from tests.support.records import START, a_child, a_stack, an_event, an_operation

TTL = timedelta(seconds=10)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(clock: Clock) -> AsyncIterator[Database]:
    async with migrated_database(clock) as database:
        yield database


async def test_a_held_lease_is_refused_until_it_ends(
    database: Database, journal: Journal, clock: Clock
) -> None:
    root = a_stack()
    await journal.write(Insert(root))
    assert await leases.claim(database, root.id, "one", TTL) == 1
    assert await leases.claim(database, root.id, "two", TTL) is None
    clock.now += TTL / 2
    assert await leases.renew(database, "one", [root.id, "unknown"], TTL) == {root.id}
    clock.now += TTL / 2
    assert await leases.claim(database, root.id, "two", TTL) is None
    clock.now += TTL / 2
    assert await leases.claim(database, root.id, "two", TTL) == 2
    assert await leases.renew(database, "one", [root.id], TTL) == set()
    assert await leases.release(database, root.id, "one", 1) is False


async def test_a_released_lease_is_free_and_its_epoch_goes_on(database: Database, journal: Journal) -> None:
    root = a_stack()
    await journal.write(Insert(root))
    assert await leases.claim(database, root.id, "one", TTL) == 1
    assert await leases.release(database, root.id, "one", 1) is True
    assert await leases.claim(database, root.id, "two", TTL) == 2


async def test_only_one_of_many_claims_wins(database: Database, journal: Journal) -> None:
    root = a_stack()
    await journal.write(Insert(root))
    won = await asyncio.gather(*(leases.claim(database, root.id, f"e{n}", TTL) for n in range(10)))
    assert [epoch for epoch in won if epoch] == [1]


async def test_only_roots_are_claimed(database: Database, journal: Journal) -> None:
    root = a_stack()
    child = a_child(root)
    await journal.write(Insert(root), Insert(child))
    assert await leases.claim(database, child.id, "one", TTL) is None
    assert await leases.claim(database, "unknown", "one", TTL) is None
    assert await leases.renew(database, "one", [], TTL) == set()


async def test_an_operation_is_orphaned_when_its_lease_ends(
    database: Database, journal: Journal, clock: Clock
) -> None:
    root = a_stack()
    running, queued, done = (an_operation(root, state=state) for state in ("running", "queued", "done"))
    await journal.write(Insert(root), Insert(running), Insert(queued), Insert(done))
    assert await operations.orphaned(database) == [running, queued]
    await leases.claim(database, root.id, "one", TTL)
    assert await operations.orphaned(database) == []
    clock.now += TTL
    assert await operations.orphaned(database) == [running, queued]
    assert await operations.of_root(database, root.id) == [running, queued]
    assert await operations.of_root(database, root.id, unfinished=False) == [running, queued, done]
    await journal.write(Update(Operation, running.id, {"state": "done"}))
    assert await operations.unfinished(database) == [queued]
    assert await operations.get(database, done.id) == done
    assert await operations.get(database, "none") is None


async def test_an_engine_is_known_by_its_beats(database: Database, clock: Clock) -> None:
    await engines.beat(database, "one", "host-1", 60)
    clock.now += TTL
    await engines.beat(database, "two", "host-2", 60)
    await engines.beat(database, "one", "host-1", 60)
    one, two = await engines.known(database)
    assert (one.id, one.started_at, one.seen_at) == ("one", START, START + TTL)
    assert (two.host, two.report_interval) == ("host-2", 60)
    await engines.leave(database, "two")
    clock.now += TTL
    assert await engines.forget(database, TTL / 2) == 1
    assert await engines.known(database) == []


async def test_after_a_claim_nothing_of_the_old_epoch_is_stored(tmp_path: Path) -> None:
    async with database_url() as url:
        shared = f"sqlite:///{tmp_path}/shared.db" if url == "sqlite://" else url
        await upgrade(shared)
        old, new = [await Database.open(shared, ReversingSealer()) for _ in range(2)]
        journal = Journal(old)
        root = a_stack()
        await journal.write(Insert(root))
        epoch = await leases.claim(old, root.id, "old", -TTL)
        assert epoch == 1
        fence = Fence(root.id, epoch)
        stored = 0
        under_way = asyncio.Event()

        async def walk() -> None:
            nonlocal stored
            while True:
                await journal.write(Insert(an_event(root)), fence=fence)
                stored += 1
                if stored == 50:
                    under_way.set()

        walks = [asyncio.create_task(walk()) for _ in range(5)]
        await under_way.wait()
        assert await leases.claim(new, root.id, "new", TTL) == 2
        at_claim = await events.count(new, root.id)
        ends = await asyncio.gather(*walks, return_exceptions=True)
        assert [type(end) for end in ends] == [Fenced] * 5
        assert await events.count(new, root.id) == at_claim == stored
        await journal.close()
        await old.close()
        await new.close()
