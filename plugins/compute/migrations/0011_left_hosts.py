"""compute: the hosts that servers left."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("servers", sa.Column("left_host", columns.text(255), server_default="", nullable=False))
