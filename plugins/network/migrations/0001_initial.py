"""The first tables of the network."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

KEY = sa.String(64).with_variant(mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def text(length: int) -> sa.String:
    """Text compared by code point on all databases."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    """Make all tables."""
    _part_1()
    _part_2()
    _part_3()
    _part_4()
    _part_5()
    _part_6()
    _part_7()
    _part_8()
    _part_9()


def _part_1() -> None:
    op.create_table(
        "network_agents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.Column("agent_type", text(64), nullable=False),
        sa.Column("binary", text(64), nullable=False),
        sa.Column("topic", text(64), nullable=False),
        sa.Column("availability_zone", text(64), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("beat_at", sa.Double(), nullable=False),
        sa.Column("configurations", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("host", "agent_type", name="network_agents_once"))
    op.create_table(
        "network_quotas",
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("maximum", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource"))
    op.create_table(
        "network_tags",
        sa.Column("resource_id", KEY, nullable=False),
        sa.Column("tag", text(255), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "tag"))
    op.create_index("network_tags_by_tag", "network_tags", ["tag"])


def _part_2() -> None:
    op.create_table(
        "network_wirings",
        sa.Column("network_id", KEY, nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.PrimaryKeyConstraint("network_id", "host"))
    op.create_index("network_wirings_by_host", "network_wirings", ["host"])
    op.create_table(
        "networks",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("router_external", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("provider_network_type", sa.String(16), nullable=False),
        sa.Column("provider_physical_network", text(64)),
        sa.Column("provider_segmentation_id", sa.Integer()),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("networks_by_external", "networks", ["router_external"])
    op.create_index("networks_by_name", "networks", ["name"])
    op.create_index("networks_by_project", "networks", ["project_id"])
    op.create_index("networks_by_shared", "networks", ["shared"])


def _part_3() -> None:
    op.create_table(
        "routers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("distributed", sa.Boolean(), nullable=False),
        sa.Column("ha", sa.Boolean(), nullable=False),
        sa.Column("gateway_network_id", KEY),
        sa.Column("gateway_port_id", KEY),
        sa.Column("host", text(255), nullable=False),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("routers_by_gateway", "routers", ["gateway_network_id"])
    op.create_index("routers_by_host", "routers", ["host"])
    op.create_index("routers_by_name", "routers", ["name"])
    op.create_index("routers_by_project", "routers", ["project_id"])
    op.create_table(
        "security_groups",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("stateful", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("security_groups_by_name", "security_groups", ["name"])
    op.create_index("security_groups_by_project", "security_groups", ["project_id"])


def _part_4() -> None:
    op.create_table(
        "subnetpools",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("default_prefixlen", sa.Integer(), nullable=False),
        sa.Column("min_prefixlen", sa.Integer(), nullable=False),
        sa.Column("max_prefixlen", sa.Integer(), nullable=False),
        sa.Column("default_quota", sa.Integer()),
        sa.PrimaryKeyConstraint("id"))
    op.create_index("subnetpools_by_name", "subnetpools", ["name"])
    op.create_index("subnetpools_by_project", "subnetpools", ["project_id"])
    op.create_table(
        "default_security_groups",
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("project_id"),
        sa.ForeignKeyConstraint(["group_id"], ["security_groups.id"]))


def _part_5() -> None:
    op.create_table(
        "floating_ips",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("floating_network_id", KEY, nullable=False),
        sa.Column("floating_ip_address", sa.String(45), nullable=False),
        sa.Column("fixed_ip_address", sa.String(45)),
        sa.Column("port_id", KEY),
        sa.Column("router_id", KEY),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("floating_port_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["floating_network_id"], ["networks.id"]),
        sa.UniqueConstraint("port_id", "fixed_ip_address", name="floating_ips_fixed_once"))
    op.create_index("floating_ips_by_address", "floating_ips", ["floating_ip_address"])
    op.create_index("floating_ips_by_name", "floating_ips", ["name"])
    op.create_index("floating_ips_by_project", "floating_ips", ["project_id"])
    op.create_index("floating_ips_by_router", "floating_ips", ["router_id"])


def _part_6() -> None:
    op.create_table(
        "network_segments",
        sa.Column("network_id", KEY, nullable=False),
        sa.Column("network_type", sa.String(16), nullable=False),
        sa.Column("physical_network", text(64), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("network_id"),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"]),
        sa.UniqueConstraint("network_type", "physical_network", "segment", name="network_segments_once"))
    op.create_table(
        "ports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("network_id", KEY, nullable=False),
        sa.Column("mac_address", sa.String(17), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("device_id", text(255), nullable=False),
        sa.Column("device_owner", text(255), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("binding_host_id", text(255), nullable=False),
        sa.Column("binding_vif_type", text(64), nullable=False),
        sa.Column("binding_vnic_type", text(64), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("requested", sa.Boolean(), nullable=False),
        sa.Column("tag", text(64), nullable=False),
        sa.Column("hostname", text(255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"]),
        sa.UniqueConstraint("network_id", "mac_address", name="ports_mac_once"))
    op.create_index("ports_by_device", "ports", ["device_id"])
    op.create_index("ports_by_host", "ports", ["binding_host_id", "network_id"])
    op.create_index("ports_by_mac", "ports", ["mac_address"])
    op.create_index("ports_by_name", "ports", ["name"])
    op.create_index("ports_by_owner", "ports", ["device_owner"])
    op.create_index("ports_by_project", "ports", ["project_id"])


def _part_7() -> None:
    op.create_table(
        "security_group_rules",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("security_group_id", KEY, nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("ethertype", sa.String(8), nullable=False),
        sa.Column("protocol", sa.String(32)),
        sa.Column("port_range_min", sa.Integer()),
        sa.Column("port_range_max", sa.Integer()),
        sa.Column("remote_ip_prefix", sa.String(64)),
        sa.Column("remote_group_id", KEY),
        sa.Column("likeness", text(255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["security_group_id"], ["security_groups.id"]),
        sa.UniqueConstraint("security_group_id", "likeness", name="security_group_rules_once"))
    op.create_index("security_group_rules_by_name", "security_group_rules", ["name"])
    op.create_index("security_group_rules_by_project", "security_group_rules", ["project_id"])
    op.create_index("security_group_rules_by_remote", "security_group_rules", ["remote_group_id"])


def _part_8() -> None:
    op.create_table(
        "subnets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("hidden", LONG_TEXT, nullable=False),
        sa.Column("network_id", KEY, nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("cidr", text(64), nullable=False),
        sa.Column("gateway_ip", text(64)),
        sa.Column("enable_dhcp", sa.Boolean(), nullable=False),
        sa.Column("ipv6_address_mode", sa.String(16)),
        sa.Column("ipv6_ra_mode", sa.String(16)),
        sa.Column("subnetpool_id", KEY),
        sa.Column("cursor", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"]))
    op.create_index("subnets_by_name", "subnets", ["name"])
    op.create_index("subnets_by_network", "subnets", ["network_id"])
    op.create_index("subnets_by_pool", "subnets", ["subnetpool_id"])
    op.create_index("subnets_by_project", "subnets", ["project_id"])


def _part_9() -> None:
    op.create_table(
        "port_addresses",
        sa.Column("subnet_id", KEY, nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("port_id", KEY, nullable=False),
        sa.Column("network_id", KEY, nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.PrimaryKeyConstraint("subnet_id", "number"),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"]),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnets.id"]))
    op.create_index("port_addresses_by_address", "port_addresses", ["address", "network_id"])
    op.create_index("port_addresses_by_port", "port_addresses", ["port_id"])
    op.create_table(
        "port_security_groups",
        sa.Column("port_id", KEY, nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("network_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("port_id", "group_id"),
        sa.ForeignKeyConstraint(["group_id"], ["security_groups.id"]),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"]))
    op.create_index("port_security_groups_by_group", "port_security_groups", ["group_id", "network_id"])
