"""Software configurations, and their deployments to servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "software_configs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("group", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "software_configs_project", "software_configs", ["project_id", "created_at"], unique=False
    )
    op.create_table(
        "software_deployments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("user_project_id", sa.String(), nullable=True),
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("config_id", sa.String(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("input_values", sa.LargeBinary(), nullable=True),
        sa.Column("output_values", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (
        ("project", ["project_id", "created_at"]),
        ("guests", ["user_project_id"]),
        ("server", ["server_id"]),
        ("config", ["config_id"]),
    ):
        op.create_index(f"software_deployments_{name}", "software_deployments", columns, unique=False)


def downgrade() -> None:
    op.drop_table("software_deployments")
    op.drop_table("software_configs")
