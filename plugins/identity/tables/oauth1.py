"""OAuth 1.0a: consumers, their request tokens and access tokens, and the nonces seen."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

consumers = sa.Table(
    "identity_consumers", METADATA,
    columns.id_column(),
    sa.Column("description", columns.BigText, nullable=True),
    sa.Column("sealed_secret", columns.BigText, nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
)

request_tokens = sa.Table(
    "identity_request_tokens", METADATA,
    columns.id_column(),
    sa.Column("sealed_secret", columns.BigText, nullable=False),
    sa.Column("consumer_id", columns.key(), nullable=False),
    sa.Column("project_id", columns.key(), nullable=False),
    sa.Column("verifier_hash", columns.key(), nullable=False),
    sa.Column("user_id", columns.key(), nullable=False),
    sa.Column("role_ids", columns.Json(), nullable=False),
    sa.Column("expires_at", columns.Moment, nullable=True),
    sa.Index("ix_identity_request_tokens_consumer", "consumer_id"),
)
"""``user_id``, ``role_ids`` and ``verifier_hash`` are empty until a user authorizes the token."""

access_tokens = sa.Table(
    "identity_access_tokens", METADATA,
    columns.id_column(),
    sa.Column("sealed_secret", columns.BigText, nullable=False),
    sa.Column("consumer_id", columns.key(), nullable=False),
    sa.Column("project_id", columns.key(), nullable=False),
    sa.Column("user_id", columns.key(), nullable=False),
    sa.Column("role_ids", columns.Json(), nullable=False),
    sa.Column("expires_at", columns.Moment, nullable=True),
    sa.Index("ix_identity_access_tokens_user", "user_id"),
    sa.Index("ix_identity_access_tokens_consumer", "consumer_id"),
    sa.Index("ix_identity_access_tokens_project", "project_id"),
)

nonces = sa.Table(
    "identity_nonces", METADATA,
    sa.Column("digest", columns.key(), primary_key=True),
    sa.Column("expires_at", columns.Moment, nullable=False),
    sa.Index("ix_identity_nonces_expires", "expires_at"),
)
"""Digests of signed requests that came, so that none is taken twice."""
