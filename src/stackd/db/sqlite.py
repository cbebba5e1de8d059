"""SQLite through the standard library: one writer thread and a few reader threads.

A whole batch runs as one job of the writer's thread, in one ``BEGIN IMMEDIATE`` transaction with a
savepoint per write. A database in memory has no readers: its one connection serves both, and as
jobs do not interleave, nobody sees half a batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, create_engine, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import StaticPool

from stackd.db import tables
from stackd.db.backend import (
    Migration,
    Statement,
    Unreachable,
    Write,
    compile_statement,
    fenced,
    refused,
    settle_all,
)
from stackd.records import Fence

T = TypeVar("T")

_BUSY_SECONDS = 5
_WAL_PAUSE = 0.02
_CACHED_STATEMENTS = 512
_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",
)
# The causes of an OperationalError that are about the moment or the machine, not about the statement.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_BAD_VALUE = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.OperationalError,
    OverflowError,
    UnicodeEncodeError,
)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; for this alone SQLite does not wait by itself for other processes."""
    give_up_at = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not _passes(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(_WAL_PAUSE)


def _passes(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _PASSING


class SqliteBackend:
    """The database file at ``path``, or one in memory when it is ``:memory:``."""

    def __init__(self, path: str, readers: int) -> None:
        self.dialect: Dialect = SQLiteDialect_pysqlite()
        self.insert: Callable[[Table], Any] = insert
        self._path = path
        self._open: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="stackd-db-writer")
        self._readers = (
            self._writer
            if path == ":memory:"
            else ThreadPoolExecutor(readers, thread_name_prefix="stackd-db-reader")
        )
        root = tables.stacks.c
        self._fence = compile_statement(
            select(root.id).where(root.id == bindparam("root"), root.epoch == bindparam("epoch")),
            self.dialect,
        ).text

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            if self._path != ":memory:" and not os.path.exists(self._path):
                with contextlib.suppress(OSError):  # connect names the reason better
                    os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = sqlite3.connect(
                self._path,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_CACHED_STATEMENTS,
            )
            _use_wal(connection)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            self._local.connection = connection
            self._open.append(connection)
        return connection

    async def _run(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, job)
        except sqlite3.OperationalError as error:
            if _passes(error):
                raise Unreachable(str(error)) from error
            raise

    async def fetch(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows of a query that changes nothing."""
        try:
            return await self._run(self._readers, partial(self._fetch, statement.text, args))
        except (OverflowError, UnicodeEncodeError):
            return []  # no row can have a value that no column can hold

    def _fetch(self, text: str, args: tuple[Any, ...]) -> list[Any]:
        return self._connection().execute(text, args).fetchall()

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit."""
        return await self._run(
            self._writer, partial(self._transact, partial(self._fetch, statement.text, args))
        )

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` in one transaction; those that fail are rolled back to their savepoints."""
        outcomes = await self._run(self._writer, partial(self._transact, partial(self._apply, writes)))
        await settle_all(zip(writes, outcomes, strict=True))

    def _transact(self, work: Callable[[], T]) -> T:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _apply(self, writes: Sequence[Write]) -> list[Exception | None]:
        connection = self._connection()
        holds: dict[Fence, bool] = {}
        outcomes: list[Exception | None] = []
        for write in writes:
            fence = write.fence
            if fence is not None and fence not in holds:
                row = connection.execute(self._fence, (fence.root_id, fence.epoch)).fetchone()
                holds[fence] = row is not None
            if fence is None or holds[fence]:
                outcomes.append(_apply_one(connection, write))
            else:
                outcomes.append(fenced())
        return outcomes

    async def migrate(self, upgrade: Migration) -> Any:
        """Run ``upgrade`` in the writer's thread, in one transaction."""
        return await self._run(self._writer, partial(self._transact, partial(self._migrate, upgrade)))

    def _migrate(self, upgrade: Migration) -> Any:
        connection = self._connection()
        engine = create_engine("sqlite://", creator=lambda: _Borrowed(connection), poolclass=StaticPool)
        with engine.connect() as borrowed:
            return upgrade(borrowed)

    async def close(self) -> None:
        """Let the running jobs end, then close all connections."""
        for pool in {self._readers, self._writer}:
            await asyncio.to_thread(pool.shutdown)
        for connection in self._open:
            connection.close()
        self._open.clear()


def _apply_one(connection: sqlite3.Connection, write: Write) -> Exception | None:
    """Run the steps of ``write``, all or none; one step alone is so without a savepoint."""
    execute = connection.execute
    several = len(write.steps) > 1
    if several:
        execute("SAVEPOINT one")
    outcome: Exception | None = None
    try:
        for step in write.steps:
            cursor = execute(step.statement.text, step.args)
            if step.conditional and cursor.fetchone() is None:
                outcome = fenced()
                break
    except _BAD_VALUE as error:
        if _passes(error):
            raise
        outcome = _translate(error, write)
    if several:
        if outcome is not None:
            execute("ROLLBACK TO one")
        execute("RELEASE one")
    return outcome


def _translate(error: BaseException, write: Write) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        text = str(error)
        if "stacks.project_id, stacks.name" in text:
            return write.name_taken()
        if any(text.endswith(f" {table}.id") for table in tables.ONE_OWNER):
            return fenced()
    return refused(error)


class _Borrowed:
    """A connection lent to SQLAlchemy: the transaction around it is not SQLAlchemy's to end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave the commit to the lender."""

    def rollback(self) -> None:
        """Leave the rollback to the lender; the error that asks for it reaches it too."""

    def close(self) -> None:
        """Leave the connection open."""
