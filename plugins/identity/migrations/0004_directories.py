"""identity: ids of users and groups of outside directories."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "identity_directory_ids",
        sa.Column("public_id", columns.key(), primary_key=True),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("kind", columns.key(), nullable=False),
        sa.Column("local_id", columns.text(), nullable=False),
    )
    op.create_index("ix_identity_directory_ids_domain", "identity_directory_ids", ["domain_id", "kind"])
