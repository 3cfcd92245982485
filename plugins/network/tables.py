"""The tables of the network slice.

Each noun's row holds its attributes twice: as columns, for filters, order and keys, and as the
JSON ``document`` that clients see (``hidden`` for the part only administrators see), so that a
list costs no more than reading texts. :mod:`.noun` is the only writer of both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ...core.db.columns import BigText, Json, id_column, key, text
from ...core.db.schema import Schema

metadata = sa.MetaData()


def _noun(name: str, *more: Any) -> sa.Table:
    return sa.Table(
        name, metadata, id_column(),
        sa.Column("project_id", key(), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("revision_number", sa.Integer, nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("updated_at", sa.String(20), nullable=False),
        sa.Column("document", BigText, nullable=False),
        sa.Column("hidden", BigText, nullable=False),
        *more,
        sa.Index(f"{name}_by_project", "project_id"),
        sa.Index(f"{name}_by_name", "name"),
    )


def _of(name: str, table: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, key(), sa.ForeignKey(f"{table}.id"), nullable=nullable)


networks = _noun(
    "networks",
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("router_external", sa.Boolean, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("mtu", sa.Integer, nullable=False),
    sa.Column("port_security_enabled", sa.Boolean, nullable=False),
    sa.Column("provider_network_type", sa.String(16), nullable=False),
    sa.Column("provider_physical_network", text(64)),
    sa.Column("provider_segmentation_id", sa.Integer),
    sa.Index("networks_by_shared", "shared"),
    sa.Index("networks_by_external", "router_external"),
)

segments = sa.Table(
    "network_segments", metadata,
    sa.Column("network_id", key(), sa.ForeignKey("networks.id"), primary_key=True),
    sa.Column("network_type", sa.String(16), nullable=False),
    sa.Column("physical_network", text(64), nullable=False),
    sa.Column("segment", sa.Integer, nullable=False),
    sa.UniqueConstraint("network_type", "physical_network", "segment", name="network_segments_once"),
)

subnets = _noun(
    "subnets", _of("network_id", "networks"),
    sa.Column("ip_version", sa.Integer, nullable=False),
    sa.Column("cidr", text(64), nullable=False),
    sa.Column("gateway_ip", text(64)),
    sa.Column("enable_dhcp", sa.Boolean, nullable=False),
    sa.Column("ipv6_address_mode", sa.String(16)),
    sa.Column("ipv6_ra_mode", sa.String(16)),
    sa.Column("subnetpool_id", key()),
    sa.Column("cursor", sa.String(32), nullable=False),
    sa.Index("subnets_by_network", "network_id"),
    sa.Index("subnets_by_pool", "subnetpool_id"),
)

subnetpools = _noun(
    "subnetpools",
    sa.Column("ip_version", sa.Integer, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("default_prefixlen", sa.Integer, nullable=False),
    sa.Column("min_prefixlen", sa.Integer, nullable=False),
    sa.Column("max_prefixlen", sa.Integer, nullable=False),
    sa.Column("default_quota", sa.Integer),
)

ports = _noun(
    "ports", _of("network_id", "networks"),
    sa.Column("mac_address", sa.String(17), nullable=False),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("device_id", text(255), nullable=False),
    sa.Column("device_owner", text(255), nullable=False),
    sa.Column("port_security_enabled", sa.Boolean, nullable=False),
    sa.Column("binding_host_id", text(255), nullable=False),
    sa.Column("binding_vif_type", text(64), nullable=False),
    sa.Column("binding_vnic_type", text(64), nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("requested", sa.Boolean, nullable=False),
    sa.Column("tag", text(64), nullable=False),
    sa.Column("hostname", text(255), nullable=False),
    sa.UniqueConstraint("network_id", "mac_address", name="ports_mac_once"),
    sa.Index("ports_by_device", "device_id"),
    sa.Index("ports_by_host", "binding_host_id", "network_id"),
    sa.Index("ports_by_mac", "mac_address"),
    sa.Index("ports_by_owner", "device_owner"),
)

addresses = sa.Table(
    "port_addresses", metadata,
    sa.Column("subnet_id", key(), sa.ForeignKey("subnets.id"), primary_key=True),
    sa.Column("number", sa.String(32), primary_key=True),
    sa.Column("port_id", key(), sa.ForeignKey("ports.id"), nullable=False),
    sa.Column("network_id", key(), nullable=False),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Index("port_addresses_by_port", "port_id"),
    sa.Index("port_addresses_by_address", "address", "network_id"),
)

security_groups = _noun(
    "security_groups",
    sa.Column("stateful", sa.Boolean, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
)

default_groups = sa.Table(
    "default_security_groups", metadata,
    sa.Column("project_id", key(), primary_key=True),
    _of("group_id", "security_groups"),
)

rules = _noun(
    "security_group_rules", _of("security_group_id", "security_groups"),
    sa.Column("direction", sa.String(8), nullable=False),
    sa.Column("ethertype", sa.String(8), nullable=False),
    sa.Column("protocol", sa.String(32)),
    sa.Column("port_range_min", sa.Integer),
    sa.Column("port_range_max", sa.Integer),
    sa.Column("remote_ip_prefix", sa.String(64)),
    sa.Column("remote_group_id", key()),
    sa.Column("likeness", text(255), nullable=False),
    sa.UniqueConstraint("security_group_id", "likeness", name="security_group_rules_once"),
    sa.Index("security_group_rules_by_remote", "remote_group_id"),
)

memberships = sa.Table(
    "port_security_groups", metadata,
    sa.Column("port_id", key(), sa.ForeignKey("ports.id"), primary_key=True),
    sa.Column("group_id", key(), sa.ForeignKey("security_groups.id"), primary_key=True),
    sa.Column("network_id", key(), nullable=False),
    sa.Index("port_security_groups_by_group", "group_id", "network_id"),
)

routers = _noun(
    "routers",
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("distributed", sa.Boolean, nullable=False),
    sa.Column("ha", sa.Boolean, nullable=False),
    sa.Column("gateway_network_id", key()),
    sa.Column("gateway_port_id", key()),
    sa.Column("host", text(255), nullable=False),
    sa.Index("routers_by_host", "host"),
    sa.Index("routers_by_gateway", "gateway_network_id"),
)

floating_ips = _noun(
    "floating_ips", _of("floating_network_id", "networks"),
    sa.Column("floating_ip_address", sa.String(45), nullable=False),
    sa.Column("fixed_ip_address", sa.String(45)),
    sa.Column("port_id", key()),
    sa.Column("router_id", key()),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("floating_port_id", key(), nullable=False),
    sa.UniqueConstraint("port_id", "fixed_ip_address", name="floating_ips_fixed_once"),
    sa.Index("floating_ips_by_address", "floating_ip_address"),
    sa.Index("floating_ips_by_router", "router_id"),
)

tags = sa.Table(
    "network_tags", metadata,
    sa.Column("resource_id", key(), primary_key=True),
    sa.Column("tag", text(255), primary_key=True),
    sa.Index("network_tags_by_tag", "tag"),
)

quotas = sa.Table(
    "network_quotas", metadata,
    sa.Column("project_id", key(), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    sa.Column("maximum", sa.Integer, nullable=False),
)

agents = sa.Table(
    "network_agents", metadata, id_column(),
    sa.Column("host", text(255), nullable=False),
    sa.Column("agent_type", text(64), nullable=False),
    sa.Column("binary", text(64), nullable=False),
    sa.Column("topic", text(64), nullable=False),
    sa.Column("availability_zone", text(64), nullable=False),
    sa.Column("description", text(255), nullable=False),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("beat_at", sa.Double, nullable=False),
    sa.Column("configurations", Json, nullable=False),
    sa.UniqueConstraint("host", "agent_type", name="network_agents_once"),
)

topologies = sa.Table(
    "network_topologies", metadata,
    sa.Column("project_id", key(), primary_key=True),
    sa.Column("network_id", key(), nullable=False),
    sa.Column("router_id", key(), nullable=False),
)
"""The topology that was made for a project by itself."""

wirings = sa.Table(
    "network_wirings", metadata,
    sa.Column("network_id", key(), primary_key=True),
    sa.Column("host", text(255), primary_key=True),
    sa.Index("network_wirings_by_host", "host"),
)

visits = sa.Table(
    "network_visits", metadata,
    sa.Column("port_id", key(), primary_key=True),
    sa.Column("host", text(255), primary_key=True),
    sa.Column("network_id", key(), nullable=False),
    sa.Column("arriving", sa.Boolean, nullable=False),
    sa.Index("network_visits_by_host", "host", "network_id"),
)
"""Where ports are or may be wired beside the host that they are bound to; ``arriving``: they go there."""

SCHEMA = Schema("network", metadata, Path(__file__).parent / "migrations")
