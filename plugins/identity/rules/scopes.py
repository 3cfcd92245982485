"""Which rules take no token for a domain, or none but for a project; all others take every token."""

from __future__ import annotations

from collections.abc import Iterator

SYSTEM_OR_PROJECT = frozenset(("system", "project"))
PROJECT = frozenset(("project",))


def _all_of(noun: str, many: str = "", verbs: str = "get list create update delete") -> Iterator[str]:
    for verb in verbs.split():
        yield f"{verb}_{many or noun + 's'}" if verb == "list" else f"{verb}_{noun}"


_NOT_FOR_DOMAINS = frozenset((
    *_all_of("access_rule", verbs="get list delete"),
    *_all_of("application_credential", verbs="get list delete"),
    *_all_of("consumer"),
    *_all_of("domain", verbs="create update delete"),
    *_all_of("domain_config", verbs="create get update delete"), "get_domain_config_default",
    *_all_of("endpoint"), *_all_of("service"), *_all_of("policy", "policies"),
    *_all_of("region", verbs="create update delete"),
    *_all_of("role", verbs="create update delete"), *_all_of("domain_role"),
    *_all_of("endpoint_group"),
    "list_projects_associated_with_endpoint_group", "list_endpoints_associated_with_endpoint_group",
    "get_endpoint_group_in_project", "list_endpoint_groups_for_project", "add_endpoint_group_to_project",
    "remove_endpoint_group_from_project",
    "list_projects_for_endpoint", "add_endpoint_to_project", "check_endpoint_in_project", "list_endpoints_for_project",
    "remove_endpoint_from_project",
    *(f"{verb}_policy_association_for_{noun}" for verb in ("create", "check", "delete")
      for noun in ("endpoint", "service", "region_and_service")),
    "get_policy_for_endpoint", "list_endpoints_for_policy",
    *(f"{verb}_for_{actor}" for actor in ("user", "group")
      for verb in ("list_system_grants", "check_system_grant", "create_system_grant", "revoke_system_grant")),
    "get_implied_role", "list_implied_roles", "create_implied_role", "delete_implied_role", "check_implied_role",
    "list_role_inference_rules",
    "create_registered_limits", "update_registered_limit", "delete_registered_limit",
    "create_limits", "update_limit", "delete_limit",
    *(f"ec2_{verb}" for verb in ("get_credential", "list_credentials", "create_credential", "delete_credential")),
    *_all_of("identity_provider", "identity_providers"), *_all_of("mapping"), *_all_of("protocol"),
    *_all_of("service_provider"),
    "explain_policy", "revocation_list", "list_revoke_events",
    "list_trusts", "list_trusts_for_trustor", "list_trusts_for_trustee", "list_roles_for_trust",
    "get_role_for_trust", "delete_trust", "get_trust",
))
_FOR_PROJECTS = frozenset((
    "create_application_credential", "create_trust", "authorize_request_token", "get_access_token",
    "get_access_token_role", "list_access_tokens", "list_access_token_roles", "delete_access_token",
))


def scopes_of(name: str) -> frozenset[str]:
    """The kinds of token that the rule ``identity:<name>`` takes; none named means all."""
    return SYSTEM_OR_PROJECT if name in _NOT_FOR_DOMAINS else PROJECT if name in _FOR_PROJECTS else frozenset()
