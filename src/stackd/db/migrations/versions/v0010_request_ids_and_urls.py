"""Ids that clients give their requests, and renewed deadlines; types that are URLs without their queries.

The types of resources are encrypted by the first process that runs on the new schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.Column("global_request_id", sa.String(), server_default=sa.text("''"), nullable=False)
    op.add_column("operations", name)
    timeout = sa.Column("timeout", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("operations", timeout)
    op.add_column("operations", sa.Column("latest_deadline", sa.BigInteger(), nullable=True))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    end = "instr(resource_type, '?')" if is_sqlite else "position('?' in resource_type)"
    op.execute(
        f"UPDATE events SET resource_type = substr(resource_type, 1, {end}) || '******'"  # noqa: S608
        " WHERE resource_type LIKE 'http%://%?%'"
    )


def downgrade() -> None:
    for column in ("latest_deadline", "timeout", "global_request_id"):
        op.drop_column("operations", column)
