"""compute: what of their hosts servers have for themselves."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "compute_seats",
        sa.Column("consumer", columns.key(), nullable=False),
        sa.Column("server_id", columns.key(), nullable=False),
        sa.Column("provider", columns.key(), nullable=False),
        sa.Column("move", columns.key(), nullable=False),
        sa.Column("seat", columns.Json(), nullable=False),
        sa.Column("created_at", columns.Moment, nullable=False),
        sa.PrimaryKeyConstraint("consumer"))
    op.create_index("compute_seats_by_provider", "compute_seats", ["provider"], unique=False)
    op.create_index("compute_seats_by_server", "compute_seats", ["server_id"], unique=False)
    op.add_column("compute_hosts", sa.Column("seated", sa.Integer, nullable=False, server_default="0"))
