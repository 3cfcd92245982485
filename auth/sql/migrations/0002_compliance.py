"""Failed logins, activity and earlier passwords of users."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("directory_users", sa.Column("password_own", sa.Boolean(), nullable=False,
                                               server_default=sa.false()))
    op.add_column("directory_users", sa.Column("failed_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("directory_users", sa.Column("failed_at", columns.Moment))
    op.add_column("directory_users", sa.Column("active_at", columns.Moment))
    op.create_table(
        "directory_passwords",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("user_id", columns.key(),
                  sa.ForeignKey("directory_users.id", name="fk_directory_passwords_user"), nullable=False),
        sa.Column("password_hash", columns.text(), nullable=False),
    )
    op.create_index("ix_directory_passwords_user", "directory_passwords", ["user_id"])
