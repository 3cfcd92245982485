"""Which endpoints are in the catalog of which project."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

endpoint_groups = sa.Table(
    "identity_endpoint_groups", METADATA,
    columns.id_column(),
    sa.Column("name", columns.text(), nullable=False),
    sa.Column("description", columns.BigText, nullable=True),
    sa.Column("filters", columns.Json(), nullable=False),
    sa.Index("ix_identity_endpoint_groups_name", "name"),
)

project_endpoints = sa.Table(
    "identity_project_endpoints", METADATA,
    sa.Column("project_id", columns.key(), primary_key=True),
    sa.Column("endpoint_id", columns.key(), primary_key=True),
    sa.Index("ix_identity_project_endpoints_endpoint", "endpoint_id"),
)

project_endpoint_groups = sa.Table(
    "identity_project_endpoint_groups", METADATA,
    sa.Column("project_id", columns.key(), primary_key=True),
    sa.Column("endpoint_group_id", columns.key(), primary_key=True),
    sa.Index("ix_identity_project_endpoint_groups_group", "endpoint_group_id"),
)
