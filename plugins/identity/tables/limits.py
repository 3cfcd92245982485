"""Limits of what projects and domains may use. An empty text stands for nothing."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

registered_limits = sa.Table(
    "identity_registered_limits", METADATA,
    columns.id_column(),
    sa.Column("service_id", columns.key(), nullable=False),
    sa.Column("region_id", columns.text(), nullable=False),
    sa.Column("resource_name", columns.text(), nullable=False),
    sa.Column("default_limit", sa.Integer(), nullable=False),
    sa.Column("description", columns.BigText, nullable=True),
    sa.UniqueConstraint("service_id", "region_id", "resource_name", name="uq_identity_registered_limits"),
    sa.Index("ix_identity_registered_limits_region", "region_id"),
    sa.Index("ix_identity_registered_limits_resource", "resource_name"),
)

limits = sa.Table(
    "identity_limits", METADATA,
    columns.id_column(),
    sa.Column("registered_limit_id", columns.key(), nullable=False),
    sa.Column("project_id", columns.key(), nullable=False),
    sa.Column("domain_id", columns.key(), nullable=False),
    sa.Column("resource_limit", sa.Integer(), nullable=False),
    sa.Column("description", columns.BigText, nullable=True),
    sa.UniqueConstraint("registered_limit_id", "project_id", "domain_id", name="uq_identity_limits"),
    sa.Index("ix_identity_limits_project", "project_id"),
    sa.Index("ix_identity_limits_domain", "domain_id"),
)
