"""Values that stacks export, and which stacks import them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("stack_id", sa.String(), nullable=False),
        sa.Column("root_id", sa.String(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("touched", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("exports_project", "exports", ["project_id", "name"], unique=False)
    op.create_index("exports_stack", "exports", ["stack_id"], unique=False)
    op.create_index("exports_root", "exports", ["root_id"], unique=False)
    op.create_table(
        "imports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("stack_id", sa.String(), nullable=False),
        sa.Column("root_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("imports_name", "imports", ["project_id", "name"], unique=False)
    op.create_index("imports_stack", "imports", ["stack_id"], unique=False)
    op.create_index("imports_root", "imports", ["root_id"], unique=False)


def downgrade() -> None:
    op.drop_table("imports")
    op.drop_table("exports")
