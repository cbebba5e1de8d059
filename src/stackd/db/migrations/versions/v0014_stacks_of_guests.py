"""An index of stacks by the project of their users: guests ask for their stack by its name, and often."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("stacks_guests", "stacks", ["stack_user_project_id", "name"], unique=False)


def downgrade() -> None:
    op.drop_index("stacks_guests", "stacks")
