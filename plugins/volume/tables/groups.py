"""Tables of groups of volumes, their types, and their snapshots."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db.columns import Json, Moment, id_column, key, text
from .metadata import metadata

group_types = sa.Table(
    "volume_group_types", metadata,
    id_column(),
    sa.Column("name", text(255), nullable=False, unique=True),
    sa.Column("description", text(255)),
    sa.Column("is_public", sa.Boolean, nullable=False, default=True),
    sa.Column("specs", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

groups = sa.Table(
    "volume_groups", metadata,
    id_column(),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255)),
    sa.Column("description", text(255)),
    sa.Column("type_id", key(), nullable=False),
    sa.Column("volume_types", Json, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("zone", text(255), nullable=False),
    sa.Column("host", text(255), nullable=False, default=""),
    sa.Column("backend", text(64), nullable=False, default=""),
    sa.Column("group_snapshot_id", key()),
    sa.Column("source_group_id", key()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Index("volume_groups_by_project", "project_id", "created_at"),
    sa.Index("volume_groups_by_type", "type_id"),
)

group_snapshots = sa.Table(
    "volume_group_snapshots", metadata,
    id_column(),
    sa.Column("group_id", key(), nullable=False),
    sa.Column("group_type_id", key(), nullable=False),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255)),
    sa.Column("description", text(255)),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Index("volume_group_snapshots_by_project", "project_id", "created_at"),
    sa.Index("volume_group_snapshots_by_group", "group_id"),
)
