"""Credentials that are kept though no stack uses them, and application credentials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credentials", sa.Column("application", sa.LargeBinary(), nullable=True))
    op.add_column(
        "credentials", sa.Column("enrolled", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    for column in ("enrolled", "application"):
        op.drop_column("credentials", column)
