"""Application credentials and the access rules that bound them."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

application_credentials = sa.Table(
    "identity_application_credentials", METADATA,
    columns.id_column(),
    sa.Column("user_id", columns.key(), nullable=False),
    sa.Column("project_id", columns.key(), nullable=False),
    sa.Column("name", columns.text(), nullable=False),
    sa.Column("secret_hash", columns.text(), nullable=False),
    sa.Column("description", columns.BigText, nullable=True),
    sa.Column("expires_at", columns.Moment, nullable=True),
    sa.Column("unrestricted", sa.Boolean(), nullable=False),
    sa.Column("role_ids", columns.Json(), nullable=False),
    sa.UniqueConstraint("user_id", "name", name="uq_identity_application_credentials_name"),
    sa.Index("ix_identity_application_credentials_project", "project_id"),
)

access_rules = sa.Table(
    "identity_access_rules", METADATA,
    columns.id_column(),
    sa.Column("user_id", columns.key(), nullable=False),
    sa.Column("service", columns.text(64), nullable=False),
    sa.Column("method", columns.text(16), nullable=False),
    sa.Column("path", columns.text(128), nullable=False),
    sa.UniqueConstraint("user_id", "service", "method", "path", name="uq_identity_access_rules"),
)

bounds = sa.Table(
    "identity_application_credential_rules", METADATA,
    sa.Column("application_credential_id", columns.key(), primary_key=True),
    sa.Column("access_rule_id", columns.key(), primary_key=True),
    sa.Index("ix_identity_application_credential_rules_rule", "access_rule_id"),
)
"""Which access rules bound which application credential; none bound one that has none."""
