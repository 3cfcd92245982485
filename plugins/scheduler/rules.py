"""Policy rules of the scheduler."""

from __future__ import annotations

from ...core.policy.rules import Rule

ADMIN = "role:admin"
READER = f"{ADMIN} or (role:reader and project_id:%(project_id)s)"
MEMBER = f"{ADMIN} or (role:member and project_id:%(project_id)s)"

RULES: tuple[Rule, ...] = (
    Rule("scheduler:list_filters", READER, "List the filters and weighers in use."),
    Rule("scheduler:list_hints", READER, "List the hints that servers may be created with."),
    Rule("scheduler:explain_server", READER, "Ask why one's own server is where it is, in few words."),
    Rule("scheduler:explain_trial", MEMBER, "Ask where a server would go, in few words."),
    Rule("scheduler:explain_fully", ADMIN, "Read explanations with numbers, hosts and reasons."),
)
