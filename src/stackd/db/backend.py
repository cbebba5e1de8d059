"""The interface of a database driver, and running SQLAlchemy migrations on its connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy import Table, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

from stackd.db.batch import Write
from stackd.db.statements import Statement, Statements


class Unreachable(Exception):
    """The database does not answer now; the same work may succeed later."""


class DatabaseMissing(Unreachable):
    """The database does not exist any more; nothing will succeed until the server is started again."""


Query = tuple[Statement, tuple[Any, ...]]
"""A statement and its arguments."""

Migration = Callable[[Connection], Any]
Run = Callable[[str], Awaitable[Iterable[Any]]]


class Backend(Protocol):
    """One database: a pool of readers and one writer."""

    statements: Statements
    """Those of its dialect."""
    insert: Callable[[Table], Any]
    """The dialect's insert construct, which supports ON CONFLICT."""
    counts_rows: bool
    """Whether a conditional step is checked by its row count; otherwise by the ids it returns."""

    async def fetch(self, *queries: Query) -> list[list[Any]]:
        """The rows of each of some read-only queries, which run one after the other on one connection."""
        ...

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit; none without RETURNING."""
        ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` in as few transactions as possible and set the outcome of each.

        A write that the database refuses fails alone. On ``Unreachable`` the writes without
        outcome may be passed again.
        """
        ...

    def exclusive(self) -> AbstractAsyncContextManager[Run]:
        """A transaction that runs SQL texts and holds the migration lock."""
        ...

    async def migrate(self, migration: Migration) -> Any:
        """Result of ``migration`` on a SQLAlchemy connection that holds the migration lock."""
        ...

    def check(self) -> None:
        """Raise ``DatabaseMissing`` if it is known, without a query, that there is no database."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


async def run_sync(url: str, connection: Any, lock: str, migration: Migration) -> Any:
    """Result of ``migration`` on an open connection of the driver, in one transaction.

    ``lock`` is its first statement. The connection stays open: only disposing of the engine would close it.
    """
    from sqlalchemy.ext.asyncio import create_async_engine  # 0.1 s and 7 MB: only a migration needs it

    async def opened() -> Any:
        return connection

    engine = create_async_engine(url, async_creator=opened, poolclass=StaticPool)
    async with engine.begin() as running:
        await running.execute(text(lock))
        return await running.run_sync(migration)
