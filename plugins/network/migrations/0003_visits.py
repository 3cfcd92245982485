"""network: where ports are wired beside the hosts that they are bound to."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "network_visits",
        sa.Column("port_id", columns.key(), primary_key=True),
        sa.Column("host", columns.text(255), primary_key=True),
        sa.Column("network_id", columns.key(), nullable=False),
        sa.Column("arriving", sa.Boolean, nullable=False),
    )
    op.create_index("network_visits_by_host", "network_visits", ["host", "network_id"])
