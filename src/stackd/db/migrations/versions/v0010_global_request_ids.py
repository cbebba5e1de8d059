"""The ids that clients give their requests, with the operations that come of them."""

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


def downgrade() -> None:
    op.drop_column("operations", "global_request_id")
