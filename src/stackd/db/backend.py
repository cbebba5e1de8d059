"""What a database driver must do for stackd, and how SQLAlchemy runs migrations on its connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy import Table, text
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.pool import StaticPool

from stackd.db.batch import Write
from stackd.db.statements import Statement


class Unreachable(Exception):
    """The database does not answer now; the same work may succeed later."""


Migration = Callable[[Connection], Any]
Run = Callable[[str], Awaitable[Iterable[Any]]]


class Backend(Protocol):
    """One database: a pool of readers and one writer."""

    dialect: Dialect
    insert: Callable[[Table], Any]
    """The dialect's own insert, which can say what to do with a row that is there already."""
    counts_rows: bool
    """Whether a conditional step is judged by the rows it changed; otherwise by the ids it returns."""

    async def fetch(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows of a query that changes nothing."""
        ...

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        """Rows that a changing statement returns, after its commit; none without RETURNING."""
        ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit all ``writes`` in as few transactions as possible and settle each.

        A write that the database refuses fails alone. On ``Unreachable`` the writes that are not
        settled may be given again.
        """
        ...

    def exclusive(self) -> AbstractAsyncContextManager[Run]:
        """A transaction in which texts are run while nobody else can migrate."""
        ...

    async def migrate(self, migration: Migration) -> Any:
        """Result of ``migration`` on a connection of SQLAlchemy, while nobody else can migrate."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


async def run_sync(url: str, connection: Any, lock: str, migration: Migration) -> Any:
    """Result of ``migration`` on an open connection of the driver, in one transaction.

    ``lock`` is its first statement. The connection stays open: only disposing of the engine would close it.
    """
    from sqlalchemy.ext.asyncio import create_async_engine  # 0.1 s and 7 MB: only a migration needs it

    async def lent() -> Any:
        return connection

    engine = create_async_engine(url, async_creator=lent, poolclass=StaticPool)
    async with engine.begin() as borrowed:
        await borrowed.execute(text(lock))
        return await borrowed.run_sync(migration)
