"""The policy of identity: OpenStack's names with the defaults of its personas.

Administrators hold ``admin`` on a project or on the system. Who holds ``admin`` or ``manager`` on a domain manages
that domain and no other, and can hand out only the roles ``manager``, ``member`` and ``reader``: with any
other it could make itself an administrator of the whole cloud.
"""

from __future__ import annotations

from ....core.policy.rules import Rule

ADMIN = "rule:admin_required"
ADMIN_OR_READER = f"{ADMIN} or rule:system_reader"


def in_domain(attribute: str, role: str) -> str:
    """The caller holds ``role`` on the domain that the target's ``attribute`` names."""
    return f"(role:{role} and domain_id:%(target.{attribute})s)"


def read(attribute: str) -> str:
    """Administrators, readers of the system and readers of the target's domain."""
    return f"{ADMIN_OR_READER} or {in_domain(attribute, 'reader')}"


def manage(attribute: str) -> str:
    """Administrators and managers of the target's domain."""
    return f"{ADMIN} or {in_domain(attribute, 'manager')}"


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

