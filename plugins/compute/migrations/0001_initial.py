"""The first tables of compute."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

KEY = sa.String(64).with_variant(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> sa.String:
    """Text compared by code point on all databases."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    """Make all tables."""
    op.create_table("aggregate_hosts",
        sa.Column("aggregate_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.PrimaryKeyConstraint("aggregate_id", "host"))
    op.create_index("aggregate_hosts_by_host", "aggregate_hosts", ["host"], unique=False)
    op.create_table("aggregates",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("uuid", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("metadata", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("uuid"))
    op.create_table("block_devices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("server_id", KEY, nullable=False),
        sa.Column("boot_index", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_type", sa.String(length=16), nullable=False),
        sa.Column("destination_type", sa.String(length=16), nullable=False),
        sa.Column("image_id", KEY, nullable=False),
        sa.Column("snapshot_id", KEY, nullable=False),
        sa.Column("volume_id", KEY, nullable=False),
        sa.Column("attachment_id", KEY, nullable=False),
        sa.Column("size_gib", sa.Integer(), nullable=False),
        sa.Column("size_mib", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("guest_format", sa.String(length=32), nullable=False),
        sa.Column("volume_type", text(255), nullable=False),
        sa.Column("delete_on_termination", sa.Boolean(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tag", text(60), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("block_devices_by_server", "block_devices", ["server_id", "position"], unique=False)
    op.create_index("block_devices_by_volume", "block_devices", ["volume_id"], unique=False)
    op.create_table("compute_hosts",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.Column("node", text(255), nullable=False),
        sa.Column("facts", LONG_TEXT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("host", "node", name="compute_hosts_by_node"),
        sa.UniqueConstraint("id"))
    op.create_table("compute_services",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("binary", sa.String(length=32), nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", text(255), nullable=True),
        sa.Column("forced_down", sa.Boolean(), nullable=False),
        sa.Column("beat_at", sa.Double(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("host", "binary", name="compute_services_by_host"),
        sa.UniqueConstraint("id"))
    op.create_table("compute_usage",
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("ram", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id"))
    op.create_table("flavor_access",
        sa.Column("flavor_id", text(255), nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("flavor_id", "project_id"))
    op.create_index("flavor_access_by_project", "flavor_access", ["project_id"], unique=False)
    op.create_table("flavors",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", text(255), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("root_gib", sa.Integer(), nullable=False),
        sa.Column("ephemeral_gib", sa.Integer(), nullable=False),
        sa.Column("swap_mib", sa.Integer(), nullable=False),
        sa.Column("rxtx_factor", sa.Float(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("description", LONG_TEXT, nullable=True),
        sa.Column("extra_specs", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("name"))
    op.create_index("flavors_by_public", "flavors", ["public"], unique=False)
    op.create_table("keypairs",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("fingerprint", text(255), nullable=False),
        sa.Column("public_key", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("user_id", "name", name="keypairs_by_name"))
    op.create_table("quota_classes",
        sa.Column("name", text(255), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "resource"))
    op.create_table("quotas",
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", "resource"))
    op.create_table("server_details",
        sa.Column("server_id", KEY, nullable=False),
        sa.Column("user_data", LONG_TEXT, nullable=True),
        sa.Column("personality", LONG_TEXT, nullable=False),
        sa.Column("hints", LONG_TEXT, nullable=False),
        sa.Column("key", LONG_TEXT, nullable=True),
        sa.Column("image", LONG_TEXT, nullable=True),
        sa.Column("admin_password", text(255), nullable=False),
        sa.Column("nic_requests", LONG_TEXT, nullable=True),
        sa.Column("group_requests", LONG_TEXT, nullable=False),
        sa.Column("placement", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("server_id"))
    op.create_table("server_group_members",
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("server_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "server_id"))
    op.create_index("server_group_members_by_server", "server_group_members", ["server_id"], unique=False)
    op.create_table("server_groups",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("policy", sa.String(length=32), nullable=False),
        sa.Column("rules", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("server_groups_by_project", "server_groups", ["project_id", "created_at", "id"], unique=False)
    op.create_table("server_metadata",
        sa.Column("server_id", KEY, nullable=False),
        sa.Column("key", text(255), nullable=False),
        sa.Column("value", text(255), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "key"))
    op.create_index("server_metadata_by_key", "server_metadata", ["key"], unique=False)
    op.create_table("server_tags",
        sa.Column("server_id", KEY, nullable=False),
        sa.Column("tag", text(60), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "tag"))
    op.create_index("server_tags_by_tag", "server_tags", ["tag"], unique=False)
    op.create_table("servers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("hostname", text(255), nullable=False),
        sa.Column("description", text(255), nullable=True),
        sa.Column("vm_state", sa.String(length=24), nullable=False),
        sa.Column("task_state", sa.String(length=32), nullable=True),
        sa.Column("power_state", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.Column("node", text(255), nullable=False),
        sa.Column("provider", KEY, nullable=False),
        sa.Column("zone", text(255), nullable=False),
        sa.Column("image_id", KEY, nullable=False),
        sa.Column("flavor_id", text(255), nullable=False),
        sa.Column("flavor", LONG_TEXT, nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("root_gib", sa.Integer(), nullable=False),
        sa.Column("ephemeral_gib", sa.Integer(), nullable=False),
        sa.Column("key_name", text(255), nullable=True),
        sa.Column("metadata", LONG_TEXT, nullable=False),
        sa.Column("tags", LONG_TEXT, nullable=False),
        sa.Column("nics", LONG_TEXT, nullable=False),
        sa.Column("ips", text(2000), nullable=False),
        sa.Column("security_groups", LONG_TEXT, nullable=False),
        sa.Column("volumes", LONG_TEXT, nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("locked_by", sa.String(length=8), nullable=False),
        sa.Column("locked_reason", text(255), nullable=True),
        sa.Column("config_drive", sa.Boolean(), nullable=False),
        sa.Column("disk_config", sa.String(length=8), nullable=False),
        sa.Column("access_ip_v4", sa.String(length=15), nullable=False),
        sa.Column("access_ip_v6", sa.String(length=45), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("fault", LONG_TEXT, nullable=True),
        sa.Column("reservation_id", KEY, nullable=False),
        sa.Column("launch_index", sa.Integer(), nullable=False),
        sa.Column("root_device", sa.String(length=32), nullable=False),
        sa.Column("move", LONG_TEXT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=True),
        sa.Column("launched_at", MOMENT, nullable=True),
        sa.Column("terminated_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("servers_by_creation", "servers", ["deleted", "created_at", "id"], unique=False)
    op.create_index("servers_by_flavor", "servers", ["flavor_id", "deleted"], unique=False)
    op.create_index("servers_by_host", "servers", ["host", "deleted"], unique=False)
    op.create_index("servers_by_image", "servers", ["image_id", "deleted"], unique=False)
    op.create_index("servers_by_project", "servers", ["project_id", "deleted", "created_at", "id"], unique=False)
    op.create_index("servers_by_reservation", "servers", ["reservation_id"], unique=False)
    op.create_index("servers_by_update", "servers", ["updated_at"], unique=False)
    op.create_index("servers_by_user", "servers", ["user_id", "deleted"], unique=False)
