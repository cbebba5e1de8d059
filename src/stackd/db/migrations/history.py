"""Runs Alembic; imported only when there is something to migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from stackd.db import tables
from stackd.db.migrations import SchemaState

_HERE = Path(__file__).parent


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config


def upgrade(connection: Connection) -> None:
    """Run the pending migrations."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def state(connection: Connection) -> SchemaState:
    """Compare the database with the models."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    head = ScriptDirectory.from_config(_config()).get_current_head()
    differences: list[Any] = compare_metadata(context, tables.metadata)
    return SchemaState(
        current=context.get_current_revision() or "",
        head=head or "",
        differences=tuple(str(difference) for difference in differences),
    )
