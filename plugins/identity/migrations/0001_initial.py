"""Projects, roles, assignments, catalog, credentials and revocations."""

import sqlalchemy as sa
from alembic import op
from stratolith.core.db import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "identity_projects",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("parent_id", columns.key(), nullable=False),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("description", columns.BigText, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("is_domain", sa.Boolean(), nullable=False),
        sa.Column("options", columns.Json(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
        sa.UniqueConstraint("domain_id", "name", name="uq_identity_projects_name"),
    )
    op.create_index("ix_identity_projects_parent", "identity_projects", ["parent_id"])
    op.create_index("ix_identity_projects_name", "identity_projects", ["name"])
    op.create_table(
        "identity_project_tags",
        sa.Column("project_id", columns.key(), sa.ForeignKey("identity_projects.id", name="fk_identity_tags_project"),
                  primary_key=True),
        sa.Column("name", columns.text(), primary_key=True),
    )
    op.create_index("ix_identity_project_tags_name", "identity_project_tags", ["name"])
    op.create_table(
        "identity_roles",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("domain_id", columns.key(), nullable=False),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("description", columns.BigText),
        sa.Column("options", columns.Json(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
        sa.UniqueConstraint("domain_id", "name", name="uq_identity_roles_name"),
    )
    op.create_index("ix_identity_roles_name", "identity_roles", ["name"])
    op.create_table(
        "identity_implied_roles",
        sa.Column("prior_id", columns.key(), sa.ForeignKey("identity_roles.id", name="fk_identity_implied_prior"),
                  primary_key=True),
        sa.Column("implied_id", columns.key(), sa.ForeignKey("identity_roles.id", name="fk_identity_implied_implied"),
                  primary_key=True),
    )
    op.create_index("ix_identity_implied_roles_implied", "identity_implied_roles", ["implied_id"])
    op.create_table(
        "identity_assignments",
        sa.Column("actor_id", columns.key(), primary_key=True),
        sa.Column("target_id", columns.key(), primary_key=True),
        sa.Column("role_id", columns.key(), sa.ForeignKey("identity_roles.id", name="fk_identity_assignments_role"),
                  primary_key=True),
        sa.Column("inherited", sa.Boolean(), primary_key=True, autoincrement=False),
        sa.Column("actor_kind", columns.key(), primary_key=True),
        sa.Column("target_kind", columns.key(), primary_key=True),
    )
    op.create_index("ix_identity_assignments_target", "identity_assignments", ["target_id"])
    op.create_index("ix_identity_assignments_role", "identity_assignments", ["role_id"])
    op.create_table(
        "identity_regions",
        sa.Column("id", columns.text(), primary_key=True),
        sa.Column("description", columns.BigText, nullable=False),
        sa.Column("parent_id", columns.text(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_regions_parent", "identity_regions", ["parent_id"])
    op.create_table(
        "identity_services",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("type", columns.text(), nullable=False),
        sa.Column("name", columns.text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_services_type", "identity_services", ["type"])
    op.create_index("ix_identity_services_name", "identity_services", ["name"])
    op.create_table(
        "identity_endpoints",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("service_id", columns.key(), sa.ForeignKey("identity_services.id", name="fk_identity_endpoints_service"),
                  nullable=False),
        sa.Column("region_id", columns.text(), nullable=False),
        sa.Column("interface", columns.key(), nullable=False),
        sa.Column("url", columns.BigText, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_endpoints_service", "identity_endpoints", ["service_id"])
    op.create_index("ix_identity_endpoints_region", "identity_endpoints", ["region_id"])
    op.create_table(
        "identity_credentials",
        sa.Column("id", columns.key(), primary_key=True),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("project_id", columns.key(), nullable=False),
        sa.Column("type", columns.text(), nullable=False),
        sa.Column("sealed_blob", columns.BigText, nullable=False),
        sa.Column("extra", columns.Json(), nullable=False),
    )
    op.create_index("ix_identity_credentials_user", "identity_credentials", ["user_id"])
    op.create_table(
        "identity_revocations",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("subject", columns.text(96), nullable=False),
        sa.Column("issued_before", columns.Moment, nullable=False),
        sa.Column("expires_at", columns.Moment, nullable=False),
    )
    op.create_index("ix_identity_revocations_subject", "identity_revocations", ["subject"])
    op.create_index("ix_identity_revocations_expires", "identity_revocations", ["expires_at"])
    op.create_table(
        "identity_revision",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
