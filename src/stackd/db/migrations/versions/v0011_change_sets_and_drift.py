"""Change sets, drift, repeated requests, and what owners ask to be kept with their stacks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("resource_drifts", "drift_detections", "request_tokens", "change_sets")
COLUMNS = ("drift_id", "settings", "policy", "protected")


def upgrade() -> None:
    op.add_column("stacks", sa.Column("protected", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("stacks", sa.Column("policy", sa.Text(), nullable=True))
    op.add_column("stacks", sa.Column("settings", sa.Text(), nullable=True))
    op.add_column("stacks", sa.Column("drift_id", sa.String(), nullable=True))
    _change_sets()
    _request_tokens()
    _drift()


def _change_sets() -> None:
    op.create_table(
        "change_sets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("stack_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("based_on", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("change_sets_uuid", "change_sets", ["uuid"], unique=False)
    op.create_index("change_sets_stack", "change_sets", ["stack_id", "created_at"], unique=False)


def _request_tokens() -> None:
    op.create_table(
        "request_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("stack_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("request_tokens_stack", "request_tokens", ["stack_id"], unique=False)
    op.create_index("request_tokens_age", "request_tokens", ["created_at"], unique=False)


def _drift() -> None:
    op.create_table(
        "drift_detections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("stack_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("names", sa.Text(), nullable=True),
        sa.Column("drifted", sa.Integer(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("drift_detections_stack", "drift_detections", ["stack_id"], unique=False)
    op.create_index("drift_detections_state", "drift_detections", ["state"], unique=False)
    op.create_table(
        "resource_drifts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("stack_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("physical_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("resource_drifts_stack", "resource_drifts", ["stack_id", "name"], unique=False)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for column in COLUMNS:
        op.drop_column("stacks", column)
