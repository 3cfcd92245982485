"""identity: endpoint groups, policies, limits, domain configuration."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "identity_domain_options",
        sa.Column("domain_id", columns.key(), primary_key=True),
        sa.Column("section", columns.text(64), primary_key=True),
        sa.Column("name", columns.text(64), primary_key=True),
        sa.Column("value", columns.Json(), nullable=True),
        sa.Column("sealed_value", columns.BigText, nullable=True),
    )
