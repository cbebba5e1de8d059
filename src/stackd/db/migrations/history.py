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
        differences=tuple(difference_text(difference) for difference in differences),
    )


def difference_text(difference: Any) -> str:
    """What differs, as Alembic compares it, in words: `events lacks the column kind`."""
    if isinstance(difference, list):  # several of one column
        return "; ".join(difference_text(each) for each in difference)
    operation, *subject = difference
    verb, _, kind = str(operation).partition("_")
    if verb == "modify":
        return f"{subject[1]}.{subject[2]} differs in its {kind}"
    item = subject[-1]
    table = subject[1] if kind == "column" else getattr(getattr(item, "table", None), "name", "")
    has = "lacks" if verb == "add" else "has besides"
    return f"{table or 'the database'} {has} the {kind.replace('_', ' ')} {item.name}"
