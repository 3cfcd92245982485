"""Identity's own tables, a module a noun. Users live in a backend."""

from __future__ import annotations

from pathlib import Path

from ....core.db.schema import Schema
from .application_credentials import access_rules, application_credentials, bounds
from .base import METADATA
from .catalog import endpoints, regions, services
from .credentials import credentials
from .directories import directory_ids
from .domain_config import domain_options
from .endpoint_groups import endpoint_groups, project_endpoint_groups, project_endpoints
from .federation import (
    federated_memberships,
    federated_users,
    mappings,
    protocols,
    providers,
    remote_ids,
    service_providers,
)
from .limits import limits, registered_limits
from .oauth1 import access_tokens, consumers, nonces, request_tokens
from .policies import policies, policy_associations
from .resources import assignments, implications, projects, roles, tags
from .tokens import revision, revocations
from .trusts import trusts

SCHEMA = Schema("identity", METADATA, Path(__file__).parent.parent / "migrations")

__all__ = [
    "METADATA",
    "SCHEMA",
    "access_rules",
    "access_tokens",
    "application_credentials",
    "assignments",
    "bounds",
    "consumers",
    "credentials",
    "directory_ids",
    "domain_options",
    "endpoint_groups",
    "endpoints",
    "federated_memberships",
    "federated_users",
    "implications",
    "nonces",
    "mappings",
    "limits",
    "policies",
    "policy_associations",
    "project_endpoint_groups",
    "project_endpoints",
    "projects",
    "protocols",
    "providers",
    "regions",
    "registered_limits",
    "remote_ids",
    "request_tokens",
    "revision",
    "revocations",
    "roles",
    "service_providers",
    "services",
    "tags",
    "trusts",
]
