"""compute: keys of encrypted local disks."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("server_details", sa.Column("sealed_disk_key", columns.text(2000), server_default="", nullable=False))
