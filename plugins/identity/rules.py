"""The policy of identity: OpenStack's names with the defaults of its personas.

Administrators hold ``admin`` on a project or on the system. Who holds ``admin`` or ``manager`` on a domain manages
that domain and no other, and can hand out only the roles ``manager``, ``member`` and ``reader``: with any
other it could make itself an administrator of the whole cloud.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...core.policy.rules import Rule

ADMIN = "rule:admin_required"
ADMIN_OR_READER = f"{ADMIN} or rule:system_reader"


def _in(attribute: str, role: str) -> str:
    return f"(role:{role} and domain_id:%(target.{attribute})s)"


def _read(attribute: str) -> str:
    return f"{ADMIN_OR_READER} or {_in(attribute, 'reader')}"


def _manage(attribute: str) -> str:
    return f"{ADMIN} or {_in(attribute, 'manager')}"


USER, GROUP, PROJECT, LISTED = "user.domain_id", "group.domain_id", "project.domain_id", "domain_id"
OWN_USER = "user_id:%(target.user.id)s"
OWN_PROJECT = "project_id:%(target.project.id)s"
OWN_CREDENTIAL = "user_id:%(target.credential.user_id)s"


def _grant_in_domain(role: str) -> str:
    """A role on a project or domain of the caller's own domain, for a user or group of that domain."""
    return (f"(role:{role} and (domain_id:%(target.project.domain_id)s or domain_id:%(target.domain.id)s)"
            " and (domain_id:%(target.user.domain_id)s or domain_id:%(target.group.domain_id)s)"
            " and (None:%(target.role.domain_id)s or domain_id:%(target.role.domain_id)s))")


CHECK_GRANT = f"{ADMIN_OR_READER} or {_grant_in_domain('reader')}"
WRITE_GRANT = f"{ADMIN} or ({_grant_in_domain('manager')} and rule:domain_managed_target_role)"

BASE = (
    Rule("admin_required", "is_admin:True", "Holds the role admin on a project or on the system."),
    Rule("system_reader", "role:reader and system_scope:all", "May read everything, by a token for the system."),
    Rule("owner", "user_id:%(user_id)s", "Is the user concerned."),
    Rule("service_role", "role:service", "Is a service of the cloud."),
    Rule("token_subject", "user_id:%(target.token.user_id)s", "Is the user whose token it is."),
    Rule("domain_managed_target_role",
         "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s",
         "The role is one that a domain's manager may hand out."),
)

TOKENS = (
    ("validate_token", f"{ADMIN_OR_READER} or rule:service_role or rule:token_subject", "Validate a token."),
    ("check_token", f"{ADMIN_OR_READER} or rule:token_subject", "Tell whether a token is good."),
    ("revoke_token", f"{ADMIN} or rule:token_subject", "Make a token useless."),
    ("get_auth_catalog", "", "Show the catalog of one's own token."),
    ("get_auth_projects", "", "List the projects one can have a token for."),
    ("get_auth_domains", "", "List the domains one can have a token for."),
    ("get_auth_system", "", "Tell whether one can have a token for the system."),
)
USERS = (
    ("list_users", _read(LISTED), "List users."),
    ("get_user", f"{_read(USER)} or {OWN_USER}", "Show a user."),
    ("create_user", _manage(USER), "Create a user."),
    ("update_user", _manage(USER), "Change a user."),
    ("delete_user", _manage(USER), "Delete a user."),
    ("list_user_projects", f"{_read(USER)} or {OWN_USER}", "List the projects of a user."),
    ("list_groups_for_user", f"{_read(USER)} or {OWN_USER}", "List the groups of a user."),
)
MEMBER_READ = (f"{ADMIN_OR_READER} or ({_in(GROUP, 'reader')} and {_in(USER, 'reader')})")
MEMBER_WRITE = f"{ADMIN} or ({_in(GROUP, 'manager')} and {_in(USER, 'manager')})"
GROUPS = (
    ("list_groups", _read(LISTED), "List groups."),
    ("get_group", _read(GROUP), "Show a group."),
    ("create_group", _manage(GROUP), "Create a group."),
    ("update_group", _manage(GROUP), "Change a group."),
    ("delete_group", _manage(GROUP), "Delete a group."),
    ("list_users_in_group", _read(GROUP), "List the members of a group."),
    ("check_user_in_group", MEMBER_READ, "Tell whether a user is in a group."),
    ("add_user_to_group", MEMBER_WRITE, "Put a user into a group."),
    ("remove_user_from_group", MEMBER_WRITE, "Take a user out of a group."),
)
PROJECTS = (
    ("list_projects", _read(LISTED), "List projects."),
    ("get_project", f"{_read(PROJECT)} or {OWN_PROJECT}", "Show a project."),
    ("create_project", _manage(PROJECT), "Create a project."),
    ("update_project", _manage(PROJECT), "Change a project."),
    ("delete_project", _manage(PROJECT), "Delete a project."),
    ("list_project_tags", f"{_read(PROJECT)} or {OWN_PROJECT}", "List the tags of a project."),
    ("get_project_tag", f"{_read(PROJECT)} or {OWN_PROJECT}", "Tell whether a project has a tag."),
    ("update_project_tags", _manage(PROJECT), "Replace the tags of a project."),
    ("create_project_tag", _manage(PROJECT), "Give a project a tag."),
    ("delete_project_tag", _manage(PROJECT), "Take a tag off a project."),
    ("delete_project_tags", _manage(PROJECT), "Take all tags off a project."),
)
DOMAINS = (
    ("list_domains", f"{ADMIN_OR_READER} or {_in('domain.id', 'reader')}", "List domains."),
    ("get_domain", f"{ADMIN_OR_READER} or {_in('domain.id', 'reader')} or "
                   "project_domain_id:%(target.domain.id)s or user_domain_id:%(target.domain.id)s", "Show a domain."),
    ("create_domain", ADMIN, "Create a domain."),
    ("update_domain", ADMIN, "Change a domain."),
    ("delete_domain", ADMIN, "Delete a domain."),
)
DOMAIN_MANAGER = "(role:manager and domain_id:%(domain_id)s)"
ROLES = (
    ("list_roles", f"{ADMIN_OR_READER} or {DOMAIN_MANAGER}", "List roles."),
    ("list_domain_roles", ADMIN_OR_READER, "List the roles of a domain."),
    ("get_role", f"{ADMIN_OR_READER} or {DOMAIN_MANAGER}", "Show a role."),
    ("create_role", ADMIN, "Create a role."),
    ("update_role", ADMIN, "Change a role."),
    ("delete_role", ADMIN, "Delete a role."),
    ("list_role_inference_rules", ADMIN_OR_READER, "List what all roles imply."),
    ("list_implied_roles", ADMIN_OR_READER, "List what a role implies."),
    ("get_implied_role", ADMIN_OR_READER, "Show that a role implies another."),
    ("check_implied_role", ADMIN_OR_READER, "Tell whether a role implies another."),
    ("create_implied_role", ADMIN, "Let a role imply another."),
    ("delete_implied_role", ADMIN, "Let a role imply another no more."),
)
GRANTS = (
    ("check_grant", CHECK_GRANT, "Tell whether a role is assigned."),
    ("list_grants", CHECK_GRANT, "List assigned roles."),
    ("create_grant", WRITE_GRANT, "Assign a role."),
    ("revoke_grant", WRITE_GRANT, "Withdraw a role."),
    ("list_role_assignments", f"{ADMIN_OR_READER} or {_in('domain_id', 'reader')}", "List role assignments."),
    ("list_role_assignments_for_tree", _read(PROJECT), "List role assignments on a project and all below it."),
    *((f"{verb}_for_{actor}", check, f"{sentence} of a {actor} on the system.")
      for actor in ("user", "group")
      for verb, check, sentence in (
          ("list_system_grants", ADMIN_OR_READER, "List the roles"),
          ("check_system_grant", ADMIN_OR_READER, "Check a role"),
          ("create_system_grant", ADMIN, "Assign a role"),
          ("revoke_system_grant", ADMIN, "Withdraw a role"))),
)


def _entry(noun: str, read: str) -> Iterator[tuple[str, str, str]]:
    yield f"list_{noun}s", read, f"List {noun}s."
    yield f"get_{noun}", read, f"Show a {noun}."
    yield f"create_{noun}", ADMIN, f"Create a {noun}."
    yield f"update_{noun}", ADMIN, f"Change a {noun}."
    yield f"delete_{noun}", ADMIN, f"Delete a {noun}."


CATALOG = (*_entry("region", ""), *_entry("service", ADMIN_OR_READER), *_entry("endpoint", ADMIN_OR_READER))
CREDENTIALS = (
    ("list_credentials", "", "List credentials; each is shown only to who may see it."),
    ("get_credential", f"{ADMIN_OR_READER} or {OWN_CREDENTIAL}", "Show a credential."),
    ("create_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Create a credential."),
    ("update_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Change a credential."),
    ("delete_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Delete a credential."),
)


def _rules() -> Iterator[Rule]:
    yield from BASE
    for table in (TOKENS, USERS, GROUPS, PROJECTS, DOMAINS, ROLES, GRANTS, CATALOG, CREDENTIALS):
        for name, check, sentence in table:
            yield Rule(f"identity:{name}", check, sentence)


RULES = tuple(_rules())
