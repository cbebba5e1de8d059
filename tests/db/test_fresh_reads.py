"""What is read is what was committed last, whoever did it, whatever else happens to the file."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.db.sqlite import SqliteBackend
from stackd.db.statements import Statement

MAKE: Final = "CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER)"
ADD: Final = "UPDATE counts SET value = value + 1 WHERE name = ?"
READ: Final = Statement("SELECT value FROM counts WHERE name = ?", ("name",), {})
NAMES: Final = ("a", "b")
CHORES: Final = (
    "PRAGMA wal_checkpoint(PASSIVE)",
    "PRAGMA wal_checkpoint(RESTART)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "VACUUM",
    "PRAGMA user_version = 7",
)


class Program:
    """Another program that uses the file: it writes in transactions that last, and tidies the file up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = self._connect()
        self.added: list[str] = []
        """What was added in the open transaction."""

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, isolation_level=None, timeout=0)

    @property
    def is_busy(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def add(self, name: str) -> None:
        """Add one, in a transaction that stays open."""
        if not self.is_busy:
            self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(ADD, (name,))
        self.added.append(name)

    def end(self, how: str) -> list[str]:
        """End the transaction; returns what was added if it was committed."""
        if self.is_busy:
            self._connection.execute(how)
        added, self.added = self.added, []
        return added if how == "COMMIT" else []

    def do(self, chore: str) -> None:
        """Something that changes the file but nothing in it, unless somebody else is at it."""
        with suppress(sqlite3.OperationalError):
            self._connection.execute(chore).fetchall()

    def restart(self) -> None:
        """Go without a word in the middle of a transaction, and begin anew."""
        self._connection.close()
        self._connection, self.added = self._connect(), []

    def close(self) -> None:
        """End it."""
        self._connection.close()


class Story:
    """Two servers and another program on one file, and what they have committed."""

    def __init__(self, path: Path, servers: list[SqliteBackend]) -> None:
        self.servers = servers
        self.program = Program(path)
        self.committed = dict.fromkeys(NAMES, 0)

    async def read(self, server: int, name: str) -> None:
        """What a server reads is what was committed; so it is for three at once."""
        backend = self.servers[server]
        found = await asyncio.gather(*(backend.fetch((READ, (name,))) for _ in range(3)))
        assert found == [[[(self.committed[name],)]]] * 3

    async def write(self, server: int, name: str) -> None:
        """A server writes, while others read: these see it or not, but whoever reads afterwards does."""
        if self.program.is_busy:
            return
        backend, before = self.servers[server], self.committed[name]
        reading = asyncio.create_task(backend.fetch((READ, (name,))))
        await backend.modify(Statement(ADD, ("name",), {}), (name,))
        self.committed[name] += 1
        await self.read(server, name)
        assert (await reading)[0][0][0] in (before, before + 1)

    async def abandon(self, server: int, name: str) -> None:
        """Who reads goes away before there is an answer."""
        reading = asyncio.create_task(self.servers[server].fetch((READ, (name,))))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])

    def end(self, how: str) -> None:
        """The other program ends its transaction."""
        for name in self.program.end(how):
            self.committed[name] += 1


Step = tuple[str, int, str, str]
STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["read"] * 4 + ["write", "abandon", "add", "commit", "rollback", "chore", "restart"]),
        st.integers(0, 1),
        st.sampled_from(NAMES),
        st.sampled_from(CHORES),
    ),
    max_size=40,
)


async def play(steps: list[Step], path: Path) -> None:
    servers = [SqliteBackend(str(path)) for _ in range(2)]
    await servers[0].modify(Statement(MAKE, (), {}), ())
    for name in NAMES:
        await servers[0].modify(Statement("INSERT INTO counts VALUES (?, 0)", ("name",), {}), (name,))
    story = Story(path, servers)
    alone: dict[str, Callable[[str, str], None]] = {
        "add": lambda name, _: story.program.add(name),
        "commit": lambda *_: story.end("COMMIT"),
        "rollback": lambda *_: story.end("ROLLBACK"),
        "chore": lambda _, chore: story.program.do(chore),
        "restart": lambda *_: story.program.restart(),
    }
    try:
        for what, server, name, chore in steps:
            if what in alone:
                alone[what](name, chore)
            else:
                await getattr(story, what)(server, name)
        for server in range(2):
            for name in NAMES:
                await story.read(server, name)
    finally:
        story.program.close()
        for each in servers:
            await each.close()


@settings(max_examples=30)
@given(STEPS)
def test_reads_are_never_older_than_the_last_commit(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(steps, Path(folder, "stackd.db")))
