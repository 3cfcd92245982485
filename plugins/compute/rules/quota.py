"""Rules of quotas, limits and usage."""

from __future__ import annotations

from .base import ADMIN, READER, rules

QUOTA = (
    *rules("@", {
        "limits": "Show one's own limits.",
        "os-quota-sets:defaults": "Show the default quotas.",
    }),
    *rules(READER, {
        "os-quota-sets:show": "Show a project's quotas.",
        "os-quota-sets:detail": "Show a project's quotas with what is used.",
        "os-simple-tenant-usage:show": "Show what a project has used.",
    }),
    *rules(ADMIN, {
        "limits:other_project": "Show the limits of another project.",
        "os-quota-sets:update": "Set a project's quotas.",
        "os-quota-sets:delete": "Give a project the default quotas again.",
        "os-quota-class-sets:show": "Show the quotas of a quota class.",
        "os-quota-class-sets:update": "Set the quotas of a quota class.",
        "os-simple-tenant-usage:list": "List what all projects have used.",
    }),
)
