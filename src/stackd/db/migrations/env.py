"""Alembic's entry: runs migrations on the connection that the caller opened."""

from __future__ import annotations

from alembic import context
from sqlalchemy.engine import Connection

from stackd.db.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
