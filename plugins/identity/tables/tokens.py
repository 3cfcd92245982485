"""What makes tokens useless: revocations, and the number that says that identity has changed."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

revocations = sa.Table(
    "identity_revocations", METADATA,
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
    sa.Column("subject", columns.text(96), nullable=False),
    sa.Column("issued_before", columns.Moment, nullable=False),
    sa.Column("expires_at", columns.Moment, nullable=False),
    sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Index("ix_identity_revocations_subject", "subject"),
    sa.Index("ix_identity_revocations_number", "number"),
    sa.Index("ix_identity_revocations_expires", "expires_at"),
)

revision = sa.Table(
    "identity_revision", METADATA,
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger(), nullable=False),
)
