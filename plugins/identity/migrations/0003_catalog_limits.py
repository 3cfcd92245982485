"""identity: endpoint groups, policies, limits, domain configuration."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "identity_domain_options",
        sa.Column("domain_id", columns.key(), primary_key=True),
        sa.Column("section", columns.text(64), primary_key=True),
        sa.Column("name", columns.text(64), primary_key=True),
        sa.Column("value", columns.Json(), nullable=True),
        sa.Column("sealed_value", columns.BigText, nullable=True),
    )
    _endpoint_groups()
    _policies()
    _limits()


def _endpoint_groups() -> None:
    op.create_table(
        "identity_endpoint_groups",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("description", columns.BigText, nullable=True),
        sa.Column("filters", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_endpoint_groups_name", "identity_endpoint_groups", ["name"])
    op.create_table(
        "identity_project_endpoints",
        sa.Column("project_id", columns.key(), primary_key=True),
        sa.Column("endpoint_id", columns.key(), primary_key=True),
    )
    op.create_index("ix_identity_project_endpoints_endpoint", "identity_project_endpoints", ["endpoint_id"])
    op.create_table(
        "identity_project_endpoint_groups",
        sa.Column("project_id", columns.key(), primary_key=True),
        sa.Column("endpoint_group_id", columns.key(), primary_key=True),
    )
    op.create_index("ix_identity_project_endpoint_groups_group", "identity_project_endpoint_groups",
                    ["endpoint_group_id"])


def _policies() -> None:
    op.create_table(
        "identity_policies",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("type", columns.text(), nullable=False),
        sa.Column("blob", columns.Json(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_policies_type", "identity_policies", ["type"])
    op.create_table(
        "identity_policy_associations",
        sa.Column("endpoint_id", columns.key(), primary_key=True),
        sa.Column("service_id", columns.key(), primary_key=True),
        sa.Column("region_id", columns.text(), primary_key=True),
        sa.Column("policy_id", columns.key(), nullable=False),
    )
    op.create_index("ix_identity_policy_associations_policy", "identity_policy_associations", ["policy_id"])


def _limits() -> None:
    op.create_table(
        "identity_registered_limits",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("service_id", columns.key(), nullable=False),
        sa.Column("region_id", columns.text(), nullable=False),
        sa.Column("resource_name", columns.text(), nullable=False),
        sa.Column("default_limit", sa.Integer(), nullable=False),
        sa.Column("description", columns.BigText, nullable=True),
        sa.UniqueConstraint("service_id", "region_id", "resource_name", name="uq_identity_registered_limits"),
    )
    op.create_index("ix_identity_registered_limits_region", "identity_registered_limits", ["region_id"])
    op.create_index("ix_identity_registered_limits_resource", "identity_registered_limits", ["resource_name"])
    op.create_table(
        "identity_limits",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("registered_limit_id", columns.key(), nullable=False),
        sa.Column("project_id", columns.key(), nullable=False),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("resource_limit", sa.Integer(), nullable=False),
        sa.Column("description", columns.BigText, nullable=True),
        sa.UniqueConstraint("registered_limit_id", "project_id", "domain_id", name="uq_identity_limits"),
    )
    op.create_index("ix_identity_limits_project", "identity_limits", ["project_id"])
    op.create_index("ix_identity_limits_domain", "identity_limits", ["domain_id"])
