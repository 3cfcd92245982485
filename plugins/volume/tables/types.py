"""Tables of volume types: who may use them, which are defaults, and specs of quality of service."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db.columns import Json, Moment, id_column, key, text
from .metadata import metadata

types = sa.Table(
    "volume_types", metadata,
    id_column(),
    sa.Column("name", text(255), nullable=False, unique=True),
    sa.Column("description", text(255)),
    sa.Column("is_public", sa.Boolean, nullable=False, default=True),
    sa.Column("extra_specs", Json, nullable=False),
    sa.Column("encryption", Json),
    sa.Column("qos_id", key()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("volume_types_by_qos", "qos_id"),
)


access = sa.Table(
    "volume_type_access", metadata,
    sa.Column("type_id", key(), sa.ForeignKey("volume_types.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("project_id", key(), primary_key=True),
)


default_types = sa.Table(
    "volume_default_types", metadata,
    sa.Column("project_id", key(), primary_key=True),
    sa.Column("type_id", key(), nullable=False),
    sa.Index("volume_default_types_by_type", "type_id"),
)

qos_specs = sa.Table(
    "volume_qos_specs", metadata,
    id_column(),
    sa.Column("name", text(255), nullable=False, unique=True),
    sa.Column("consumer", sa.String(16), nullable=False),
    sa.Column("specs", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
