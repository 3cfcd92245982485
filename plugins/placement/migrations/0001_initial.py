"""The first tables of placement."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

KEY = sa.String(64).with_variant(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def text(length: int) -> sa.String:
    """Text compared by code point on all databases."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    """Make all tables."""
    op.create_table("placement_allocations",
        sa.Column("consumer_id", KEY, nullable=False),
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("resource_class", text(255), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("consumer_id", "provider_id", "resource_class"),
        sqlite_with_rowid=False)
    op.create_index("placement_allocations_by_provider", "placement_allocations", ["provider_id"], unique=False)
    op.create_table("placement_classes",
        sa.Column("name", text(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False)
    op.create_table("placement_consumers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", text(255), nullable=False),
        sa.Column("user_id", text(255), nullable=False),
        sa.Column("type", text(255), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False)
    op.create_index("placement_consumers_by_project", "placement_consumers", ["project_id", "user_id"], unique=False)
    op.create_table("placement_inventories",
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("resource_class", text(255), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("min_unit", sa.Integer(), nullable=False),
        sa.Column("max_unit", sa.Integer(), nullable=False),
        sa.Column("step_size", sa.Integer(), nullable=False),
        sa.Column("allocation_ratio", sa.Double(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "resource_class"),
        sqlite_with_rowid=False)
    op.create_index("placement_inventories_by_class", "placement_inventories", ["resource_class", "provider_id"], unique=False)
    op.create_table("placement_provider_aggregates",
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("aggregate_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "aggregate_id"),
        sqlite_with_rowid=False)
    op.create_index("placement_provider_aggregates_by_aggregate", "placement_provider_aggregates", ["aggregate_id", "provider_id"], unique=False)
    op.create_table("placement_provider_traits",
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("trait", text(255), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "trait"),
        sqlite_with_rowid=False)
    op.create_index("placement_provider_traits_by_trait", "placement_provider_traits", ["trait", "provider_id"], unique=False)
    op.create_table("placement_providers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", text(200), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("parent_id", KEY, nullable=True),
        sa.Column("root_id", KEY, nullable=False),
        sa.Column("traits", LONG_TEXT, nullable=False),
        sa.Column("aggregates", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_with_rowid=False)
    op.create_index("placement_providers_by_parent", "placement_providers", ["parent_id"], unique=False)
    op.create_index("placement_providers_by_root", "placement_providers", ["root_id"], unique=False)
    op.create_table("placement_traits",
        sa.Column("name", text(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False)
