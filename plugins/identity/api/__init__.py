"""The HTTP face of identity: one module a noun."""

from __future__ import annotations

from ....core.http.table import Api, under
from . import (
    access_rules,
    application_credentials,
    assignments,
    auth,
    catalog,
    credentials,
    domain_config,
    domains,
    ec2,
    endpoint_groups,
    explanations,
    federation,
    federation_auth,
    groups,
    implied_roles,
    limits,
    oauth1,
    policies,
    projects,
    registered_limits,
    revocations,
    role_assignments,
    roles,
    simple_cert,
    trusts,
    users,
    versions,
)
from .faults import fault

API = Api(
    name="identity",
    prefix="/identity",
    domain_scope=True,
    operations=(
        *versions.OPERATIONS,
        *under("/v3", auth.OPERATIONS, users.OPERATIONS, groups.OPERATIONS, projects.OPERATIONS, domains.OPERATIONS,
               roles.OPERATIONS, implied_roles.OPERATIONS, assignments.OPERATIONS, role_assignments.OPERATIONS,
               catalog.OPERATIONS, endpoint_groups.OPERATIONS, policies.OPERATIONS, registered_limits.OPERATIONS,
               limits.OPERATIONS, domain_config.OPERATIONS, explanations.OPERATIONS, simple_cert.OPERATIONS,
               application_credentials.OPERATIONS, access_rules.OPERATIONS, trusts.OPERATIONS, oauth1.OPERATIONS,
               ec2.OPERATIONS, credentials.OPERATIONS, revocations.OPERATIONS,
               federation.OPERATIONS, federation_auth.OPERATIONS),
    ),
    fault=fault,
)
