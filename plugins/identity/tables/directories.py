"""The ids that users and groups of directories of single domains are known by."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

directory_ids = sa.Table(
    "identity_directory_ids", METADATA,
    sa.Column("public_id", columns.key(), primary_key=True),
    sa.Column("domain_id", columns.key(), nullable=False),
    sa.Column("kind", columns.key(), nullable=False),
    sa.Column("local_id", columns.text(), nullable=False),
    sa.Index("ix_identity_directory_ids_domain", "domain_id", "kind"),
)
