"""Outside identity providers, how what they say is mapped, and the users that came from them."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

providers = sa.Table(
    "identity_providers", METADATA,
    columns.id_column(),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    sa.Column("description", columns.BigText, nullable=True),
    sa.Column("domain_id", columns.key(), nullable=False),
    sa.Column("authorization_ttl", sa.Integer(), nullable=True),
)
"""``authorization_ttl`` is in minutes: how long a login's groups are believed; none for as long as its token."""

remote_ids = sa.Table(
    "identity_provider_remote_ids", METADATA,
    sa.Column("remote_id", columns.text(), primary_key=True),
    sa.Column("provider_id", columns.key(), nullable=False),
    sa.Index("ix_identity_remote_ids_provider", "provider_id"),
)

mappings = sa.Table(
    "identity_mappings", METADATA,
    columns.id_column(),
    sa.Column("rules", columns.Json(), nullable=False),
    sa.Column("schema_version", sa.String(5), nullable=False),
)

protocols = sa.Table(
    "identity_protocols", METADATA,
    sa.Column("provider_id", columns.key(), primary_key=True),
    sa.Column("id", columns.key(), primary_key=True),
    sa.Column("mapping_id", columns.key(), nullable=False),
    sa.Column("remote_id_attribute", columns.text(64), nullable=True),
    sa.Index("ix_identity_protocols_mapping", "mapping_id"),
)

service_providers = sa.Table(
    "identity_service_providers", METADATA,
    columns.id_column(),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    sa.Column("description", columns.BigText, nullable=True),
    sa.Column("auth_url", columns.text(), nullable=False),
    sa.Column("sp_url", columns.text(), nullable=False),
    sa.Column("relay_state_prefix", columns.text(), nullable=False),
)

federated_users = sa.Table(
    "identity_federated_users", METADATA,
    sa.Column("user_id", columns.key(), primary_key=True),
    sa.Column("provider_id", columns.key(), nullable=False),
    sa.Column("protocol_id", columns.key(), nullable=False),
    sa.Column("unique_id", columns.text(), nullable=False),
    sa.UniqueConstraint("provider_id", "protocol_id", "unique_id", name="uq_identity_federated_users"),
)
"""Users whom a provider vouches for: the backend holds the user, without a password."""

federated_memberships = sa.Table(
    "identity_federated_memberships", METADATA,
    sa.Column("user_id", columns.key(), primary_key=True),
    sa.Column("group_id", columns.key(), primary_key=True),
    sa.Column("expires_at", columns.Moment, nullable=False),
)
"""Groups that a provider said its user is in, until when that is believed."""
