"""A migrated database for a test: SQLite in memory, or PostgreSQL when ``STACKD_TEST_DATABASE_URL`` is set.

On PostgreSQL each test has a schema of its own, dropped at its end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from stackd.db import database, migrations
from stackd.db.backend import Backend, Migration, Query, Run
from stackd.db.batch import Write
from stackd.db.database import Database
from stackd.db.migrations import upgrade
from stackd.db.statements import Statement
from stackd.records import now
from tests.support.virtual_time import standing_still

POSTGRES_URL = os.environ.get("STACKD_TEST_DATABASE_URL", "")


class ReversingSealer:
    """Makes bytes unreadable to a search for a secret, and readable again; no cryptography."""

    _mark = b"sealed:"

    def seal(self, plain: bytes) -> bytes:
        return self._mark + plain[::-1]

    def unseal(self, sealed: bytes) -> bytes:
        assert sealed.startswith(self._mark)
        return sealed[len(self._mark) :][::-1]


@asynccontextmanager
async def database_url() -> AsyncIterator[str]:
    """The URL of an empty database, or of an empty schema in one."""
    if not POSTGRES_URL:
        yield "sqlite://"
        return
    import asyncpg

    schema = f"test_{uuid.uuid4().hex}"
    with standing_still():
        admin = await asyncpg.connect(POSTGRES_URL)
    try:
        await admin.execute(f'CREATE SCHEMA "{schema}"')
        joint = "&" if "?" in POSTGRES_URL else "?"
        yield f"{POSTGRES_URL}{joint}search_path={schema}"
    finally:
        await admin.execute(f'DROP SCHEMA "{schema}" CASCADE')
        await admin.close()


class StillBackend(Backend):
    """A database during whose work virtual time stands still, whatever thread or server does it."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self.statements = inner.statements
        self.insert = inner.insert
        self.counts_rows = inner.counts_rows

    async def fetch(self, *queries: Query) -> list[list[Any]]:
        with standing_still():
            return await self._inner.fetch(*queries)

    async def modify(self, statement: Statement, args: tuple[Any, ...]) -> list[Any]:
        with standing_still():
            return await self._inner.modify(statement, args)

    async def commit(self, writes: Sequence[Write]) -> None:
        with standing_still():
            await self._inner.commit(writes)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Run]:
        with standing_still():
            async with self._inner.exclusive() as run:
                yield run

    async def migrate(self, migration: Migration) -> Any:
        with standing_still():
            return await self._inner.migrate(migration)

    def check(self) -> None:
        self._inner.check()

    async def close(self) -> None:
        with standing_still():
            await self._inner.close()


@contextmanager
def still_databases() -> Iterator[None]:
    """Let virtual time stand still for the work of every database that is opened meanwhile.

    It holds for all tests (``tests/conftest.py``).
    """
    opened = database.open_backend

    def still(url: str, readers: int) -> Backend:
        return StillBackend(opened(url, readers))

    with (
        mock.patch.object(database, "open_backend", still),
        mock.patch.object(migrations, "open_backend", still),
        mock.patch.object(migrations, "_definitions", _definitions(migrations._definitions)),
    ):
        yield


def _definitions(made: Callable[[Any], Iterable[str]]) -> Callable[[Any], Iterable[str]]:
    """The statements that make the tables, which are compiled once for all tests."""
    known: dict[str, tuple[str, ...]] = {}

    def of(dialect: Any) -> Iterable[str]:
        if dialect.name not in known:
            known[dialect.name] = tuple(made(dialect))
        return known[dialect.name]

    return of


@asynccontextmanager
async def migrated_database(clock: Callable[[], datetime] = now) -> AsyncIterator[Database]:
    """A database with all tables, empty."""
    async with database_url() as url:
        opened = await Database.open(url, ReversingSealer(), clock=clock)
        try:
            await upgrade(opened)
            yield opened
        finally:
            await opened.close()
