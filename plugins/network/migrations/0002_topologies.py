"""network: topologies made by themselves."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "network_topologies",
        sa.Column("project_id", columns.key(), primary_key=True),
        sa.Column("network_id", columns.key(), nullable=False),
        sa.Column("router_id", columns.key(), nullable=False),
    )
