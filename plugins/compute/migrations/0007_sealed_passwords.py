"""compute: passwords sealed until their guests are made; how a disk is put in."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("server_details", sa.Column("sealed_password", columns.text(2000), server_default="", nullable=False))
    op.add_column("block_devices", sa.Column("device_type", sa.String(16), server_default="", nullable=False))
    op.add_column("block_devices", sa.Column("disk_bus", sa.String(16), server_default="", nullable=False))
