"""What survives a process that is killed, and a database that goes away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from stackd.db import events, stacks
from stackd.db.backend import DatabaseMissing, Unreachable
from stackd.db.batch import Write
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.db.migrations import upgrade
from stackd.errors import ServiceUnavailable
from tests.support.database import ReversingSealer, database_url
from tests.support.records import a_stack, an_event

WRITER = """
import asyncio, sys
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from tests.support.database import ReversingSealer
from tests.support.records import a_stack, an_event

async def main():
    journal = Journal(await Database.open(sys.argv[1], ReversingSealer()))
    stack = a_stack()
    async def writer():
        while True:
            pair = an_event(stack), an_event(stack)
            await journal.write(*map(Insert, pair))
            print(stack.id, *(event.id for event in pair), flush=True)
    await asyncio.gather(*(writer() for _ in range(20)))

asyncio.run(main())
"""


async def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    async with database_url() as url:
        shared = f"sqlite:///{tmp_path}/killed.db" if url == "sqlite://" else url
        await upgrade(shared)
        lines = await asyncio.to_thread(_run_and_kill, shared, 400)
        database = await Database.open(shared, ReversingSealer())
        stack_id = lines[0].split()[0]
        acknowledged = {id_ for line in lines for id_ in line.split()[1:]}
        stored = {event.id for event in await events.listed(database, stack_id)}
        await database.close()
    assert len(acknowledged) >= 800
    assert acknowledged <= stored
    assert len(stored) % 2 == 0


def _run_and_kill(url: str, wanted: int) -> list[str]:
    root = Path(__file__).parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={"PYTHONPATH": f"{root / 'src'}:{root}"},
    )
    assert writer.stdout is not None
    with writer:
        lines = [writer.stdout.readline() for _ in range(wanted)]
        writer.kill()
        lines += writer.stdout.readlines()
    return [line for line in lines if line.endswith("\n") and len(line.split()) == 3]


class Interrupted:
    """A backend whose commits fail some times, before or after the first half is durable."""

    def __init__(self, backend: Any, failures: int) -> None:
        self.backend = backend
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    async def commit(self, writes: Sequence[Write]) -> None:
        if self.failures:
            self.failures -= 1
            await self.backend.commit(writes[: len(writes) // 2])
            raise Unreachable
        await self.backend.commit(writes)


async def test_writes_wait_for_a_lost_database(database: Database, journal: Journal) -> None:
    stack = a_stack()
    database.backend = Interrupted(database.backend, 2)
    await asyncio.gather(*(journal.write(Insert(an_event(stack))) for _ in range(10)))
    assert await events.count(database, stack.id) == 10


async def test_writes_fail_when_the_database_stays_away(database: Database) -> None:
    journal = Journal(database, patience=0.06)
    stack = a_stack()
    database.backend = Interrupted(database.backend, 2)
    with pytest.raises(ServiceUnavailable):
        await journal.write(Insert(stack))
    assert await stacks.get(database, stack.id, None) is None
    await journal.write(Insert(stack))
    await journal.close()
    assert await stacks.get(database, stack.id, None) == stack


async def test_a_closed_journal_has_settled_all_it_accepted(database: Database, journal: Journal) -> None:
    stack = a_stack()
    writing = asyncio.create_task(journal.write(Insert(stack)))
    await asyncio.sleep(0)
    await journal.close()
    assert await stacks.get(database, stack.id, None) == stack
    await writing
    with pytest.raises(ServiceUnavailable):
        await journal.write(Insert(a_stack()))


async def test_a_database_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path}/no/such/directory/stackd.db"
    for url in (missing, "postgresql://127.0.0.1:1/none"):
        with pytest.raises(ServiceUnavailable):
            await Database.open(url, ReversingSealer())


class Full:
    """A backend whose disk is full until it is not, and how often it was tried."""

    def __init__(self, backend: Any, reason: Unreachable) -> None:
        self.backend = backend
        self.reason: Unreachable | None = reason
        self.tried = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    async def commit(self, writes: Sequence[Write]) -> None:
        self.tried += 1
        if self.reason is not None:
            raise self.reason
        await self.backend.commit(writes)


def warned(logged: list[Any]) -> list[str]:
    return [line["event"] for line in logged if line["log_level"] != "debug"]


async def test_log_has_one_line_for_each_change_of_state(database: Database) -> None:
    journal = Journal(database, patience=0.3)
    database.backend = full = Full(database.backend, Unreachable("database or disk is full"))
    with capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(ServiceUnavailable):
                await journal.write(Insert(a_stack()))
        assert full.tried > 3
        full.reason = None
        await journal.write(Insert(a_stack()))
        await journal.close()
    assert warned(logged) == ["database_unreachable", "database_answers_again"]


async def test_write_that_began_before_the_trouble_does_not_end_it(database: Database) -> None:
    before = database.trouble
    with capture_logs() as logged:
        database.unavailable(Unreachable("away"))
        database.note_success(before)
        database.unavailable(Unreachable("away"))
        database.note_success(database.trouble)
    assert warned(logged) == ["database_unreachable", "database_answers_again"]


async def test_write_to_a_database_that_is_gone_is_refused_at_once(database: Database) -> None:
    journal = Journal(database, patience=3600)
    database.backend = full = Full(database.backend, DatabaseMissing("removed"))
    with pytest.raises(ServiceUnavailable, match="removed"):
        await journal.write(Insert(a_stack()))
    assert full.tried == 1
    await journal.close()


async def test_write_does_not_keep_the_process_from_ending(database: Database) -> None:
    journal = Journal(database, patience=3600)
    database.backend = Full(database.backend, Unreachable("full"))
    writing = asyncio.create_task(journal.write(Insert(a_stack())))
    await asyncio.sleep(0.01)
    journal.hurry()
    with pytest.raises(ServiceUnavailable):
        await writing
    await journal.close()
