"""Tables of volumes and snapshots.

Metadata is kept twice: as JSON on the row of its volume or snapshot, so that one query shows
it, and as rows of its own, so that lists can be filtered by it. What a volume remembers of its image
has such rows too, under the id ``image:<volume id>``.
"""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db.columns import Json, Moment, id_column, key, text
from .metadata import metadata

volumes = sa.Table(
    "volumes", metadata,
    id_column(),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255)),
    sa.Column("description", text(255)),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("growing", sa.Integer, nullable=False, default=0),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("zone", text(255), nullable=False),
    sa.Column("type_id", key(), nullable=False),
    sa.Column("host", text(255), nullable=False, default=""),
    sa.Column("backend", text(64), nullable=False, default=""),
    sa.Column("bootable", sa.Boolean, nullable=False, default=False),
    sa.Column("multiattach", sa.Boolean, nullable=False, default=False),
    sa.Column("readonly", sa.Boolean),
    sa.Column("snapshot_id", key()),
    sa.Column("source_id", key()),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("image_metadata", Json),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Column("group_id", key()),
    sa.Column("migration_status", sa.String(32)),
    sa.Column("consumes_quota", sa.Boolean, nullable=False, default=True, server_default=sa.true()),
    sa.Index("volumes_by_project", "project_id", "created_at"),
    sa.Index("volumes_usage", "project_id", "size", "growing"),
    sa.Index("volumes_by_status", "status"),
    sa.Index("volumes_by_name", "project_id", "name"),
    sa.Index("volumes_by_created", "created_at", "id"),
    sa.Index("volumes_by_type", "type_id"),
    sa.Index("volumes_by_group", "group_id"),
    sa.Index("volumes_by_host", "host"),
)


snapshots = sa.Table(
    "volume_snapshots", metadata,
    id_column(),
    sa.Column("volume_id", key(), nullable=False),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255)),
    sa.Column("description", text(255)),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("progress", sa.String(8), nullable=False, default="0%"),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Column("group_snapshot_id", key()),
    sa.Column("consumes_quota", sa.Boolean, nullable=False, default=True, server_default=sa.true()),
    sa.Index("volume_snapshots_by_volume", "volume_id"),
    sa.Index("volume_snapshots_by_project", "project_id", "created_at"),
    sa.Index("volume_snapshots_usage", "project_id", "size"),
    sa.Index("volume_snapshots_by_group", "group_snapshot_id"),
)


marks = sa.Table(
    "volume_metadata", metadata,
    sa.Column("owner_id", key(), primary_key=True),
    sa.Column("name", text(255), primary_key=True),
    sa.Column("value", text(255), nullable=False),
    sa.Index("volume_metadata_by_name", "name", "value"),
)


attachments = sa.Table(
    "volume_attachments", metadata,
    id_column(),
    sa.Column("volume_id", key(), nullable=False),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("server_id", key()),
    sa.Column("host", text(255)),
    sa.Column("device", text(255)),
    sa.Column("mode", sa.String(2), nullable=False, default="rw"),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("connector", Json),
    sa.Column("connection", Json),
    sa.Column("by_compute", sa.Boolean, nullable=False, default=False),
    sa.Column("attached_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("volume_attachments_by_volume", "volume_id"),
    sa.Index("volume_attachments_by_server", "server_id"),
    sa.Index("volume_attachments_by_project", "project_id", "created_at"),
)


transfers = sa.Table(
    "volume_transfers", metadata,
    id_column(),
    sa.Column("volume_id", key(), nullable=False, unique=True),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("name", text(255)),
    sa.Column("salt", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("no_snapshots", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("volume_transfers_by_project", "project_id", "created_at"),
)
