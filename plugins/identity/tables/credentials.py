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
    sa.Column("used_step", sa.BigInteger(), nullable=True),
    sa.Index("ix_identity_credentials_user", "user_id"),
    sa.Index("ix_identity_credentials_project", "project_id"),
)
"""``used_step`` of one of type ``totp`` is the newest time step whose passcode was used."""
