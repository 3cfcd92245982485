"""compute: whose consoles are."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("console_tokens", sa.Column("holder", columns.BigText))
