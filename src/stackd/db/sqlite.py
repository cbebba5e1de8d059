"""SQLite through aiosqlite: one connection that writes and a few that read.

A batch of the journal is one job of the writer's thread, as each hop between threads costs more than a row;
what is asked again is not read again while nothing is written (`query_cache`). A database in memory has one
connection for both: with one user at a time, no reader sees half a batch.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from stackd.db import tables
from stackd.db.backend import Migration, Query, Run, run_sync
from stackd.db.batch import (
    Outcomes,
    Refused,
    Write,
    commit_in_halves,
    fenced,
    grouped,
    judged,
    kept,
    refused,
    roots_of,
)
from stackd.db.query_cache import QueryCache
from stackd.db.sqlite_connections import Connections, DatabaseFile, DataVersion
from stackd.db.statements import Statement, Statements

_BEGIN = "BEGIN IMMEDIATE"
_BAD_VALUE = (sqlite3.Error, OverflowError, UnicodeEncodeError)


_READERS = 3
"""Connections that read. More threads read less: SQLite gives the interpreter up and asks for it again at
every row, and each further thread that asks costs all of them."""

_ROOTS = func.json_each(bindparam("roots")).table_valued("value")
_EPOCHS = select(tables.stacks.c.id, tables.stacks.c.epoch).where(
    tables.stacks.c.id.in_(select(_ROOTS.c.value))
)


class SqliteBackend:
    """The database file at ``path``, or one in memory when it is ``:memory:``."""

    counts_rows = True
    statements = Statements(SQLiteDialect_pysqlite())

    def __init__(self, path: str) -> None:
        self.insert: Callable[[Table], Any] = insert
        self._file = DatabaseFile(path)
        self._writer = Connections(self._file, 1)
        self._readers = self._writer if path == ":memory:" else Connections(self._file, _READERS)
        self._version = DataVersion(self._file)
        self._cache = QueryCache(self._version.now)
        self._epochs = self.statements.constant(_EPOCHS).text

    async def fetch(self, *queries: Query) -> list[list[Any]]:
        """The rows of each of some read-only queries, in one job unless they are known."""
        found = self._cache.find(queries)
        if found.rows is not None:
            self._file.check()
            return found.rows
        async with self._readers.one() as connection:
            rows = await connection.run(partial(_rows, queries))
            if not self._version.is_watched:
                await connection.run(self._version.watch)
        self._cache.keep(found, rows)
        return rows

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit."""
        async with self._writer.one() as connection:
            return list(await connection.execute_fetchall(statement.text, args))

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` together; on a refusal, each half by itself."""
        await commit_in_halves([write for write in writes if not write.settled], self._transact)

    async def _transact(self, writes: Sequence[Write]) -> Outcomes:
        try:
            async with self._writer.one() as connection:
                return await connection.run(partial(_transaction, self._epochs, writes))
        except _BAD_VALUE as error:
            raise Refused(_translate(error, writes[0])) from error

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Run]:
        """A transaction that runs SQL texts and holds the write lock."""
        async with self._writer.one() as connection:
            try:
                await connection.execute(_BEGIN)
                yield connection.execute_fetchall
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise

    async def migrate(self, migration: Migration) -> Any:
        """Result of ``migration`` on a SQLAlchemy connection that holds the write lock."""
        async with self._writer.one() as connection:
            return await run_sync("sqlite+aiosqlite://", connection, _BEGIN, migration)

    def check(self) -> None:
        """Raise ``DatabaseMissing`` if the file was removed or replaced."""
        self._file.check()

    async def close(self) -> None:
        """Close all connections once they are not in use."""
        await self._readers.close()
        self._version.close()
        await self._writer.close()


def _rows(queries: Sequence[Query], connection: sqlite3.Connection) -> list[list[Any]]:
    found: list[list[Any]] = []
    for statement, args in queries:
        try:
            found.append(connection.execute(statement.text, args).fetchall())
        except (OverflowError, UnicodeEncodeError):
            found.append([])  # no row has a value that does not fit in a column
    return found


def _transaction(epochs: str, writes: Sequence[Write], connection: sqlite3.Connection) -> Outcomes:
    with connection:
        connection.execute(_BEGIN)
        roots = roots_of(writes)
        outcomes = judged(writes, connection.execute(epochs, (json.dumps(roots),)) if roots else ())
        for group in grouped(kept(outcomes)):
            cursor = connection.executemany(group.statement.text, group.args)
            if group.conditional and cursor.rowcount != len(group.steps):
                raise Refused(fenced())
    return outcomes


def _translate(error: BaseException, write: Write) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        reason = str(error)
        if "stacks.project_id, stacks.name" in reason:
            return write.name_taken()
        if any(reason.endswith(f" {table}.id") for table in tables.ONE_OWNER):
            return fenced()
    return refused(error)
