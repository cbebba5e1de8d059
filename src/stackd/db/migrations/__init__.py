"""The schema's history: makes an empty database ready and brings an old one up to date.

A change of ``tables.py`` comes with a module in ``versions``, named and chained like those before it;
``check`` tells what it still lacks. One upgrade at a time in a process: Alembic keeps its state in globals.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from stackd.db import tables
from stackd.db.backend import Migration, Unreachable
from stackd.db.database import Database, open_backend
from stackd.errors import ServiceUnavailable


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database's schema stands; ``differences`` are what its tables lack to be the models."""

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


def _upgrade(connection: Connection) -> None:
    """Make an empty database from the models, and let Alembic change any other that is not the newest.

    Alembic costs a tenth of a second and 10 MB: too much for a start that has nothing to change.
    """
    present = inspect(connection).get_table_names()
    if not present:
        tables.metadata.create_all(connection)
        connection.execute(
            text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": _newest()})
        return
    known = "alembic_version" in present
    if known and connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == _newest():
        return
    from stackd.db.migrations import history

    history.upgrade(connection)


def _state(connection: Connection) -> SchemaState:
    from stackd.db.migrations import history

    return history.state(connection)


async def upgrade(target: Database | str) -> None:
    """Run the migrations that ``target``, an open database or a URL, has not seen yet.

    Several processes may do so at once: one works, the others find nothing to do.
    """
    await _run(target, _upgrade)


async def check(target: Database | str) -> SchemaState:
    """Where the schema of ``target`` stands; changes nothing."""
    state = await _run(target, _state)
    assert isinstance(state, SchemaState)
    return state


async def _run(target: Database | str, work: Migration) -> Any:
    backend = open_backend(target, 1) if isinstance(target, str) else target.backend
    try:
        return await backend.migrate(work)
    except Unreachable as error:
        raise ServiceUnavailable("The database does not answer.") from error
    finally:
        if isinstance(target, str):
            await backend.close()
