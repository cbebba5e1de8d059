"""Metadata of resources is bytes, which are encrypted: by the first process that runs on the new schema.

Descriptions of stacks are no longer kept beside the templates, where they are encrypted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("resources", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    as_bytes = "CAST(metadata AS BLOB)" if is_sqlite else "convert_to(metadata, 'UTF8')"
    op.execute(f"UPDATE resources SET sealed = {as_bytes} WHERE metadata IS NOT NULL")  # noqa: S608
    op.drop_column("resources", "metadata")
    op.execute("ALTER TABLE resources RENAME COLUMN sealed TO metadata")
    op.drop_column("stacks", "description")


def downgrade() -> None:
    raise NotImplementedError("What is encrypted cannot be made plain without the keys.")
