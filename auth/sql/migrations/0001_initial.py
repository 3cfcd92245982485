"""Users, groups and memberships."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "directory_users",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("default_project_id", columns.key(), nullable=False),
        sa.Column("options", columns.Json(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
        sa.Column("password_hash", columns.text()),
        sa.Column("password_changed_at", columns.Moment),
        sa.Column("password_expires_at", columns.Moment),
        sa.Column("created_at", columns.Moment, nullable=False),
        sa.UniqueConstraint("domain_id", "name", name="uq_directory_users_name"),
    )
    op.create_index("ix_directory_users_name", "directory_users", ["name"])
    op.create_index("ix_directory_users_default_project", "directory_users", ["default_project_id"])
    op.create_table(
        "directory_groups",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("description", columns.BigText, nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
        sa.UniqueConstraint("domain_id", "name", name="uq_directory_groups_name"),
    )
    op.create_index("ix_directory_groups_name", "directory_groups", ["name"])
    op.create_table(
        "directory_members",
        sa.Column("group_id", columns.key(),
                  sa.ForeignKey("directory_groups.id", name="fk_directory_members_group"), primary_key=True),
        sa.Column("user_id", columns.key(),
                  sa.ForeignKey("directory_users.id", name="fk_directory_members_user"), primary_key=True),
    )
    op.create_index("ix_directory_members_user", "directory_members", ["user_id"])
