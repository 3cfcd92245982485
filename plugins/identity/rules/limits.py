"""The rules of limits."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER

LIMITS = (
    ("list_registered_limits", "", "List registered limits."),
    ("get_registered_limit", "", "Show a registered limit."),
    ("create_registered_limits", ADMIN, "Create registered limits."),
    ("update_registered_limit", ADMIN, "Change a registered limit."),
    ("delete_registered_limit", ADMIN, "Delete a registered limit."),
    ("get_limit_model", "", "Show the model that limits are enforced by."),
    ("list_limits", "", "List limits; who may not see all gets those of its own project or domain."),
    ("get_limit", f"{ADMIN_OR_READER} or (domain_id:%(target.limit.domain.id)s or "
                  "domain_id:%(target.limit.project.domain_id)s) or "
                  "(project_id:%(target.limit.project_id)s and not None:%(target.limit.project_id)s)",
     "Show a limit."),
    ("create_limits", ADMIN, "Create limits."),
    ("update_limit", ADMIN, "Change a limit."),
    ("delete_limit", ADMIN, "Delete a limit."),
)
