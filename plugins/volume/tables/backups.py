"""Tables of backups, and of messages to users about what went wrong."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db.columns import Json, Moment, id_column, key, text
from .metadata import metadata

backups = sa.Table(
    "volume_backups", metadata,
    id_column(),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("volume_id", key(), nullable=False),
    sa.Column("snapshot_id", key()),
    sa.Column("parent_id", key()),
    sa.Column("data_id", key(), nullable=False),
    sa.Column("name", text(255)),
    sa.Column("description", text(255)),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("fail_reason", text(255)),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("object_count", sa.Integer, nullable=False, default=0),
    sa.Column("container", text(255)),
    sa.Column("zone", text(255)),
    sa.Column("driver", text(64), nullable=False),
    sa.Column("host", text(255), nullable=False),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("origin", Json, nullable=False),
    sa.Column("data_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Index("volume_backups_by_project", "project_id", "created_at"),
    sa.Index("volume_backups_by_volume", "volume_id"),
    sa.Index("volume_backups_by_parent", "parent_id"),
    sa.Index("volume_backups_by_data", "data_id"),
    sa.Index("volume_backups_usage", "project_id", "size"),
)

messages = sa.Table(
    "volume_messages", metadata,
    id_column(),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("request_id", text(255), nullable=False),
    sa.Column("resource_type", sa.String(32), nullable=False),
    sa.Column("resource_uuid", key()),
    sa.Column("event_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(3), nullable=False),
    sa.Column("detail", sa.String(3), nullable=False),
    sa.Column("message_level", sa.String(16), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("volume_messages_by_project", "project_id", "created_at"),
    sa.Index("volume_messages_by_expiry", "expires_at"),
)
