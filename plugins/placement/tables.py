"""The tables of placement: providers, what they have, and who has claimed how much of it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ...core.db.columns import BigText, Moment, key, text
from ...core.db.schema import Schema

metadata = sa.MetaData()

providers = sa.Table(
    "placement_providers", metadata,
    sa.Column("id", key(), primary_key=True),
    sa.Column("name", text(200), nullable=False, unique=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("parent_id", key()),
    sa.Column("root_id", key(), nullable=False),
    sa.Column("traits", BigText, nullable=False),
    sa.Column("aggregates", BigText, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("placement_providers_by_root", "root_id"),
    sa.Index("placement_providers_by_parent", "parent_id"),
    sqlite_with_rowid=False,
)
"""``traits`` and ``aggregates`` repeat the two tables below as JSON lists, so that a
provider is shown with one query."""

provider_traits = sa.Table(
    "placement_provider_traits", metadata,
    sa.Column("provider_id", key(), primary_key=True),
    sa.Column("trait", text(255), primary_key=True),
    sa.Index("placement_provider_traits_by_trait", "trait", "provider_id"),
    sqlite_with_rowid=False,
)

provider_aggregates = sa.Table(
    "placement_provider_aggregates", metadata,
    sa.Column("provider_id", key(), primary_key=True),
    sa.Column("aggregate_id", key(), primary_key=True),
    sa.Index("placement_provider_aggregates_by_aggregate", "aggregate_id", "provider_id"),
    sqlite_with_rowid=False,
)

inventories = sa.Table(
    "placement_inventories", metadata,
    sa.Column("provider_id", key(), primary_key=True),
    sa.Column("resource_class", text(255), primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("reserved", sa.Integer, nullable=False),
    sa.Column("min_unit", sa.Integer, nullable=False),
    sa.Column("max_unit", sa.Integer, nullable=False),
    sa.Column("step_size", sa.Integer, nullable=False),
    sa.Column("allocation_ratio", sa.Double, nullable=False),
    sa.Column("capacity", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("placement_inventories_by_class", "resource_class", "provider_id"),
    sqlite_with_rowid=False,
)
"""``capacity`` is (total - reserved) * allocation_ratio rounded down; ``used`` is the sum of
the allocations, kept by the transaction that changes them."""

consumers = sa.Table(
    "placement_consumers", metadata,
    sa.Column("id", key(), primary_key=True),
    sa.Column("project_id", text(255), nullable=False),
    sa.Column("user_id", text(255), nullable=False),
    sa.Column("type", text(255)),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("sole", key()),
    sa.Index("placement_consumers_by_project", "project_id", "user_id"),
    sa.Index("placement_consumers_by_sole", "sole"),
    sqlite_with_rowid=False,
)
"""``sole`` is the root provider that the consumer's project has to itself while the consumer lives."""

allocations = sa.Table(
    "placement_allocations", metadata,
    sa.Column("consumer_id", key(), primary_key=True),
    sa.Column("provider_id", key(), primary_key=True),
    sa.Column("resource_class", text(255), primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("placement_allocations_by_provider", "provider_id"),
    sqlite_with_rowid=False,
)

classes = sa.Table(
    "placement_classes", metadata,
    sa.Column("name", text(255), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
"""Custom resource classes; the standard ones are in no table."""

traits = sa.Table(
    "placement_traits", metadata,
    sa.Column("name", text(255), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
"""Custom traits; the standard ones are in no table."""

SCHEMA = Schema("placement", metadata, Path(__file__).parent / "migrations")
