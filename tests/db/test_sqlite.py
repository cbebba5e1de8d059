from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from stackd.db import events, sqlite_connections, stacks
from stackd.db.backend import DatabaseMissing
from stackd.db.batch import Write
from stackd.db.database import Database
from stackd.db.journal import Insert, Journal
from stackd.db.migrations import upgrade
from stackd.db.sqlite_connections import Connections, DatabaseFile
from stackd.errors import ServiceUnavailable
from tests.support.database import ReversingSealer
from tests.support.records import a_stack, an_event

SLOW = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
)
FORGETFUL = """
import asyncio, sys
from stackd.db.database import Database
from tests.support.database import ReversingSealer

async def main():
    await Database.open(sys.argv[1], ReversingSealer())

asyncio.run(main())
print("end", flush=True)
"""
READER = """
import sqlite3, sys

connection = sqlite3.connect(sys.argv[1])
print(*connection.execute("SELECT count(*) FROM stacks"))
connection.close()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/stackd.db"


@pytest.fixture
async def file(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url, ReversingSealer(), read_pool=2)
    await upgrade(database)
    yield database
    await database.close()


async def test_every_connection_is_durable_and_logs_ahead(file: Database) -> None:
    for name, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        rows = await asyncio.gather(*(file.fetch_once(text(f"PRAGMA {name}")) for _ in range(4)))
        assert rows == [[(value,)]] * 4
        assert await file.modify_once(text(f"PRAGMA {name}")) == [(value,)]


@asynccontextmanager
async def without_readers(used: Database) -> AsyncIterator[None]:
    """No connection is free to read with."""
    backend: Any = used.backend
    readers: Connections = backend._inner._readers
    taken = [await readers.take() for _ in range(readers._size)]
    yield
    for connection in taken:
        readers.back(connection)


async def test_what_is_asked_again_needs_no_reader_while_nothing_is_written(file: Database) -> None:
    journal, stack = Journal(file), a_stack()
    await journal.write(Insert(stack))
    for _ in range(2):
        assert await stacks.get(file, stack.id, None) == stack
    async with without_readers(file):
        assert await stacks.get(file, stack.id, None) == stack
        await journal.write(Insert(a_stack()))
        asked_again = asyncio.create_task(stacks.get(file, stack.id, None))
        await asyncio.sleep(0)
        assert not asked_again.done()
    assert await asked_again == stack
    await journal.close()


async def test_what_this_process_wrote_is_read_at_once(file: Database) -> None:
    journal, stack = Journal(file), a_stack()
    for count in range(5):
        assert [await events.count(file, stack.id) for _ in range(3)] == [count] * 3
        await journal.write(Insert(an_event(stack)))
    await journal.close()


async def test_what_another_program_wrote_is_read_at_once(file: Database, tmp_path: Path) -> None:
    journal, stack = Journal(file), a_stack()
    await journal.write(Insert(stack))
    await journal.close()
    for name in ("web", "db", "cache"):
        with closing(sqlite3.connect(tmp_path / "stackd.db")) as other, other:
            other.execute("UPDATE stacks SET name = ?", (name,))
        found = [await stacks.get(file, stack.id, None) for _ in range(3)]
        assert [each and each.name for each in found] == [name] * 3


async def test_what_was_asked_before_is_no_answer_once_the_file_is_gone(
    file: Database, tmp_path: Path
) -> None:
    for _ in range(3):
        assert await stacks.count(file, None) == 0
    (tmp_path / "stackd.db").unlink()
    with pytest.raises(ServiceUnavailable, match="removed"):
        await stacks.count(file, None)


async def test_the_file_is_for_its_owner_only(file: Database, tmp_path: Path) -> None:
    assert (tmp_path / "stackd.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_cancelled_readers_leave_clean_connections(
    kind: str, file: Database, database: Database
) -> None:
    used = file if kind == "file" else database
    stack = a_stack()
    journal = Journal(used)
    readers = [asyncio.create_task(used.fetch_once(SLOW)) for _ in range(6)]
    await asyncio.sleep(0)
    for reader in readers:
        reader.cancel()
    await journal.write(Insert(stack))
    await asyncio.wait(readers)
    found = await asyncio.gather(*(stacks.get(used, stack.id, None) for _ in range(4)))
    assert found == [stack] * 4
    await journal.close()


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancelled_commit_is_done_whole_or_not_at_all(file: Database, turns: int) -> None:
    journal = Journal(file)
    stack = a_stack()
    await journal.write(Insert(stack))
    future = asyncio.get_running_loop().create_future
    writes = [Write([journal._insert(Insert(an_event(stack)))], None, future()) for _ in range(500)]
    committing = asyncio.create_task(file.backend.commit(writes))
    for _ in range(turns):
        await asyncio.sleep(0)
    committing.cancel()
    await asyncio.wait({committing})
    await journal.write(Insert(an_event(stack)))
    assert await events.count(file, stack.id) in {1, 501}
    await journal.close()


async def test_readers_see_no_half_of_a_batch_in_memory(database: Database, journal: Journal) -> None:
    stack = a_stack()
    changes = [Insert(an_event(stack)) for _ in range(300)]
    writing = asyncio.create_task(journal.write(*changes))
    counts = set()
    while not writing.done():
        counts.add(await events.count(database, stack.id))
    assert counts <= {0, 300}
    await writing


async def test_a_database_that_another_program_locks_does_not_answer(
    file: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connections, "_BUSY_SECONDS", 0)
    mine = await Database.open(f"sqlite:///{tmp_path}/stackd.db", ReversingSealer())
    other = sqlite3.connect(tmp_path / "stackd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal = Journal(mine, patience=0)
    with pytest.raises(ServiceUnavailable):
        await journal.write(Insert(a_stack()))
    other.execute("ROLLBACK")
    await journal.write(Insert(a_stack()))
    assert await stacks.count(mine, None) == 1
    other.close()
    await journal.close()
    await mine.close()


async def test_a_closed_database_is_used_no_more(url: str) -> None:
    database = await Database.open(url, ReversingSealer())
    reading = asyncio.create_task(database.fetch_once(SLOW))
    await asyncio.sleep(0)
    await database.close()
    assert await reading == [(300000,)]
    with pytest.raises(ValueError, match="no active connection"):
        await database.ping()


async def test_an_open_database_does_not_keep_the_process(url: str) -> None:
    root = Path(__file__).parents[2]
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", FORGETFUL, url],
        cwd=root,
        env={"PYTHONPATH": f"{root / 'src'}:{root}"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == (b"end\n", b"")


def test_a_connection_that_was_not_closed_ends_its_thread_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    loop_is_closed = threading.Event()

    async def thread_of_one_left_open() -> threading.Thread:
        connection = await Connections(DatabaseFile(str(tmp_path / "stackd.db")), 1).take()
        connection._tx.put_nowait((None, loop_is_closed.wait))
        return connection._thread

    thread = asyncio.run(thread_of_one_left_open())
    loop_is_closed.set()
    thread.join(60)
    assert not thread.is_alive()
    assert reported == []


async def test_the_driver_logs_no_values(file: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    journal = Journal(file)
    await journal.write(Insert(a_stack("hunter2")))
    assert await stacks.named(file, "hunter2", "project")
    await journal.close()
    assert "hunter2" not in caplog.text


async def test_other_processes_that_read_the_file_leave_its_log_in_place(
    file: Database, tmp_path: Path
) -> None:
    """Closing a descriptor of the file drops this process's locks; the reader then removes the log."""
    await asyncio.gather(*(file.fetch_once(text("SELECT count(*) FROM stacks")) for _ in range(4)))
    await Journal(file).write(Insert(a_stack()))
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READER, str(tmp_path / "stackd.db"), stdout=subprocess.PIPE
    )
    read, _ = await reader.communicate()
    assert read.split() == [b"(1,)"]
    assert (tmp_path / "stackd.db-wal").exists()


@pytest.mark.parametrize("replaced", [False, True])
async def test_file_that_was_removed_is_neither_read_nor_written(
    file: Database, tmp_path: Path, replaced: bool
) -> None:
    journal = Journal(file)
    await journal.write(Insert(a_stack()))
    (tmp_path / "stackd.db").rename(tmp_path / "away")
    if replaced:
        (tmp_path / "stackd.db").touch()
    for attempt in (file.ping, lambda: journal.write(Insert(a_stack()))):
        with pytest.raises(ServiceUnavailable, match="removed or replaced"):
            await attempt()
    with pytest.raises(ServiceUnavailable):
        file.check()
    (tmp_path / "away").rename(tmp_path / "stackd.db")
    file.check()
    await journal.write(Insert(a_stack()))
    await journal.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_file_that_is_removed_while_a_connection_is_opened_is_neither_made_nor_taken(
    tmp_path: Path, replaced: bool
) -> None:
    path = tmp_path / "a file.db"
    known = sqlite_connections.DatabaseFile(str(path))
    first, later = sqlite_connections.Connections(known, 1), sqlite_connections.Connections(known, 1)
    async with first.one() as connection:
        await connection.execute("CREATE TABLE t (x)")
    away = path.rename(tmp_path / "away")
    if replaced:
        path.touch()
    with pytest.raises((sqlite3.OperationalError, DatabaseMissing)):
        await later._opened()  # the file was there a moment ago
    assert path.exists() is replaced
    away.rename(path)
    async with later.one() as connection:
        assert list(await connection.execute_fetchall("SELECT x FROM t")) == []
    await first.close()
    await later.close()


async def test_connection_whose_user_goes_while_it_is_opened_is_closed(tmp_path: Path) -> None:
    pool = sqlite_connections.Connections(sqlite_connections.DatabaseFile(str(tmp_path / "a.db")), 1)
    before = set(threading.enumerate())
    opening = asyncio.create_task(pool._opened())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    left = [each for each in threading.enumerate() if each not in before and "connection" in each.name]
    for thread in left:
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()
    await pool.close()
