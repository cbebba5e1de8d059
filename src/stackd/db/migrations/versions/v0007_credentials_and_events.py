"""Credentials whose trust is still being made or no longer accepted, and events in the order of a list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    state = sa.Column("state", sa.String(), server_default=sa.text("'standing'"), nullable=False)
    op.add_column("credentials", state)
    op.add_column("credentials", sa.Column("token", sa.LargeBinary(), nullable=True))
    op.add_column("credentials", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.drop_index("events_stack", table_name="events")
    op.create_index("events_stack", "events", ["stack_id", "time", "seq"], unique=False)


def downgrade() -> None:
    op.drop_index("events_stack", table_name="events")
    op.create_index("events_stack", "events", ["stack_id", "seq"], unique=False)
    for name in ("expires_at", "token", "state"):
        op.drop_column("credentials", name)
