"""identity: identity providers, mappings, protocols."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", columns.BigText, nullable=True),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("authorization_ttl", sa.Integer(), nullable=True),
    )
    op.create_table(
        "identity_provider_remote_ids",
        sa.Column("remote_id", columns.text(), primary_key=True),
        sa.Column("provider_id", columns.key(), nullable=False),
    )
    op.create_index("ix_identity_remote_ids_provider", "identity_provider_remote_ids", ["provider_id"])
    op.create_table(
        "identity_mappings",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("rules", columns.Json(), nullable=False),
        sa.Column("schema_version", sa.String(5), nullable=False),
    )
    op.create_table(
        "identity_protocols",
        sa.Column("provider_id", columns.key(), primary_key=True),
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("mapping_id", columns.key(), nullable=False),
        sa.Column("remote_id_attribute", columns.text(64), nullable=True),
    )
    op.create_index("ix_identity_protocols_mapping", "identity_protocols", ["mapping_id"])
    op.create_table(
        "identity_service_providers",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", columns.BigText, nullable=True),
        sa.Column("auth_url", columns.text(), nullable=False),
        sa.Column("sp_url", columns.text(), nullable=False),
        sa.Column("relay_state_prefix", columns.text(), nullable=False),
    )
    op.create_table(
        "identity_federated_users",
        sa.Column("user_id", columns.key(), primary_key=True),
        sa.Column("provider_id", columns.key(), nullable=False),
        sa.Column("protocol_id", columns.key(), nullable=False),
        sa.Column("unique_id", columns.text(), nullable=False),
        sa.UniqueConstraint("provider_id", "protocol_id", "unique_id", name="uq_identity_federated_users"),
    )
    op.create_table(
        "identity_federated_memberships",
        sa.Column("user_id", columns.key(), primary_key=True),
        sa.Column("group_id", columns.key(), primary_key=True),
        sa.Column("expires_at", columns.Moment, nullable=False),
    )
