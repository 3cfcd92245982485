"""Configuration of single domains, given by API."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db import columns
from .base import METADATA

domain_options = sa.Table(
    "identity_domain_options", METADATA,
    sa.Column("domain_id", columns.key(), primary_key=True),
    sa.Column("section", columns.text(64), primary_key=True),
    sa.Column("name", columns.text(64), primary_key=True),
    sa.Column("value", columns.Json(), nullable=True),
    sa.Column("sealed_value", columns.BigText, nullable=True),
)
