"""The tables of compute: servers and what belongs to them, flavors, keys, groups, quotas, hosts, aggregates."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ...core.db.columns import BigText, Json, Moment, id_column, key, text
from ...core.db.schema import Schema

metadata = sa.MetaData()
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

servers = sa.Table(
    "servers", metadata,
    id_column(),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255), nullable=False),
    sa.Column("hostname", text(255), nullable=False),
    sa.Column("description", text(255)),
    sa.Column("vm_state", sa.String(24), nullable=False),
    sa.Column("task_state", sa.String(32)),
    sa.Column("power_state", sa.Integer, nullable=False, default=0),
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    # Before the host, as MariaDB sets columns in this order, each from what is set already.
    sa.Column("left_host", text(255), nullable=False, default="", server_default=""),
    sa.Column("host", text(255), nullable=False, default=""),
    sa.Column("node", text(255), nullable=False, default=""),
    sa.Column("provider", key(), nullable=False, default=""),
    sa.Column("zone", text(255), nullable=False, default=""),
    sa.Column("image_id", key(), nullable=False, default=""),
    sa.Column("flavor_id", text(255), nullable=False),
    sa.Column("flavor", Json, nullable=False),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("memory_mib", sa.Integer, nullable=False),
    sa.Column("root_gib", sa.Integer, nullable=False),
    sa.Column("ephemeral_gib", sa.Integer, nullable=False),
    sa.Column("key_name", text(255)),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("nics", Json, nullable=False),
    sa.Column("ips", text(2000), nullable=False, default=""),
    sa.Column("security_groups", Json, nullable=False),
    sa.Column("volumes", Json, nullable=False),
    sa.Column("group_id", key(), nullable=False, default=""),
    sa.Column("locked", sa.Boolean, nullable=False, default=False),
    sa.Column("locked_by", sa.String(8), nullable=False, default=""),
    sa.Column("locked_reason", text(255)),
    sa.Column("config_drive", sa.Boolean, nullable=False, default=False),
    sa.Column("disk_config", sa.String(8), nullable=False, default="MANUAL"),
    sa.Column("access_ip_v4", sa.String(15), nullable=False, default=""),
    sa.Column("access_ip_v6", sa.String(45), nullable=False, default=""),
    sa.Column("progress", sa.Integer, nullable=False, default=0),
    sa.Column("fault", Json),
    sa.Column("reservation_id", key(), nullable=False, default=""),
    sa.Column("launch_index", sa.Integer, nullable=False, default=0),
    sa.Column("root_device", sa.String(32), nullable=False, default=""),
    sa.Column("move", Json),
    sa.Column("shelf", Json),
    sa.Column("pinned_zone", text(255), nullable=False, default="", server_default=""),
    sa.Column("due_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Column("launched_at", Moment),
    sa.Column("terminated_at", Moment),
    sa.Index("servers_by_project", "project_id", "deleted", "created_at", "id"),
    sa.Index("servers_by_name", "project_id", "deleted", "name", "id"),
    sa.Index("servers_by_creation", "deleted", "created_at", "id"),
    sa.Index("servers_by_host", "host", "deleted"),
    sa.Index("servers_by_user", "user_id", "deleted"),
    sa.Index("servers_by_image", "image_id", "deleted"),
    sa.Index("servers_by_flavor", "flavor_id", "deleted"),
    sa.Index("servers_by_reservation", "reservation_id"),
    sa.Index("servers_by_update", "updated_at"),
    sa.Index("servers_by_due", "due_at"),
)
"""One server a row, with all that a page of servers shows; a deleted server keeps its row.

``nics`` and ``volumes`` repeat what network and block devices know; ``move`` holds both sides of a resize, ``shelf``
what a shelved server is made of again. ``left_host`` is the host that it was on before this one, or before none.
``due_at`` says when a shelved or softly deleted server leaves its host."""

server_details = sa.Table(
    "server_details", metadata,
    sa.Column("server_id", key(), primary_key=True),
    sa.Column("user_data", BigText),
    sa.Column("personality", Json, nullable=False),
    sa.Column("hints", Json, nullable=False),
    sa.Column("key", Json),
    sa.Column("image", Json),
    sa.Column("admin_password", text(255), nullable=False, default=""),
    sa.Column("encrypted_password", text(2000), nullable=False, default="", server_default=""),
    sa.Column("sealed_password", text(2000), nullable=False, default="", server_default=""),
    sa.Column("sealed_disk_key", text(2000), nullable=False, default="", server_default=""),
    sa.Column("rescue", Json),
    sa.Column("nic_requests", Json),
    sa.Column("group_requests", Json, nullable=False),
    sa.Column("placement", Json, nullable=False),
)
"""What only the making of a server and its metadata need. ``placement`` is the zone, host and node asked for;
``encrypted_password`` what the guest told of its own, ``sealed_password`` what a guest to be made is to be told;
``sealed_disk_key`` what its local disks are encrypted with, ``rescue`` the image a rescued server runs from."""

server_tags = sa.Table(
    "server_tags", metadata,
    sa.Column("server_id", key(), primary_key=True),
    sa.Column("tag", text(60), primary_key=True),
    sa.Index("server_tags_by_tag", "tag"),
)

server_metadata = sa.Table(
    "server_metadata", metadata,
    sa.Column("server_id", key(), primary_key=True),
    sa.Column("key", text(255), primary_key=True),
    sa.Column("value", text(255), nullable=False),
    sa.Index("server_metadata_by_key", "key"),
)
"""The servers' metadata once more, for the list filter."""

block_devices = sa.Table(
    "block_devices", metadata,
    id_column(),
    sa.Column("server_id", key(), nullable=False),
    sa.Column("boot_index", sa.Integer),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("source_type", sa.String(16), nullable=False),
    sa.Column("destination_type", sa.String(16), nullable=False),
    sa.Column("image_id", key(), nullable=False, default=""),
    sa.Column("snapshot_id", key(), nullable=False, default=""),
    sa.Column("volume_id", key(), nullable=False, default=""),
    sa.Column("attachment_id", key(), nullable=False, default=""),
    sa.Column("size_gib", sa.Integer, nullable=False, default=0),
    sa.Column("size_mib", sa.Integer, nullable=False, default=0),
    sa.Column("device", sa.String(32), nullable=False, default=""),
    sa.Column("guest_format", sa.String(32), nullable=False, default=""),
    sa.Column("device_type", sa.String(16), nullable=False, default="", server_default=""),
    sa.Column("disk_bus", sa.String(16), nullable=False, default="", server_default=""),
    sa.Column("volume_type", text(255), nullable=False, default=""),
    sa.Column("delete_on_termination", sa.Boolean, nullable=False, default=False),
    sa.Column("made", sa.Boolean, nullable=False, default=False),
    sa.Column("state", sa.String(16), nullable=False, default="planned"),
    sa.Column("tag", text(60), nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("block_devices_by_server", "server_id", "position"),
    sa.Index("block_devices_by_volume", "volume_id"),
)
"""The disks of servers. ``made`` marks volumes that compute made; ``state`` is planned, attached or detaching."""

flavors = sa.Table(
    "flavors", metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("id", text(255), nullable=False, unique=True),
    sa.Column("name", text(255), nullable=False, unique=True),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("memory_mib", sa.Integer, nullable=False),
    sa.Column("root_gib", sa.Integer, nullable=False),
    sa.Column("ephemeral_gib", sa.Integer, nullable=False, default=0),
    sa.Column("swap_mib", sa.Integer, nullable=False, default=0),
    sa.Column("rxtx_factor", sa.Float, nullable=False, default=1.0),
    sa.Column("public", sa.Boolean, nullable=False, default=True),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("description", BigText),
    sa.Column("extra_specs", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Index("flavors_by_public", "public"),
)
"""Flavors with their extra specs in the row."""

flavor_access = sa.Table(
    "flavor_access", metadata,
    sa.Column("flavor_id", text(255), primary_key=True),
    sa.Column("project_id", key(), primary_key=True),
    sa.Index("flavor_access_by_project", "project_id"),
)

keypairs = sa.Table(
    "keypairs", metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255), nullable=False),
    sa.Column("type", sa.String(8), nullable=False, default="ssh"),
    sa.Column("fingerprint", text(255), nullable=False),
    sa.Column("public_key", BigText, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "name", name="keypairs_by_name"),
)

server_groups = sa.Table(
    "server_groups", metadata,
    id_column(),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("name", text(255), nullable=False),
    sa.Column("policy", sa.String(32), nullable=False),
    sa.Column("rules", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("server_groups_by_project", "project_id", "created_at", "id"),
)

server_group_members = sa.Table(
    "server_group_members", metadata,
    sa.Column("group_id", key(), primary_key=True),
    sa.Column("server_id", key(), primary_key=True),
    sa.Index("server_group_members_by_server", "server_id"),
)

quotas = sa.Table(
    "quotas", metadata,
    sa.Column("project_id", key(), primary_key=True),
    sa.Column("user_id", key(), primary_key=True, default=""),
    sa.Column("resource", sa.String(64), primary_key=True),
    sa.Column("limit", sa.Integer, nullable=False),
)
"""Limits that differ from the defaults; ``user_id`` is empty for those of the whole project."""

usage = sa.Table(
    "compute_usage", metadata,
    sa.Column("project_id", key(), primary_key=True),
    sa.Column("instances", sa.Integer, nullable=False, default=0),
    sa.Column("cores", sa.Integer, nullable=False, default=0),
    sa.Column("ram", sa.BigInteger, nullable=False, default=0),
)
"""What the live servers of a project use; kept in the transactions that make, resize and delete them. RAM in MiB."""

quota_classes = sa.Table(
    "quota_classes", metadata,
    sa.Column("name", text(255), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    sa.Column("limit", sa.Integer, nullable=False),
)

services = sa.Table(
    "compute_services", metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("id", key(), nullable=False, unique=True),
    sa.Column("binary", sa.String(32), nullable=False),
    sa.Column("host", text(255), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("disabled_reason", text(255)),
    sa.Column("forced_down", sa.Boolean, nullable=False, default=False),
    sa.Column("beat_at", sa.Double, nullable=False, default=0.0),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.UniqueConstraint("host", "binary", name="compute_services_by_host"),
)
"""The processes of compute: a ``nova-compute`` a host. ``beat_at`` is in seconds since the epoch."""

hosts = sa.Table(
    "compute_hosts", metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("id", key(), nullable=False, unique=True),
    sa.Column("host", text(255), nullable=False),
    sa.Column("node", text(255), nullable=False),
    sa.Column("facts", Json, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("metrics", Json),
    sa.Column("seated", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.UniqueConstraint("host", "node", name="compute_hosts_by_node"),
)
"""The hypervisors. ``id`` is also that of the resource provider; ``facts`` are those of
:class:`~stratolith.core.drivers.hypervisor.HypervisorFacts`."""

seats = sa.Table(
    "compute_seats", metadata,
    sa.Column("consumer", key(), primary_key=True),
    sa.Column("server_id", key(), nullable=False),
    sa.Column("provider", key(), nullable=False),
    sa.Column("move", key(), nullable=False, default=""),
    sa.Column("seat", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("compute_seats_by_provider", "provider"),
    sa.Index("compute_seats_by_server", "server_id"),
)
"""What of a host a server has for itself: cells, processors, PCI devices. ``consumer`` is the server, or the move that
holds its old seat, as in placement; ``move`` is the move by which it came here. Each seat that is taken counts
``seated`` of its host up, which decides between two that want the same."""

aggregates = sa.Table(
    "aggregates", metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("uuid", key(), nullable=False, unique=True),
    sa.Column("name", text(255), nullable=False, unique=True),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
)
"""Host aggregates; the availability zone is the metadata ``availability_zone``."""

aggregate_hosts = sa.Table(
    "aggregate_hosts", metadata,
    sa.Column("aggregate_id", Number, primary_key=True, autoincrement=False),
    sa.Column("host", text(255), primary_key=True),
    sa.Index("aggregate_hosts_by_host", "host"),
)

console_tokens = sa.Table(
    "console_tokens", metadata,
    id_column(),
    sa.Column("server_id", key(), nullable=False),
    sa.Column("host", text(255), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("holder", BigText),
    sa.Index("console_tokens_by_end", "expires_at"),
)
"""Who may connect to a console once. ``id`` is the SHA-256 of the token in hexadecimal digits; ``type`` the word
that the API has for the console; ``expires_at`` is in seconds since the epoch, ``holder`` says, sealed, whose console
it is."""

console_proxies = sa.Table(
    "console_proxies", metadata,
    sa.Column("host", text(255), primary_key=True),
    sa.Column("url", text(255), nullable=False),
)
"""Where browsers reach the console proxy of a host."""

moves = sa.Table(
    "migrations", metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("uuid", key(), nullable=False, unique=True),
    sa.Column("type", sa.String(24), nullable=False),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("server_id", key(), nullable=False),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("source_compute", text(255), nullable=False, default=""),
    sa.Column("source_node", text(255), nullable=False, default=""),
    sa.Column("dest_compute", text(255), nullable=False, default=""),
    sa.Column("dest_node", text(255), nullable=False, default=""),
    sa.Column("old_flavor", Number),
    sa.Column("new_flavor", Number),
    sa.Column("hidden", sa.Boolean, nullable=False, default=False),
    sa.Column("wish", sa.String(8), nullable=False, default=""),
    sa.Column("progress", Json),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Index("migrations_by_server", "server_id", "id"),
    sa.Index("migrations_by_creation", "created_at", "id"),
    sa.Index("migrations_by_update", "updated_at"),
    sa.Index("migrations_by_status", "status", "type"),
    sa.Index("migrations_by_source", "source_compute"),
    sa.Index("migrations_by_target", "dest_compute"),
    sa.Index("migrations_by_project", "project_id"),
    sa.Index("migrations_by_user", "user_id"),
)
"""The moves of servers between hosts, resizes among them. ``uuid`` is also the consumer that holds the old claim;
the flavors are by number; ``wish`` is what an administrator asked of a live migration: ``abort`` or ``force``."""

SCHEMA = Schema("compute", metadata, Path(__file__).parent / "migrations")
