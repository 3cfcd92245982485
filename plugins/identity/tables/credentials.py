"""Credentials of users, sealed."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

credentials = sa.Table(
    "identity_credentials", METADATA,
    columns.id_column(),
    sa.Column("user_id", columns.key(), nullable=False),
    sa.Column("project_id", columns.key(), nullable=False),
    sa.Column("type", columns.text(), nullable=False),
    sa.Column("sealed_blob", columns.BigText, nullable=False),
    sa.Column("extra", columns.Json(), nullable=False),
    sa.Index("ix_identity_credentials_user", "user_id"),
)
