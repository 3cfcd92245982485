"""Regions, services and endpoints."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

regions = sa.Table(
    "identity_regions", METADATA,
    sa.Column("id", columns.text(), primary_key=True),
    sa.Column("description", columns.BigText, nullable=False),
    sa.Column("parent_id", columns.text(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.Index("ix_identity_regions_parent", "parent_id"),
)

services = sa.Table(
    "identity_services", METADATA,
    columns.id_column(),
    sa.Column("type", columns.text(), nullable=False),
    sa.Column("name", columns.text(), nullable=False),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.Index("ix_identity_services_type", "type"),
    sa.Index("ix_identity_services_name", "name"),
)

endpoints = sa.Table(
    "identity_endpoints", METADATA,
    columns.id_column(),
    sa.Column("service_id", columns.key(), sa.ForeignKey("identity_services.id", name="fk_identity_endpoints_service"),
              nullable=False),
    sa.Column("region_id", columns.text(), nullable=False),
    sa.Column("interface", columns.key(), nullable=False),
    sa.Column("url", columns.BigText, nullable=False),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.Index("ix_identity_endpoints_service", "service_id"),
    sa.Index("ix_identity_endpoints_region", "region_id"),
)
