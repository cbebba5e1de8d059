"""PostgreSQL through asyncpg: a pool of readers and one writer connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import ARRAY, String, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from stackd.db import tables
from stackd.db.backend import Migration, Query, Run, Unreachable, run_sync
from stackd.db.batch import (
    Group,
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
from stackd.db.statements import Statement, Statements

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 60
_CLOSE_SECONDS = 5
_IDLE_SECONDS = 5.0
"""After this time the server ends a transaction in which nothing happens: its process is stopped or cut off.

The transaction has locks on the roots that it writes to, and no other process could take these over.
"""

_BEGIN = "SELECT txid_current(), set_config('idle_in_transaction_session_timeout', $1, true)"
_LOCK_MIGRATIONS = f"SELECT pg_advisory_xact_lock({0x737461636B64})"  # a number that all processes agree on

_ONE_OWNER = frozenset(f"{table}_pkey" for table in tables.ONE_OWNER)

_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that ended while it was idle
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


@dataclass(frozen=True, slots=True)
class _InDoubt:
    """A commit whose answer was lost, and its outcome if it happened."""

    xid: int
    outcomes: Outcomes


for _index in tables.stacks.indexes:  # set here, since in the table it would always load this dialect
    _partial = _index.dialect_options["sqlite"]["where"]
    if _partial is not None:
        _index.dialect_kwargs["postgresql_where"] = _partial


_EPOCHS = (
    select(tables.stacks.c.id, tables.stacks.c.epoch)
    .where(tables.stacks.c.id == func.any(bindparam("roots", type_=ARRAY(String))))
    .order_by(tables.stacks.c.id)
    .with_for_update(read=True)
)


class PostgresBackend:
    """The database that ``dsn`` names."""

    counts_rows = False
    statements = Statements(PGDialect_asyncpg())  # type: ignore[no-untyped-call]

    def __init__(self, dsn: str, readers: int) -> None:
        self.insert: Callable[[Table], Any] = insert
        self._dsn = dsn
        self._readers = readers
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        self._writer: Connection | None = None
        self._in_doubt: _InDoubt | None = None
        self._epochs = self.statements.constant(_EPOCHS).text

    async def _opened(self) -> asyncpg.Pool[asyncpg.Record]:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        self._dsn,
                        min_size=1,
                        max_size=self._readers,
                        timeout=_CONNECT_SECONDS,
                        command_timeout=_COMMAND_SECONDS,
                    )
        return self._pool

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        pool = await self._opened()
        async with pool.acquire(timeout=_CONNECT_SECONDS) as connection:
            yield connection

    async def _rows(self, queries: Sequence[Query]) -> list[list[Any]]:
        found: list[list[Any]] = []
        async with self._connection() as connection:
            for statement, args in queries:
                try:
                    found.append(await connection.fetch(statement.text, *args))
                except asyncpg.DataError:
                    found.append([])  # no row has a value that does not fit in a column
        return found

    async def fetch(self, *queries: Query) -> list[list[Any]]:
        """The rows of each of some read-only queries; retried once if the connection is dead."""
        try:
            return await self._rows(queries)
        except _LOST:
            if self._pool is not None:
                await self._pool.expire_connections()
        try:
            return await self._rows(queries)
        except _LOST as error:
            raise Unreachable(str(error)) from error

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit."""
        try:
            async with self._connection() as connection:
                rows: list[Any] = await connection.fetch(statement.text, *args)
                return rows
        except _LOST as error:
            raise Unreachable(str(error)) from error

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` together; on a refusal, each half by itself."""
        try:
            transact = partial(self._transact, await self._connected())
            await commit_in_halves([write for write in writes if not write.settled], transact)
        except _LOST as error:
            self._drop_writer()
            raise Unreachable(str(error)) from error

    async def _connected(self) -> Connection:
        if self._writer is None or self._writer.is_closed():
            self._writer = await asyncpg.connect(
                self._dsn, timeout=_CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS
            )
        if (doubt := self._in_doubt) is not None:
            status = await self._writer.fetchval("SELECT txid_status($1)", doubt.xid)
            if status == "in progress":
                raise OSError("the previous commit is still in progress")
            self._in_doubt = None
            if status == "committed":
                for write, outcome in doubt.outcomes:
                    write.settle(outcome)
        return self._writer

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.terminate()

    async def _transact(self, connection: Connection, writes: Sequence[Write]) -> Outcomes:
        try:
            return await self._transaction(connection, writes)
        except _LOST:
            raise
        except asyncpg.PostgresError as error:
            raise Refused(_translate(error, writes[0])) from error

    async def _transaction(self, connection: Connection, writes: Sequence[Write]) -> Outcomes:
        transaction = connection.transaction()
        await transaction.start()
        try:
            xid = await connection.fetchval(_BEGIN, str(int(_IDLE_SECONDS * 1000)))
            roots = roots_of(writes)
            outcomes = judged(writes, await connection.fetch(self._epochs, roots) if roots else ())
            for group in grouped(kept(outcomes)):
                await _run(connection, group)
        except BaseException:
            if not connection.is_closed():
                await transaction.rollback()
            raise
        self._in_doubt = _InDoubt(xid, outcomes)
        await transaction.commit()
        self._in_doubt = None
        return outcomes

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Run]:
        """A transaction that runs SQL texts and holds the migration lock."""
        async with self._session() as connection, connection.transaction():
            await connection.execute(_LOCK_MIGRATIONS)
            yield connection.fetch

    async def migrate(self, migration: Migration) -> Any:
        """Result of ``migration`` on a SQLAlchemy connection that holds the migration lock."""
        async with self._session() as connection:
            return await run_sync("postgresql+asyncpg://", connection, _LOCK_MIGRATIONS, migration)

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[Connection]:
        """A connection of its own, for work that may take long."""
        try:
            connection = await asyncpg.connect(self._dsn, timeout=_CONNECT_SECONDS)
        except _LOST as error:
            raise Unreachable(str(error)) from error
        try:
            yield connection
        finally:
            await connection.close()

    def check(self) -> None:
        """Nothing is known without asking."""

    async def close(self) -> None:
        """Close the writer and the pool; connections that do not close in time are terminated."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close(timeout=_CLOSE_SECONDS)
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.close()  # it ends its connections itself when it is cancelled


async def _run(connection: Connection, group: Group) -> None:
    text, args = group.statement.text, group.args
    if group.conditional:
        found = Counter(row[0] for row in await connection.fetchmany(text, args))
        if found != Counter(step.key[1] for step in group.steps):
            raise Refused(fenced())
    elif len(args) == 1:
        await connection.execute(text, *args[0])
    else:
        await connection.executemany(text, args)


def _translate(error: Exception, write: Write) -> Exception:
    constraint = getattr(error, "constraint_name", None)
    if constraint == tables.LIVE_NAME_INDEX:
        return write.name_taken()
    return fenced() if constraint in _ONE_OWNER else refused(error)
