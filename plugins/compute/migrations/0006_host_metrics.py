"""compute: what hosts measure."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("compute_hosts", sa.Column("metrics", columns.Json()))
