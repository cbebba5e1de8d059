from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stackd.db.database import Database
from stackd.db.journal import Journal
from tests.support.database import migrated_database


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    async with migrated_database() as database:
        yield database


@pytest.fixture
async def journal(database: Database) -> AsyncIterator[Journal]:
    journal = Journal(database, patience=5)
    yield journal
    await journal.close()
