"""A migrated database for a test: SQLite in memory, or PostgreSQL when ``STACKD_TEST_DATABASE_URL`` is set.

On PostgreSQL each test has a schema of its own, dropped at its end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from stackd.db.database import Database, utc_now
from stackd.db.migrations import upgrade

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
    admin = await asyncpg.connect(POSTGRES_URL)
    try:
        await admin.execute(f'CREATE SCHEMA "{schema}"')
        joint = "&" if "?" in POSTGRES_URL else "?"
        yield f"{POSTGRES_URL}{joint}search_path={schema}"
    finally:
        await admin.execute(f'DROP SCHEMA "{schema}" CASCADE')
        await admin.close()


@asynccontextmanager
async def migrated_database(clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Database]:
    """A database with all tables, empty."""
    async with database_url() as url:
        database = await Database.open(url, ReversingSealer(), clock=clock)
        try:
            await upgrade(database)
            yield database
        finally:
            await database.close()
