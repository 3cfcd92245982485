"""The rules of roles and their assignments."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER, CHECK_GRANT, LIST_GRANTS, WRITE_GRANT, read

ROLES = (
    ("list_roles", f"({ADMIN_OR_READER}) or (role:manager and not domain_id:None)", "List roles."),
    ("get_role", f"({ADMIN_OR_READER}) or (role:manager and rule:domain_managed_target_role)", "Show a role."),
    ("create_role", ADMIN, "Create a role."),
    ("update_role", ADMIN, "Change a role."),
    ("delete_role", ADMIN, "Delete a role."),
    ("list_domain_roles", ADMIN_OR_READER, "List the roles of a domain."),
    ("get_domain_role", ADMIN_OR_READER, "Show a role of a domain."),
    ("create_domain_role", ADMIN, "Create a role of a domain."),
    ("update_domain_role", ADMIN, "Change a role of a domain."),
    ("delete_domain_role", ADMIN, "Delete a role of a domain."),
    ("list_role_inference_rules", ADMIN_OR_READER, "List what all roles imply."),
    ("list_implied_roles", ADMIN_OR_READER, "List what a role implies."),
    ("get_implied_role", ADMIN_OR_READER, "Show that a role implies another."),
    ("check_implied_role", ADMIN_OR_READER, "Tell whether a role implies another."),
    ("create_implied_role", ADMIN, "Let a role imply another."),
    ("delete_implied_role", ADMIN, "Let a role imply another no more."),
)
GRANTS = (
    ("check_grant", CHECK_GRANT, "Tell whether a role is assigned."),
    ("list_grants", LIST_GRANTS, "List assigned roles."),
    ("create_grant", WRITE_GRANT, "Assign a role."),
    ("revoke_grant", WRITE_GRANT, "Withdraw a role."),
    ("explain_policy", ADMIN, "Ask why a user may or may not do an operation. Stratolith's own."),
    ("list_role_assignments", read("domain_id"), "List role assignments."),
    ("list_role_assignments_for_tree", read("domain_id"), "List role assignments on a project and all below it."),
    *((f"{verb}_for_{actor}", check, f"{sentence} of a {actor} on the system.")
      for actor in ("user", "group")
      for verb, check, sentence in (
          ("list_system_grants", ADMIN_OR_READER, "List the roles"),
          ("check_system_grant", ADMIN_OR_READER, "Check a role"),
          ("create_system_grant", ADMIN, "Assign a role"),
          ("revoke_system_grant", ADMIN, "Withdraw a role"))),
)
