"""Credentials whose trust is still being made, and those that Keystone no longer accepts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    state = sa.Column("state", sa.String(), server_default=sa.text("'standing'"), nullable=False)
    op.add_column("credentials", state)
    op.add_column("credentials", sa.Column("token", sa.LargeBinary(), nullable=True))
    op.add_column("credentials", sa.Column("expires_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in ("expires_at", "token", "state"):
        op.drop_column("credentials", name)
