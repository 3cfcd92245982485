"""Trusts: roles that one user lends another."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

trusts = sa.Table(
    "identity_trusts", METADATA,
    columns.id_column(),
    sa.Column("trustor_user_id", columns.key(), nullable=False),
    sa.Column("trustee_user_id", columns.key(), nullable=False),
    sa.Column("project_id", columns.key(), nullable=False),
    sa.Column("impersonation", sa.Boolean(), nullable=False),
    sa.Column("expires_at", columns.Moment, nullable=True),
    sa.Column("remaining_uses", sa.Integer(), nullable=True),
    sa.Column("redelegated_trust_id", columns.key(), nullable=False),
    sa.Column("redelegation_count", sa.Integer(), nullable=False),
    sa.Column("role_ids", columns.Json(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.Index("ix_identity_trusts_trustor", "trustor_user_id"),
    sa.Index("ix_identity_trusts_trustee", "trustee_user_id"),
    sa.Index("ix_identity_trusts_project", "project_id"),
    sa.Index("ix_identity_trusts_redelegated", "redelegated_trust_id"),
)
