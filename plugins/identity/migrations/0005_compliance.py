"""identity: revocations as a list that is told from a number on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("identity_revocations", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_identity_revocations_number", "identity_revocations", ["number"])
