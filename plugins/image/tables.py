"""The tables of the image service.

Properties and tags are kept twice: as JSON on the image's row, so that one query shows an
image, and as rows of their own, so that lists can be filtered by them.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ...core.db.columns import Json, Moment, id_column, key, text
from ...core.db.schema import Schema

metadata = sa.MetaData()

images = sa.Table(
    "images", metadata,
    id_column(),
    sa.Column("name", text(255)),
    sa.Column("owner", key(), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("visibility", sa.String(16), nullable=False),
    sa.Column("disk_format", sa.String(20)),
    sa.Column("container_format", sa.String(20)),
    sa.Column("size", sa.BigInteger),
    sa.Column("virtual_size", sa.BigInteger),
    sa.Column("min_disk", sa.Integer, nullable=False, default=0),
    sa.Column("min_ram", sa.Integer, nullable=False, default=0),
    sa.Column("checksum", sa.String(32)),
    sa.Column("os_hash_algo", sa.String(16)),
    sa.Column("os_hash_value", sa.String(128)),
    sa.Column("protected", sa.Boolean, nullable=False, default=False),
    sa.Column("os_hidden", sa.Boolean, nullable=False, default=False),
    sa.Column("properties", Json, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("staged", Json),
    sa.Column("beat_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("images_by_owner", "owner", "created_at"),
    sa.Index("images_by_visibility", "visibility", "created_at"),
    sa.Index("images_by_created", "created_at", "id"),
    sa.Index("images_by_name", "name"),
    sa.Index("images_by_status", "status"),
)

properties = sa.Table(
    "image_properties", metadata,
    sa.Column("image_id", key(), sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", text(255), primary_key=True),
    sa.Column("value", text(255), nullable=False),
    sa.Index("image_properties_by_name", "name", "value"),
)

tags = sa.Table(
    "image_tags", metadata,
    sa.Column("image_id", key(), sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", text(255), primary_key=True),
    sa.Index("image_tags_by_tag", "tag"),
)

members = sa.Table(
    "image_members", metadata,
    sa.Column("image_id", key(), sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("member", key(), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("image_members_by_member", "member", "status"),
)

SCHEMA = Schema("image", metadata, Path(__file__).parent / "migrations")
