"""The policy has the names and defaults that policy files of today's Keystone are written for."""

import pytest
from stratolith.core.context import Context
from stratolith.core.policy.engine import Policy
from stratolith.plugins.identity.api import API
from stratolith.plugins.identity.rules import RULES
from stratolith.plugins.identity.rules.scopes import PROJECT, SYSTEM_OR_PROJECT, scopes_of

BASE = """
admin_required service_role service_or_admin owner admin_or_owner token_subject admin_or_token_subject
service_admin_or_token_subject domain_managed_target_role
"""
NOUNS = """
consumer credential domain endpoint endpoint_group group identity_provider mapping project protocol region role
domain_role service service_provider user
"""
NAMES = """
get_access_rule list_access_rules delete_access_rule authorize_request_token get_access_token get_access_token_role
list_access_tokens list_access_token_roles delete_access_token get_application_credential
list_application_credentials create_application_credential delete_application_credential get_auth_catalog
get_auth_projects get_auth_domains get_auth_system create_domain_config get_domain_config
get_security_compliance_domain_config update_domain_config delete_domain_config get_domain_config_default
ec2_get_credential ec2_list_credentials ec2_create_credential ec2_delete_credential
list_projects_associated_with_endpoint_group list_endpoints_associated_with_endpoint_group
get_endpoint_group_in_project list_endpoint_groups_for_project add_endpoint_group_to_project
remove_endpoint_group_from_project check_grant list_grants create_grant revoke_grant list_system_grants_for_user
check_system_grant_for_user create_system_grant_for_user revoke_system_grant_for_user list_system_grants_for_group
check_system_grant_for_group create_system_grant_for_group revoke_system_grant_for_group list_groups_for_user
list_users_in_group remove_user_from_group check_user_in_group add_user_to_group get_implied_role list_implied_roles
create_implied_role delete_implied_role list_role_inference_rules check_implied_role get_limit_model get_limit
list_limits create_limits update_limit delete_limit get_policy list_policies create_policy update_policy delete_policy
create_policy_association_for_endpoint check_policy_association_for_endpoint delete_policy_association_for_endpoint
create_policy_association_for_service check_policy_association_for_service delete_policy_association_for_service
create_policy_association_for_region_and_service check_policy_association_for_region_and_service
delete_policy_association_for_region_and_service get_policy_for_endpoint list_endpoints_for_policy list_user_projects
list_project_tags get_project_tag update_project_tags create_project_tag delete_project_tags delete_project_tag
list_projects_for_endpoint add_endpoint_to_project check_endpoint_in_project list_endpoints_for_project
remove_endpoint_from_project get_registered_limit list_registered_limits create_registered_limits
update_registered_limit delete_registered_limit list_revoke_events list_role_assignments
list_role_assignments_for_tree revocation_list check_token validate_token revoke_token create_trust list_trusts
list_trusts_for_trustor list_trusts_for_trustee list_roles_for_trust get_role_for_trust delete_trust get_trust
"""
"""Keystone's names but for those of the five verbs that most nouns have."""


def names():
    yield from BASE.split()
    yield from (f"identity:{name}" for name in NAMES.split())
    for noun in NOUNS.split():
        yield from (f"identity:{verb}_{noun}{'s' if verb == 'list' else ''}"
                    for verb in ("get", "list", "create", "update", "delete"))


def test_all_names_are_declared():
    assert not set(names()) - {rule.name for rule in RULES}


def test_each_rule_but_those_that_others_are_made_of_guards_an_operation():
    used = {operation.rule for operation in API.operations}
    chosen = {"identity:get_domain_role", "identity:create_domain_role", "identity:update_domain_role",
              "identity:delete_domain_role", "identity:list_domain_roles", "identity:list_role_assignments_for_tree",
              "identity:get_security_compliance_domain_config"}
    spare = {rule.name for rule in RULES if rule.name.startswith("identity:")} - used - chosen
    assert not {name for name in spare if "trust" not in name and "access_token" not in name}, spare


def test_names_of_scopes_are_names_of_rules():
    declared = {rule.name.removeprefix("identity:") for rule in RULES}
    from stratolith.plugins.identity.rules import scopes
    assert declared >= scopes._NOT_FOR_DOMAINS | scopes._FOR_PROJECTS


@pytest.mark.parametrize(("name", "scopes"), [
    ("create_domain", SYSTEM_OR_PROJECT), ("create_trust", PROJECT), ("create_user", frozenset())])
def test_scopes(name, scopes):
    assert scopes_of(name) == scopes


def holder(role, **scope):
    chain = ("admin", "manager", "member", "reader")
    roles = chain[chain.index(role):] if role in chain else (role,)
    return Context(request_id="r", user_id="u", roles=roles, **scope)


MINE = {"target.user.domain_id": "d", "target.project.domain_id": "d", "target.domain_id": "d",
        "target.group.domain_id": "d", "target.role.domain_id": None, "target.role.name": "member"}
OTHER = {**MINE, **dict.fromkeys(("target.user.domain_id", "target.project.domain_id", "target.domain_id",
                                  "target.group.domain_id"), "e")}


@pytest.mark.parametrize(("name", "who", "target", "allowed"), [
    ("create_user", holder("manager", domain_id="d"), MINE, True),
    ("create_user", holder("manager", domain_id="d"), OTHER, False),
    ("create_user", holder("manager", project_id="p"), MINE, False),
    ("create_user", holder("admin", domain_id="d"), OTHER, True),
    ("create_domain", holder("admin", domain_id="d"), {}, False),
    ("create_domain", holder("admin", project_id="p"), {}, True),
    ("create_domain", holder("admin", system="all"), {}, True),
    ("create_grant", holder("manager", domain_id="d"), MINE, True),
    ("create_grant", holder("manager", domain_id="d"), {**MINE, "target.role.name": "admin"}, False),
    ("create_grant", holder("manager", domain_id="d"), OTHER, False),
    ("list_roles", holder("manager", domain_id="d"), {}, True),
    ("list_roles", holder("manager", project_id="p"), {}, False),
    ("update_project", holder("manager", domain_id="d"), {**MINE, "target.project.domain_id": None}, False),
    ("list_users", holder("reader", system="all"), {}, True),
    ("list_users", holder("member", project_id="p"), OTHER, False),
    ("validate_token", holder("service", project_id="p"), {}, True)])
def test_personas(name, who, target, allowed):
    assert Policy(RULES).allows(who, f"identity:{name}", target) == allowed
