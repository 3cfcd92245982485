"""Identity's own tables, a module a noun. Users live in a backend."""

from __future__ import annotations

from pathlib import Path

from ....core.db.schema import Schema
from .base import METADATA
from .catalog import endpoints, regions, services
from .credentials import credentials
from .domain_config import domain_options
from .resources import assignments, implications, projects, roles, tags
from .tokens import revision, revocations

SCHEMA = Schema("identity", METADATA, Path(__file__).parent.parent / "migrations")

__all__ = [
    "METADATA",
    "SCHEMA",
    "assignments",
    "credentials",
    "domain_options",
    "endpoints",
    "implications",
    "projects",
    "regions",
    "revision",
    "revocations",
    "roles",
    "services",
    "tags",
]
