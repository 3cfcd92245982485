"""Tables of what belongs to the cloud rather than to a volume: quotas and services."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db.columns import Moment, key, text
from .metadata import metadata

quotas = sa.Table(
    "volume_quotas", metadata,
    sa.Column("project_id", key(), primary_key=True),
    sa.Column("resource", text(255), primary_key=True),
    sa.Column("limit", sa.Integer, nullable=False),
)


services = sa.Table(
    "volume_services", metadata,
    sa.Column("host", text(255), primary_key=True),
    sa.Column("binary", text(64), primary_key=True),
    sa.Column("zone", text(255), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("disabled_reason", text(255)),
    sa.Column("frozen", sa.Boolean, nullable=False, default=False),
    sa.Column("beat_at", Moment, nullable=False),
)
