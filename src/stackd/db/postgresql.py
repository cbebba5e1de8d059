"""PostgreSQL through asyncpg: a pool of readers and one writer connection.

Every statement is a round trip, so a batch is grouped: steps with the same text go in one
``executemany``. When anything in a batch is refused the batch is cut in halves until the refused
write stands alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import ARRAY, String, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from stackd.db import tables
from stackd.db.backend import (
    Migration,
    Statement,
    Step,
    Unreachable,
    Write,
    compile_statement,
    fenced,
    refused,
    settle_all,
)
from stackd.records import Fence

_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 60
_CLOSE_SECONDS = 5
_MIGRATION_LOCK = 0x737461636B64  # any number that all stackd processes agree on

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
)


class _Unmatched(Exception):
    """A conditional step found no row."""


@dataclass(frozen=True, slots=True)
class _InDoubt:
    """A commit whose answer was lost, and what it would mean if it happened."""

    xid: int
    outcomes: list[tuple[Write, Exception | None]]


@dataclass(slots=True)
class _Group:
    statement: Statement
    conditional: bool
    steps: list[Step]


def grouped(writes: Sequence[Write]) -> list[_Group]:
    """The steps of ``writes`` in groups of one statement each, so that steps of one key keep their order."""
    groups: list[_Group] = []
    open_groups: dict[tuple[str, bool], int] = {}
    touched: dict[tuple[str, str], int] = {}
    for write in writes:
        for step in write.steps:
            kind = (step.statement.text, step.conditional)
            place = open_groups.get(kind, -1)
            if place < touched.get(step.key, 0):
                place = open_groups[kind] = len(groups)
                groups.append(_Group(step.statement, step.conditional, []))
            groups[place].steps.append(step)
            touched[step.key] = place
    return groups


for _index in tables.stacks.indexes:  # said here, since saying it in the table would load this dialect always
    _partial = _index.dialect_options["sqlite"]["where"]
    if _partial is not None:
        _index.dialect_kwargs["postgresql_where"] = _partial


class PostgresBackend:
    """The database that ``dsn`` names."""

    def __init__(self, dsn: str, readers: int) -> None:
        self.dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        self.insert: Callable[[Table], Any] = insert
        self._dsn = dsn
        self._readers = readers
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        self._writer: asyncpg.Connection[asyncpg.Record] | None = None
        self._in_doubt: _InDoubt | None = None
        root = tables.stacks.c
        self._fences = compile_statement(
            select(root.id, root.epoch)
            .where(root.id == func.any(bindparam("roots", type_=ARRAY(String))))
            .order_by(root.id)
            .with_for_update(read=True),
            self.dialect,
        ).text

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

    async def _query(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        pool = await self._opened()
        async with pool.acquire(timeout=_CONNECT_SECONDS) as connection:
            rows: list[Any] = await connection.fetch(statement.text, *args)
            return rows

    async def fetch(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows of a query that changes nothing; asked once more when the connection turns out to be dead."""
        try:
            return await self._query(statement, args)
        except asyncpg.DataError:
            return []  # no row can have a value that no column can hold
        except _LOST:
            if self._pool is not None:
                await self._pool.expire_connections()
        return await self.modify(statement, args)

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit."""
        try:
            return await self._query(statement, args)
        except _LOST as error:
            raise Unreachable(str(error)) from error

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` together; on a refusal, each half by itself."""
        try:
            connection = await self._connected()
            await self._commit([write for write in writes if not write.settled], connection)
        except _LOST as error:
            await self._drop_writer()
            raise Unreachable(str(error)) from error

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
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

    async def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.terminate()

    async def _commit(self, writes: list[Write], connection: asyncpg.Connection[asyncpg.Record]) -> None:
        if not writes:
            return
        try:
            outcomes = await self._transaction(writes, connection)
        except _Unmatched:
            refusal: Exception = fenced()
        except _LOST:
            raise
        except asyncpg.PostgresError as error:
            refusal = _translate(error, writes[0])
        else:
            await settle_all(outcomes)
            return
        if len(writes) == 1:
            writes[0].settle(refusal)
            return
        middle = len(writes) // 2
        await self._commit(writes[:middle], connection)
        await self._commit(writes[middle:], connection)

    async def _transaction(
        self, writes: list[Write], connection: asyncpg.Connection[asyncpg.Record]
    ) -> list[tuple[Write, Exception | None]]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            xid = await connection.fetchval("SELECT txid_current()")
            stale = await self._stale({write.fence for write in writes if write.fence}, connection)
            kept = [write for write in writes if write.fence not in stale]
            for group in grouped(kept):
                await _run_group(group, connection)
        except BaseException:
            if not connection.is_closed():
                await transaction.rollback()
            raise
        kept_ids = {id(write) for write in kept}
        outcomes: list[tuple[Write, Exception | None]] = [
            (write, None if id(write) in kept_ids else fenced()) for write in writes
        ]
        self._in_doubt = _InDoubt(xid, outcomes)
        await transaction.commit()
        self._in_doubt = None
        return outcomes

    async def _stale(
        self, fences: set[Fence], connection: asyncpg.Connection[asyncpg.Record]
    ) -> set[Fence | None]:
        if not fences:
            return set()
        rows = await connection.fetch(self._fences, sorted({fence.root_id for fence in fences}))
        epochs = {row[0]: row[1] for row in rows}
        return {fence for fence in fences if epochs.get(fence.root_id) != fence.epoch}

    async def migrate(self, upgrade: Migration) -> Any:
        """Run ``upgrade`` under a lock of the whole database, in one transaction."""
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(self._dsn), poolclass=NullPool
        )
        try:
            async with engine.begin() as connection:
                await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                return await connection.run_sync(upgrade)
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Close the writer and the pool; what does not end in time is cut off."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close(timeout=_CLOSE_SECONDS)
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.close()  # it ends its connections itself when it is cancelled


async def _run_group(group: _Group, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    args = [step.args for step in group.steps]
    if not group.conditional:
        if len(args) == 1:
            await connection.execute(group.statement.text, *args[0])
        else:
            await connection.executemany(group.statement.text, args)
        return
    found = Counter(row[0] for row in await connection.fetchmany(group.statement.text, args))
    if found != Counter(step.key[1] for step in group.steps):
        raise _Unmatched


def _translate(error: Exception, write: Write) -> Exception:
    constraint = getattr(error, "constraint_name", None)
    if constraint == tables.LIVE_NAME_INDEX:
        return write.name_taken()
    return fenced() if constraint in _ONE_OWNER else refused(error)
