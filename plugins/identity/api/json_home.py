"""JSON home: every path by the name of its relation, for clients that ask for ``application/json-home``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ....core.http.table import Operation

MEDIA_TYPE = "application/json-home"
ROOT = "https://docs.openstack.org/api/openstack-identity/3"
NAME = re.compile(r"\{(\w+)\}")

CORE = {
    "/domains/{}/config/{}": "domain_config_group",
    "/domains/{}/config/{}/{}": "domain_config_option", "/domains/{}/config": "domain_config",
    "/domains/config/default": "domain_config_default", "/domains/config/{}/default": "domain_config_default_group",
    "/domains/config/{}/{}/default": "domain_config_default_option",
    "/domains/{}/users/{}/roles": "domain_user_roles", "/domains/{}/users/{}/roles/{}": "domain_user_role",
    "/domains/{}/groups/{}/roles": "domain_group_roles", "/domains/{}/groups/{}/roles/{}": "domain_group_role",
    "/projects/{}/users/{}/roles": "project_user_roles", "/projects/{}/users/{}/roles/{}": "project_user_role",
    "/projects/{}/groups/{}/roles": "project_group_roles", "/projects/{}/groups/{}/roles/{}": "project_group_role",
    "/system/users/{}/roles": "system_user_roles", "/system/users/{}/roles/{}": "system_user_role",
    "/system/groups/{}/roles": "system_group_roles", "/system/groups/{}/roles/{}": "system_group_role",
    "/projects/{}/tags": "project_tags", "/projects/{}/tags/{}": "project_tag",
    "/groups/{}/users": "group_users", "/groups/{}/users/{}": "group_user", "/users/{}/groups": "user_groups",
    "/users/{}/projects": "user_projects", "/users/{}/password": "user_change_password",
    "/roles/{}/implies": "implied_roles", "/roles/{}/implies/{}": "implied_role", "/limits/model": "limit_model",
    "/auth/tokens": "auth_tokens", "/auth/catalog": "auth_catalog", "/auth/projects": "auth_projects",
    "/auth/domains": "auth_domains", "/auth/system": "auth_system",
}
"""Relations of the API itself whose names do not follow from the end of their path."""
EXTENDED = {
    "OS-EP-FILTER/1.0": {
        "/OS-EP-FILTER/projects/{}/endpoints/{}": "project_endpoint",
        "/OS-EP-FILTER/projects/{}/endpoints": "project_endpoints",
        "/OS-EP-FILTER/endpoints/{}/projects": "endpoint_projects",
        "/OS-EP-FILTER/endpoint_groups": "endpoint_groups", "/OS-EP-FILTER/endpoint_groups/{}": "endpoint_group",
        "/OS-EP-FILTER/endpoint_groups/{}/projects/{}": "endpoint_group_to_project_association",
        "/OS-EP-FILTER/endpoint_groups/{}/projects": "projects_associated_with_endpoint_group",
        "/OS-EP-FILTER/endpoint_groups/{}/endpoints": "endpoints_in_endpoint_group",
        "/OS-EP-FILTER/projects/{}/endpoint_groups": "project_endpoint_groups"},
    "OS-ENDPOINT-POLICY/1.0": {
        "/endpoints/{}/OS-ENDPOINT-POLICY/policy": "endpoint_policy",
        "/policies/{}/OS-ENDPOINT-POLICY/endpoints": "policy_endpoints",
        "/policies/{}/OS-ENDPOINT-POLICY/endpoints/{}": "endpoint_policy_association",
        "/policies/{}/OS-ENDPOINT-POLICY/services/{}": "service_policy_association",
        "/policies/{}/OS-ENDPOINT-POLICY/services/{}/regions/{}": "region_and_service_policy_association"},
    "OS-EC2/1.0": {"/users/{}/credentials/OS-EC2": "user_credentials",
                   "/users/{}/credentials/OS-EC2/{}": "user_credential", "/ec2tokens": "ec2tokens"},
    "s3tokens/1.0": {"/s3tokens": "s3tokens"},
    "OS-SIMPLE-CERT/1.0": {"/OS-SIMPLE-CERT/ca": "ca_certificate", "/OS-SIMPLE-CERT/certificates": "certificates"},
    "OS-PKI/1.0": {"/auth/tokens/OS-PKI/revoked": "revocations"},
    "OS-OAUTH1/1.0": {
        "/users/{}/OS-OAUTH1/access_tokens": "user_access_tokens",
        "/users/{}/OS-OAUTH1/access_tokens/{}": "user_access_token",
        "/users/{}/OS-OAUTH1/access_tokens/{}/roles": "user_access_token_roles",
        "/users/{}/OS-OAUTH1/access_tokens/{}/roles/{}": "user_access_token_role",
        "/OS-OAUTH1/request_token": "request_tokens", "/OS-OAUTH1/access_token": "access_tokens",
        "/OS-OAUTH1/authorize/{}": "authorize_request_token"},
    "OS-TRUST/1.0": {"/OS-TRUST/trusts/{}/roles": "trust_roles", "/OS-TRUST/trusts/{}/roles/{}": "trust_role"},
    "OS-FEDERATION/1.0": {
        "/OS-FEDERATION/identity_providers/{}/protocols": "identity_provider_protocols",
        "/OS-FEDERATION/identity_providers/{}/protocols/{}": "identity_provider_protocol",
        "/OS-FEDERATION/identity_providers/{}/protocols/{}/auth": "identity_provider_protocol_auth",
        "/auth/OS-FEDERATION/websso/{}": "websso",
        "/auth/OS-FEDERATION/identity_providers/{}/protocols/{}/websso": "identity_providers_websso"},
    "OS-INHERIT/1.0": {
        f"/OS-INHERIT/{target}s/{{}}/{actor}s/{{}}/roles{ending}/inherited_to_projects":
            f"{target}_{actor}_{noun}_inherited_to_projects"
        for target in ("project", "domain") for actor in ("user", "group")
        for ending, noun in (("", "roles"), ("/{}", "role"))},
}
EXTENSION = re.compile(r"^/(OS-[A-Z0-9-]+)/")


def document(operations: Iterable[Operation], prefix: str) -> Mapping[str, Any]:
    """The document of all paths below ``/v3``, each told with ``prefix`` before it."""
    resources = {}
    for path in dict.fromkeys(one.path for one in operations if one.path.startswith("/v3/")):
        path = path.removeprefix("/v3")
        base, name = relation(path)
        names = NAME.findall(path)
        resources[f"{base}/rel/{name}"] = {
            "href-template": prefix + path, "href-vars": {one: f"{base}/param/{one}" for one in names},
        } if names else {"href": prefix + path}
    return {"resources": resources}


def relation(path: str) -> tuple[str, str]:
    """The address below which the relation of a path is named, and its name."""
    bare = NAME.sub("{}", path)
    for extension, known in EXTENDED.items():
        if bare in known:
            return f"{ROOT}/ext/{extension}", known[bare]
    found = EXTENSION.match(path)
    base = f"{ROOT}/ext/{found.group(1)}/1.0" if found else ROOT
    return base, CORE.get(bare) or _usual(bare)


def _usual(bare: str) -> str:
    """The plural that a path ends with, or the singular where it ends with a name."""
    parts = [part for part in bare.split("/") if part]
    if parts[-1] != "{}":
        return parts[-1].replace("-", "_")
    plural = next((part for part in reversed(parts) if part != "{}"), "resource")
    return plural[:-3] + "y" if plural.endswith("ies") else plural.removesuffix("s")
