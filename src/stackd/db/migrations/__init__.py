"""Schema migrations: initialises an empty database and upgrades an old one.

A change of ``tables.py`` comes with a module in ``versions``, named and chained like those before it;
``check`` reports what is missing. One upgrade at a time in a process: Alembic keeps its state in globals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from stackd.db import tables
from stackd.db.backend import Backend, Unreachable
from stackd.db.database import Database, open_backend
from stackd.errors import ServiceUnavailable

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision of a database's schema; ``differences`` are between its tables and the models."""

    current: str
    head: str
    differences: tuple[str, ...]

    @property
    def up_to_date(self) -> bool:
        """Whether stackd can run on it."""
        return self.current == self.head and not self.differences


def _newest() -> str:
    """The revision of the last module in ``versions``: ``v0007_new_column`` is revision ``0007``."""
    names = sorted(path.name for path in (Path(__file__).parent / "versions").glob("v[0-9]*.py"))
    return names[-1][1:].partition("_")[0]


async def _newest_or_made(backend: Backend) -> bool:
    """Whether the schema is current; an empty database is created from the models, without Alembic.

    Alembic and SQLAlchemy's engine cost 0.2 s and 17 MB: too much for a start that has nothing to change.
    """
    async with backend.exclusive() as run:
        present = {row[0] for row in await run(_TABLES[backend.statements.dialect.name])}
        if not present:
            for statement in _definitions(backend.statements.dialect):
                await run(statement)
            return True
        if "alembic_version" not in present:
            return False
        return [row[0] for row in await run("SELECT version_num FROM alembic_version")] == [_newest()]


def _definitions(dialect: Dialect) -> Iterator[str]:
    for table in tables.metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
    yield "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    yield f"INSERT INTO alembic_version VALUES ('{_newest()}')"  # noqa: S608 (the name of our own module)


async def upgrade(target: Database | str) -> None:
    """Run the pending migrations of ``target``, an open database or a URL.

    Safe in several processes at once: one migrates, the others find nothing to do.
    """
    async with _backend(target) as backend:
        if not await _newest_or_made(backend):
            from stackd.db.migrations import history

            await backend.migrate(history.upgrade)


async def check(target: Database | str) -> SchemaState:
    """The schema state of ``target``; changes nothing."""
    from stackd.db.migrations import history

    async with _backend(target) as backend:
        state = await backend.migrate(history.state)
    assert isinstance(state, SchemaState)
    return state


@asynccontextmanager
async def _backend(target: Database | str) -> AsyncIterator[Backend]:
    backend = open_backend(target, 1) if isinstance(target, str) else target.backend
    try:
        yield backend
    except Unreachable as error:
        raise ServiceUnavailable("The database does not answer.") from error
    finally:
        if isinstance(target, str):
            await backend.close()
