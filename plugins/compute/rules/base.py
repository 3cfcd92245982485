"""The checks that the other rules name, as in OpenStack's default roles."""

from __future__ import annotations

from ....core.policy.rules import Rule

ADMIN = "rule:context_is_admin"
READER = "rule:project_reader_or_admin"
MEMBER = "rule:project_member_or_admin"
MANAGER = "rule:project_manager_or_admin"
SERVICE = "rule:service_or_admin"
PREFIX = "os_compute_api:"


def rules(check: str, sentences: dict[str, str]) -> tuple[Rule, ...]:
    """Rules of one check: their sentences by name, without the prefix of all of compute's names."""
    return tuple(Rule(PREFIX + name, check, sentence) for name, sentence in sentences.items())


BASE = (
    Rule("context_is_admin", "role:admin", "Who counts as an administrator."),
    Rule("admin_or_owner", "is_admin:True or project_id:%(project_id)s", "An administrator, or the project itself."),
    Rule("admin_api", "is_admin:True", "An administrator, under its older name."),
    Rule("project_reader_api", "role:reader and project_id:%(project_id)s", "Who may read in the project."),
    Rule("project_member_api", "role:member and project_id:%(project_id)s", "Who may write in the project."),
    Rule("project_manager_api", "role:manager and project_id:%(project_id)s", "Who manages the project."),
    Rule("project_reader_or_admin", "rule:project_reader_api or rule:context_is_admin",
         "Readers of the project and administrators."),
    Rule("project_member_or_admin", "rule:project_member_api or rule:context_is_admin",
         "Members of the project and administrators."),
    Rule("service_or_admin", "role:service or rule:context_is_admin", "Services of the cloud and administrators."),
    Rule("project_manager_or_admin", "rule:project_manager_api or rule:context_is_admin",
         "Managers of the project and administrators."),
)
