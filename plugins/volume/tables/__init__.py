"""The tables of the block storage service, a module a noun."""

from __future__ import annotations

from pathlib import Path

from ....core.db.schema import Schema
from .backups import backups, messages
from .groups import group_snapshots, group_types, groups
from .hosts import quotas, services
from .metadata import metadata
from .types import access, default_types, qos_specs, types
from .volumes import attachments, marks, snapshots, transfers, volumes

SCHEMA = Schema("volume", metadata, Path(__file__).parent.parent / "migrations")

__all__ = ("SCHEMA", "access", "attachments", "backups", "default_types", "group_snapshots", "group_types", "groups",
           "marks", "messages", "metadata", "qos_specs", "quotas", "services", "snapshots", "transfers", "types",
           "volumes")
