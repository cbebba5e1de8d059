"""A migrated database for a test: SQLite in memory, or PostgreSQL when ``STACKD_TEST_DATABASE_URL`` is set.

On PostgreSQL each test has a schema to itself. To make its tables takes half a second, to empty them a
hundredth, so tests of a process take turns with schemas that have them.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from stackd.db import database, migrations, tables
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
    _assert_allowed()
    if not POSTGRES_URL:
        yield "sqlite://"
        return
    schema = await _new_schema()
    try:
        yield _url(schema)
    finally:
        await _as_admin(f'DROP SCHEMA "{schema}" CASCADE')


@asynccontextmanager
async def ready_database_url() -> AsyncIterator[str]:
    """The URL of a schema with all tables, which are empty; on SQLite of an empty database.

    With SQLite whoever opens it makes the tables, or has them made (``tests/support/sqlite.py``).
    """
    _assert_allowed()
    if not POSTGRES_URL:
        yield "sqlite://"
        return
    if _schemas:
        schema = _schemas.pop()
        await _as_admin(_end_connections(schema), *(f'DELETE FROM "{schema}"."{name}"' for name in _TABLES))
    else:
        schema = await _new_schema()
        await upgrade(_url(schema))
    try:
        yield _url(schema)
    finally:
        _schemas.append(schema)


OPENERS = (database_url, ready_database_url)
"""Who opens a database comes to one of these."""

_refusal = ""


def forbid_opening(reason: str) -> None:
    """Let no database be opened from now on; an empty reason allows it again."""
    global _refusal
    _refusal = reason


def _assert_allowed() -> None:
    assert not _refusal, _refusal


_TABLES = [table.name for table in reversed(tables.metadata.sorted_tables)]
_schemas: list[str] = []
"""Those with all tables that no test uses at the moment, with what the last test left there."""


def _url(schema: str) -> str:
    """A database whose connections use a schema and, so that they can be found, have its name."""
    joint = "&" if "?" in POSTGRES_URL else "?"
    return f"{POSTGRES_URL}{joint}search_path={schema}&application_name={schema}"


def _end_connections(schema: str) -> str:
    """Ends what processes that died in a test still have at work in the schema; seconds at most."""
    return f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '{schema}'"


async def _new_schema() -> str:
    schema = f"test_{uuid.uuid4().hex}"
    await _as_admin(f'CREATE SCHEMA "{schema}"')
    return schema


async def _as_admin(*statements: str) -> None:
    """Run statements together on a connection of their own; virtual time stands still meanwhile."""
    import asyncpg

    with standing_still():
        admin = await asyncpg.connect(POSTGRES_URL)
        try:
            await admin.execute(";".join(statements))
        finally:
            await admin.close()


async def _drop_schemas() -> None:
    while _schemas:
        schema = _schemas.pop()
        await _as_admin(_end_connections(schema), f'DROP SCHEMA "{schema}" CASCADE')


@contextmanager
def dropped_schemas() -> Iterator[None]:
    """Leave none of the schemas with tables on the server afterwards."""
    try:
        yield
    finally:
        if _schemas:
            asyncio.run(_drop_schemas())


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
    async with ready_database_url() as url:
        opened = await Database.open(url, ReversingSealer(), clock=clock)
        try:
            await upgrade(opened)
            yield opened
        finally:
            await opened.close()
