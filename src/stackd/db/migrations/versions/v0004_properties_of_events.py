"""Events keep the properties of the change that they record, and the resource's row that they are of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("resource_id", sa.String(), nullable=True))
    op.add_column("events", sa.Column("properties", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("events", "properties")
    op.drop_column("events", "resource_id")
