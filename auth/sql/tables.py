"""The tables of the SQL identity backend."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ...core.db import columns
from ...core.db.schema import Schema

METADATA = sa.MetaData()

users = sa.Table(
    "directory_users", METADATA,
    columns.id_column(),
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
    sa.Column("password_own", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("failed_count", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("failed_at", columns.Moment),
    sa.Column("active_at", columns.Moment),
    sa.UniqueConstraint("domain_id", "name", name="uq_directory_users_name"),
    sa.Index("ix_directory_users_name", "name"),
    sa.Index("ix_directory_users_default_project", "default_project_id"),
)

passwords = sa.Table(
    "directory_passwords", METADATA,
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
    sa.Column("user_id", columns.key(), sa.ForeignKey("directory_users.id", name="fk_directory_passwords_user"),
              nullable=False),
    sa.Column("password_hash", columns.text(), nullable=False),
    sa.Index("ix_directory_passwords_user", "user_id"),
)
"""Earlier hashes of users, the present one too, as many as must not be used again."""

groups = sa.Table(
    "directory_groups", METADATA,
    columns.id_column(),
    sa.Column("domain_id", columns.key(), nullable=False),
    sa.Column("name", columns.text(), nullable=False),
    sa.Column("description", columns.BigText, nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.UniqueConstraint("domain_id", "name", name="uq_directory_groups_name"),
    sa.Index("ix_directory_groups_name", "name"),
)

members = sa.Table(
    "directory_members", METADATA,
    sa.Column("group_id", columns.key(), sa.ForeignKey("directory_groups.id", name="fk_directory_members_group"),
              primary_key=True),
    sa.Column("user_id", columns.key(), sa.ForeignKey("directory_users.id", name="fk_directory_members_user"),
              primary_key=True),
    sa.Index("ix_directory_members_user", "user_id"),
)

SCHEMA = Schema("directory", METADATA, Path(__file__).parent / "migrations")
