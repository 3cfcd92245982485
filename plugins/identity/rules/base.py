"""The policy of identity: OpenStack's names, with the defaults of today's Keystone.

Who holds ``admin``, on whatever a token may be for, administers identity: a token for a domain is kept out by the
scopes of single rules only (:mod:`.scopes`). Who holds ``manager`` on a domain manages that domain and no other, and
can hand out only the roles ``manager``, ``member`` and ``reader``.
"""

from __future__ import annotations

from ....core.policy.rules import Rule

ADMIN = "rule:admin_required"
ADMIN_OR_READER = f"{ADMIN} or (role:reader and system_scope:all)"


def in_domain(attribute: str, role: str) -> str:
    """The caller holds ``role`` on the domain that the target's ``attribute`` names."""
    return f"(role:{role} and domain_id:%(target.{attribute})s)"


def in_known_domain(attribute: str, role: str) -> str:
    """As :func:`in_domain`, of targets that may be in no domain at all."""
    return f"(role:{role} and domain_id:%(target.{attribute})s and not None:%(target.{attribute})s)"


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
READ_PROJECT = f"{ADMIN_OR_READER} or {in_known_domain(PROJECT, 'reader')} or {OWN_PROJECT}"
MANAGE_PROJECT = f"{ADMIN} or {in_known_domain(PROJECT, 'manager')}"


def _grant_in_domain(role: str) -> str:
    """A role on a project or domain of the caller's own domain, for a user or group of that domain."""
    ways = (f"(role:{role} and domain_id:%(target.{actor}.domain_id)s and domain_id:%(target.{place})s)"
            for actor in ("user", "group") for place in ("project.domain_id", "domain.id"))
    return f"({' or '.join(ways)})"


_ROLE_IN_REACH = "(domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s)"
CHECK_GRANT = f"{ADMIN_OR_READER} or ({_grant_in_domain('reader')} and {_ROLE_IN_REACH})"
LIST_GRANTS = f"{ADMIN_OR_READER} or {_grant_in_domain('reader')}"
WRITE_GRANT = (f"{ADMIN} or ({_grant_in_domain('admin')} and {_ROLE_IN_REACH})"
               f" or ({_grant_in_domain('manager')} and rule:domain_managed_target_role)")

BASE = (
    Rule("admin_required", "role:admin or is_admin:1", "Holds the role admin."),
    Rule("service_role", "role:service", "Is a service of the cloud."),
    Rule("service_or_admin", "rule:admin_required or rule:service_role", "Is an administrator or a service."),
    Rule("owner", "user_id:%(user_id)s", "Is the user concerned."),
    Rule("admin_or_owner", "rule:admin_required or rule:owner", "Is an administrator or the user concerned."),
    Rule("token_subject", "user_id:%(target.token.user_id)s", "Is the user whose token it is."),
    Rule("admin_or_token_subject", "rule:admin_required or rule:token_subject",
         "Is an administrator or the user whose token it is."),
    Rule("service_admin_or_token_subject", "rule:service_or_admin or rule:token_subject",
         "Is an administrator, a service or the user whose token it is."),
    Rule("domain_managed_target_role",
         "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s",
         "The role is one that a domain's manager may hand out."),
)
