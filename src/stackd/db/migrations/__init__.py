"""The schema's history: makes an empty database ready and brings an old one up to date.

A change of ``tables.py`` comes with a module in ``versions``, named and chained like those before it;
``check`` tells what it still lacks. One upgrade at a time in a process: Alembic keeps its state in globals.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from stackd.db import tables
from stackd.db.backend import Migration, Unreachable
from stackd.db.database import Database, open_backend
from stackd.errors import ServiceUnavailable

_HERE = Path(__file__).parent


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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _state(connection: Connection) -> SchemaState:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    head = ScriptDirectory.from_config(_config()).get_current_head()
    differences: list[Any] = compare_metadata(context, tables.metadata)
    return SchemaState(
        current=context.get_current_revision() or "",
        head=head or "",
        differences=tuple(str(difference) for difference in differences),
    )


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
