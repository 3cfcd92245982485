"""Projects (a domain is one), their tags, roles and assignments.

A domain is a project that is one (``is_domain``), as in the API: its ``domain_id`` is empty here.
"""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

projects = sa.Table(
    "identity_projects", METADATA,
    columns.id_column(),
    sa.Column("domain_id", columns.key(), nullable=False),
    sa.Column("parent_id", columns.key(), nullable=False),
    sa.Column("name", columns.text(), nullable=False),
    sa.Column("description", columns.BigText, nullable=False),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    sa.Column("is_domain", sa.Boolean(), nullable=False),
    sa.Column("options", columns.Json(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.UniqueConstraint("domain_id", "name", name="uq_identity_projects_name"),
    sa.Index("ix_identity_projects_parent", "parent_id"),
    sa.Index("ix_identity_projects_name", "name"),
)

tags = sa.Table(
    "identity_project_tags", METADATA,
    sa.Column("project_id", columns.key(), sa.ForeignKey("identity_projects.id", name="fk_identity_tags_project"),
              primary_key=True),
    sa.Column("name", columns.text(), primary_key=True),
    sa.Index("ix_identity_project_tags_name", "name"),
)

roles = sa.Table(
    "identity_roles", METADATA,
    columns.id_column(),
    sa.Column("domain_id", columns.key(), nullable=False),
    sa.Column("name", columns.text(), nullable=False),
    sa.Column("description", columns.BigText),
    sa.Column("options", columns.Json(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.UniqueConstraint("domain_id", "name", name="uq_identity_roles_name"),
    sa.Index("ix_identity_roles_name", "name"),
)

implications = sa.Table(
    "identity_implied_roles", METADATA,
    sa.Column("prior_id", columns.key(), sa.ForeignKey("identity_roles.id", name="fk_identity_implied_prior"),
              primary_key=True),
    sa.Column("implied_id", columns.key(), sa.ForeignKey("identity_roles.id", name="fk_identity_implied_implied"),
              primary_key=True),
    sa.Index("ix_identity_implied_roles_implied", "implied_id"),
)

assignments = sa.Table(
    "identity_assignments", METADATA,
    sa.Column("actor_id", columns.key(), primary_key=True),
    sa.Column("target_id", columns.key(), primary_key=True),
    sa.Column("role_id", columns.key(), sa.ForeignKey("identity_roles.id", name="fk_identity_assignments_role"),
              primary_key=True),
    sa.Column("inherited", sa.Boolean(), primary_key=True, autoincrement=False),
    sa.Column("actor_kind", columns.key(), primary_key=True),
    sa.Column("target_kind", columns.key(), primary_key=True),
    sa.Index("ix_identity_assignments_target", "target_id"),
    sa.Index("ix_identity_assignments_role", "role_id"),
)
