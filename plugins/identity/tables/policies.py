"""Policies that identity keeps for services, and what they are for. An empty text stands for nothing."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

policies = sa.Table(
    "identity_policies", METADATA,
    columns.id_column(),
    sa.Column("type", columns.text(), nullable=False),
    sa.Column("blob", columns.Json(), nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.Index("ix_identity_policies_type", "type"),
)

policy_associations = sa.Table(
    "identity_policy_associations", METADATA,
    sa.Column("endpoint_id", columns.key(), primary_key=True),
    sa.Column("service_id", columns.key(), primary_key=True),
    sa.Column("region_id", columns.text(), primary_key=True),
    sa.Column("policy_id", columns.key(), nullable=False),
    sa.Index("ix_identity_policy_associations_policy", "policy_id"),
)
